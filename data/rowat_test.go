package data

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// Rows are the same in any order, over row groups and over parts.
func TestRowsByNumber(t *testing.T) {
	dir := t.TempDir()
	const n = 2*rowsPerGroup + 17
	name := func(i int64) string { return fmt.Sprint("item ", i) }
	w, err := AppendTable[Judgment](dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(2 * n) {
		row := Judgment{ItemID: name(i), Status: StatusOK}
		if i%2 == 0 {
			row.Explanation = name(i)
		}
		if err := w.Write(row); err != nil {
			t.Fatal(err)
		}
		if i == n-1 {
			if err := w.Rotate(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	type narrow struct {
		ItemID      string `parquet:"item_id"`
		Explanation string `parquet:"explanation,optional"`
	}
	r, err := OpenRows[narrow](dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	check := func(i int64) {
		t.Helper()
		row, err := r.At(i)
		want := narrow{ItemID: name(i)}
		if i%2 == 0 {
			want.Explanation = name(i)
		}
		if err != nil || row != want {
			t.Fatalf("row %d is %+v, error %v", i, row, err)
		}
	}
	for i := range int64(2 * n) {
		check(i)
	}
	for i := int64(2*n - 1); i >= 0; i-- {
		check(i)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		check(random.Int64N(2 * n))
	}
	check(0)
	for _, beyond := range []int64{-1, 2 * n} {
		if row, err := r.At(beyond); err == nil {
			t.Errorf("row %d is %+v", beyond, row)
		}
	}
	check(2*n - 1)
	if _, err := OpenRows[narrow](filepath.Join(dir, "none")); !errors.Is(err, ErrNoTable) {
		t.Errorf("no table: error %v", err)
	}
}
