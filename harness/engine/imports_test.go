package engine

import (
	"go/build"
	"slices"
	"strings"
	"testing"
)

// The engine stands on its own: of this module it knows the schedule, the store
// of replies, and how a server is spoken to.
func TestTheEngineKnowsNothingOfTheBenchmark(t *testing.T) {
	pkg, err := build.ImportDir(".", 0)
	if err != nil {
		t.Fatal(err)
	}
	allowed := []string{"perg/harness/schedule", "perg/harness/store", "perg/models"}
	found := 0
	for _, path := range pkg.Imports {
		if !strings.HasPrefix(path, "perg/") {
			continue
		}
		found++
		if !slices.Contains(allowed, path) {
			t.Errorf("%s is imported", path)
		}
	}
	if found == 0 {
		t.Error("no import of this module was found: the test looks in the wrong place")
	}
}
