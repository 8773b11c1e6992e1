package cassettes

import (
	"net/url"
	"path/filepath"
	"strings"
)

// interactionPrefix is FILE# of the FILE#ID by which interactions are known, fit
// for a header value and one word of a line.
func interactionPrefix(path string) string { return url.PathEscape(filepath.Base(path)) + "#" }

// Names returns what the FILE of FILE#ID is for each of several cassettes: the base
// name, with as many of the folders before it as tell it from the others of that base
// name, as in monday/calls.yaml. Each step is escaped as in a URL's path, so that a
// name is fit for a header value and one word of a line.
func Names(paths []string) []string {
	names := make([]string, len(paths))
	alike := map[string][]int{} // by base name
	for n, path := range paths {
		names[n] = strings.TrimSuffix(interactionPrefix(path), "#")
		alike[names[n]] = append(alike[names[n]], n)
	}
	for _, group := range alike {
		for steps, more := 2, len(group) > 1; more; steps++ {
			had := map[string]bool{}
			more = false
			for _, n := range group {
				name, whole := lastSteps(paths[n], steps)
				more = more || had[name] && !whole
				names[n], had[name] = name, true
			}
		}
	}
	return names
}

// lastSteps returns the last steps of a path, escaped. whole says that there are no
// more.
func lastSteps(path string, steps int) (name string, whole bool) {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	all := strings.Split(strings.TrimPrefix(filepath.ToSlash(path), "/"), "/")
	whole = steps >= len(all)
	all = all[len(all)-min(steps, len(all)):]
	for n := range all {
		all[n] = url.PathEscape(all[n])
	}
	return strings.Join(all, "/"), whole
}
