package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/inspect/um/umserver"
	"github.com/umtape/umtape/proxy"
)

type umClient struct {
	name     string
	needs    []string // a command that fails where the client is not
	fault    string
	messages int // of the WSDL that it fetches
}

// The clients of help/toolkits.md by their headings there: what has to be here for
// one, and how it says that a call is not known.
var umClients = []umClient{
	{"curl", []string{"curl", "--fail-with-body", "--version"}, "curl exits with 22: InvalidCallIdException", 0},
	{"Python: zeep", []string{"/usr/bin/python3", "-c", "import zeep"}, "Fault: InvalidCallIdException", 2},
	{"Python: suds", []string{"/usr/bin/python3", "-c", "import suds"}, "WebFault: InvalidCallIdException", 2},
	{"PHP: SoapClient", []string{"php", "-r", "exit(extension_loaded('soap') ? 0 : 1);"}, "SoapFault: InvalidCallIdException", 2},
	{"PHP: SoapClient without a WSDL", []string{"php", "-r", "exit(extension_loaded('soap') ? 0 : 1);"}, "SoapFault: InvalidCallIdException", 0},
	{"Node.js: soap", []string{"node", "-e", "require(process.env.UMTAPE_CLIENTS + '/soap')"}, "Fault: InvalidCallIdException", 2},
	{"Node.js 24: soap", []string{"node", "-e", "require(process.env.UMTAPE_CLIENTS + '/soap'); process.exit(parseInt(process.versions.node) >= 24 ? 0 : 1)"}, "Fault: InvalidCallIdException", 2},
	{"Java: HttpClient", []string{"java", "--describe-module", "jdk.compiler"}, "HTTP 500 InvalidCallIdException", 0},
	{"Java: JAX-WS", []string{"sh", "-c", "wsimport -version && javac -version && test -e /usr/share/jaxws/lib/jaxws-rt.jar"}, "UMException: InvalidCallIdException", 1},
	{"Java: SAAJ", []string{"sh", "-c", "javac -version && test -e /usr/share/jaxws/lib/jaxws-rt.jar"}, "SOAPFault: InvalidCallIdException", 0},
	{"C#: SoapHttpClientProtocol", []string{"sh", "-c", "command -v wsdl mcs mono cert-sync"}, "SoapException: InvalidCallIdException", 0},
	{"Go: net/http with go-ntlmssp", []string{"go", "version"}, "HTTP 500: InvalidCallIdException", 0},
}

// heading is that of the client on the page. Node.js stands there twice in the table:
// the system's, and one that goes by the environment itself.
func (c umClient) heading() string { return strings.Replace(c.name, "Node.js 24", "Node.js", 1) }

// path has the commands of the client found: the newer Node.js, if it is that.
func (c umClient) path(t *testing.T) {
	if c.heading() != c.name {
		t.Setenv("PATH", withNewNode())
	}
}

// clientSection is what help/toolkits.md has of a client.
type clientSection struct {
	text  string
	files map[string]string
	setup string // commands that come before
	run   string // the command
}

var (
	fenced  = regexp.MustCompile("(?ms)^```(.*?)\n(.*?)^```$")
	runLine = regexp.MustCompile("Run\\s+`([^`]+)`:")
)

