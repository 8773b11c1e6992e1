package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/proxy"
)

// accessFlags say who may use a proxy: --allow and --proxy-auth.
type accessFlags struct {
	allow     []string
	usersFile string
	asks      bool // there is a --proxy-auth
}

func (f *accessFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVar(&f.allow, "allow", nil, "`CIDR` or address of clients to serve, besides those on loopback; lets --listen be an address that they reach; may be repeated")
	flags.Lookup("listen").Usage = "`ADDRESS` to listen on, one of loopback without --allow; port 0 picks a free one and prints it"
}

// registerUsers adds what is for clients that know a password.
func (f *accessFlags) registerUsers(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.asks = true
	flags.StringVar(&f.usersFile, "proxy-auth", "", "htpasswd `FILE` (htpasswd -B) of those who may use the proxy; lets --listen be an address that they reach")
	flags.Lookup("listen").Usage = "`ADDRESS` to listen on, one of loopback without --allow or --proxy-auth; port 0 picks a free one and prints it"
}

// access is what the flags come to.
type access struct {
	allow     []netip.Prefix
	users     *proxy.Users
	usersFile string
	asks      bool // accessFlags.asks
}

// open reads the flags, and the file.
func (f *accessFlags) open(a *app) (access, error) {
	who := access{asks: f.asks}
	for _, entry := range f.allow {
		network, err := proxy.ParseNetwork(entry)
		if err != nil {
			return access{}, misuse("--allow %q: %w", entry, err)
		}
		who.allow = append(who.allow, network)
	}
	if f.usersFile == "" {
		return who, nil
	}
	users, warning, err := proxy.ReadUsers(f.usersFile)
	if err != nil {
		return access{}, fmt.Errorf("--proxy-auth %w", err)
	}
	if warning != "" {
		a.say("warning: %s", warning)
	}
	who.users, who.usersFile = users, f.usersFile
	return who, nil
}

// limited reports whether not everybody is served who reaches the listener.
func (w access) limited() bool { return w.allow != nil || w.users != nil }

// check is proxy.CheckListen, except that any address will do if access is
// limited.
func (w access) check(addr string) error {
	return w.excuse(proxy.CheckListen(addr))
}

func (w access) excuse(err error) error {
	var exposed *proxy.ExposedError
	switch {
	case !errors.As(err, &exposed):
		if err != nil {
			err = &misuseError{err: err}
		}
		return err
	case w.limited():
		return nil
	}
	ways := "--allow CIDR"
	if w.asks {
		ways += " or --proxy-auth FILE"
	}
	return misuse("%w, or say who may use it with %s", err, ways)
}

// listen opens the address, or says what is in the way.
func (w access) listen(addr string) (net.Listener, error) {
	if err := w.check(addr); err != nil {
		return nil, err
	}
	ln, err := listenAt(addr)
	if err != nil {
		return nil, err
	}
	if err := w.excuse(proxy.CheckListener(ln)); err != nil { // "localhost" can be anything
		return nil, errors.Join(err, ln.Close())
	}
	return ln, nil
}

// sayTo tells who is served, if it is not just this machine.
func (w access) sayTo(a *app) {
	if !w.limited() {
		return
	}
	who := "clients on loopback"
	for i, network := range w.allow {
		who += map[bool]string{true: " and in ", false: ", "}[i == 0] + network.String()
	}
	if w.allow == nil {
		who = "clients"
	}
	if w.users != nil {
		who += " with a name and password of " + w.usersFile
	}
	a.say("it serves %s", who)
}

// portsFlag is --connect-ports.
type portsFlag struct{ proxy.Ports }

func (p *portsFlag) Type() string { return "PORTS" }

func (p *portsFlag) Set(list string) (err error) {
	p.Ports, err = proxy.ParsePorts(list)
	return err
}

// webPorts are those of web services, and those that anybody may use for one;
// none of mail, of shells or of files.
func webPorts() portsFlag {
	ports, err := proxy.ParsePorts("80,443,1024-65535")
	if err != nil {
		panic(err) // it is a constant
	}
	return portsFlag{ports}
}
