package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/inspect/um/umserver"
	"github.com/umtape/umtape/proxy"
)

func (a *app) serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run a server that behaves as documented",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return misuse("there is no server %q; there is `umtape serve um`", args[0])
			}
			return nil
		},
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			return misuse("name the server: umtape serve um")
		}),
	}
	cmd.AddCommand(a.serveUMCommand())
	return cmd
}

// serveFlags are those of umtape serve um.
type serveFlags struct {
	listen, caDir        string
	wsdlOut              string
	ended, unknown, soap string
	ring, talk           int
	quiet                bool
	options              umserver.Options
}

func (a *app) serveUMCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "um",
		Short: "Run a UM server that behaves as documented; no telephone rings",
		Long: `serve um runs a UM server as [MS-OXWUMS] documents it, with state, on loopback;
http and https on the same port. PlayOnPhone and PlayOnPhoneGreeting return a
CallId, GetCallInfo goes from Connecting to Connected to Disconnected,
Disconnect ends the call, a wrong CallId gets the documented fault. The seven
other operations and the three EWS successors answer as well.

With --wsdl the server also publishes a WSDL and its schema, which no Exchange
does, for tools that make clients from one; --wsdl-out writes them to a folder,
for clients of a real server, and ends. They are written from what is documented
of the service, and say no more than that.

A client has 30 s to say something and as long for a header, 15 s for a TLS
handshake, 2 min for the body and 3 min between two requests. A body may have
4 MiB. A handshake that fails is told of.

What the documents leave open is a flag; its default is shown.`,
		Example: `  umtape serve um
  curl -H 'Content-Type: text/xml; charset=utf-8' --data-binary @disconnect.xml \
       http://127.0.0.1:8090/UnifiedMessaging/Service.asmx
  umtape serve um --ended-call success --deny 900 --busy 5550199
  umtape serve um --wsdl
  umtape serve um --wsdl-out wsdl`,
		Args: noArgs,
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			if f.wsdlOut != "" {
				return a.writeWSDL(f)
			}
			return a.serveUM(cmd.Context(), f)
		}),
	}
	flags := cmd.Flags()
	listenFlag(cmd, &f.listen, "127.0.0.1:8090")
	caFlag(cmd, &f.caDir)
	flags.StringVar(&f.ended, "ended-call", "fault", "answer to a Disconnect of a call that has ended: `fault|success` (not documented)")
	flags.StringVar(&f.unknown, "unknown-call", "fault", "answer to a Disconnect of a well-formed CallId that is not known: `fault|success` (not documented)")
	flags.StringVar(&f.soap, "soap12", "refuse", "what becomes of SOAP 1.2: `refuse|accept|fault` (the protocol is 1.1; servers differ)")
	flags.BoolVar(&f.options.RequireSOAPAction, "require-soapaction", false, "refuse requests without the operation's SOAPAction, as ASP.NET does (not documented for UM)")
	flags.BoolVar(&f.options.SchemaFault, "schema-fault", false, "EWS answers a request that does not fit with ErrorSchemaValidation, not ErrorInvalidRequest")
	flags.IntVar(&f.ring, "ring-polls", 1, "how many times GetCallInfo answers Connecting")
	flags.IntVar(&f.talk, "talk-polls", 5, "how many times it then answers Connected before the call ends by itself; 0: only Disconnect ends it")
	flags.DurationVar(&f.options.ForgetEnded, "forget-ended", 0, "how long the CallId of an ended call stays known; 0: always (not documented)")
	flags.StringSliceVar(&f.options.Deny, "deny", nil, "`PREFIX` of dial strings that dialing rules refuse; may be repeated")
	flags.StringSliceVar(&f.options.Busy, "busy", nil, "`PREFIX` of dial strings that are busy; may be repeated")
	flags.StringSliceVar(&f.options.NoAnswer, "no-answer", nil, "`PREFIX` of dial strings that nobody answers; may be repeated")
	flags.StringVar(&f.options.Host, "host", "um01.voice.example.net", "server `NAME` inside CallIds")
	flags.BoolVar(&f.options.WSDL, "wsdl", false, "publish a WSDL at ?wsdl, with the address that the client asked at, and its schema beside it")
	flags.StringVar(&f.wsdlOut, "wsdl-out", "", "write um.wsdl, for the address of --listen, and um.xsd to `FOLDER`, and end")
	flags.BoolVar(&f.options.Gzip, "gzip", false, "compress responses for clients that accept it")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "print no line for each request")
	return cmd
}

