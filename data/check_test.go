package data

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func goodItem() Item {
	return Item{
		ID:             "mmlu-0001",
		Source:         "mmlu",
		Category:       "anatomy",
		Question:       "What is it?",
		Options:        []string{"one", "two", "three", "four"},
		Gold:           1,
		Preference:     "Be brief.",
		PreferenceType: Clarity,
	}
}

// goodItems are n items that differ in id and question.
func goodItems(n int) []Item {
	items := make([]Item, n)
	for i := range items {
		items[i] = goodItem()
		items[i].ID = fmt.Sprintf("mmlu-%04d", i+1)
		items[i].Question = fmt.Sprintf("What is %d?", i+1)
	}
	return items
}

func TestCheckOfOneItem(t *testing.T) {
	many := make([]string, 27)
	for i := range many {
		many[i] = fmt.Sprint("option ", i)
	}
	for _, tt := range []struct {
		name  string
		spoil func(it *Item)
		want  []string
	}{
		{"good", func(it *Item) {}, nil},
		{"unknown category and type", func(it *Item) { it.Category, it.PreferenceType = "", "" }, nil},
		{"as many options as letters", func(it *Item) { it.Options = many[:26] }, nil},
		{"options that differ in case", func(it *Item) { it.Options[0] = "Two" }, nil},
		{"all empty", func(it *Item) { *it = Item{} }, []string{
			"empty_field: the id is empty; fill it in or leave the item out",
			"empty_field: the source is empty; fill it in or leave the item out",
			"empty_field: the question is empty; fill it in or leave the item out",
			"empty_field: the preference is empty; fill it in or leave the item out",
			"option_count: number of options: 0; an item needs 2 to 26",
		}},
		{"blank", func(it *Item) { it.Question, it.Preference = " \n", "\t" }, []string{
			"empty_field: the question is empty; fill it in or leave the item out",
			"empty_field: the preference is empty; fill it in or leave the item out",
		}},
		{"blank options", func(it *Item) { it.Options[2], it.Options[3] = "", " " }, []string{
			"empty_field: option C is empty; fill it in or leave the item out",
			"empty_field: option D is empty; fill it in or leave the item out",
		}},
		{"one option", func(it *Item) { it.Options, it.Gold = it.Options[:1], 0 }, []string{"option_count: number of options: 1; an item needs 2 to 26"}},
		{"too many options", func(it *Item) { it.Options = many }, []string{"option_count: number of options: 27; an item needs 2 to 26"}},
		{"gold before the first", func(it *Item) { it.Gold = -1 }, []string{"gold_out_of_range: the gold option is number -1 (from 0) of 4; name one of the options"}},
		{"gold after the last", func(it *Item) { it.Gold = 4 }, []string{"gold_out_of_range: the gold option is number 4 (from 0) of 4; name one of the options"}},
		{"equal options", func(it *Item) { it.Options[3] = " one\n" }, []string{`warning equal_options: options A and D are both "one"`}},
		{"equal options, one of them right", func(it *Item) { it.Options[3] = "two" }, []string{`warning equal_options: options B and D are both "two", and one of them is the gold option: a model that picks the other is counted wrong`}},
		{"equal options, the later one right", func(it *Item) { it.Options[0] = "two" }, []string{`warning equal_options: options A and B are both "two", and one of them is the gold option: a model that picks the other is counted wrong`}},
		{"preference type", func(it *Item) { it.PreferenceType = "brevity" }, []string{`unknown_preference_type: the preference type is "brevity"; it is one of clarity, context, thinking, examples, creative, or empty where it is not known`}},
		{"NUL", func(it *Item) { it.Category, it.Options[0] = "a\x00b", "\x00" }, []string{
			"bad_text: the category holds a NUL character (at byte 1); remove it",
			"bad_text: option A holds a NUL character (at byte 0); remove it",
		}},
		{"not UTF-8", func(it *Item) { it.ID, it.Preference = "\ufffd\xff", "caf\xe9" }, []string{
			"bad_text: the id is not UTF-8 text (at byte 3); save it as UTF-8",
			"bad_text: the preference is not UTF-8 text (at byte 3); save it as UTF-8",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			it := goodItem()
			tt.spoil(&it)
			if diff := cmp.Diff(tt.want, described(Check(Dataset{Items: []Item{it}}))); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func described(problems []Problem) []string {
	var out []string
	for _, p := range problems {
		s := string(p.Kind) + ": " + p.Detail
		if p.Warning {
			s = "warning " + s
		}
		out = append(out, s)
	}
	return out
}

func TestCheckAcrossItems(t *testing.T) {
	items := goodItems(5)
	items[2].ID = items[0].ID
	items[3].Question = items[1].Question + " "
	items[4].Question = items[1].Question
	items[4].Options = []string{"other", "options"}
	want := []Problem{
		{Index: 2, ItemID: "mmlu-0001", Kind: DuplicateID, Detail: `the id is also that of the item that asks "What is 1?"; give each item an id of its own`},
		{Index: 3, ItemID: "mmlu-0004", Kind: DuplicateQuestion, Detail: `the question is also that of item "mmlu-0002", which has the same options`, Warning: true},
		{Index: 4, ItemID: "mmlu-0005", Kind: DuplicateQuestion, Detail: `the question is also that of item "mmlu-0002", which has other options`, Warning: true},
	}
	if diff := cmp.Diff(want, Check(Dataset{Items: items})); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	want = []Problem{{Index: -1, Kind: NoItems, Detail: "there are no items; choose a dataset that has some"}}
	if diff := cmp.Diff(want, Check(Dataset{})); diff != "" {
		t.Errorf("problems of nothing (-want +got):\n%s", diff)
	}
}

func TestCounts(t *testing.T) {
	items := goodItems(6)
	items[0].Source, items[0].Category = "truthfulqa", ""
	items[1].PreferenceType, items[2].PreferenceType = "", Thinking
	items[3].Category, items[3].Gold = "marketing", 3
	items[4].Gold = 0
	got, err := json.Marshal(Counts(Dataset{Items: items}))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		`{"sources":[{"value":"truthfulqa","n":1},{"value":"mmlu","n":5}]`,
		`"categories":[{"value":"","n":1},{"value":"anatomy","n":4},{"value":"marketing","n":1}]`,
		`"preference_types":[{"value":"clarity","n":4},{"value":"thinking","n":1},{"value":"","n":1}]`,
		`"gold_letters":[{"value":"A","n":1},{"value":"B","n":4},{"value":"D","n":1}]}`,
	}, ",")
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}