// clientSections reads the page.
func clientSections(t *testing.T) map[string]clientSection {
	t.Helper()
	page, err := os.ReadFile("help/toolkits.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := make(map[string]clientSection)
	for _, part := range strings.Split(string(page), "\n## ")[1:] {
		name, text, _ := strings.Cut(part, "\n")
		s := clientSection{text: text, files: make(map[string]string)}
		for _, block := range fenced.FindAllStringSubmatch(text, -1) {
			switch info := strings.Fields(block[1]); len(info) {
			case 1:
				s.setup += block[2]
			case 2:
				s.files[info[1]] = block[2]
			}
		}
		if m := runLine.FindStringSubmatch(text); m != nil {
			s.run = m[1]
		}
		sections[name] = s
	}
	return sections
}

// TestClientsPage: what stands on the page is what the test below runs.
func TestClientsPage(t *testing.T) {
	sections := clientSections(t)
	for _, c := range umClients {
		s := sections[c.heading()]
		if s.run == "" || len(s.files) != 1 || !strings.Contains(s.text, "UM_URL") {
			t.Errorf("%s: the page has %d files of it, and a command %q", c.name, len(s.files), s.run)
		}
	}
	for _, c := range umClients {
		delete(sections, c.heading())
	}
	for name := range sections {
		if len(sections[name].files) > 0 {
			t.Errorf("the page has code of %q, which nothing runs", name)
		}
	}
}

// TestClients has clients that nobody here wrote make a call, ask about it and end
// it, and ask about one that there is not: recorded from a UM server by exec record,
// then answered by exec replay when the server is gone, with the same results.
func TestClients(t *testing.T) {
	if os.Getenv("UMTAPE_CLIENTS") == "" {
		t.Skip("needs other people's clients, which this installs: bash .ci/clients")
	}
	umtape, err := exec.LookPath("umtape")
	if err != nil {
		t.Fatal(err)
	}
	var table clientTable
	dir := t.TempDir()
	servers := startClientServers(t, filepath.Join(dir, "server-ca"))
	sections := clientSections(t)
	for n, c := range umClients {
		table = append(table, clientRow{name: c.name, record: "-", replay: "-"})
		row := &table[n]
		t.Run("record "+c.name, func(t *testing.T) {
			c.path(t)
			if out, err := exec.Command(c.needs[0], c.needs[1:]...).CombinedOutput(); err != nil {
				row.record, row.replay = "not here", "not here"
				t.Skipf("it is not here: %v\n%s", err, out)
			}
			row.record = "FAILED"
			row.client = &clientRun{dir: filepath.Join(dir, fmt.Sprint(n)), umtape: umtape, ca: filepath.Join(dir, "ca"), section: sections[c.heading()], url: servers.plain}
			if strings.HasPrefix(c.name, "Go") {
				row.client.url = servers.ntlm
			}
			row.client.prepare(t)
			args := []string{"exec", "record", "calls.yaml", "--ca-dir", row.client.ca, "--upstream-ca", servers.ca}
			for _, url := range []string{servers.plain, servers.ntlm} {
				args = append(args, "--resolve", strings.Split(url, "/")[2]+":127.0.0.1")
			}
			row.said = row.client.exec(t, args...)
			if want := "Connecting\nended\n" + c.fault + "\n"; row.said != want {
				t.Fatalf("it said\n%s\nwant\n%s", row.said, want)
			}
			tape, err := cassettes.Load(filepath.Join(row.client.dir, "calls.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			if n := len(tape.Interactions); n != 4+c.messages {
				t.Fatalf("%d interactions, want %d", n, 4+c.messages)
			}
			row.record, row.recorded = "yes", len(tape.Interactions)
		})
	}
	servers.stop()
	for n, c := range umClients {
		row := &table[n]
		if row.recorded == 0 {
			continue
		}
		t.Run("replay "+c.name, func(t *testing.T) {
			c.path(t)
			row.replay = "FAILED"
			args := []string{"exec", "replay", "--strict", "calls.yaml", "--ca-dir", row.client.ca}
			if said := row.client.exec(t, args...); said != row.said {
				t.Fatalf("it said\n%s\nand when recorded\n%s", said, row.said)
			}
			if strings.HasPrefix(c.name, "Go") { // and one that is asked for credentials
				if said := row.client.exec(t, append(args, "--challenge", "ntlm")...); said != row.said {
					t.Fatalf("challenged, it said\n%s\nand when recorded\n%s", said, row.said)
				}
			}
			row.replay = "yes"
		})
	}
	t.Logf("\n%s", table)
}

// directHints are what help/toolkits.md says of a client that is given a WSDL and
// takes umtape for the server: what on the page says so, and what becomes of the code.
var directHints = []struct{ name, says, code, becomes string }{
	{"Python: zeep", "client.create_service(client.service._binding.name, url)", `um = zeep.Client(url + "?wsdl").service`,
		"client = zeep.Client(url + \"?wsdl\")\num = client.create_service(client.service._binding.name, url)"},
	{"Python: suds", "give `Client` a `location`", `"?wsdl",`, `"?wsdl", location=os.environ["UM_URL"],`},
	{"PHP: SoapClient", "give it a `location`", `"?wsdl", [`, `"?wsdl", ["location" => getenv("UM_URL"),`},
	{"Node.js: soap", "call `um.setEndpoint(url)`", `const [played]`, "um.setEndpoint(url);\nconst [played]"},
	{"Java: JAX-WS", "`BindingProvider.ENDPOINT_ADDRESS_PROPERTY`", `var call =`,
		"((javax.xml.ws.BindingProvider) port).getRequestContext().put(javax.xml.ws.BindingProvider.ENDPOINT_ADDRESS_PROPERTY, System.getenv(\"UM_URL\"));\nvar call ="},
}

// TestClientsAtUMTAPE_URL has the clients that are given a WSDL take umtape for the
// server, as the page says: no proxy leads them back to umtape if they go by the
// address in the WSDL, which nobody has.
func TestClientsAtUMTAPE_URL(t *testing.T) {
	if os.Getenv("UMTAPE_CLIENTS") == "" {
		t.Skip("needs other people's clients, which this installs: bash .ci/clients")
	}
	umtape, err := exec.LookPath("umtape")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	servers := startClientServers(t, filepath.Join(dir, "server-ca"))
	sections := clientSections(t)
	for n, hint := range directHints {
		t.Run(hint.name, func(t *testing.T) {
			at := slices.IndexFunc(umClients, func(c umClient) bool { return c.name == hint.name })
			c, s := umClients[at], sections[hint.name]
			if out, err := exec.Command(c.needs[0], c.needs[1:]...).CombinedOutput(); err != nil {
				t.Skipf("it is not here: %v\n%s", err, out)
			}
			if _, advice, _ := strings.Cut(s.text, "Against `UMTAPE_URL`"); !strings.Contains(strings.Join(strings.Fields(advice), " "), hint.says) {
				t.Fatalf("the page does not say %q", hint.says)
			}
			files := make(map[string]string)
			for name, text := range s.files {
				if files[name] = strings.Replace(text, hint.code, hint.becomes, 1); files[name] == text {
					t.Fatalf("%s has no %s", name, hint.code)
				}
			}
			s.files = files
			s.run = "unset HTTP_PROXY HTTPS_PROXY http_proxy https_proxy JAVA_TOOL_OPTIONS UMTAPE_PROXY; UM_URL=$UMTAPE_URL" + um.Path2007 + "; export UM_URL; " + s.run
			client := &clientRun{dir: filepath.Join(dir, fmt.Sprint(n)), umtape: umtape, ca: filepath.Join(dir, "ca"), section: s}
			client.prepare(t)
			host := strings.Split(servers.plain, "/")[2]
			said := client.exec(t, "exec", "record", "calls.yaml", "--ca-dir", client.ca, "--upstream-ca", servers.ca, "--resolve", host+":127.0.0.1", "--reverse", "https://"+host)
			if want := "Connecting\nended\n" + c.fault + "\n"; said != want {
				t.Fatalf("it said\n%s\nwant\n%s", said, want)
			}
			tape, err := cassettes.Load(filepath.Join(client.dir, "calls.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			if n := len(tape.Interactions); n != 4+c.messages {
				t.Errorf("%d interactions, want %d", n, 4+c.messages)
			}
			if again := client.exec(t, "exec", "replay", "--strict", "calls.yaml", "--ca-dir", client.ca); again != said {
				t.Errorf("it said\n%s\nand when recorded\n%s", again, said)
			}
		})
	}
}

// clientRun is a client that runs behind umtape, in a folder of its own.
type clientRun struct {
	dir, umtape, ca, url string
	section              clientSection
}

// prepare writes the client's files and runs what comes before.
func (b *clientRun) prepare(t *testing.T) {
	t.Helper()
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range b.section.files {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		switch filepath.Ext(name) {
		case ".mjs": // finds its packages in a folder beside it
			if err := os.Symlink(os.Getenv("UMTAPE_CLIENTS"), filepath.Join(b.dir, "node_modules")); err != nil {
				t.Fatal(err)
			}
		case ".go": // is built with the modules of ours, in a folder that is not there
			where, err := filepath.Abs("client/main.go")
			if err != nil {
				t.Fatal(err)
			}
			overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{where: filepath.Join(b.dir, name)}})
			if err != nil {
				t.Fatal(err)
			}
			list := filepath.Join(b.dir, "overlay.json")
			if err := os.WriteFile(list, overlay, 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("go", "build", "-overlay", list, "-o", filepath.Join(b.dir, "um"), "./client").CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		}
	}
	if b.section.setup == "" {
		return
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-e", "-c", b.section.setup)
	cmd.Dir, cmd.WaitDelay = b.dir, 10*time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", b.section.setup, err, out)
	}
}

// exec runs the client behind umtape, and returns what it said.
func (b *clientRun) exec(t *testing.T, args ...string) string {
	t.Helper()
	// Debian's Python, which has Debian's packages; and what was built.
	run := strings.NewReplacer("python3 ", "/usr/bin/python3 ", "go run .", "./um").Replace(b.section.run)
	cmd := exec.CommandContext(t.Context(), b.umtape, append(args, "--", "sh", "-c", run)...)
	cmd.Dir, cmd.WaitDelay = b.dir, 10*time.Second
	cmd.Env = append(os.Environ(), "UM_URL="+b.url, "UM_USER=CONTOSO\\alice", "UM_PASSWORD=secret-of-alice", "NO_PROXY=*", "no_proxy=*")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, &stdout, &stderr)
	}
	return stdout.String()
}

