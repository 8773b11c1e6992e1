package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
)

// filter says which interactions are shown.
type filter struct {
	operations []string
	call       string
	faults     bool
}

func (f *filter) register(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.operations, "operation", nil, "show only these operations, such as `Disconnect,PlayOnPhone`")
	cmd.Flags().StringVar(&f.call, "call", "", "show only this `CALL`: a CallId, or the GUID in it or how that begins")
	cmd.Flags().BoolVar(&f.faults, "faults", false, "show only what failed: faults, errors of EWS, HTTP status 400 and up")
}

func (f *filter) check() error {
	if slices.Contains(f.operations, "") {
		return misuse("--operation has an empty name")
	}
	return nil
}

// on reports whether anything is left out.
func (f *filter) on() bool { return len(f.operations) > 0 || f.call != "" || f.faults }

// String is the flags that were given.
func (f *filter) String() string {
	var said []string
	if len(f.operations) > 0 {
		said = append(said, "--operation "+strings.Join(f.operations, ","))
	}
	if f.call != "" {
		said = append(said, "--call "+callAsked(f.call))
	}
	if f.faults {
		said = append(said, "--faults")
	}
	return strings.Join(said, " ")
}

// callAsked is what --call was given, if it is a GUID or how one begins: another
// identifier can name a server.
func callAsked(asked string) string {
	if c, ok := inspect.DecodeCallID(asked); ok {
		return c.GUID
	}
	guid, _, _ := strings.Cut(asked, "@")
	if strings.Trim(strings.ToLower(guid), "0123456789abcdef-") != "" {
		return cassettes.Veil
	}
	return guid
}

func (f *filter) shows(e report.Entry) bool {
	return (len(f.operations) == 0 || slices.Contains(f.operations, e.Operation)) &&
		(f.call == "" || isCall(e.Call, f.call)) && (!f.faults || failed(e))
}

// isCall reports whether asked, from the command line, means the call with that
// identifier.
func isCall(id, asked string) bool {
	if id == asked {
		return true
	}
	c, ok := inspect.DecodeCallID(id)
	return ok && (strings.HasPrefix(c.GUID, strings.ToLower(asked)) || c.GUID+"@"+c.Server == asked)
}

func failed(e report.Entry) bool {
	if e.Status >= 400 || e.Response != nil && e.Response.Fault != nil {
		return true
	}
	if e.Response == nil {
		return false
	}
	class, _ := e.Response.Payload.Attr("ResponseClass")
	return class == "Error"
}
