// Package web is the page: exchanges as a browser shows them, while they happen and
// from cassettes. It serves one HTML page with a script of its own, and what that asks
// for as JSON. It knows nothing of files: a [Tape] reads an exchange again when
// somebody opens it, so that no body is held.
//
// What comes from the wire is data. It reaches the browser as JSON only, and the script
// puts it on the page as text; the page's Content-Security-Policy allows no script but
// ours and no markup made from text (Trusted Types).
package web
