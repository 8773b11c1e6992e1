package tapetest_test

import (
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/umtape/umtape/cassettes/tapetest"
)

const (
	service = "https://um.example.com/UnifiedMessaging/Service.asmx"
	callID  = "YzFlZGIyNGQtNWQ1Yi00MTMxLTg3MTgtOTFkYmRiYWZhYThmQHVtMDEudm9pY2UuZXhhbXBsZS5uZXQ="
)

// hangUp is what is tested: it ends a call by way of the UM server at url.
func hangUp(client *http.Client, url, id string) error {
	resp, err := client.Post(url, "text/xml; charset=utf-8", strings.NewReader(
		`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>`+
			`<Disconnect xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"><CallId>`+id+`</CallId></Disconnect>`+
			`</s:Body></s:Envelope>`))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case strings.Contains(string(answer), "InvalidCallIdException"):
		return fmt.Errorf("there is no such call")
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("the server says %s", resp.Status)
	}
	return nil
}

// The call can be hung up once: the cassette has two answers, which come in the
// order in which they were recorded.
func ExampleClient() {
	t := new(testing.T) // a test has its own
	client := tapetest.Client(t, "testdata/hangup.yaml")
	fmt.Println(hangUp(client, service, callID))
	fmt.Println(hangUp(client, service, callID))
	// Output:
	// <nil>
	// there is no such call
}

// For code that is told where the server is.
func ExampleServer() {
	t := new(testing.T) // a test has its own
	url := tapetest.Server(t, "testdata/hangup.yaml")
	fmt.Println(hangUp(http.DefaultClient, url+"/UnifiedMessaging/Service.asmx", callID))
	// Output:
	// <nil>
}

// For code that uses a proxy.
func ExampleProxy() {
	t := new(testing.T) // a test has its own
	proxy := tapetest.Proxy(t, "testdata/hangup.yaml")
	fmt.Println(hangUp(proxy.Client(), service, callID))
	// Output:
	// <nil>
}

// For other programs, in any language.
func ExampleProxyServer_Environ() {
	t := new(testing.T) // a test has its own
	proxy := tapetest.Proxy(t, "testdata/hangup.yaml")
	cmd := exec.Command("php", "hangup.php", callID)
	cmd.Env = proxy.Environ()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// To record with a server, say which it stands for. Its path is put before those of
// requests, in replays too.
func ExampleTape() {
	t := new(testing.T) // a test has its own
	tape := tapetest.Tape{Reverse: "https://um.example.com/UnifiedMessaging"}
	url := tape.Server(t, "testdata/hangup.yaml")
	fmt.Println(hangUp(http.DefaultClient, url+"/Service.asmx", callID))
	// Output:
	// <nil>
}