// clientServers are two UM servers, one of which asks for NTLM, under a name that
// only umtape knows the address of.
type clientServers struct {
	plain, ntlm, ca string
	stop            func()
}

func startClientServers(t *testing.T, dir string) clientServers {
	t.Helper()
	ca, _, err := proxy.LoadOrCreateCA(dir)
	if err != nil {
		t.Fatal(err)
	}
	handler := umserver.New(umserver.Options{WSDL: true})
	s := clientServers{ca: ca.CertFile()}
	var stops []func()
	start := func(handler http.Handler) string {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute, ConnContext: withNTLM}
		served := make(chan error, 1)
		go func() { served <- server.Serve(proxy.ListenTLSOrPlain(ln, ca, nil)) }()
		stops = append(stops, func() { server.Close(); <-served })
		return fmt.Sprintf("https://um.example.com:%d%s", ln.Addr().(*net.TCPAddr).Port, um.Path2007)
	}
	s.plain, s.ntlm = start(handler), start(askForNTLM(handler))
	s.stop = sync.OnceFunc(func() {
		for _, stop := range stops {
			stop()
		}
	})
	t.Cleanup(s.stop)
	return s
}

type ntlmKey struct{}

// withNTLM gives each connection a place for who has logged in.
func withNTLM(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, ntlmKey{}, new(bool))
}

