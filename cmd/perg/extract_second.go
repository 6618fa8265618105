package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"

	"github.com/urfave/cli/v2"

	"perg/data"
	"perg/harness"
	"perg/harness/extract"
	"perg/harness/hint"
	"perg/harness/printable"
	"perg/harness/reading"
)

// A drawing is of the rows that it was offered, each as likely as any other.
type drawing struct {
	most    int // 0: all of them
	random  *rand.Rand
	offered int
	rows    []data.Response
}

func (s *drawing) offer(row data.Response) {
	s.offered++
	switch at := s.random.IntN(s.offered); {
	case s.most == 0 || len(s.rows) < s.most:
		s.rows = append(s.rows, row)
	case at < s.most:
		s.rows[at] = row
	}
}

// A secondReading is what a model makes of responses that the rules leave.
type secondReading struct {
	extract.Agreement
	model      string
	left       int // responses that the rules leave, of which it was asked some
	unreadable int // its answers that are no choice
	failed     []error
}

// readBy has the model of --extractor read the sample.
func readBy(c *cli.Context, left *drawing) (*secondReading, error) {
	host := cmp.Or(c.String("host"), os.Getenv("OLLAMA_HOST"))
	reader, err := reading.Open(c.Context, host, c.String("extractor"), c.Int("seed"), left.rows)
	if err != nil {
		return nil, &hint.Error{Err: err, Hint: "'perg models' shows what is installed; --host names another server"}
	}
	r := &secondReading{model: reader.Name, left: left.offered}
	for i, row := range left.rows {
		found, ok, unreadable, err := reader.Read(c.Context, row)
		switch {
		case c.Context.Err() != nil:
			return nil, harness.ErrInterrupted
		case errors.Is(err, context.Canceled):
			return nil, harness.ErrInterrupted
		case err != nil:
			r.failed = append(r.failed, fmt.Errorf("line %d: %w", row.Line, err))
			if i == 0 {
				return nil, err // and so would the others
			}
			continue
		case unreadable:
			r.unreadable++
		}
		r.Count(row, found, ok)
	}
	return r, nil
}

func (r *secondReading) print(w io.Writer, labelled bool) {
	all := r.All()
	count := func(n int, what string) { fmt.Fprintf(w, "%9s  %s\n", comma(n), printable.Text(what)) }
	fmt.Fprintf(w, "\nsecond reader, %s, asked about %s of the %s that rules leave to it\n", printable.Text(r.model), comma(r.Rows+len(r.failed)), comma(r.left))
	count(all.N, "read: "+percentOf(all.N, r.Rows))
	count(r.Rows-all.N-r.unreadable, "no single option, it says")
	count(r.unreadable, "answers of it are no choice")
	if len(r.failed) > 0 {
		count(len(r.failed), "calls failed, the first: "+r.failed[0].Error())
	}
	if !labelled {
		return
	}
	count(all.Labelled, "read where the label names an option: "+percentOf(all.Labelled, r.Labels))
	count(all.Agreed, "of those with the label's letter: "+percentOf(all.Agreed, all.Labelled))
	count(r.falsely(), "false readings: another letter than the label's, or one where it names none: "+percentOf(r.falsely(), all.N))
}

// falsely is how many of its answers are not the label's.
func (r *secondReading) falsely() int {
	all := r.All()
	return all.Labelled - all.Agreed + all.NoSingle
}

func (r *secondReading) fields(share func(n, of int) map[string]any) map[string]any {
	all := r.All()
	return map[string]any{
		"model": r.model, "left": r.left, "asked": r.Rows + len(r.failed), "failed": len(r.failed), "unreadable": r.unreadable,
		"read": share(all.N, r.Rows), "answered": share(all.Labelled, r.Labels), "agreed": share(all.Agreed, all.Labelled),
		"false": share(r.falsely(), all.N),
	}
}
