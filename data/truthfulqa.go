package data

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
)

const truthfulQAForm = `a question of TruthfulQA is {"question": ..., "mc1_targets": {"choices": [...], "labels": [1, 0, ...]}}, or with mc1_targets as {"right answer": 1, "wrong answer": 0, ...}`

// readTruthfulQA reads the multiple-choice task of TruthfulQA: mc_task.json, or
// the export of its multiple_choice configuration. The questions come in the
// paper's order, whatever the file's is: copies of the dataset differ in it, and
// a question's place decides its preference. Those that the paper does not have
// come last, which a note says. The options are shuffled.
func readTruthfulQA(path string, seed uint64) (questions []question, notes []string, bad faults) {
	questions, _, bad = readQuestions(readRecords(path), parseTruthfulQA)
	places := truthfulQAPlaces()
	others := 0
	place := func(q question) int {
		if at, ok := places[fingerprint(q.item.Question)]; ok {
			return at
		}
		return len(places)
	}
	for i := range questions {
		shuffleOptions(&questions[i].item, seed)
		if place(questions[i]) == len(places) {
			others++
		}
	}
	slices.SortStableFunc(questions, func(a, b question) int { return cmp.Compare(place(a), place(b)) })
	if others > 0 {
		notes = append(notes, fmt.Sprintf("truthfulqa: %d questions are not among the paper's %d; they come after those that are", others, len(places)))
	}
	return questions, notes, bad
}

//go:embed truthfulqa_order.txt
var truthfulQAOrder string

// truthfulQAPlaces are the places, from 0, of TruthfulQA's questions in the
// paper's data, by fingerprint: the order of mc_task.json as it was published
// with 817 questions.
var truthfulQAPlaces = sync.OnceValue(func() map[string]int {
	places := make(map[string]int)
	for i, hash := range strings.Fields(truthfulQAOrder) {
		places[hash] = i
	}
	return places
})

// fingerprint is the 32-bit FNV-1a hash of a question, hex. It tells those of
// TruthfulQA apart.
func fingerprint(question string) string {
	h := fnv.New32a()
	h.Write([]byte(strings.TrimSpace(question)))
	return fmt.Sprintf("%08x", h.Sum32())
}

// shuffleOptions puts the options in an order drawn from the seed and the
// question.
func shuffleOptions(it *Item, seed uint64) {
	h := fnv.New64a()
	h.Write([]byte(it.Question))
	order := rand.New(rand.NewPCG(seed, h.Sum64())).Perm(len(it.Options))
	options := make([]string, len(order))
	for to, from := range order {
		options[to] = it.Options[from]
	}
	it.Options, it.Gold = options, slices.Index(order, it.Gold)
}

func parseTruthfulQA(text []byte) (Item, error) {
	var r struct {
		Question string     `json:"question"`
		Targets  mc1Targets `json:"mc1_targets"`
	}
	if err := decodeRecord(text, &r, truthfulQAForm); err != nil {
		return Item{}, err
	}
	if r.Question == "" {
		return Item{}, missing("question", fieldNames(text), truthfulQAForm)
	}
	options, labels := r.Targets.choices, r.Targets.labels
	if len(options) == 0 {
		return Item{}, missing("choice in mc1_targets", fieldNames(text), truthfulQAForm)
	}
	if len(options) != len(labels) {
		return Item{}, fmt.Errorf("mc1_targets has %d choices and %d labels; give each choice one", len(options), len(labels))
	}
	gold, right := -1, 0
	for i, label := range labels {
		switch label {
		case 0:
		case 1:
			gold = i
			right++
		default:
			return Item{}, fmt.Errorf("label %d of mc1_targets is %d; it is 1 for the right choice and 0 for the others", i+1, label)
		}
	}
	if right != 1 {
		return Item{}, fmt.Errorf("mc1_targets has %d right choices (label 1); it has one (mc2_targets has several and is not used)", right)
	}
	return Item{Question: r.Question, Options: options, Gold: gold}, nil
}

// mc1Targets are the choices of a question in their order, in either form.
type mc1Targets struct {
	choices []string
	labels  []int
}

// UnmarshalJSON reads {"choices": [...], "labels": [...]} or {choice: label}.
func (t *mc1Targets) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return errors.New("mc1_targets is no object")
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		name := key.(string)
		switch {
		case name == "choices" && value[0] == '[':
			err = json.Unmarshal(value, &t.choices)
		case name == "labels" && value[0] == '[':
			var labels []label
			err = json.Unmarshal(value, &labels)
			for _, l := range labels {
				t.labels = append(t.labels, int(l))
			}
		default:
			l := label(-1) // of a null
			err = json.Unmarshal(value, &l)
			t.choices = append(t.choices, name)
			t.labels = append(t.labels, int(l))
		}
		if err != nil {
			return fmt.Errorf("mc1_targets: %s is %s", shorten(fmt.Sprintf("%q", name)), shorten(string(value)))
		}
	}
	return nil
}

// A label is 1 for a right choice and 0 for a wrong one, which columns of other
// types have as 1.0 or true.
type label int

func (l *label) UnmarshalJSON(text []byte) error {
	switch n, ok := WholeNumber(string(text)); {
	case ok:
		*l = label(n)
	case string(text) == "true":
		*l = 1
	case string(text) == "false":
		*l = 0
	case string(text) == "null":
		*l = -1
	default:
		return fmt.Errorf("it is no label: %s", text)
	}
	return nil
}
