package prompt

import (
	"strings"
	"testing"
)

// What a set asks for beside an answer is a treatment of its own: perg's own set
// reminds nobody to be right when it states a preference.
func TestNoSetRemindsOfCorrectness(t *testing.T) {
	for _, name := range []string{Own, Paper} {
		s, err := Embedded(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, setting := range Settings() {
			p, err := s.Ask(query(ZeroShot, setting))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(p.System, "correct") {
				t.Errorf("set %q reminds of correctness in %s:\n%s", name, setting, p.System)
			}
		}
	}
}

// The paper's prompts differ from perg's own in what its code asks for.
func TestPaperSet(t *testing.T) {
	s, err := Embedded(Paper)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(q Query) Prompt {
		p, err := s.Ask(q)
		if err == nil && q.Method.TwoCalls() {
			p, err = s.Revise(q, p.User, "A.")
		}
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := ask(query(ZeroShot, None)); strings.Contains(p.User, "letter") {
		t.Errorf("the question asks for a letter:\n%s", p.User)
	}
	if p := ask(query(ZeroShot, Irrelevant)); strings.Contains(p.System, "relevant") {
		t.Errorf("irrelevant ones are to be left aside:\n%s", p.System)
	}
	if p := ask(query(ZeroShot, Mixed)); !strings.Contains(p.System, "relevant preferences only") {
		t.Errorf("mixed does not ask for the relevant ones:\n%s", p.System)
	}
	if p := ask(query(ICL, Relevant)); strings.Contains(p.System, "other users") {
		t.Errorf("it says whose the examples' preferences are:\n%s", p.System)
	}
	for _, m := range []Method{SelfCritic, PrefAligner} {
		for _, setting := range Settings()[1:] {
			p := ask(query(m, setting))
			if !strings.Contains(p.System, item.Preference) || strings.Contains(p.System, irrelevant[0]) {
				t.Errorf("%s, %s: the second call sees others than the item's own preference:\n%s", m, setting, p.System)
			}
		}
	}
	rated, err := s.Judge("q", item.Preference, "A.", "B.", false)
	if err != nil || !strings.Contains(rated.System, "Compare") {
		t.Errorf("the judge does not compare: %v\n%s", err, rated.System)
	}
}

// A run of the paper's prompts takes no reply from one of perg's own: what is
// asked differs in every call.
func TestPaperSetSharesNoCall(t *testing.T) {
	own, err := Embedded(Own)
	if err != nil {
		t.Fatal(err)
	}
	paper, err := Embedded(Paper)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range Methods() {
		for _, setting := range Settings() {
			a, err := own.Ask(query(m, setting))
			if err != nil {
				t.Fatal(err)
			}
			b, err := paper.Ask(query(m, setting))
			if err != nil {
				t.Fatal(err)
			}
			if a.User == b.User {
				t.Errorf("%s, %s: both sets ask\n%s", m, setting, a.User)
			}
		}
	}
	if a, b := own.Hashes()["user"], paper.Hashes()["user"]; a == b {
		t.Error("the sets have one hash")
	}
}
