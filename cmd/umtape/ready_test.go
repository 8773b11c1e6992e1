//go:build unix

package main

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What systemd starts tells it that it is ready, once clients are served.
func TestTellsSystemd(t *testing.T) {
	dir, err := os.MkdirTemp("", "") // a socket's name has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	empty := filepath.Join(dir, "empty.yaml")
	if err := os.WriteFile(empty, []byte("---\nversion: 2\ninteractions: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"record": {"record", filepath.Join(dir, "new.yaml")},
		"replay": {"replay", empty},
		"serve":  {"serve", "um"},
	} {
		t.Run(name, func(t *testing.T) {
			socket := filepath.Join(dir, name)
			systemd, err := net.ListenPacket("unixgram", socket)
			if err != nil {
				t.Fatal(err)
			}
			defer systemd.Close()
			t.Setenv("NOTIFY_SOCKET", socket)
			umtape := docStart(t, append(args, "--ca-dir", filepath.Join(dir, "ca"), "--listen", "127.0.0.1:0")...)
			defer umtape.stop()
			systemd.SetReadDeadline(time.Now().Add(30 * time.Second))
			told := make([]byte, 100)
			n, _, err := systemd.ReadFrom(told)
			if err != nil || string(told[:n]) != "READY=1" {
				t.Errorf("it tells %q, %v", told[:n], err)
			}
			conn, err := net.Dial("tcp", umtape.at)
			if err != nil {
				t.Fatal(err)
			}
			conn.Close()
		})
	}
}
