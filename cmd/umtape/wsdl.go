package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/proxy"
)

// writeWSDL writes the description of the UM service to the folder of --wsdl-out.
// A file that is there and says something else is somebody's own, and stays.
func (a *app) writeWSDL(f serveFlags) error {
	if f.options.WSDL {
		return misuse("--wsdl serves the WSDL and --wsdl-out writes it: give one of them")
	}
	if err := proxy.CheckListen(f.listen); err != nil {
		return &misuseError{err: err}
	}
	files := []struct{ path, text string }{
		{filepath.Join(f.wsdlOut, "um.wsdl"), um.WSDL("http://" + f.listen + um.Path2007)},
		{filepath.Join(f.wsdlOut, um.SchemaFile), um.Schema()},
	}
	for _, file := range files {
		switch is, err := os.ReadFile(file.path); {
		case err == nil && string(is) != file.text:
			return hint(errors.New(file.path+": there is another file already"), "name another folder, or move it away")
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	if err := os.MkdirAll(f.wsdlOut, 0o777); err != nil {
		return err
	}
	for _, file := range files {
		if err := os.WriteFile(file.path, []byte(file.text), 0o666); err != nil {
			return err
		}
	}
	a.say("wrote %s and %s", files[0].path, files[1].path)
	return nil
}
