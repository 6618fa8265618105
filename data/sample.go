package data

import (
	"embed"
	"fmt"
	"slices"
	"sync"
)

//go:embed sample/*.yaml
var sampleFiles embed.FS

// sampleSources are the sources of the sample in its order.
var sampleSources = []string{"misconceptions", "commonsense", "subjects"}

// A sampleItem is an item as the sample's files have it. The fact is for
// reviewers: why the gold option is right and the others are not.
type sampleItem struct {
	Category string   `yaml:"category"`
	Question string   `yaml:"question"`
	Options  []string `yaml:"options"`
	Gold     string   `yaml:"gold"`
	Fact     string   `yaml:"fact"`
}

// Sample is the embedded dataset: 150 questions written for this project, 50
// each on common misconceptions (4 options), everyday common sense (5) and
// school subjects (4), with the embedded preferences. An error is a fault of
// the build.
func Sample() (Dataset, error) {
	d, err := sampleOnce()
	d.Items = slices.Clone(d.Items)
	for i := range d.Items {
		d.Items[i].Options = slices.Clone(d.Items[i].Options)
	}
	return d, err
}

// sampleOnce reads the sample, which a process may load for many runs, as tests do,
// and which takes longer to read than all else that a small run reads.
var sampleOnce = sync.OnceValues(func() (Dataset, error) {
	preferences, err := DefaultPreferences()
	if err != nil {
		return Dataset{}, fmt.Errorf("read the embedded sample: %w", err)
	}
	var items []Item
	for _, source := range sampleSources {
		name := "sample/" + source + ".yaml"
		text, err := sampleFiles.ReadFile(name)
		if err != nil {
			return Dataset{}, fmt.Errorf("read the embedded sample: %w", err)
		}
		list, err := parseSample(name, source, text)
		if err != nil {
			return Dataset{}, fmt.Errorf("read the embedded sample: %w", err)
		}
		items = append(items, list...)
	}
	if err := preferences.assign(items); err != nil {
		return Dataset{}, fmt.Errorf("read the embedded sample: %w", err)
	}
	return newDataset(SampleName, items), nil
})

// parseSample reads the items of one source, named by their position.
func parseSample(name, source string, text []byte) ([]Item, error) {
	var file []located[sampleItem]
	if err := decodeYAML(name, text, &file); err != nil {
		return nil, err
	}
	items := make([]Item, len(file))
	for i, entry := range file {
		it := entry.value
		gold, ok := LetterIndex(it.Gold, len(it.Options))
		if !ok {
			return nil, fmt.Errorf("%s:%d: gold is %q and there are %d options; name one of them by its letter", name, entry.line, it.Gold, len(it.Options))
		}
		items[i] = Item{
			ID:       fmt.Sprintf("%s-%02d", source, i+1),
			Source:   source,
			Category: it.Category,
			Question: it.Question,
			Options:  it.Options,
			Gold:     gold,
		}
	}
	return items, nil
}
