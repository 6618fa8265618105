// Package exploretest writes the tables of made-up runs for tests and
// measurements of package explore and of its pages.
package exploretest

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"perg/data"
	"perg/harness/prompt"
)

// A Shape is the size of a run: all settings of one method, over items, each
// once, one judge.
type Shape struct{ Variants, Items int }

// Million is a run of 1,009,120 generations over as many items as PERGData has.
func Million() Shape { return Shape{Variants: 35, Items: 7208} }

// Generations is how many a run of the shape has.
func (s Shape) Generations() int { return s.Variants * s.Items * len(prompt.Settings()) }

var words = strings.Fields(`the a of answer because which choice option follows reason example means first second therefore
	cause effect simple clear practical context culture history step think suppose consider given known correct wrong
	however although since while energy market cell law price river memory light force patient number value`)

// RareWord is in one response of a thousand.
const RareWord = "Zanzibar"

// Write writes the tables generations and judgments of a run into dir. Texts
// are of real lengths: 200 bytes a question, 500 a response.
func Write(tb testing.TB, dir string, s Shape) {
	tb.Helper()
	rng := rand.New(rand.NewPCG(5, 6))
	// Sentences are made once: a million responses of them compress about as
	// well as real ones.
	sentences := make([]string, 4096)
	for i := range sentences {
		var b strings.Builder
		for b.Len() < 80+rng.IntN(50) {
			b.WriteString(words[rng.IntN(len(words))] + " ")
		}
		sentences[i] = strings.TrimSpace(b.String()) + ". "
	}
	text := func(n int) string {
		var b strings.Builder
		for b.Len() < n {
			b.WriteString(sentences[rng.IntN(len(sentences))])
		}
		return b.String()[:n]
	}
	generations, err := data.CreateTable[data.Generation](filepath.Join(dir, "generations"))
	check(tb, err)
	judgments, err := data.CreateTable[data.Judgment](filepath.Join(dir, "judgments"))
	check(tb, err)
	questions := make([]string, s.Items)
	for i := range questions {
		questions[i] = text(200)
	}
	system := text(400)
	types := []string{"clarity", "context", "thinking", "examples", "creative"}
	right := make([]bool, s.Items)
	for v := range s.Variants {
		variant := fmt.Sprintf("model-%02d:8b", v)
		for _, setting := range prompt.Settings() {
			for i := range s.Items {
				id, correct := fmt.Sprint("item-", i), rng.IntN(4) > 0
				answer := "A"
				if !correct {
					answer = "B"
				}
				response := "The answer is " + answer + ". " + text(480)
				if rng.IntN(1000) == 0 {
					response += " " + RareWord
				}
				check(tb, generations.Write(data.Generation{
					RunID: "run", ItemID: id, Source: []string{"truthfulqa", "commonsenseqa", "mmlu", "mmlu"}[i%4],
					Category: fmt.Sprint("category ", i%25), Question: questions[i], Options: []string{"a", "b", "c", "d"}, Gold: "A",
					Preference: fmt.Sprint("I like preference ", i%37), PreferenceType: types[i%5], Setting: string(setting), Method: string(prompt.ZeroShot),
					Model: variant, Variant: variant, Digest: variant, SystemPrompt: &system, UserPrompt: questions[i],
					Response: &response, Answer: &answer, AnswerFrom: "rule:stated", Correct: &correct, Status: data.StatusOK,
					OutputTokens: new(int64(100)), EvalNS: new(int64(1e9)), VRAMBytes: new(int64(1 << 30)), RequestHash: fmt.Sprintf("%064x", rng.Uint64()),
				}))
				if setting == prompt.None {
					right[i] = correct
				}
				if !setting.Judged() || !right[i] {
					continue
				}
				score := int32(1 + rng.IntN(5))
				check(tb, judgments.Write(data.Judgment{
					RunID: "run", ItemID: id, Setting: string(setting), Method: string(prompt.ZeroShot), Variant: variant,
					JudgeModel: "judge", Score: &score, Followed: new(score >= 3), Explanation: text(100), Raw: text(150), Status: data.StatusOK, RequestHash: fmt.Sprintf("%064x", rng.Uint64()),
				}))
			}
		}
	}
	check(tb, generations.Close())
	check(tb, judgments.Close())
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
