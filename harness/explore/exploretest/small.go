package exploretest

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"perg/data"
	"perg/harness/prompt"
)

// Hostile is what a model might write to get out of a page, or to turn it
// round: all of it has to be shown as text.
const Hostile = `</textarea></script><script>document.title = "owned"; alert(1)</script><img src=x onerror="alert(2)"> {{.}} ` +
	"' \" ` & &amp; &lt; \u202egnorw\u202c \u200fmark \x1b[31m \u2028 end"

// Long is the length in bytes of the longest response.
const Long = 1_000_000

// SmallItems is how many items the small run has.
const SmallItems = 12

// Small writes a run of 12 items and two variants with something of
// everything, 120 generations: steady:8b is always right; swayed:8b, asked
// zero-shot and, under relevant preferences, by self-critic twice, is wrong
// without a preference where the number of the item is 2 or 3 by modulo 6, and
// under a preference
//
//	0 right, 1 wrong, 2 right, 3 wrong, 4 without a response, 5 right and unscored.
//
// Item 1 is hostile in all texts; item 7's response is Long where swayed:8b is
// asked zero-shot under its relevant preference. The judge rates 4
// and, where the answer is wrong, 2; item 0 in the other order, too, 1.
func Small(tb testing.TB, dir string) {
	tb.Helper()
	var generations []data.Generation
	var judgments []data.Judgment
	add := func(variant string, method prompt.Method, setting prompt.Setting, repeat int32) {
		for i := range SmallItems {
			g, rated := small(variant, method, setting, i, repeat)
			generations = append(generations, g)
			if !rated {
				continue
			}
			j := data.Judgment{
				RunID: "small", ItemID: g.ItemID, Setting: g.Setting, Method: g.Method, Variant: g.Variant, Repeat: repeat,
				JudgeModel: "judge", JudgeDigest: "d", Score: new(int32(4)), Explanation: "It has an example.", Raw: `{"rating": 4}`, Status: data.StatusOK,
			}
			if !*g.Correct {
				*j.Score, j.Explanation = 2, "No example at all."
			}
			if i == 1 {
				j.Explanation, j.Raw = Hostile, Hostile
			}
			if variant == "swayed:8b" && i%6 == 5 {
				j.Score, j.Explanation, j.Status, j.Error = nil, "", data.StatusUnscored, "the rating cannot be read"
			}
			if j.Score != nil {
				j.Followed = new(*j.Score >= 3)
			}
			judgments = append(judgments, j)
			if i == 0 {
				j.Swapped, j.Score, j.Followed = true, new(int32(1)), new(false)
				judgments = append(judgments, j)
			}
		}
	}
	for _, variant := range []string{"steady:8b", "swayed:8b"} {
		for _, setting := range prompt.Settings() {
			add(variant, prompt.ZeroShot, setting, 0)
		}
	}
	add("swayed:8b", prompt.SelfCritic, prompt.Relevant, 0)
	add("swayed:8b", prompt.ZeroShot, prompt.None, 1)
	check(tb, data.WriteTable(filepath.Join(dir, "generations"), generations))
	check(tb, data.WriteTable(filepath.Join(dir, "judgments"), judgments))
}

func small(variant string, method prompt.Method, setting prompt.Setting, i int, repeat int32) (g data.Generation, rated bool) {
	swayed := variant == "swayed:8b"
	plainRight := !swayed || i%6 != 2 && i%6 != 3
	right := plainRight
	if setting != prompt.None && swayed {
		right = i%6 == 0 || i%6 == 2 || i%6 == 5
	}
	source, category := "truthfulqa", ""
	if i >= 6 {
		source, category = "mmlu", []string{"anatomy", "marketing"}[i%2]
	}
	g = data.Generation{
		RunID: "small", ItemID: fmt.Sprintf("item-%02d", i), Source: source, Category: category,
		Question: fmt.Sprintf("Question %d: what is it?", i), Options: []string{"this", "that", "neither"}, Gold: "A",
		Preference: "I like practical examples.", PreferenceType: []string{"examples", "clarity", "thinking"}[i%3],
		Setting: string(setting), Method: string(method), Model: variant, Variant: variant, Digest: "sha256:0123", Quantization: "Q4_K_M", Repeat: repeat,
		SystemPrompt: new("You are helpful."), UserPrompt: "Which option?\n\nA. this\nB. that\nC. neither",
		Answer: new("A"), AnswerFrom: "rule:stated", Correct: &right, Status: data.StatusOK, DoneReason: "stop",
		PromptTokens: new(int64(50)), OutputTokens: new(int64(20)), TotalNS: new(int64(2e9)), LoadNS: new(int64(0)), PromptEvalNS: new(int64(4e8)), EvalNS: new(int64(1e9)),
		StartedAt: new(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)), Host: "http://127.0.0.1:11434", RequestHash: fmt.Sprint(variant, method, setting, i, repeat),
	}
	g.Preferences = setting.Stated(g.Preference, []string{"I travel light.", "I collect stamps.", "I cook.", "I am up early.", "I dislike noise."})
	if i == 1 {
		g.Question, g.Preference, g.Thinking, g.UserPrompt = "Hostile? "+Hostile, Hostile, new(Hostile), Hostile
		g.Preferences = setting.Stated(Hostile, []string{Hostile})
		g.Options[2] = Hostile
	}
	text := "The answer is A, because this fits best."
	if !right {
		g.Answer = new("B")
		text = "The answer is B, because that fits best."
	}
	if setting != prompt.None {
		text += " For example, think of a bridge."
	}
	switch {
	case i == 1:
		text += " " + Hostile
	case i == 7 && swayed && method == prompt.ZeroShot && setting == prompt.Relevant:
		text = strings.Repeat("word ", Long/5-20) + text
	}
	g.Response = &text
	if method.TwoCalls() {
		g.DraftResponse, g.SecondReply, g.FellBack = new("A first answer."), new(`{"response": "..."}`), new(false)
	}
	if swayed && setting != prompt.None && i%6 == 4 {
		g.Response, g.Answer, g.Correct, g.AnswerFrom, g.Status, g.Error = nil, nil, nil, "", data.StatusError, "no reply: the server was stopped"
		return g, false
	}
	return g, setting.Judged() && plainRight
}
