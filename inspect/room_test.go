package inspect

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"
)

// What parts of a tree are said to take is what they take, and no less.
func TestRoomOfParts(t *testing.T) {
	for name, tt := range map[string]struct {
		takes uintptr
		said  int
	}{
		"an element, in a list": {unsafe.Sizeof(Element{}) + unsafe.Sizeof(&Element{}), elementRoom},
		"a tag":                 {unsafe.Sizeof(Tag{}), tagRoom},
		"an attribute":          {unsafe.Sizeof(Attr{}), attrRoom},
		"a scope":               {unsafe.Sizeof(scope{}), scopeRoom},
	} {
		if int(tt.takes) > tt.said || tt.said > 2*int(tt.takes) {
			t.Errorf("%s takes %d bytes, said to be %d", name, tt.takes, tt.said)
		}
	}
}

// Messages as there are stay far below what a tree may take, however long they are.
func TestRoomOfUsualMessages(t *testing.T) {
	files, err := filepath.Glob("../testdata/messages/*.xml")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if left := room(4 * len(text)); !readsWithin(t, text, left) {
			t.Errorf("%s takes more than 4 times its size", file)
		}
	}
	list := findItemResponse(10 << 20)
	if !readsWithin(t, list, room(4*len(list))) {
		t.Error("a FindItemResponse of 10 MiB takes more than 4 times its size")
	}
	for name, text := range map[string][]byte{
		"as it comes":               list,
		"with an instruction in it": []byte(strings.Replace(string(list), "<t:Items>", "<?odd?><t:Items>", 1)),
		"with a CDATA section":      []byte(strings.Replace(string(list), "Subject of", "<![CDATA[<Subject>]]> of", 1)),
	} {
		if m, err := Parse(text); err != nil || m.Operation() != "FindItemResponse" {
			t.Errorf("a FindItemResponse of 10 MiB, %s: %v", name, err)
		}
	}
}

func readsWithin(t *testing.T, text []byte, left room) bool {
	t.Helper()
	limits := Limits{Bytes: 64 << 20}.withDefaults()
	if _, ok := quickTree(string(text), limits, left); ok {
		return true
	}
	_, err := fullTree(text, limits, 3*left)
	if err != nil && !errors.Is(err, ErrTooLarge) {
		t.Fatal(err)
	}
	return err == nil
}

// findItemResponse is one of n bytes, as Exchange gives many items with a few properties.
func findItemResponse(n int) []byte {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="` + SOAP11NS + `"><s:Body>` +
		`<m:FindItemResponse xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">` +
		`<m:ResponseMessages><m:FindItemResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:RootFolder><t:Items>`)
	for k := 0; b.Len() < n; k++ {
		fmt.Fprintf(&b, `<t:Message><t:ItemId Id="AAMkAGI%0120d=" ChangeKey="CQAAABYAAAB%d"/><t:Subject>Subject of %d</t:Subject><t:Sensitivity>Normal</t:Sensitivity>`+
			`<t:Size>%d</t:Size><t:DateTimeSent>2026-11-23T10:15:%02dZ</t:DateTimeSent><t:HasAttachments>false</t:HasAttachments>`+
			`<t:From><t:Mailbox><t:Name>Alex Wilber</t:Name></t:Mailbox></t:From><t:IsRead>true</t:IsRead></t:Message>`, k, k, k, 1000+k, k%60)
	}
	b.WriteString(`</t:Items></m:RootFolder></m:FindItemResponseMessage></m:ResponseMessages></m:FindItemResponse></s:Body></s:Envelope>`)
	return []byte(b.String())
}

// A message of little but tags is read as long as it is short, and then not, by either way
// to a tree, with a reason that says so.
func TestRoomRefuses(t *testing.T) {
	for _, odd := range []string{"", "<?odd?>"} {
		of := func(n int) []byte { return []byte(envelope(odd + strings.Repeat("<a/>", n))) }
		if _, err := Parse(of(4_000)); err != nil {
			t.Errorf("%q and 16 KB of the shortest tags: %v", odd, err)
		}
		_, err := Parse(of(100_000))
		if !errors.Is(err, errTooLong) || !strings.Contains(err.Error(), "too many tags") {
			t.Errorf("%q and 400 KB of the shortest tags: %v", odd, err)
		}
	}
}
