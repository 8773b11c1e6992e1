package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/umtape/umtape/cassettes"
)

// postMain is post, the client of a Go user, which knows nothing but its
// environment. post FILE URL prints the answer's status and where it came from.
func postMain() {
	if err := postFile(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func postFile(file, url string) error {
	body, err := os.Open(file)
	if err != nil {
		return err
	}
	resp, err := http.Post(url, "text/xml; charset=utf-8", body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode, strings.Join(resp.Header["Umtape-Interaction"], " "))
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// The clients of other people. Each sends request.xml to $SERVER and prints the
// header Umtape-Interaction of the answer. All but the PHP SoapClient find umtape
// by themselves.
var execClients = []struct {
	name   string
	run    []string
	script string   // goes to the file that is the last word of run
	probe  []string // fails where the client is not
}{
	{"Go", []string{"post", "request.xml", "$SERVER"}, "", nil},
	{"curl", []string{"curl", "-sS", "-i", "-H", "Content-Type: text/xml", "--data-binary", "@request.xml", "$SERVER"}, "", []string{"curl", "--version"}},
	{"wget", []string{"sh", "-c", "wget -q -S -O answer --header='Content-Type: text/xml' --post-file=request.xml $SERVER 2>&1 || [ $? = 8 ]"}, "", []string{"wget", "--version"}},
	{"Python requests", []string{"/usr/bin/python3", "client.py"}, `
import os, requests
r = requests.post(os.environ["SERVER"], data=open("request.xml", "rb").read(), headers={"Content-Type": "text/xml"})
print("Umtape-Interaction:", r.headers["Umtape-Interaction"])
`, []string{"/usr/bin/python3", "-c", "import requests"}},
	{"Python zeep", []string{"/usr/bin/python3", "client.py"}, `
import os, zeep.transports
r = zeep.transports.Transport().post(os.environ["SERVER"], open("request.xml", "rb").read(), {"Content-Type": "text/xml"})
print("Umtape-Interaction:", r.headers["Umtape-Interaction"])
`, []string{"/usr/bin/python3", "-c", "import zeep"}},
	{"Python urllib", []string{"/usr/bin/python3", "client.py"}, `
import os, urllib.error, urllib.request
try:
    urllib.request.urlopen(urllib.request.Request(os.environ["SERVER"], open("request.xml", "rb").read(), {"Content-Type": "text/xml"}))
except urllib.error.HTTPError as e:
    print("Umtape-Interaction:", e.headers["Umtape-Interaction"])
`, []string{"/usr/bin/python3", "--version"}},
	{"PHP curl", []string{"php", "client.php"}, `<?php
$c = curl_init(getenv("SERVER"));
curl_setopt_array($c, [CURLOPT_POSTFIELDS => file_get_contents("request.xml"), CURLOPT_HTTPHEADER => ["Content-Type: text/xml"], CURLOPT_HEADER => true]);
curl_exec($c);
echo curl_error($c);
`, []string{"php", "-r", "exit(extension_loaded('curl') ? 0 : 1);"}},
	{"PHP SoapClient", []string{"php", "client.php"}, `<?php
$proxy = parse_url(getenv("UMTAPE_PROXY"));
$c = new SoapClient(null, ["location" => getenv("SERVER"), "uri" => "x", "trace" => true, "proxy_host" => $proxy["host"], "proxy_port" => $proxy["port"]]);
$c->__doRequest(file_get_contents("request.xml"), getenv("SERVER"), "", SOAP_1_1);
echo $c->__getLastResponseHeaders();
`, []string{"php", "-r", "exit(extension_loaded('soap') ? 0 : 1);"}},
	{"PHP streams", []string{"php", "client.php"}, `<?php
$c = stream_context_create(["http" => ["method" => "POST", "header" => "Content-Type: text/xml", "content" => file_get_contents("request.xml"),
    "ignore_errors" => true, "proxy" => str_replace("http:", "tcp:", getenv("UMTAPE_PROXY")), "request_fulluri" => true]]);
file_get_contents(getenv("SERVER"), false, $c);
echo implode("\n", $http_response_header);
`, []string{"php", "--version"}},
	{"Node.js fetch", []string{"node", "client.mjs"}, `
import { readFileSync } from "fs";
const r = await fetch(process.env.SERVER, { method: "POST", headers: { "Content-Type": "text/xml" }, body: readFileSync("request.xml") });
console.log("Umtape-Interaction:", r.headers.get("umtape-interaction"));
`, []string{"node", "-e", "process.exit(parseInt(process.versions.node) >= 24 ? 0 : 1)"}},
	{"Node.js https", []string{"node", "client.mjs"}, `
import https from "https";
import { readFileSync } from "fs";
const r = https.request(process.env.SERVER, { method: "POST", headers: { "Content-Type": "text/xml" } },
    (answer) => { console.log("Umtape-Interaction:", answer.headers["umtape-interaction"]); answer.resume(); });
r.end(readFileSync("request.xml"));
`, []string{"node", "-e", "process.exit(parseInt(process.versions.node) >= 24 ? 0 : 1)"}},
	{"Java", []string{"java", "Client.java"}, `
import java.net.*;
import java.net.http.*;
import java.nio.file.*;
class Client {
	public static void main(String[] args) throws Exception {
		var server = URI.create(System.getenv("SERVER"));
		var request = HttpRequest.newBuilder(server).header("Content-Type", "text/xml").POST(HttpRequest.BodyPublishers.ofFile(Path.of("request.xml"))).build();
		var r = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
		System.out.println("Umtape-Interaction: " + r.headers().firstValue("Umtape-Interaction").get());
		var c = (HttpURLConnection) server.toURL().openConnection();
		c.setDoOutput(true);
		c.setRequestProperty("Content-Type", "text/xml");
		c.getOutputStream().write(Files.readAllBytes(Path.of("request.xml")));
		if (!"calls.yaml#0".equals(c.getHeaderField("Umtape-Interaction"))) throw new Exception("HttpURLConnection");
	}
}
`, []string{"java", "--describe-module", "jdk.compiler"}}, // or it runs no source
	{"Ruby", []string{"ruby", "client.rb"}, `
require "net/http"
r = Net::HTTP.post(URI(ENV["SERVER"]), File.read("request.xml"), "Content-Type" => "text/xml")
puts "Umtape-Interaction: #{r["Umtape-Interaction"]}"
`, []string{"ruby", "--version"}},
	{"Perl LWP", []string{"perl", "client.pl"}, `
use LWP::UserAgent;
open my $f, "<", "request.xml" or die;
my $r = LWP::UserAgent->new->post($ENV{SERVER}, "Content-Type" => "text/xml", Content => join "", <$f>);
print "Umtape-Interaction: ", $r->header("Umtape-Interaction"), "\n";
`, []string{"perl", "-MLWP::UserAgent", "-MLWP::Protocol::https", "-e", "1"}},
}

// Clients that know nothing of umtape are answered from the cassette, of a server
// that there is not, over https.
func TestExecClients(t *testing.T) {
	const server = "https://um.example.com/UnifiedMessaging/Service.asmx"
	t.Setenv("PATH", withNewNode())
	umtape, err := exec.LookPath("umtape") // testscript has put it there
	if err != nil {
		t.Fatal(err)
	}
	request, err := os.ReadFile("../../testdata/messages/disconnect-request.xml")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	path := filepath.Join(folder, "calls.yaml")
	tape, err := cassettes.Create(path, cassettes.HeaderMeta{}, cassettes.Refuse)
	if err != nil {
		t.Fatal(err)
	}
	i := new(cassettes.Interaction)
	i.Request.Method, i.Request.URL, i.Request.Body = "POST", server, string(request)
	i.Request.Headers = http.Header{"Content-Type": {"text/xml"}}
	i.Response.Code, i.Response.Body = 500, "<fault/>"
	i.Response.Headers = http.Header{"Content-Type": {"text/xml"}}
	if err := tape.Append(i); err != nil {
		t.Fatal(err)
	}
	if err := tape.Close(); err != nil {
		t.Fatal(err)
	}
	for _, client := range execClients {
		t.Run(client.name, func(t *testing.T) {
			if client.probe != nil {
				if err := exec.Command(client.probe[0], client.probe[1:]...).Run(); err != nil {
					t.Skipf("%s is not here: %s: %v", client.name, strings.Join(client.probe, " "), err)
				}
			}
			dir := t.TempDir()
			args := []string{"exec", "replay", "--strict", "--ca-dir", filepath.Join(folder, "ca"), path, "--"}
			for _, word := range client.run {
				args = append(args, strings.ReplaceAll(word, "$SERVER", server))
			}
			for name, text := range map[string]string{"request.xml": string(request), client.run[len(client.run)-1]: client.script} {
				if text == "" {
					continue
				}
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.CommandContext(t.Context(), umtape, args...)
			cmd.Dir, cmd.WaitDelay = dir, 10*time.Second
			cmd.Env = append(os.Environ(), "SERVER="+server, "NO_PROXY=*", "no_proxy=*")
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Run(); err != nil || !strings.Contains(stdout.String(), "calls.yaml#0") {
				t.Errorf("%v\n%s%s", err, &stdout, &stderr)
			}
		})
	}
}
