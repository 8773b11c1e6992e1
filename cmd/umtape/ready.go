package main

import (
	"net"
	"os"
)

// tellReady tells systemd, if umtape is a service of Type=notify, that clients are
// served from now on (sd_notify(3)): what is ordered after the service, and whoever
// has typed `systemctl start`, has waited for that.
func (a *app) tellReady() {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return
	}
	conn, err := net.Dial("unixgram", name) // net takes a leading @ as sd_notify does: no file
	if err == nil {
		_, err = conn.Write([]byte("READY=1"))
		conn.Close()
	}
	if err != nil {
		a.say("warning: systemd could not be told that umtape is ready: %v", err)
	}
}
