package data

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseTruthfulQA(t *testing.T) {
	want := Item{Question: "Who \"is\" it?\n\u00bfQui\u00e9n?", Options: []string{"choices", " b ", "c"}, Gold: 1}
	for name, text := range map[string]string{
		"lists":  `{"type": "x", "question": "Who \"is\" it?\n¿Quién?", "mc1_targets": {"labels": [0, 1, 0], "choices": ["choices", " b ", "c"]}, "mc2_targets": {"a": 1}}`,
		"object": `{"question": "Who \"is\" it?\n\u00bfQui\u00e9n?", "mc1_targets": {"choices": 0, " b ": 1, "c": 0}}`,
	} {
		got, err := parseTruthfulQA([]byte(text))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	for text, want := range map[string]string{
		`{"question": "Q?"}`:                                                            "there is no choice in mc1_targets (found question)",
		`{"question": "Q?", "mc1_targets": null}`:                                       "there is no choice in mc1_targets",
		`{"question": "Q?", "mc1_targets": {"a": 1, "b": 1}}`:                           "mc1_targets has 2 right choices",
		`{"question": "Q?", "mc1_targets": {"a": 1, "b": null}}`:                        "label 2 of mc1_targets is -1",
		`{"question": "Q?", "mc1_targets": {"a": 1, "b": "x"}}`:                         `mc1_targets: "b" is "x"`,
		`{"question": "Q?", "mc1_targets": ["a", "b"]}`:                                 "mc1_targets is no object",
		`{"question": "Q?", "mc1_targets": {"choices": ["a", "b"], "labels": [1, 2]}}`:  "label 2 of mc1_targets is 2",
		`{"question": "Q?", "mc1_targets": {"choices": ["a", 2], "labels": [1, 0]}}`:    `mc1_targets: "choices" is ["a", 2]`,
		`{"question": ["Q?"], "mc1_targets": {"choices": ["a", "b"], "labels": [1,0]}}`: "question is of JSON type array where it should be a text",
	} {
		if _, err := parseTruthfulQA([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
}

// The order of a seed is part of the results that were made with it.
func TestShuffleOptions(t *testing.T) {
	it := Item{Question: "Is it so?", Options: []string{"a", "b", "c", "d", "e"}}
	shuffleOptions(&it, DefaultSeed)
	if want := []string{"c", "d", "b", "a", "e"}; !slices.Equal(it.Options, want) || it.Options[it.Gold] != "a" {
		t.Errorf("options %q, gold %s; want %q", it.Options, it.GoldLetter(), want)
	}
}

func FuzzParseTruthfulQA(f *testing.F) {
	f.Add([]byte(`{"question": "Q?", "mc1_targets": {"labels": [0, 1], "choices": ["a", "b"]}}`))
	f.Add([]byte(`{"question": "Q\u00e9?", "mc1_targets": {"a": 1, "b": 0}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		it, err := parseTruthfulQA(text)
		if err != nil {
			return
		}
		right := it.Options[it.Gold]
		options := slices.Sorted(slices.Values(it.Options))
		shuffleOptions(&it, 1)
		if it.Options[it.Gold] != right || !slices.Equal(options, slices.Sorted(slices.Values(it.Options))) {
			t.Errorf("shuffled to %q, gold %d; right is %q", it.Options, it.Gold, right)
		}
	})
}
