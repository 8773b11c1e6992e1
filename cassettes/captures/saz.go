package captures

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// maxMessage is how many bytes of one message are unpacked: more than anybody keeps.
const maxMessage = 32 << 20

var sazRequest = regexp.MustCompile(`^raw[/\\]0*([0-9]{1,9})_c\.txt$`)

// ReadSAZ reads an archive of Fiddler: a ZIP file with request, response and times of
// each session. What is read of it may unpack to limit bytes in all, or the error
// wraps [ErrUnpacked].
func ReadSAZ(data []byte, limit int64, keep func(*Exchange, error) error) error {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return errors.New("not a whole ZIP file; save it again with Fiddler")
	}
	left := limit
	files := map[string]*zip.File{}
	var names []string
	for _, f := range z.File {
		name := strings.ReplaceAll(strings.ToLower(f.Name), `\`, "/")
		files[name] = f
		if sazRequest.MatchString(name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return errors.New("not an archive of Fiddler: it has no raw/NUMBER_c.txt")
	}
	slices.SortFunc(names, func(a, b string) int {
		x, y := sazRequest.FindStringSubmatch(a)[1], sazRequest.FindStringSubmatch(b)[1]
		if len(x) != len(y) {
			return len(x) - len(y)
		}
		return strings.Compare(x, y)
	})
	for _, name := range names {
		x, err := sessionOf(files, strings.TrimSuffix(name, "_c.txt"), &left)
		if errors.Is(err, ErrUnpacked) {
			return err
		}
		if err := keep(x, err); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// sessionOf reads the files of one, whose names begin with base.
func sessionOf(files map[string]*zip.File, base string, left *int64) (*Exchange, error) {
	x := &Exchange{}
	request, cut, err := unzip(files[base+"_c.txt"], left)
	if err == nil {
		r := bufio.NewReader(bytes.NewReader(plainVersion(request)))
		if err = readRequest(r, "http", x); err == nil && statesNoLength(x) {
			x.RequestBody, err = io.ReadAll(r) // as HTTP/2 may have it: it ends with the file
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s_c.txt: %w", base, err)
	}
	x.RequestCut = x.RequestCut || cut
	response, cut, err := unzip(files[base+"_s.txt"], left)
	if err == nil && len(response) > 0 && !noStatus.Match(response) {
		err = readResponse(bufio.NewReader(bytes.NewReader(plainVersion(response))), x)
	}
	if err != nil {
		return nil, fmt.Errorf("%s_s.txt: %w", base, err)
	}
	x.ResponseCut = x.ResponseCut || cut
	meta, _, err := unzip(files[base+"_m.xml"], left)
	if err != nil {
		return nil, fmt.Errorf("%s_m.xml: %w", base, err)
	}
	times(meta, x)
	if err := x.legal(); err != nil {
		return nil, fmt.Errorf("%s_c.txt: %w", base, err)
	}
	return x, nil
}

var (
	// noStatus is how a session begins that was ended before there was an answer.
	noStatus = regexp.MustCompile(`^HTTP/[0-9.]+ +0*[ \r\n]`)

	// laterVersion is the end of a version that net/http does not read, in a first line.
	laterVersion = regexp.MustCompile(`^([^\r\n]*)HTTP/[23]([ \r\n])`)
)

// plainVersion is a message that says HTTP/1.1 in place of HTTP/2 and HTTP/3.
func plainVersion(message []byte) []byte {
	at := laterVersion.FindSubmatchIndex(message)
	if at == nil {
		return message
	}
	return slices.Concat(message[:at[3]], []byte("HTTP/1.1"), message[at[4]:])
}

// ErrUnpacked is wrapped by the error of an archive that unpacks to more than it may.
var ErrUnpacked = errors.New("with it the files unpack to more than is allowed")

// unzip returns a file's content, nothing for one that is not there; cut says that
// there is more.
func unzip(f *zip.File, left *int64) (content []byte, cut bool, err error) {
	if f == nil {
		return nil, false, nil
	}
	if f.Flags&1 != 0 {
		return nil, false, errors.New("it is encrypted; save the archive without a password")
	}
	if f.UncompressedSize64 <= maxMessage && int64(f.UncompressedSize64) > *left {
		return nil, false, ErrUnpacked
	}
	r, err := f.Open()
	if err != nil {
		return nil, false, errors.New("it cannot be unpacked")
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, min(maxMessage, *left)+1))
	if err != nil {
		return nil, false, errors.New("it cannot be unpacked to its end")
	}
	if *left -= int64(len(b)); *left < 0 {
		return nil, false, ErrUnpacked
	}
	return b[:min(len(b), maxMessage)], len(b) > maxMessage, nil
}

// times takes what is known of when from a session's XML; that is nothing if it cannot
// be read.
func times(meta []byte, x *Exchange) {
	var session struct {
		Timers struct {
			Began    string `xml:"ClientBeginRequest,attr"`
			Answered string `xml:"ServerBeginResponse,attr"`
		} `xml:"SessionTimers"`
	}
	if xml.Unmarshal(bytes.TrimPrefix(meta, byteOrderMark), &session) != nil {
		return
	}
	began, err := time.Parse(time.RFC3339Nano, session.Timers.Began)
	if err != nil || began.Year() < 1990 {
		return
	}
	x.Started = began.UTC().Truncate(time.Microsecond)
	if answered, err := time.Parse(time.RFC3339Nano, session.Timers.Answered); err == nil && answered.After(began) {
		x.Took = answered.Sub(began)
	}
}
