package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"perg/data"
	"perg/harness/hint"
	"perg/harness/printable"
)

// A reviewer takes a person through a file of candidates. It reads lines, not
// keys, so that it works over any connection, and in a pipe.
type reviewer struct {
	name   string
	list   []data.Candidate
	onDisk []byte // what the file holds, as far as the reviewer knows

	out     io.Writer
	columns int
	clear   bool // the screen, before each candidate
	echo    bool // what is read: no terminal shows it
	lines   <-chan string
	done    <-chan struct{} // asks to stop
}

const (
	reviewKeys = "k keep, d drop, e edit, t type, b back, s skip, q save and quit, ? help"
	reviewHelp = `  k  keep it                  b  back to the one before
  d  drop it                  s  skip it, and stay undecided
  e  edit its text            q  save and quit; so does the end of input
  t  change its type          ?  list these
Keep one that makes sense in other domains too, that is about how answers are
presented, and that could hurt when followed too far. It must not change which
option is right.`
)

// readLines hands out lines. The goroutine ends with the input; a read from a
// terminal cannot be called off, so after an interrupt it ends with perg.
func readLines(r *bufio.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for {
			line, err := r.ReadString('\n')
			if line != "" {
				lines <- strings.TrimRight(line, "\r\n")
			}
			if err != nil {
				return
			}
		}
	}()
	return lines
}

// ask waits for a line; false at the end of input, or when asked to stop.
func (r *reviewer) ask(prompt string) (string, bool) {
	fmt.Fprint(r.out, prompt+" > ")
	select {
	case line, ok := <-r.lines:
		if ok && r.echo {
			fmt.Fprintln(r.out, printable.Text(line))
		}
		return strings.TrimSpace(line), ok
	case <-r.done:
		return "", false
	}
}

// review goes through the undecided candidates from the first on. Its error is
// that a decision could not be saved.
func (r *reviewer) review() error {
	at := r.nextUndecided(0)
	for at >= 0 {
		r.show(at)
		next, err := r.decide(at)
		if err != nil || next < 0 {
			return err
		}
		if at = next; at == len(r.list) {
			break
		}
	}
	if left := undecided(r.list); left > 0 {
		fmt.Fprintf(r.out, "\nthat was the last one; %s skipped\n", comma(left))
	}
	return nil
}

// nextUndecided is the first one at or after a place; -1 where there is none.
func (r *reviewer) nextUndecided(from int) int {
	i := slices.IndexFunc(r.list[min(from, len(r.list)):], func(c data.Candidate) bool { return c.Decision == data.Undecided })
	if i < 0 {
		return -1
	}
	return from + i
}

// decide asks about one candidate until it is clear where to go next: the
// place of another one, len(list) for the end, -1 to quit.
func (r *reviewer) decide(at int) (next int, err error) {
	onward := func() int {
		if i := r.nextUndecided(at + 1); i >= 0 {
			return i
		}
		return len(r.list)
	}
	c := &r.list[at]
	for {
		answer, ok := r.ask(reviewKeys)
		if !ok {
			return -1, nil
		}
		switch strings.ToLower(answer) {
		case "k", "keep":
			c.Decision = data.Keep
			return onward(), r.save()
		case "d", "drop":
			c.Decision = data.Drop
			return onward(), r.save()
		case "e", "edit":
			if err := r.edit(c); err != nil {
				return -1, err
			}
			r.showSuggestion(*c)
		case "t", "type":
			if err := r.retype(c); err != nil {
				return -1, err
			}
			r.showSuggestion(*c)
		case "b", "back":
			if at > 0 {
				return at - 1, nil
			}
			fmt.Fprintln(r.out, "this is the first one")
		case "s", "skip":
			return onward(), nil
		case "q", "quit":
			return -1, nil
		case "?", "h", "help":
			fmt.Fprintln(r.out, reviewHelp)
		case "":
			fmt.Fprintln(r.out, "type a letter and Enter")
		default:
			fmt.Fprintf(r.out, "there is no %s here\n", printable.Text(strconv.Quote(fit(answer, 40))))
		}
	}
}

