package proxy

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// Whatever a client makes of the framing of its request, what the server gets is
// that one request, framed beyond doubt, or nothing.
func TestNoSecondRequestIsMadeOutOfOne(t *testing.T) {
	const inner = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
	chunked := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(inner), inner)
	for _, tt := range []struct {
		name, header, body string
		status             string // "" for any
	}{
		{"length_and_chunked", fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n", len(chunked)), chunked, "200"},
		{"length_shorter_than_chunked", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", chunked, "200"},
		{"length_and_last_chunk", "Content-Length: 40\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + inner, "200"},
		{"two_lengths", "Content-Length: 0\r\nContent-Length: 35\r\n", inner, "400"},
		{"two_lengths_in_a_list", "Content-Length: 0, 35\r\n", inner, "400"},
		{"length_with_sign", "Content-Length: +35\r\n", inner, "400"},
		{"negative_length", "Content-Length: -1\r\n", inner, "400"},
		{"length_in_hex", "Content-Length: 0x23\r\n", inner, "400"},
		{"huge_length", "Content-Length: 99999999999999999999\r\n", inner, "400"},
		{"space_before_colon", "Content-Length : 35\r\n", inner, "400"},
		{"chunked_twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", chunked, ""},
		{"chunked_then_identity", "Transfer-Encoding: chunked, identity\r\n", chunked, ""},
		{"not_quite_chunked", "Transfer-Encoding: xchunked\r\n", chunked, ""},
		{"chunked_after_vertical_tab", "Transfer-Encoding: \vchunked\r\n", chunked, ""},
		{"chunked_on_a_folded_line", "Transfer-Encoding:\r\n chunked\r\n", chunked, ""},
		{"encoding_with_space", "Transfer-Encoding : chunked\r\n", chunked, "400"},
		{"bad_chunk_size", "Transfer-Encoding: chunked\r\n", "zz\r\n" + inner, "400"},
		{"chunk_size_with_prefix", "Transfer-Encoding: chunked\r\n", "0x23\r\n" + inner + "\r\n0\r\n\r\n", "400"},
		{"chunk_size_overflows", "Transfer-Encoding: chunked\r\n", "10000000000000023\r\n" + inner + "\r\n0\r\n\r\n", "400"},
		{"chunk_longer_than_its_size", "Transfer-Encoding: chunked\r\n", "3\r\n" + inner + "\r\n0\r\n\r\n", "400"},
		{"chunk_extension_with_bare_LF", "Transfer-Encoding: chunked\r\n", "3;a\nb\r\nabc\r\n0\r\n\r\n" + inner, ""},
		{"bare_LF_after_chunk", "Transfer-Encoding: chunked\r\n", "3\r\nabc\n0\r\n\r\n" + inner, "400"},
		{"NUL_in_header", "X: a\x00b\r\n", "", "400"},
		{"CR_in_header", "X: a\rContent-Length: 35\r\n", inner, "400"},
		{"folded_header", "X: a\r\n Content-Length: 35\r\n", "", "200"},
		{"bare_LF_in_header", "X: a\nContent-Length: 35\n", inner, ""},
		{"line_without_colon", "GET /smuggled HTTP/1.1\r\n", "", "400"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			upstream, got := rawServer(t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			_, addr := start(t, Config{CA: sharedCA(t)})
			c := dial(t, addr)
			fmt.Fprintf(c, "POST http://%s/outer HTTP/1.1\r\nHost: h\r\nConnection: close\r\n%s\r\n%s", upstream, tt.header, tt.body)
			answer, _ := io.ReadAll(c)
			if !strings.HasPrefix(string(answer), "HTTP/1.1 "+tt.status) {
				t.Errorf("the client got %q, want %s", answer, tt.status)
			}
			if n := strings.Count(string(answer), "HTTP/1.1 "); n != 1 {
				t.Errorf("the client got %d answers: %q", n, answer)
			}
			select {
			case request := <-got:
				if !strings.HasPrefix(request, "POST /outer HTTP/1.1\r\n") {
					t.Errorf("the server got %q", request)
				}
				header, _, _ := strings.Cut(request, "\r\n\r\n")
				if strings.Count(header, "\r\nContent-Length: ")+strings.Count(header, "\r\nTransfer-Encoding: ") > 1 ||
					strings.ContainsAny(strings.ReplaceAll(header, "\r\n", ""), "\r\n\x00") {
					t.Errorf("the server got a header in doubt: %q", header)
				}
			default:
			}
			select {
			case second := <-got:
				t.Errorf("the server got a second request: %q", second)
			default:
			}
		})
	}
}