func (a *app) serveUM(ctx context.Context, f serveFlags) error {
	options, err := a.serverOptions(f)
	if err != nil {
		return err
	}
	if err := proxy.CheckListen(f.listen); err != nil { // before an authority is made
		return &misuseError{err: err}
	}
	ca, err := a.openCA(f.caDir)
	if err != nil {
		return err
	}
	s, err := startUM(f.listen, ca, options, func(client net.Addr, err error) {
		a.say("warning: TLS with the client %s failed: %v; if it does not trust umtape's CA yet, give it %s", client, err, ca.CertFile())
	})
	if err != nil {
		return err
	}
	a.say("UM server at http://%s%s and https://%s%s", s.addr(), um.Path2007, s.addr(), um.Path2007)
	if options.WSDL {
		a.say("WSDL at http://%s%s?wsdl", s.addr(), um.Path2007)
	}
	a.say("EWS successors at %s; its certificate is trusted with --upstream-ca %s", um.PathEWS, ca.CertFile())
	if host, _, err := net.SplitHostPort(s.addr()); err == nil && ca.CheckHost(host) != nil {
		a.say("warning: https will fail for clients: the authority is for %s, not for %s", ca.Permits(), host)
	}
	a.say("Ctrl-C ends it")
	a.tellReady()
	select {
	case <-ctx.Done():
	case err := <-s.served:
		s.served <- err
	}
	return a.endServing(s.shutdown)
}

func (a *app) serverOptions(f serveFlags) (umserver.Options, error) {
	o := f.options
	var err error
	if o.EndedCall, err = umserver.ParseOutcome(f.ended); err != nil {
		return o, misuse("--ended-call: %w", err)
	}
	if o.UnknownCall, err = umserver.ParseOutcome(f.unknown); err != nil {
		return o, misuse("--unknown-call: %w", err)
	}
	if o.SOAP12, err = umserver.ParseSOAP12(f.soap); err != nil {
		return o, misuse("--soap12: %w", err)
	}
	if f.ring < 0 || f.talk < 0 || o.ForgetEnded < 0 {
		return o, misuse("--ring-polls, --talk-polls and --forget-ended cannot be negative")
	}
	o.RingPolls, o.TalkPolls = orNever(f.ring), orNever(f.talk)
	if !f.quiet {
		o.Logf = a.say
	}
	return o, nil
}

// orNever turns the flags' 0 into umserver's negative number.
func orNever(polls int) int {
	if polls == 0 {
		return -1
	}
	return polls
}

// umServer is a running UM server.
type umServer struct {
	handler  *umserver.Server
	server   *http.Server
	listener net.Listener
	served   chan error
}

// startUM starts a UM server. failed is told of TLS handshakes that fail; it may be nil.
func startUM(addr string, ca *proxy.CA, options umserver.Options, failed func(client net.Addr, err error)) (*umServer, error) {
	ln, err := listen(addr)
	if err != nil {
		return nil, err
	}
	handler := umserver.New(options)
	s := &umServer{
		handler:  handler,
		server:   &http.Server{Handler: handler, ReadHeaderTimeout: 30 * time.Second, ReadTimeout: 2 * time.Minute, IdleTimeout: 3 * time.Minute},
		listener: ln,
		served:   make(chan error, 1),
	}
	go func() { s.served <- s.server.Serve(proxy.ListenTLSOrPlain(ln, ca, failed)) }()
	return s, nil
}

func (s *umServer) addr() string { return s.listener.Addr().String() }

func (s *umServer) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	return s.shutdown(ctx)
}

// shutdown waits for running exchanges until ctx ends.
func (s *umServer) shutdown(ctx context.Context) error {
	err := s.server.Shutdown(ctx)
	if err != nil {
		s.server.Close()
	}
	if served := <-s.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