// edit asks for another text. One that cannot be used is asked for again.
func (r *reviewer) edit(c *data.Candidate) error {
	fmt.Fprintf(r.out, "now: %s\n", printable.Text(c.Text))
	for {
		answer, ok := r.ask("new text, empty keeps it")
		if !ok || answer == "" {
			return nil
		}
		if err := c.Edit(answer); err != nil {
			fmt.Fprintf(r.out, "%v; arrow keys do not work here\n", err)
			continue
		}
		return r.save()
	}
}

// retype asks for another type, by its number, its name or how that begins.
func (r *reviewer) retype(c *data.Candidate) error {
	var names []string
	for i, t := range data.PreferenceTypes() {
		names = append(names, fmt.Sprintf("%d %s", i+1, t))
	}
	for {
		answer, ok := r.ask(strings.Join(names, ", ") + "; empty keeps " + string(c.Type))
		if !ok || answer == "" {
			return nil
		}
		var found []data.PreferenceType
		for i, t := range data.PreferenceTypes() {
			if answer == strconv.Itoa(i+1) || strings.HasPrefix(string(t), strings.ToLower(answer)) {
				found = append(found, t)
			}
		}
		if len(found) != 1 {
			fmt.Fprintln(r.out, "name one of the types")
			continue
		}
		c.Type = found[0]
		return r.save()
	}
}

// save puts the decisions into the file at once. A file that somebody else
// changed meanwhile is left alone: their work would be lost.
func (r *reviewer) save() error {
	text, err := os.ReadFile(r.name)
	if err != nil {
		return &hint.Error{Err: fmt.Errorf("the last decision is not saved: %w", err)}
	}
	if !bytes.Equal(text, r.onDisk) {
		return &hint.Error{Err: fmt.Errorf("the last decision is not saved: %s was changed meanwhile", r.name), Hint: "give the same command again, and decide on that one anew"}
	}
	text = data.FormatCandidates(r.list)
	if err := data.WriteFile(r.name, text); err != nil {
		return &hint.Error{Err: fmt.Errorf("the last decision is not saved: %w", err)}
	}
	r.onDisk = text
	return nil
}

// show shows a candidate and the question that it came from.
func (r *reviewer) show(at int) {
	c := r.list[at]
	if r.clear {
		io.WriteString(r.out, "\x1b[H\x1b[2J\x1b[3J")
	} else {
		fmt.Fprintln(r.out)
	}
	left := undecided(r.list)
	fmt.Fprintf(r.out, "%s of %s for %s (%s decided, %s to go)\n\n", comma(at+1), comma(len(r.list)), oneLine(c.Source), comma(len(r.list)-left), comma(left))
	if c.Question != "" {
		fmt.Fprintf(r.out, "Question %s\n", oneLine(c.ItemID))
		r.wrapped("  ", c.Question)
		for i, o := range c.Options {
			letter := "-"
			if i < data.MaxOptions {
				letter = data.Letter(i) + "."
			}
			r.wrapped("  "+letter+" ", o)
		}
		fmt.Fprintln(r.out)
	}
	r.showSuggestion(c)
}

func (r *reviewer) showSuggestion(c data.Candidate) {
	from := "Written by hand"
	if c.Times > 0 {
		from = "Suggested"
		if c.Model != "" {
			from += " by " + oneLine(c.Model)
		}
		from += fmt.Sprintf(" for %s item", comma(c.Times))
		if c.Times > 1 {
			from += "s"
		}
	}
	fmt.Fprintf(r.out, "%s, type %s\n", from, c.Type)
	r.wrapped("  ", c.Text)
	if c.Original != "" {
		r.wrapped("  ", "before: "+c.Original)
	}
	if c.Reason != "" {
		r.wrapped("  ", "because: "+c.Reason)
	}
	if c.Decision != data.Undecided {
		fmt.Fprintf(r.out, "decided: %s\n", c.Decision)
	}
	fmt.Fprintln(r.out)
}

// wrapped writes text from outside: the first line after first, the others
// after an indent of the same width.
func (r *reviewer) wrapped(first, s string) {
	indent := strings.Repeat(" ", len(first))
	for line := range strings.Lines(text.WrapSoft(printable.Text(s), r.columns-len(first))) {
		fmt.Fprintln(r.out, strings.TrimRight(first+line, " \n"))
		first = indent
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(printable.Text(s)), " ") }
