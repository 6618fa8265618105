package data

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// parquetMagic is what a Parquet file starts with.
const parquetMagic = "PAR1"

// itemsHashKey is the metadata that holds the dataset's hash: pages of a Parquet
// file have checksums, its footer has none, and a byte of that changed can
// make other items of the same pages.
const itemsHashKey = "perg.items_sha256"

// An itemRow is an item as PERGData has it in Parquet. An empty category or
// preference type is null.
type itemRow struct {
	ID             string   `parquet:"id"`
	Source         string   `parquet:"source,dict"`
	Category       string   `parquet:"category,optional,dict"`
	Question       string   `parquet:"question"`
	Options        []string `parquet:"options,list"`
	Gold           string   `parquet:"gold,dict"` // letter
	Preference     string   `parquet:"preference,dict"`
	PreferenceType string   `parquet:"preference_type,optional,dict"`
}

// WriteParquet writes a dataset as PERGData in Parquet (zstd): one row per
// item, with the columns id, source, category, question, options (a LIST of
// strings), gold (a letter), preference and preference_type, null where
// category or preference type is empty. The file is put in place whole or not
// at all. A dataset in which Check finds a problem that is no warning is
// refused.
func WriteParquet(path string, d Dataset) error {
	var bad faults
	bad.check(d, func(i int) (int, string) { return i, fmt.Sprintf("number %d of the items", i+1) })
	if err := bad.err(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	rows := make([]itemRow, len(d.Items))
	for i, it := range d.Items {
		rows[i] = itemRow{
			ID:             it.ID,
			Source:         it.Source,
			Category:       it.Category,
			Question:       it.Question,
			Options:        it.Options,
			Gold:           it.GoldLetter(),
			Preference:     it.Preference,
			PreferenceType: string(it.PreferenceType),
		}
	}
	var b bytes.Buffer
	err := parquet.Write(&b, rows,
		parquet.Compression(&parquet.Zstd),
		parquet.CreatedBy("perg", "", ""),
		parquet.KeyValueMetadata(itemsHashKey, datasetHash(d.Items)))
	if err == nil {
		err = WriteFile(path, b.Bytes())
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// ReadParquet reads PERGData in Parquet, as WriteParquet writes it or another
// program with the same columns, which may be nullable; a null is an empty
// text. Other columns are ignored. A file that WriteParquet wrote and that now
// gives other items is damaged, and an error. An error lists up to 20 problems
// by row, from 1, and counts the others.
func ReadParquet(name string, r io.ReaderAt, size int64) (Dataset, error) {
	rows, hash, err := readItemRows(r, size)
	if err != nil {
		return Dataset{}, fmt.Errorf("read %s: %w", name, err)
	}
	var bad faults
	place := func(i int) (int, string) { return i, fmt.Sprintf("%s: row %d", name, i+1) }
	items := make([]Item, len(rows))
	for i, row := range rows {
		gold, ok := LetterIndex(row.Gold, len(row.Options))
		if !ok && len(row.Options) > 0 {
			at, words := place(i)
			bad.add(at, "%s: item %q: gold is %q; name one of the %d options by its letter", words, shorten(row.ID), shorten(row.Gold), len(row.Options))
			gold = 0 // said already
		}
		items[i] = Item{
			ID:             row.ID,
			Source:         row.Source,
			Category:       row.Category,
			Question:       row.Question,
			Options:        row.Options,
			Gold:           gold,
			Preference:     row.Preference,
			PreferenceType: PreferenceType(row.PreferenceType),
		}
	}
	d := newDataset(name, items)
	bad.check(d, place)
	if err := bad.err(); err != nil {
		return Dataset{}, err
	}
	if hash != "" && hash != d.SHA256 {
		return Dataset{}, fmt.Errorf("read %s: the items are not those it was written with (SHA-256 %s, in its metadata %s: %s); build or copy the file again, or remove that metadata where you changed the items",
			name, d.SHA256, itemsHashKey, shorten(hash))
	}
	return d, nil
}

// readItemRows reads the rows of a file that has the columns of itemRow, and
// the hash it was written with, empty where another program wrote it.
func readItemRows(r io.ReaderAt, size int64) (rows []itemRow, hash string, err error) {
	defer recoverDamage(&err)
	file, err := openParquet(r, size)
	if err != nil {
		return nil, "", fmt.Errorf("%w; build or copy the file again", err)
	}
	if err := checkColumns(file.Schema()); err != nil {
		return nil, "", err
	}
	reader := parquet.NewGenericReader[itemRow](file)
	defer reader.Close()
	buffer := make([]itemRow, 64)
	for {
		n, err := readRows(reader, buffer)
		rows = append(rows, buffer[:n]...)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, "", fmt.Errorf("after row %d: %w; build or copy the file again", len(rows), err)
		}
	}
	hash, _ = file.Lookup(itemsHashKey)
	return rows, hash, nil
}

// checkColumns says which columns of PERGData a schema lacks or has with
// another type.
func checkColumns(schema *parquet.Schema) error {
	found := map[string]parquet.Node{}
	var order []string
	for _, f := range schema.Fields() {
		found[f.Name()] = f
		order = append(order, f.Name())
	}
	var missing, wrong, want []string
	for _, f := range parquet.SchemaOf(itemRow{}).Fields() {
		want = append(want, f.Name())
		node, ok := found[f.Name()]
		if !ok {
			missing = append(missing, f.Name())
			continue
		}
		if got, want := columnType(node), columnType(f); got != want {
			wrong = append(wrong, fmt.Sprintf("%s is %s where it should be %s", f.Name(), got, want))
		}
	}
	var faults []string
	if missing != nil {
		faults = append(faults, "missing "+strings.Join(missing, ", "))
	}
	if faults = slices.Concat(faults, wrong); faults == nil {
		return nil
	}
	return fmt.Errorf("columns: %s (found %s; expected %s); build the file with \"perg data build\"",
		strings.Join(faults, "; "), strings.Join(order, ", "), strings.Join(want, ", "))
}

// columnType names a column's type in Parquet's words, whether nullable or
// not. Those of a list name its inner nodes too, as the reader goes by them.
func columnType(n parquet.Node) string {
	t := n.Type().String()
	if n.Repeated() {
		t = "repeated " + t
	}
	if n.Leaf() {
		return t
	}
	var fields []string
	for _, f := range n.Fields() {
		fields = append(fields, f.Name()+" "+columnType(f))
	}
	return t + "{" + strings.Join(fields, ", ") + "}"
}
