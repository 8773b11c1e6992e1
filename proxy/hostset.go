package proxy

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// hostSet is a set of servers for which an exception was asked for: "host" for
// all ports of it, and "host:port"; lower case.
type hostSet map[string]bool

// newHostSet names what the entries are for in its errors.
func newHostSet(what string, entries []string) (hostSet, error) {
	set := make(hostSet)
	for _, entry := range entries {
		key, err := hostKey(entry)
		if err != nil {
			return nil, fmt.Errorf("%s %q: %w", what, entry, err)
		}
		set[key] = true
	}
	return set, nil
}

// has is asked with the host and the "host:port" of one server.
func (s hostSet) has(host, address string) bool {
	if len(s) == 0 {
		return false
	}
	_, port, _ := net.SplitHostPort(address)
	host = plainHost(host)
	return s[host] || s[net.JoinHostPort(host, port)]
}

// hostKey is entry as the keys of a hostSet are.
func hostKey(entry string) (string, error) {
	host, port, err := net.SplitHostPort(entry)
	if err != nil { // no port, or an IPv6 address without brackets
		host, port = strings.TrimSuffix(strings.TrimPrefix(entry, "["), "]"), ""
	}
	isIP := net.ParseIP(host) != nil
	if host == "" || strings.ContainsAny(host, "*/@ ") || !isIP && strings.Contains(host, ":") || err == nil && !validTarget(entry) {
		return "", errors.New("want one HOST or HOST:PORT, without scheme or wildcard")
	}
	if port == "" {
		return plainHost(host), nil
	}
	return net.JoinHostPort(plainHost(host), port), nil
}

func plainHost(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }
