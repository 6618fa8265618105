package harness

import (
	"path/filepath"
	"testing"

	"perg/data"
)

// rows are all of a run's table.
func rows[T any](t *testing.T, run, name string) []T {
	t.Helper()
	var all []T
	for r, err := range data.ReadTable[T](filepath.Join(run, name)) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}
