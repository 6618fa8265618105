package browsertest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"perg/data"
)

// axeVersion is of axe-core, by which pages are checked for those who do not see
// them, or use no mouse.
const axeVersion = "4.14.1"

// axe is the text of axe-core, from npm, which is fetched once; its error is why
// there is none.
var axe = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	file := filepath.Join(cache, "perg", "axe-core-"+axeVersion+".js")
	if text, err := os.ReadFile(file); err == nil {
		return string(text), nil
	}
	dir, err := os.MkdirTemp("", "axe-core-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	npm := exec.Command("npm", "install", "--silent", "--no-save", "--no-audit", "--no-fund", "--prefix", dir, "axe-core@"+axeVersion)
	if said, err := npm.CombinedOutput(); err != nil {
		return "", fmt.Errorf("no axe-core from npm: %w %s", err, bytes.TrimSpace(said))
	}
	text, err := os.ReadFile(filepath.Join(dir, "node_modules", "axe-core", "axe.min.js"))
	if err == nil {
		err = os.MkdirAll(filepath.Dir(file), 0o755)
	}
	if err == nil {
		err = data.WriteFile(file, text)
	}
	return string(text), err
})

// Axe skips a test of what axe-core finds where it cannot be had, or fails it where
// PERG_REQUIRE_AXE is 1.
func Axe(t testing.TB) {
	t.Helper()
	if _, err := axe(); err != nil {
		if os.Getenv("PERG_REQUIRE_AXE") == "1" {
			t.Fatal(err)
		}
		t.Skipf("waits for axe-core: %v", err)
	}
}

// Violations are what axe-core finds wrong with the page, a line each: the rule,
// where, and what it says.
func (tab *Tab) Violations() []string {
	tab.t.Helper()
	text, err := axe()
	if err != nil {
		tab.t.Fatal(err)
	}
	if !Eval[bool](tab, "typeof window.axe === 'object'") {
		Eval[bool](tab, text+"; true")
	}
	return Eval[[]string](tab, `axe.run().then(found => found.violations.flatMap(v => v.nodes.map(n =>
		v.id + " at " + n.target.join(" ") + ": " + n.failureSummary.replace(/\s+/g, " "))))`)
}
