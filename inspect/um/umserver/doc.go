// Package umserver is a UM server that behaves as the protocol's documents say:
// for tests, for the demo, and for people who have no Exchange.
//
// [New] makes one. It is an http.Handler that serves the classic UM web service
// at [um.Path2007] and [um.PathLegacy] and its three successors at [um.PathEWS],
// whatever the case of the path. It keeps one user's settings and the calls that
// were started: a call rings, is answered, and ends, by Disconnect or by itself,
// moving on each time that it is asked about. No telephone rings.
//
// What a request must look like is read from [um.Operations]. Where the
// documents leave the behaviour open (protocol reference, section 7), a field of
// [Options] decides and its default is stated there.
//
// A server asks nobody for credentials and shows every caller the same user, so
// give it a listener on loopback.
package umserver
