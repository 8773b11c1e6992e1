package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// newNode is the folder of a Node.js that goes by NODE_USE_ENV_PROXY, which 24 is
// the first to do: that which .ci/npm installs. It is "" where that is not, or where
// the Node.js of the system is as new.
func newNode() string {
	if out, err := exec.Command("node", "--version").Output(); err == nil {
		major, _, _ := strings.Cut(strings.TrimPrefix(string(out), "v"), ".")
		if n, err := strconv.Atoi(major); err == nil && n >= 24 {
			return ""
		}
	}
	cpu := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	bin, err := filepath.Abs("../../.ci/node_modules/node-" + runtime.GOOS + "-" + cpu + "/bin")
	if err != nil {
		return ""
	}
	if _, err := os.Stat(filepath.Join(bin, "node")); err != nil {
		return ""
	}
	return bin
}

// withNewNode is PATH, with newNode before all else.
func withNewNode() string {
	path := os.Getenv("PATH")
	if bin := newNode(); bin != "" {
		return bin + string(os.PathListSeparator) + path
	}
	return path
}
