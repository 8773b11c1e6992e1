package cassettes

import "github.com/umtape/umtape/inspect"

// Texts returns the bodies as people read them: unpacked, as UTF-8, each bad byte
// replaced.
func (i *Interaction) Texts() (request, response string) {
	request, _, _ = keptText(i.Request.Body, canonicalHeader(i.Request.Headers))
	response, _, _ = keptText(i.Response.Body, canonicalHeader(i.Response.Headers))
	return inspect.Text([]byte(request)), inspect.Text([]byte(response))
}
