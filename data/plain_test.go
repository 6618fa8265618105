package data

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
)

func packed(content []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(content)
	w.Close()
	return b.Bytes()
}

func inUTF16(text string, high int) []byte {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		pair := []byte{byte(unit >> 8), byte(unit)}
		b = append(b, pair[1-high], pair[high])
	}
	return b
}

// A dataset is read whatever its file was saved as.
func TestLoadPlain(t *testing.T) {
	text := "id;question;options;gold_option;gold_answer;category;source;preference\n" +
		"q1;\"Où, 漢 𝄞?\";\"array(['a', np.str_('b')],\n      dtype=object)\";(b);b;<NA>;mine;p\n" +
		"None;Which?;\"['None' 'b']\";a;None;N/A;mine;p\n"
	want := []Item{
		{ID: "q1", Source: "mine", Question: "Où, 漢 𝄞?", Options: []string{"a", "b"}, Gold: 1, Preference: "p"},
		{ID: "mine-0002", Source: "mine", Question: "Which?", Options: []string{"None", "b"}, Gold: 0, Preference: "p"},
	}
	path := filepath.Join(t.TempDir(), "d")
	if err := WriteParquet(path, newDataset("d", want)); err != nil {
		t.Fatal(err)
	}
	inParquet, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"UTF-8":               []byte(text),
		"byte order mark":     []byte("\ufeff" + text),
		"UTF-16":              inUTF16("\ufeff"+text, 1),
		"UTF-16, high first":  inUTF16("\ufeff"+text, 0),
		"UTF-16 without mark": inUTF16(text, 1),
		"tabs":                []byte(strings.ReplaceAll(text, ";", "\t")),
		"gzip":                packed([]byte(text)),
		"gzip of UTF-16":      packed(inUTF16("\ufeff"+text, 1)),
		"Parquet":             inParquet,
		"gzip of Parquet":     packed(inParquet),
	} {
		writeFile(t, path, string(content))
		got, err := Load(path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(want, got.Items); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// What is no data is named, by every reader.
func TestRefused(t *testing.T) {
	for content, want := range map[string]string{
		"PK\x03\x04\x14\x00":                              "a ZIP archive or an Excel workbook; unpack it",
		"\x28\xb5\x2f\xfd\x00":                            "compressed by zstd; unpack it with unzstd",
		"ARROW1\x00\x00":                                  "an Arrow (Feather) file; write it as Parquet",
		" <!DOCTYPE html><html>":                          "a web page; download the file itself",
		"version https://git-lfs.github.com/spec/v1\noid": "a pointer of Git LFS, not the file itself; get that with git lfs pull",
		"SQLite format 3\x00":                             "an SQLite database; export the table as CSV",
		"\xff\xfe\x00\x00i\x00\x00\x00":                   "text in UTF-32; save it as UTF-8",
		string(packed(packed([]byte("id")))):              "compressed by gzip twice",
		string(packed([]byte(strings.Repeat("\x01", 257) + "ustar\x00"))): "a tar archive; unpack it",
	} {
		path := filepath.Join(t.TempDir(), "d")
		writeFile(t, path, content)
		_, load := Load(path)
		_, foreign := OpenForeign(path)
		_, _, build := Build(Sources{TruthfulQA: path}, Preferences{}, 1)
		_, text := ReadText(path)
		for reader, err := range map[string]error{"Load": load, "OpenForeign": foreign, "Build": build, "ReadText": text} {
			if err == nil || !strings.Contains(err.Error(), path+": it is "+want) {
				t.Errorf("%s(%.12q): %v, want it to say %q", reader, content, err, want)
			}
		}
	}
	// Text may begin as they do.
	for _, header := range []string{"PARENT,b", "ORC,b", "BZh,b", "Rar!,b"} {
		path := filepath.Join(t.TempDir(), "d")
		writeFile(t, path, header+"\n1,2\n")
		if f, err := OpenForeign(path); err != nil {
			t.Errorf("%s: %v", header, err)
		} else {
			f.Close()
		}
	}
	path := filepath.Join(t.TempDir(), "d.csv.gz")
	whole := packed([]byte(strings.Repeat("some text ", 10_000)))
	writeFile(t, path, string(whole[:len(whole)-9]))
	if _, err := ReadText(path); err == nil || err.Error() != "read "+path+": it is compressed by gzip, and cut or damaged: unexpected EOF; copy it again" {
		t.Errorf("gzip that is cut: %v", err)
	}
}

func TestMissing(t *testing.T) {
	for _, text := range []string{"", " ", "nan", "NaN", "None", "NULL", "null", "<NA>", "N/A", "n/a", "NA", "#N/A"} {
		if !Missing(text) {
			t.Errorf("%q is a value", text)
		}
	}
	for _, text := range []string{"Na", "na", "no", "0", "None of these", "Nancy", "-"} {
		if Missing(text) {
			t.Errorf("%q is no value", text)
		}
	}
}

// Each column of an item that has to be there is missed by its line.
func TestMissingFields(t *testing.T) {
	const header = "id,question,options,gold_option,gold_answer,category,source,preference\n"
	for row, want := range map[string]string{
		`q,"['a', 'b']",A,,,mine,nan`:      `d.csv:2: item "x": the preference is empty: "nan" stands for no value; fill it in or leave the item out`,
		`<NA>,"['a', 'b']",A,,,mine,p`:     `d.csv:2: item "x": the question is empty: "<NA>" stands for no value; fill it in or leave the item out`,
		`q,"['a', 'b']",A,,,None,p`:        `d.csv:2: the source is empty; name the source of the item`,
		`q,"['a', 'b']",A,b,,mine,p`:       `d.csv:2: gold_answer is "b", but gold_option A is "a"; correct the one that is wrong, or leave gold_answer empty`,
		`q,"['None', 'b']",B,None,,mine,p`: `d.csv:2: gold_answer is "None", but gold_option B is "b"; correct the one that is wrong, or leave gold_answer empty`,
		`q,"['None', 'b']",B,NaN,,mine,p`:  "",
	} {
		_, err := ReadCSV("d.csv", strings.NewReader(header+"x,"+row+"\n"))
		if got := fmt.Sprint(err); got != want && !(err == nil && want == "") {
			t.Errorf("%s:\n got %s\nwant %s", row, got, want)
		}
	}
}

// Columns of any type that holds a number are that number.
func TestParquetNumbers(t *testing.T) {
	type row struct {
		Question string           `parquet:"question"`
		Subject  string           `parquet:"subject"`
		Choices  []string         `parquet:"choices,list"`
		Whole    int32            `parquet:"whole"`
		Double   float64          `parquet:"double"`
		Float    float32          `parquet:"float"`
		Cents    int64            `parquet:"cents,decimal(2:10)"`
		Small    int32            `parquet:"small,decimal(1:5)"`
		Flag     bool             `parquet:"flag"`
		When     deprecated.Int96 `parquet:"when"`
	}
	var b bytes.Buffer
	if err := parquet.Write(&b, []row{{"q", "anatomy", []string{"a"}, 1, 1, 0.1, 100, 15, true, deprecated.Int96{}}}); err != nil {
		t.Fatal(err)
	}
	records := parseRecords("d.parquet", b.Bytes())
	const want = `{"cents":1,"choices":["a"],"double":1,"flag":true,"float":0.1,"question":"q","small":1.5,"subject":"anatomy","whole":1}`
	if len(records) != 1 || string(records[0].text) != want {
		t.Errorf("record\n got %s\nwant %s", records[0].text, want)
	}
	_, _, bad := readQuestions(records, func(text []byte) (Item, error) { return parseMMLU(text, "anatomy") })
	if err := bad.err(); err == nil || !strings.HasSuffix(err.Error(), "; not read for their types: when (INT96); write them as texts, numbers, truth values, or lists of those") {
		t.Errorf("error: %v", err)
	}
	for in, want := range map[string]string{"\x00\x64": "1", "\xff\xff": "-0.01", "": "0"} {
		if got := string(decimal(unscaled([]byte(in)), 2)); got != want {
			t.Errorf("%q of scale 2 is %s, want %s", in, got, want)
		}
	}
}

func FuzzPlainText(f *testing.F) {
	f.Add([]byte("id,question"))
	f.Add(packed([]byte("id,question")))
	f.Add(inUTF16("\ufeffid,𝄞", 1))
	f.Add(inUTF16("\ufeffid,𝄞", 0))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "d")
		writeFile(t, path, string(content))
		text, err := ReadText(path)
		if err == nil && utf8.Valid(content) && !bytes.ContainsRune(content, 0) && string(text) != strings.TrimPrefix(string(content), "\ufeff") {
			t.Errorf("%q is read as %q", content, text)
		}
	})
}
