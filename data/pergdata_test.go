package data

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
)

func readParquetBytes(b []byte) (Dataset, error) {
	return ReadParquet("d.parquet", bytes.NewReader(b), int64(len(b)))
}

func TestParquetRoundTrip(t *testing.T) {
	d := newDataset("d", goodItems(200)) // several batches of the reader
	d.Items[0].Category, d.Items[1].PreferenceType = "", ""
	d.Items[2].Options = []string{"one\nline", "漢字 \"'\\"}
	d.Items[3].Question = strings.Repeat("long ", 10_000)
	for i := range d.Items[4:] {
		d.Items[4+i].Options[0] = fmt.Sprint(i)
	}
	d = newDataset("d", d.Items)
	path := filepath.Join(t.TempDir(), "perg.parquet")
	if err := WriteParquet(path, d); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d.Items, got.Items); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	if got.SHA256 != d.SHA256 || got.Name != path {
		t.Errorf("name %q, hash %q, want %q", got.Name, got.SHA256, d.SHA256)
	}
}

// The file is what other programs read: names, types, nulls, zstd.
func TestWriteParquetForOthers(t *testing.T) {
	d := newDataset("d", goodItems(2))
	d.Items[0].Category, d.Items[0].PreferenceType = "", ""
	path := filepath.Join(t.TempDir(), "perg.parquet")
	if err := WriteParquet(path, d); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	const want = `message itemRow {
	required binary id (STRING);
	required binary source (STRING);
	optional binary category (STRING);
	required binary question (STRING);
	required group options (LIST) {
		repeated group list {
			required binary element (STRING);
		}
	}
	required binary gold (STRING);
	required binary preference (STRING);
	optional binary preference_type (STRING);
}`
	if diff := cmp.Diff(want, f.Schema().String()); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
	for _, c := range f.Metadata().RowGroups[0].Columns {
		if c.MetaData.Codec.String() != "ZSTD" {
			t.Errorf("column %v: codec %s", c.MetaData.PathInSchema, c.MetaData.Codec)
		}
	}
	type nullable struct {
		Category       *string `parquet:"category"`
		PreferenceType *string `parquet:"preference_type"`
		Gold           string  `parquet:"gold"`
	}
	rows, err := parquet.Read[nullable](bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if rows[0].Category != nil || rows[0].PreferenceType != nil || *rows[1].Category != "anatomy" || *rows[1].PreferenceType != "clarity" || rows[0].Gold != "B" {
		t.Errorf("rows: %+v", rows)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// What could not be loaded is not written, and leaves an older file as it was.
func TestWriteParquetRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "perg.parquet")
	writeFile(t, path, "older")
	d := newDataset("d", goodItems(2))
	d.Items[1].Gold = 7
	err := WriteParquet(path, d)
	want := "write " + path + `: number 2 of the items: item "mmlu-0002": the gold option is number 7 (from 0) of 4; name one of the options`
	if err == nil || err.Error() != want {
		t.Errorf("error\n got %v\nwant %s", err, want)
	}
	if b, _ := os.ReadFile(path); string(b) != "older" {
		t.Errorf("the older file is now %q", b)
	}
	err = WriteParquet(filepath.Join(t.TempDir(), "absent", "perg.parquet"), newDataset("d", goodItems(2)))
	if err == nil || !strings.Contains(err.Error(), "no such file or directory") {
		t.Errorf("into a directory that is not there: %v", err)
	}
}

// looseRow is PERGData as Pandas and PyArrow write it: columns in another
// order, all of them nullable, list elements too, and a row number.
type looseRow struct {
	Index      *int64    `parquet:"__index_level_0__"`
	Options    []*string `parquet:"options,optional,list"`
	Preference *string   `parquet:"preference"`
	Type       *string   `parquet:"preference_type"`
	Gold       *string   `parquet:"gold"`
	ID         *string   `parquet:"id"`
	Source     *string   `parquet:"source"`
	Category   *string   `parquet:"category"`
	Question   *string   `parquet:"question"`
}

func looseRows(n int) []looseRow {
	var rows []looseRow
	for i, it := range goodItems(n) {
		row := looseRow{Index: new(int64(i)), Preference: &it.Preference, Gold: new(it.GoldLetter()), ID: &it.ID, Source: &it.Source, Category: &it.Category, Question: &it.Question, Type: new(string(it.PreferenceType))}
		for _, o := range it.Options {
			row.Options = append(row.Options, &o)
		}
		rows = append(rows, row)
	}
	return rows
}

func parquetBytes[T any](t *testing.T, rows []T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := parquet.Write(&b, rows); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadParquetOfOthers(t *testing.T) {
	rows := looseRows(3)
	rows[1].Category, rows[1].Type = nil, nil
	got, err := readParquetBytes(parquetBytes(t, rows))
	if err != nil {
		t.Fatal(err)
	}
	want := goodItems(3)
	want[1].Category, want[1].PreferenceType = "", ""
	if diff := cmp.Diff(want, got.Items); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
}

func TestReadParquetNamesRows(t *testing.T) {
	rows := looseRows(9)
	rows[1].Question = nil
	rows[2].Options[3] = nil
	rows[3].Options = nil
	rows[4].Gold = new("E")
	rows[5].Gold = nil
	rows[6].Type = new("brevity")
	rows[7].ID = rows[0].ID
	rows[8].Preference = new("caf\xe9")
	_, err := readParquetBytes(parquetBytes(t, rows))
	golden(t, "testdata/rows.txt", err)
}

func TestReadParquetColumns(t *testing.T) {
	type some struct {
		ID       int64      `parquet:"id"`
		Question []byte     `parquet:"question"`
		Options  [][]string `parquet:"options,list"`
		Gold     [3]byte    `parquet:"gold"`
		Source   struct {
			Name string `parquet:"name"`
		} `parquet:"source"`
	}
	_, err := readParquetBytes(parquetBytes(t, []some{{ID: 1}}))
	const want = `read d.parquet: columns: missing source, category, options, gold, preference, preference_type (found id, question, source.name; expected id, source, category, question, options, gold, preference, preference_type); not read for their types: options (a list of lists), gold (FIXED_LEN_BYTE_ARRAY(3)); write them as texts, numbers, truth values, or lists of those; build the file with "perg data build"`
	if err == nil || err.Error() != want {
		t.Errorf("error\n got %v\nwant %s", err, want)
	}
	_, err = readParquetBytes(parquetBytes(t, []itemRow{}))
	if err == nil || err.Error() != "d.parquet: there are no items; choose a dataset that has some" {
		t.Errorf("a file without rows: %v", err)
	}
}

// A damaged file is an error, or its damage is in bytes that do not matter;
// it never ends the program, and never is a dataset with other items.
func TestReadParquetDamaged(t *testing.T) {
	d := newDataset("d", goodItems(20))
	path := filepath.Join(t.TempDir(), "perg.parquet")
	if err := WriteParquet(path, d); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const step = 3
	for n := 0; n < len(whole); n += step {
		if _, err := readParquetBytes(whole[:n]); err == nil {
			t.Fatalf("the first %d of %d bytes are a dataset", n, len(whole))
		}
	}
	for i := 0; i < len(whole); i += step {
		b := slices.Clone(whole)
		b[i] ^= 0x11
		if got, err := readParquetBytes(b); err == nil && got.SHA256 != d.SHA256 {
			t.Errorf("byte %d of %d changed makes other items", i, len(whole))
		}
	}
	lost := fmt.Errorf("disk lost")
	if _, err := ReadParquet("d.parquet", lostDisk{bytes.NewReader(whole), lost}, int64(len(whole))); err == nil || !strings.Contains(err.Error(), "disk lost") {
		t.Errorf("a disk that is lost: %v", err)
	}
}

// A lostDisk reads the end of a file and nothing before.
type lostDisk struct {
	io.ReaderAt
	err error
}

func (d lostDisk) ReadAt(p []byte, at int64) (int, error) {
	if at > 3 && at < 1000 {
		return 0, d.err
	}
	return d.ReaderAt.ReadAt(p, at)
}
