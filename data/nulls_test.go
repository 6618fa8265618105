package data

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// What is unknown is null and what is known is as it was, however the two follow
// each other: a run of known values that begins at a place of 64 that is its
// length took what follows along.
func TestNullsAreNulls(t *testing.T) {
	type row struct {
		ID   int64  `parquet:"id"`
		Text string `parquet:"text,optional,dict"`
		Said string `parquet:"said,optional"`
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for trial := range 200 {
		var rows []row
		for known := rng.IntN(2) == 0; len(rows) < 300; known = !known {
			for range 1 + rng.IntN(30) {
				r := row{ID: int64(len(rows))}
				if known {
					r.Text, r.Said = fmt.Sprint("t", len(rows)%3), fmt.Sprint(len(rows))
				}
				rows = append(rows, r)
			}
		}
		dir := filepath.Join(t.TempDir(), fmt.Sprint(trial))
		if err := WriteTable(dir, rows); err != nil {
			t.Fatal(err)
		}
		table, err := OpenTable(dir)
		if err != nil {
			t.Fatal(err)
		}
		for c, err := range table.Columns([]string{"text", "said"}, nil) {
			if err != nil {
				t.Fatal(err)
			}
			for i := range c.Rows {
				want := rows[c.Row+i]
				for name, text := range map[string]string{"text": want.Text, "said": want.Said} {
					if got := c.Texts[name]; (got.Codes[i] < 0) != (text == "") || got.At(i) != text {
						t.Fatalf("row %d: %s is %q, null %v; want %q", c.Row+i, name, got.At(i), got.Codes[i] < 0, text)
					}
				}
			}
		}
		table.Close()
	}
}
