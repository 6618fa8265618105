package data

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"os"
	"slices"
)

// A Dataset is a list of items in the order they are evaluated.
type Dataset struct {
	Name   string // "sample", or the file's path as it was given
	SHA256 string // hex, over the items (not the file's bytes): equal items, equal hash
	Items  []Item
}

// SampleName is the name by which Load knows the embedded sample.
const SampleName = "sample"

// datasetForms is the hint of an error about a file that is no dataset.
const datasetForms = `a dataset is "` + SampleName + `", a Parquet file made by "perg data build", or the published CSV (PERG_Data.csv)`

// Load reads a dataset by name: "sample" for the embedded sample (a file of
// that name is "./sample"), or else the path of a file, PERGData as Parquet or
// the published CSV, told apart by content. A dataset in which Check finds a
// problem that is no warning is an error listing the first 20.
func Load(name string) (Dataset, error) {
	if name == SampleName {
		d, err := Sample()
		if err != nil {
			return Dataset{}, err
		}
		var bad faults
		bad.check(d, func(i int) (int, string) { return i, d.Name })
		if err := bad.err(); err != nil {
			return Dataset{}, err
		}
		return d, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return Dataset{}, fmt.Errorf("open dataset: %w; %s", err, datasetForms)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Dataset{}, fmt.Errorf("open dataset: %w", err)
	}
	if info.IsDir() {
		return Dataset{}, fmt.Errorf("open dataset: %s is a directory; %s", name, datasetForms)
	}
	r, err := plainText(f)
	if err != nil {
		return Dataset{}, plainError(name, err, datasetForms)
	}
	start, _ := r.Peek(len(parquetMagic))
	if string(start) == parquetMagic {
		in, size, err := parquetReader(r, f)
		if err != nil {
			return Dataset{}, fmt.Errorf("read %s: %w", name, err)
		}
		return ReadParquet(name, in, size)
	}
	if len(start) > 0 && (start[0] == '{' || start[0] == '[') {
		return Dataset{}, fmt.Errorf("%s: it is JSON; %s", name, datasetForms)
	}
	return readCSV(name, r)
}

// newDataset completes a dataset that has been read.
func newDataset(name string, items []Item) Dataset {
	linkDuplicates(items)
	return Dataset{Name: name, SHA256: datasetHash(items), Items: items}
}

// datasetHash is the hash of items that are all in memory.
func datasetHash(items []Item) string {
	h := NewItemHash(len(items))
	for _, it := range items {
		h.Add(it)
	}
	return h.Sum()
}

// An ItemHash is the SHA-256 of all fields of all items of a dataset, each with
// its length in front so that no two lists of items encode to the same bytes.
type ItemHash struct {
	hash hash.Hash
	b    []byte
}

// NewItemHash begins the hash of n items.
func NewItemHash(n int) *ItemHash {
	h := &ItemHash{hash: sha256.New()}
	h.number(n)
	return h
}

func (h *ItemHash) number(n int) { h.b = binary.BigEndian.AppendUint64(h.b, uint64(n)) }

func (h *ItemHash) text(s string) {
	h.number(len(s))
	h.b = append(h.b, s...)
}

// Add adds the next item.
func (h *ItemHash) Add(it Item) {
	h.text(it.ID)
	h.text(it.Source)
	h.text(it.Category)
	h.text(it.Question)
	h.number(len(it.Options))
	for _, o := range it.Options {
		h.text(o)
	}
	h.number(it.Gold)
	h.text(it.Preference)
	h.text(string(it.PreferenceType))
	h.hash.Write(h.b)
	h.b = h.b[:0]
}

// Sum is the hash in hex, when all items were added.
func (h *ItemHash) Sum() string {
	h.hash.Write(h.b)
	h.b = h.b[:0]
	return hex.EncodeToString(h.hash.Sum(nil))
}

