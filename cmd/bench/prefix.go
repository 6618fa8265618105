package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"perg/data"
)

const (
	preferences   = 12
	ofEach        = 24
	examplesBytes = 3800
)

// prefixItems are short questions in the order of PERGData: the preference
// changes with every item.
func prefixItems() ([]data.Item, error) {
	sample, err := data.Sample()
	if err != nil {
		return nil, err
	}
	known, err := data.DefaultPreferences()
	if err != nil {
		return nil, err
	}
	var texts []data.Preference
	for _, list := range known.Relevant {
		texts = append(texts, list...)
	}
	slices.SortFunc(texts, func(a, b data.Preference) int { return strings.Compare(a.Text, b.Text) })
	slices.SortStableFunc(sample.Items, func(a, b data.Item) int { return len(a.Question) - len(b.Question) })
	items := make([]data.Item, preferences*ofEach)
	for i := range items {
		items[i] = sample.Items[i%50]
		items[i].ID = fmt.Sprint(i)
		items[i].Question = fmt.Sprintf("%s (%d)", items[i].Question, i)
		items[i].Preference, items[i].PreferenceType = texts[i%preferences].Text, texts[i%preferences].Type
	}
	return items, nil
}

// prefixes compares a run with icl, whose prompts begin with a long text that
// is the same for all items of a preference, with the same calls in the order
// of the data.
func prefixes(ctx context.Context, b *bench) (rows []row, err error) {
	items, err := prefixItems()
	if err != nil {
		return nil, err
	}
	set := filepath.Join(b.dir, "prefix.parquet")
	if err := data.WriteParquet(set, data.Dataset{Items: items}); err != nil {
		return nil, err
	}
	text, err := json.Marshal(map[string]string{"Example_0": strings.Repeat("A question, its options, a preference, and a good answer. ", examplesBytes/57)})
	if err != nil {
		return nil, err
	}
	examples := filepath.Join(b.dir, "examples.json")
	if err := os.WriteFile(examples, text, 0o644); err != nil {
		return nil, err
	}
	server, stop, err := b.startReal(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()

	// The baseline is in the store already: what is measured is icl alone.
	baseline := filepath.Join(b.dir, "baseline")
	flags := []string{"run", "steady", "--host", server.URL(), "--num-predict", "20", "--data", set, "--settings", "relevant", "--parallel", fmt.Sprint(slots), "--num-ctx", fmt.Sprint(numCtx)}
	if _, err := b.run(ctx, append(flags, "--methods", "zero-shot", "--settings", "none", "--store", baseline+".db", "--out", baseline)...); err != nil {
		return nil, err
	}
	client := newBareClient(server.URL())
	var calls []recorded
	var grouped, ordered, ratios, evals []float64
	for i := range b.repeats {
		dir := filepath.Join(b.dir, fmt.Sprint("prefix", i))
		if err := copyFile(dir+".db", baseline+".db"); err != nil {
			return nil, err
		}
		if err := server.fresh(ctx, "steady", numCtx); err != nil {
			return nil, err
		}
		p, err := b.run(ctx, append(flags, "--methods", "icl", "--icl", examples, "--store", dir+".db", "--out", dir)...)
		if err != nil {
			return nil, err
		}
		if calls, err = recordedCalls(dir, func(g data.Generation) bool { return g.Method == "icl" }); err != nil {
			return nil, err
		}
		evals = append(evals, promptEvaluation(calls))
		inOrder := slices.SortedStableFunc(slices.Values(calls), func(a, b recorded) int {
			return slices.IndexFunc(items, func(it data.Item) bool { return it.ID == a.ItemID }) - slices.IndexFunc(items, func(it data.Item) bool { return it.ID == b.ItemID })
		})
		if err := server.fresh(ctx, "steady", numCtx); err != nil {
			return nil, err
		}
		a, err := client.loop(ctx, requestsOf(inOrder), slots)
		if err != nil {
			return nil, err
		}
		grouped, ordered = append(grouped, p.took.Seconds()), append(ordered, a.took.Seconds())
		ratios = append(ratios, a.took.Seconds()/p.took.Seconds())
		fmt.Fprintf(os.Stderr, "bench: prefix: %d calls of %d tokens: perg %s, in file order %s, prompt evaluation %.2f of its bound\n", len(calls), *calls[0].PromptTokens, p.took.Round(time.Millisecond), a.took.Round(time.Millisecond), evals[i])
	}
	return []row{
		row{
			what:  fmt.Sprintf("icl, %d prefixes, %d slots, %d calls", preferences, slots, len(calls)),
			limit: fmt.Sprintf("the same calls in file order, %.1f s", median(ordered)), mark: "4.0 times faster",
			got: fmt.Sprintf("%.1f s", median(grouped)), ratio: fmt.Sprintf("%.2f", median(ratios)), met: median(ratios) >= 4,
			how: fmt.Sprintf("whole `perg run` with the baseline in the store; bare client, %d at once, caches cold; %d turns, ratios %s", slots, b.repeats, spread(ratios, "")),
		}.progress(),
		row{
			what:  "prompt evaluation of that run",
			limit: "one prefill for each prefix, and each call's own tokens", mark: "1.25",
			got: fmt.Sprintf("%.2f", median(evals)), ratio: fmt.Sprintf("%.2f", median(evals)), met: median(evals) <= 1.25,
			how: "`prompt_eval_ns` of all calls, over 12 medians of those that prefilled a prefix and 276 of the others",
		}.progress(),
	}, nil
}

// promptEvaluation is what calls took of the server to read their prompts, over
// what they would have taken had each prefix been read once. A call that reads
// a prefix takes several times as long as one that finds it in a cache, so the
// two are told apart at half of the longest.
func promptEvaluation(calls []recorded) float64 {
	var whole, own []float64
	total := 0.0
	longest := slices.MaxFunc(calls, func(a, b recorded) int { return int(*a.PromptEvalNS - *b.PromptEvalNS) })
	for _, c := range calls {
		t := float64(*c.PromptEvalNS)
		total += t
		if t > float64(*longest.PromptEvalNS)/2 {
			whole = append(whole, t)
		} else {
			own = append(own, t)
		}
	}
	return total / (preferences*median(whole) + float64(len(calls)-preferences)*median(own))
}

func copyFile(to, from string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o644)
}
