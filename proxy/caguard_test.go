package proxy

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Whoever may write to the folder could put an authority of their own there.
func TestCAFolderOthersMayWriteToIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such modes")
	}
	dir := filepath.Join(t.TempDir(), "ca")
	if _, _, err := LoadOrCreateCA(dir); err != nil {
		t.Fatal(err)
	}
	for mode, ok := range map[os.FileMode]bool{0o755: true, 0o775: false, 0o702: false, 0o700: true} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		_, _, err := LoadOrCreateCA(dir)
		if (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "run `chmod go-w "+dir+"`") {
			t.Errorf("%o: %v, want ok %v", mode, err, ok)
		}
	}
}