// Limit keeps n items, in their order: each source in proportion to its size,
// with at least one item where n allows, and from each source items spread
// evenly over its length. With n <= 0, or n of all items or more, it keeps
// all. The items kept for n are among those kept for any larger n, so a run
// that is later made larger has use for what it has.
func (d Dataset) Limit(n int) Dataset {
	if n <= 0 || n >= len(d.Items) {
		return d
	}
	bySource := make(map[string][]int)
	var sources []string
	for i, it := range d.Items {
		if bySource[it.Source] == nil {
			sources = append(sources, it.Source)
		}
		bySource[it.Source] = append(bySource[it.Source], i)
	}
	sizes := make([]int, len(sources))
	for s, source := range sources {
		sizes[s] = len(bySource[source])
	}
	var kept []int
	for s, quota := range apportion(n, sizes) {
		for _, i := range spread(len(bySource[sources[s]]))[:quota] {
			kept = append(kept, bySource[sources[s]][i])
		}
	}
	slices.Sort(kept)
	items := make([]Item, len(kept))
	for k, i := range kept {
		items[k] = d.Items[i]
	}
	return newDataset(d.Name, items)
}

// apportion divides n seats over groups by the method of Huntington and Hill:
// in proportion to size, the first seat of each group before any second one,
// and no group losing a seat when n grows. n is at most the sum of the sizes.
func apportion(n int, sizes []int) []int {
	seats := make([]int, len(sizes))
	// before compares the groups' priorities size / sqrt(seats (seats + 1)).
	before := func(a, b int) bool {
		return sizes[a]*sizes[a]*seats[b]*(seats[b]+1) > sizes[b]*sizes[b]*seats[a]*(seats[a]+1)
	}
	for range n {
		next := -1
		for g := range sizes {
			if seats[g] < sizes[g] && (next < 0 || before(g, next)) {
				next = g
			}
		}
		seats[next]++
	}
	return seats
}

// spread orders 0 to n-1 so that any number of them from the front lie evenly
// over the range: by the fractional part of i times the golden ratio. Equal
// steps would not do, as preferences recur in cycles of 11 to 14 items and a
// step near such a cycle meets few of them.
func spread(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	const golden = 0x9E3779B97F4A7C15 // 2^64 divided by the golden ratio
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Compare(uint64(a)*golden, uint64(b)*golden)
	})
	return order
}

// A Count is the number of items that have a value. The empty value is that
// of items which have none, or whose value is not known.
type Count struct {
	Value string `json:"value"`
	N     int    `json:"n"`
}

// DatasetCounts is the make-up of a dataset, each list with values that occur
// only.
type DatasetCounts struct {
	Sources         []Count `json:"sources"`          // in order of appearance
	Categories      []Count `json:"categories"`       // in order of appearance
	PreferenceTypes []Count `json:"preference_types"` // in the order of PreferenceTypes, unknown last
	GoldLetters     []Count `json:"gold_letters"`     // in order of the alphabet
}

// Counts counts the items of a dataset in which Check finds no error.
func Counts(d Dataset) DatasetCounts {
	var c DatasetCounts
	types := append(PreferenceTypes(), "")
	c.Sources = count(d.Items, func(it Item) string { return it.Source })
	c.Categories = count(d.Items, func(it Item) string { return it.Category })
	c.PreferenceTypes = count(d.Items, func(it Item) string { return string(it.PreferenceType) })
	slices.SortStableFunc(c.PreferenceTypes, func(a, b Count) int {
		return cmp.Compare(slices.Index(types, PreferenceType(a.Value)), slices.Index(types, PreferenceType(b.Value)))
	})
	c.GoldLetters = count(d.Items, Item.GoldLetter)
	slices.SortFunc(c.GoldLetters, func(a, b Count) int { return cmp.Compare(a.Value, b.Value) })
	return c
}

// count counts the items by a value, in order of appearance.
func count(items []Item, value func(Item) string) []Count {
	counts := []Count{}
	at := make(map[string]int)
	for _, it := range items {
		v := value(it)
		i, seen := at[v]
		if !seen {
			i = len(counts)
			at[v] = i
			counts = append(counts, Count{Value: v})
		}
		counts[i].N++
	}
	return counts
}
