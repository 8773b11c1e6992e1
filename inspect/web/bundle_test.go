package web

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

func TestBundle(t *testing.T) {
	got, err := bundle(fstest.MapFS{
		"app.js":   {Data: []byte("import {one, two as second} from './part.js';\nimport * as all from './part.js';\nsay(one + second + all.one, '<!--', /<\\/script>/, `<SCRIPT`);\n")},
		"part.js":  {Data: []byte("import {three} from './other.js';\nexport const one = 1, six = [1, 2].map((x, y) => x), seven = 'a, b = \\', c';\nexport function two() { return three; }\nexport async function four() {}\nexport class Five {}\n")},
		"other.js": {Data: []byte("export const three = 3;\n")},
	}, "app.js")
	if err != nil {
		t.Fatal(err)
	}
	want := `'use strict';
const module_other = (() => {
const three = 3;

return {three};
})();
const module_part = (() => {
const {three} = module_other;
const one = 1, six = [1, 2].map((x, y) => x), seven = 'a, b = \', c';
function two() { return three; }
async function four() {}
class Five {}

return {one, six, seven, two, four, Five};
})();
const module_app = (() => {
const {one, two: second} = module_part;
const all = module_part;
say(one + second + all.one, '\x3c!--', /<\/script>/, ` + "`\\x3cSCRIPT`" + `);

return {};
})();
`
	if got != want {
		t.Errorf("bundled\n%s\nwant\n%s", got, want)
	}
}

func TestBundleRefusesWhatItDoesNotKnow(t *testing.T) {
	for name, text := range map[string]string{
		"from elsewhere": "import x from 'https://example.com/x.js';\n",
		"default":        "export default 1;\n",
		"a list":         "const a = 1;\nexport {a};\n",
		"itself":         "import {a} from './app.js';\n",
		"no such name":   "import {b} from './part.js';\n",
		"nothing":        "import {a} from './none.js';\n",
	} {
		if got, err := bundle(fstest.MapFS{"app.js": {Data: []byte(text)}, "part.js": {Data: []byte("export const a = 1;\n")}}, "app.js"); err == nil {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestThePageIsBundled holds our modules to the forms that bundle knows.
func TestThePageIsBundled(t *testing.T) {
	assets, err := fs.Sub(files, "page")
	if err != nil {
		t.Fatal(err)
	}
	script, err := bundle(assets, "app.js")
	if err != nil {
		t.Fatal(err)
	}
	modules, err := fs.Glob(assets, "*.js")
	if err != nil || len(modules) < 10 {
		t.Fatalf("%d modules, %v", len(modules), err)
	}
	for _, name := range modules {
		if module := strings.TrimSuffix(name, ".js"); !strings.Contains(script, "const "+moduleName(module)+" = ") {
			t.Errorf("%s is not in it", name)
		}
	}
	if markup.MatchString(script) {
		t.Error("there is markup in the script")
	}
}