// askForNTLM lets through what comes on a connection that an NTLM handshake was made
// on. It does not check the password; Apache does, in .ci/auth.
func askForNTLM(next http.Handler) http.Handler {
	challenge := append([]byte("NTLMSSP\x00"), make([]byte, 44)...) // [MS-NLMP] 2.2.1.2
	binary.LittleEndian.PutUint32(challenge[8:], 2)
	binary.LittleEndian.PutUint32(challenge[20:], 0x00880201) // target info, session security, NTLM, Unicode
	copy(challenge[24:], "8 random")
	for at, n := range map[int]uint16{40: 4, 42: 4, 44: 48} { // target info: its end
		binary.LittleEndian.PutUint16(challenge[at:], n)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in := r.Context().Value(ntlmKey{}).(*bool)
		scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		token, _ := base64.StdEncoding.DecodeString(text)
		if scheme == "NTLM" && len(token) > 12 {
			switch token[8] {
			case 1:
				w.Header().Set("WWW-Authenticate", "NTLM "+base64.StdEncoding.EncodeToString(challenge))
				w.WriteHeader(http.StatusUnauthorized)
				return
			case 3:
				*in = true
			}
		}
		if !*in {
			w.Header().Set("WWW-Authenticate", "NTLM")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// clientTable is the matrix, client by recorded and replayed.
type clientTable []clientRow

type clientRow struct {
	name, record, replay string
	recorded             int
	said                 string
	client               *clientRun
}

func (rows clientTable) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "client\trecord\treplay\tinteractions\tits fault")
	for _, r := range rows {
		said := strings.Split(strings.TrimSpace(r.said), "\n")
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\n", r.name, r.record, r.replay, r.recorded, cmp.Or(said[len(said)-1], "-"))
	}
	w.Flush()
	return b.String()
}
