package data

import (
	"bytes"
	"errors"
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
// program with the same columns, which may be nullable; a null is an empty text.
// Texts may be numbers; a list may name its elements as it likes; gold is a letter
// in either case, the option's text, or its number from 0. Other columns are
// ignored. A file that WriteParquet wrote and that now gives other items is
// damaged, and an error. An error lists up to 20 problems by row, from 1, and
// counts the others.
func ReadParquet(name string, r io.ReaderAt, size int64) (Dataset, error) {
	t := &Foreign{Name: name}
	if err := t.openParquet(r, size); err != nil {
		return Dataset{}, fmt.Errorf("read %w", err)
	}
	if err := t.checkItemColumns(); err != nil {
		return Dataset{}, fmt.Errorf("read %s: %w", name, err)
	}
	var (
		bad   faults
		items []Item
		rows  []int // of each item
	)
	for {
		row, err := t.Next()
		if err == io.EOF {
			break
		}
		if _, goesOn := errors.AsType[RowError](err); goesOn {
			bad.add(row.Number, "%w", err)
			continue
		}
		if err != nil {
			return Dataset{}, fmt.Errorf("read %w", err)
		}
		it, err := parquetItem(row)
		if err != nil {
			bad.add(row.Number, "%s: item %q: %w", t.Place(row.Number), shorten(it.ID), err)
			continue
		}
		items, rows = append(items, it), append(rows, row.Number)
	}
	d := newDataset(name, items)
	if len(items) > 0 || len(bad) == 0 {
		bad.check(d, func(i int) (int, string) { return rows[i], t.Place(rows[i]) })
	}
	if err := bad.err(); err != nil {
		return Dataset{}, err
	}
	if t.itemsHash != "" && t.itemsHash != d.SHA256 {
		return Dataset{}, fmt.Errorf("read %s: the items are not those it was written with (SHA-256 %s, in its metadata %s: %s); build or copy the file again, or remove that metadata where you changed the items",
			name, d.SHA256, itemsHashKey, shorten(t.itemsHash))
	}
	return d, nil
}

// parquetItem reads an item; its id is there even where there is an error.
func parquetItem(row ForeignRow) (it Item, err error) {
	text := func(column string) string { return row.Value(column).Text }
	it = Item{
		ID: text("id"), Source: text("source"), Category: known(text("category")), Question: text("question"),
		Preference: text("preference"), PreferenceType: PreferenceType(known(text("preference_type"))),
	}
	if options := row.Value("options"); options.Known {
		if it.Options, err = options.ReadOptions(); err != nil {
			return it, fmt.Errorf("options: %w", err)
		}
	}
	if n := len(it.Options); n < 2 || n > MaxOptions {
		return it, nil // which the check of items says
	}
	if it.Gold, err = row.Value("gold").ReadGold(it.Options); err != nil {
		err = fmt.Errorf("gold: %w", err)
	}
	return it, err
}

// checkItemColumns says which columns of PERGData a file lacks, and which it has
// in a type that is not read.
func (t *Foreign) checkItemColumns() error {
	var missing, want []string
	for _, f := range parquet.SchemaOf(itemRow{}).Fields() {
		want = append(want, f.Name())
		if !slices.Contains(t.columns, f.Name()) {
			missing = append(missing, f.Name())
		}
	}
	if missing == nil {
		return nil
	}
	return fmt.Errorf("columns: missing %s (found %s; expected %s)%s; build the file with \"perg data build\"",
		strings.Join(missing, ", "), strings.Join(t.columns, ", "), strings.Join(want, ", "), unreadColumns(t.unread))
}
