package web

import (
	"path/filepath"
	"strings"
	"testing"

	"perg/data"
	"perg/harness/prompt"
	"perg/harness/results"
)

// An answer that was asked for again stands beside the baseline, whose option is
// found where it is in another place; what broke is told apart from what a
// preference broke.
func TestControlsAreShown(t *testing.T) {
	dir := t.TempDir()
	row := func(control prompt.Control, options []string, gold, answer string) data.Generation {
		return data.Generation{
			RunID: "run", ItemID: "item", Question: "Sky?", Options: options, Gold: gold, Setting: "none", Method: "zero-shot", Control: string(control),
			Model: "m", Variant: "m", Status: data.StatusOK, Response: new("The answer is " + answer + "."), Answer: &answer, Correct: new(answer == gold),
		}
	}
	there, moved := []string{"blue", "red", "green"}, []string{"green", "blue", "red"}
	if err := data.WriteTable(filepath.Join(dir, "generations"), []data.Generation{
		row("", there, "A", "A"), row(prompt.Again, there, "A", "A"), row(prompt.Rotated, moved, "B", "A"),
	}); err != nil {
		t.Fatal(err)
	}
	s := serveRun(t, dir)
	_, body := s.get("/?outcome=null-broken")
	for _, want := range []string{"1–1</b> of 1 answers", "none, rotated", "null, broken"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in the list", want)
		}
	}
	k := results.Key{Cell: results.CellOf("m", "zero-shot", "none", "rotated"), ItemID: "item"}
	_, body = s.get(listing{page: 1}.answer(k))
	for _, want := range []string{"Asked again, options in another order", "none, rotated"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q beside the answer", want)
		}
	}
	// What is noted of one is of no other.
	if status, body := s.post(formOf(k, "note", "moved")); status != 303 {
		t.Fatalf("status %d\n%.200s", status, body)
	}
	for _, control := range []prompt.Control{prompt.NoControl, prompt.Again, prompt.Rotated} {
		_, body := s.get(listing{page: 1}.answer(results.Key{Cell: results.CellOf("m", "zero-shot", "none", string(control)), ItemID: "item"}))
		if noted := strings.Contains(body, ">moved</textarea>"); noted != (control == prompt.Rotated) {
			t.Errorf("asked %q: noted %v", control, noted)
		}
	}
	if _, body := s.get("/?noted=yes"); !strings.Contains(body, "1–1</b> of 1 answers") || !strings.Contains(body, "none, rotated") {
		t.Errorf("what is noted: %.2000s", body)
	}
	for option, plain := range map[string]bool{"green": false, "blue": true, "red": false} {
		if got := chose(&data.Generation{Options: there, Answer: new("A")}, option); got != plain {
			t.Errorf("the baseline chose %s: %v", option, got)
		}
	}
}
