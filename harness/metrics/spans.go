package metrics

import (
	"cmp"
	"slices"
	"time"
)

// A span is from one moment to another, Unix time in microseconds.
type span struct{ from, to int64 }

// spans are apart from each other and in order.
type spans []span

// with is the spans and another one, joined with those that begin or end no more
// than apart from it.
func (s spans) with(add span, apart time.Duration) spans {
	near := apart.Microseconds()
	i, _ := slices.BinarySearchFunc(s, add.from-near, func(x span, at int64) int { return cmp.Compare(x.to, at) })
	j := i
	for ; j < len(s) && s[j].from <= add.to+near; j++ {
		add.from, add.to = min(add.from, s[j].from), max(add.to, s[j].to)
	}
	return slices.Replace(s, i, j, add)
}

// has says whether a moment lies in one of them.
func (s spans) has(at int64) bool {
	i, _ := slices.BinarySearchFunc(s, at, func(x span, at int64) int { return cmp.Compare(x.to, at) })
	return i < len(s) && s[i].from <= at
}

// length is what they come to together.
func (s spans) length() time.Duration {
	var sum int64
	for _, x := range s {
		sum += x.to - x.from
	}
	return time.Duration(sum) * time.Microsecond
}
