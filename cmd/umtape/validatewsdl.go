package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/inspect/wsdl"
)

// wsdlFlags are those of validate that hold messages to a WSDL.
type wsdlFlags struct{ file, root string }

func (f *wsdlFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.file, "wsdl", "", "hold messages to the WSDL 1.1 in `FILE` and the schemas that it imports from its folder")
	cmd.Flags().StringVar(&f.root, "wsdl-root", "", "`FOLDER` that the files of --wsdl may come from, if not only from its own")
}

func (f *wsdlFlags) check(cmd *cobra.Command) error {
	switch {
	case f.file == "" && cmd.Flags().Changed("wsdl"):
		return misuse("--wsdl names no file")
	case f.file == "" && cmd.Flags().Changed("wsdl-root"):
		return misuse("--wsdl-root goes with --wsdl")
	}
	return nil
}

// loadWSDL reads the WSDL, if there is to be one, and says what of it is not checked.
func (a *app) loadWSDL(f wsdlFlags) (*wsdl.Service, error) {
	if f.file == "" {
		return nil, nil
	}
	s, warnings, err := wsdl.Load(f.file, f.root)
	for _, w := range warnings {
		a.say("warning: --wsdl: %s", report.Printable(w))
	}
	switch {
	case errors.Is(err, wsdl.ErrOutside) && f.root == "":
		return nil, hint(fmt.Errorf("--wsdl: %w", err), "files come from the WSDL's folder and those in it; --wsdl-root FOLDER allows another")
	case errors.Is(err, fs.ErrNotExist) && isThere(f.file):
		return nil, hint(fmt.Errorf("--wsdl: %w", err), "save what it imports beside it, under the relative name that it has there")
	case errors.Is(err, fs.ErrNotExist):
		return nil, hint(fmt.Errorf("--wsdl: %w", err), "a server mostly has it at its URL with ?wsdl at the end; save what it imports beside it, under relative names")
	case err != nil:
		return nil, fmt.Errorf("--wsdl: %w", err)
	}
	return s, nil
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// heldToWSDL holds the messages of an exchange to the WSDL. PlayOnPhone is a name of both
// protocols of Exchange: by its content, not its name, it is the classic service's or that
// of EWS (PROTOCOL.md 1.2), and the WSDL of the one does not have the other's.
func (c *checks) heldToWSDL(r *inspect.Reading, off map[string]bool) []inspect.Finding {
	if c.service == nil {
		return nil
	}
	if r.Request != nil && r.Request.Payload != nil && r.Request.Payload.Name == (inspect.Name{Space: um.MessagesNS, Local: "PlayOnPhone"}) {
		own, other := "Disconnect", "DisconnectPhoneCall"
		if um.Service(r) == "EWS" {
			own, other = other, own
		}
		takes := func(local string) bool {
			return c.service.Takes(inspect.Name{Space: um.MessagesNS, Local: local})
		}
		if takes(other) && !takes(own) {
			return c.service.Elsewhere(r, off)
		}
	}
	return c.service.Check(r, off)
}
