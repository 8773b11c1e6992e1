package cassettes

import (
	"path/filepath"
	"slices"
	"testing"
)

func TestNamesTellCassettesApart(t *testing.T) {
	for _, tt := range []struct{ paths, want []string }{
		{nil, []string{}},
		{[]string{"a.yaml"}, []string{"a.yaml"}},
		{[]string{"x/a.yaml", "x/b c#1.yaml"}, []string{"a.yaml", "b%20c%231.yaml"}},
		{[]string{"x/a.yaml", "y/a.yaml", "b.yaml"}, []string{"x/a.yaml", "y/a.yaml", "b.yaml"}},
		{[]string{"1/x/a.yaml", "2/x/a.yaml", "y z/a.yaml"}, []string{"1/x/a.yaml", "2/x/a.yaml", "names/y%20z/a.yaml"}},
		{[]string{"a.yaml", "x/a.yaml"}, []string{"names/a.yaml", "x/a.yaml"}},
	} {
		var paths []string
		for _, path := range tt.paths {
			paths = append(paths, filepath.Join(string(filepath.Separator), "names", path))
		}
		if got := Names(paths); !slices.Equal(got, tt.want) {
			t.Errorf("Names(%q) = %q; want %q", paths, got, tt.want)
		}
	}
	same := []string{"a.yaml", "a.yaml"} // which end where there are no more folders
	if got := Names(same); got[0] != got[1] {
		t.Errorf("Names(%q) = %q; one cassette has two names", same, got)
	}
}
