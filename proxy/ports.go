package proxy

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Ports are those that requests to a proxy may be for. A nil value is all.
type Ports []portRange

type portRange struct{ first, last uint16 }

// ParsePorts reads "80,443,1024-65535".
func ParsePorts(list string) (Ports, error) {
	var ports Ports
	for item := range strings.SplitSeq(list, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(item), "-")
		if !isRange {
			last = first
		}
		if !validPort(first) || !validPort(last) {
			return nil, fmt.Errorf("%q is no port: want numbers from 1 to 65535 and ranges of them, such as 443,8443,1024-65535", item)
		}
		r := portRange{portNumber(first), portNumber(last)}
		if r.first > r.last {
			return nil, fmt.Errorf("%q ends before it begins", item)
		}
		ports = append(ports, r)
	}
	return ports, nil
}

// String gives the form that ParsePorts reads.
func (p Ports) String() string {
	var items []string
	for _, r := range p {
		item := fmt.Sprint(r.first)
		if r.last != r.first {
			item += fmt.Sprint("-", r.last)
		}
		items = append(items, item)
	}
	return strings.Join(items, ",")
}

// has takes a valid port.
func (p Ports) has(port string) bool {
	if p == nil {
		return true
	}
	n := portNumber(port)
	for _, r := range p {
		if r.first <= n && n <= r.last {
			return true
		}
	}
	return false
}

// refuses says why no request may go to a port.
func (p Ports) refuses(port string) *refusal {
	if p.has(port) {
		return nil
	}
	return &refusal{http.StatusForbidden, fmt.Sprintf("umtape connects to ports %s only, and this is for port %s: if a web service is there, start it with --connect-ports %[1]s,%[2]s", p, port)}
}

// portNumber is 0 for what is no port.
func portNumber(port string) uint16 {
	n, _ := strconv.ParseUint(port, 10, 16)
	return uint16(n)
}
