package task

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Shard is the part of a task that one of several machines asks, number Index of
// Of, from 0. Of is 0 where one machine asks all.
//
// A share of the items is a random sample over sources and preferences that the
// task's seed leads to: every n-th item would be one of whatever comes in turns in
// a dataset. All that is asked about an item is asked in one shard, so that no call
// needs another shard's reply, and what is compared ran on one machine.
type Shard struct{ Index, Of int }

// ParseShard reads "i/n", as in 0/8 for the first of eight; "" is the whole.
func ParseShard(text string) (Shard, error) {
	if text == "" {
		return Shard{}, nil
	}
	index, of, _ := strings.Cut(text, "/")
	i, e := strconv.Atoi(index)
	n, err := strconv.Atoi(of)
	if e != nil || err != nil || n < 1 || i < 0 || i >= n {
		return Shard{}, fmt.Errorf("shard %q: write i/n with i from 0 to n-1, as in 0/8 for the first of eight", text)
	}
	return Shard{i, n}, nil
}

func (s Shard) String() string {
	if s.Of == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.Index, s.Of)
}

// of is the shard's part of n things that stand in a row: where it begins and ends.
func (s Shard) of(n int) (from, to int) {
	if s.Of == 0 {
		return 0, n
	}
	return s.Index * n / s.Of, (s.Index + 1) * n / s.Of
}

// Whole is the task with all of its items.
func (t *Task) Whole() *Task {
	whole := *t
	whole.Shard = Shard{}
	return &whole
}

// Asking is the number of items that are asked.
func (t *Task) Asking() int {
	from, to := t.Shard.of(len(t.Dataset.Items))
	return to - from
}

// drawn are the positions of the items that are asked, as the seed draws them: see
// draw.
func (t *Task) drawn() []int {
	from, to := t.Shard.of(len(t.Dataset.Items))
	return t.draw()[from:to]
}

// Asked are the positions in the dataset of the items that are asked, in its order.
func (t *Task) Asked() []int { return slices.Sorted(slices.Values(t.drawn())) }

// Share is a shard's part of the variants, each of which it asks everything: every
// n-th, so that a model's quantizations, which take unequally long, spread.
func (r Roster) Share(s Shard) Roster {
	if s.Of == 0 {
		return r
	}
	var mine []*Variant
	for i, v := range r.Variants {
		if i%s.Of == s.Index {
			mine = append(mine, v)
		}
	}
	r.Variants = mine
	return r
}
