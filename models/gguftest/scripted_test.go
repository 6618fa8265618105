package gguftest_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/ollama/ollama/api"

	"perg/models/gguftest"
	"perg/models/ollamatest"
)

// post sends a request to a server and returns the status and the body.
func post(t testing.TB, url string, body any) (int, []byte) {
	t.Helper()
	resp, err := http.Post(url, "application/json", strings.NewReader(marshal(t, body)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, b.Bytes()
}

func marshal(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// chat is a request as the harness makes them.
func chat(model, system, user string) api.ChatRequest {
	no := false
	req := api.ChatRequest{
		Model:    model,
		Stream:   &no,
		Truncate: &no,
		Shift:    &no,
		Options:  map[string]any{"temperature": 0, "seed": 42, "repeat_penalty": 1.0, "num_ctx": 4096, "num_predict": 100},
	}
	if system != "" {
		req.Messages = append(req.Messages, api.Message{Role: "system", Content: system})
	}
	req.Messages = append(req.Messages, api.Message{Role: "user", Content: user})
	return req
}

const (
	critique = `{"type":"object","properties":{"critic":{"type":"string"},"response":{"type":"string"}},"required":["critic","response"]}`
	aligned  = `{"type":"object","properties":{"response":{"type":"string"},"thoughts":{"type":"string"}},"required":["response","thoughts"]}`
	foreign  = `{"type":"object","properties":{"naïve":{"type":"string"},"final":{"type":"string"}},"required":["naïve","final"]}`
	rating   = `{"type":"object","properties":{"explanation":{"type":"string"},"score":{"type":"integer","minimum":1,"maximum":5}},"required":["explanation","score"]}`
	backward = `{"type":"object","properties":{"score":{"enum":[1,2,3,4,5]},"explanation":{"type":"string"}},"required":["score","explanation"]}`
	letters  = `{"type":"object","properties":{"answer":{"type":"string","enum":["A","B","C","D","none"]}},"required":["answer"]}`
	choice   = `{"type":"object","properties":{"option":{"type":"string","enum":["A","B","C","D","none"]}},"required":["option"]}`
)

func TestScriptedModels(t *testing.T) {
	yes, no := &api.ThinkValue{Value: true}, &api.ThinkValue{Value: false}
	short := "You are a helpful assistant."
	long := short + " The user likes answers that are concise."
	question := "Which option is right?"
	longQuestion := question + strings.Repeat(" Take your time.", 10)
	rambling := `{"explanation":"` + strings.Repeat("There is more to say. One thing leads to another. Nor is that all. ", 33)

	type reply struct {
		Content, Thinking, DoneReason string
		Done                          bool
		Tokens                        int // 0: not looked at
	}
	type call struct {
		system, user, format string
		think                *api.ThinkValue
		want                 reply
	}
	stops := func(content string, tokens int) reply {
		return reply{Content: content, DoneReason: "stop", Done: true, Tokens: tokens}
	}
	cases := map[string]struct {
		chain gguftest.Chain
		calls []call
	}{
		"steady": {gguftest.Steady("C"), []call{
			{short, question, "", nil, stops("The correct answer is C.", 2)},
			{long, longQuestion, "", nil, stops("The correct answer is C.", 2)},
			{"", "\x00é\u00ad\t\"C\" <think> 日本語 \U0001f600\nfrom the prompt", "", nil, stops("The correct answer is C.", 2)},
			{short, question, critique, nil, stops(`{"critic":"The correct answer is C.","response":"The correct answer is C."}`, 0)},
			{short, question, aligned, nil, stops(`{"response":"The correct answer is C.","thoughts":"The correct answer is C."}`, 0)},
			{short, question, foreign, nil, stops(`{"naïve":"The correct answer is C.","final":"The correct answer is C."}`, 0)},
		}},
		"swayed": {gguftest.Swayed(gguftest.Sway{Plain: "A", Under: "B", SystemOver: 60}), []call{
			{short, question, "", nil, stops("The correct answer is A.", 2)},
			{"", longQuestion, "", nil, stops("The correct answer is A.", 2)},
			{long, question, "", nil, stops("The correct answer is B.", 2)},
			{strings.Repeat("x", 60), question, "", nil, stops("The correct answer is A.", 2)},
			{strings.Repeat("x", 61), question, "", nil, stops("The correct answer is B.", 2)},
			{long + strings.Repeat(" More of it.", 500), question, "", nil, stops("The correct answer is B.", 2)},
			{short, question, critique, nil, stops(`{"critic":"The correct answer is A.","response":"The correct answer is A."}`, 0)},
			{long, question, aligned, nil, stops(`{"response":"The correct answer is B.","thoughts":"The correct answer is B."}`, 0)},
			{long, question, foreign, nil, stops(`{"naïve":"The correct answer is B.","final":"The correct answer is B."}`, 0)},
		}},
		"swayed-by-long-questions": {gguftest.Swayed(gguftest.Sway{Plain: "A", Under: "D", SystemOver: 60, UserOver: 100}), []call{
			{short, longQuestion, "", nil, stops("The correct answer is A.", 2)},
			{long, question, "", nil, stops("The correct answer is A.", 2)},
			{long, strings.Repeat("y", 100), "", nil, stops("The correct answer is A.", 2)},
			{long, strings.Repeat("y", 101), "", nil, stops("The correct answer is D.", 2)},
		}},
		"vague": {gguftest.Vague(), []call{
			{long, question, "", nil, stops("That depends on how one looks at it.", 2)},
			{long, question, critique, nil, stops(`{"critic":"That depends on how one looks at it.","response":"That depends on how one looks at it."}`, 0)},
		}},
		"endless": {gguftest.Endless(), []call{
			{short, question, "", nil, reply{
				strings.Repeat("There is more to say. One thing leads to another. Nor is that all. ", 33) + "There is more to say. ", "", "length", true, 100}},
		}},
		"looping": {gguftest.Looping(), []call{
			{short, question, "", nil, reply{Content: strings.Repeat("again ", 31)}},
		}},
		"judge": {gguftest.Judge(gguftest.Ratings{Score: 4}), []call{
			{long, question, rating, nil, stops(`{"explanation":"This follows from the text.","score":4}`, 6)},
			{"", question, "", nil, stops(`{"explanation":"This follows from the text.","score":4}`, 6)},
			{long, question, backward, nil, stops(`{"score":4,"explanation":"This follows from the text."}`, 0)},
			{long, question, letters, nil, stops(`{"answer":"none"}`, 0)},
			{long, question, choice, nil, stops(`{"option":"none"}`, 0)},
		}},
		"judge-by-length": {gguftest.Judge(gguftest.Ratings{Score: 5, UserOver: 100, LongScore: 1, Letter: "C"}), []call{
			{"", strings.Repeat("y", 100), rating, nil, stops(`{"explanation":"This follows from the text.","score":5}`, 6)},
			{"", strings.Repeat("y", 101), rating, nil, stops(`{"explanation":"This follows from the text.","score":1}`, 6)},
			{long, longQuestion, backward, nil, stops(`{"score":1,"explanation":"This follows from the text."}`, 0)},
			{long, longQuestion, letters, nil, stops(`{"answer":"C"}`, 0)},
			{long, question, choice, nil, stops(`{"option":"C"}`, 0)},
			{long, question, strings.Replace(letters, `"C",`, "", 1), nil, stops(`{"answer":"none"}`, 0)},
		}},
		"rambling": {gguftest.Rambling(), []call{
			{long, question, rating, nil, reply{rambling, "", "length", true, 100}},
			{long, question, "", nil, reply{rambling, "", "length", true, 100}},
		}},
		"thinking": {gguftest.Thinking("Some would say A.", "B"), []call{
			{short, question, "", nil, reply{"The correct answer is B.", "Some would say A.", "stop", true, 5}},
			{short, question, "", yes, reply{"The correct answer is B.", "Some would say A.", "stop", true, 5}},
			{short, question, "", no, stops("The correct answer is B.", 2)},
			{short, question, critique, no, stops(`{"critic":"The correct answer is B.","response":"The correct answer is B."}`, 0)},
			{short, question, critique, yes, reply{`{"critic":"The correct answer is B.","response":"The correct answer is B."}`, "Some would say A.", "stop", true, 0}},
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			host := ollamatest.Shared(t, map[string]gguftest.Chain{name: c.chain})
			for _, quantize := range []string{"", "q8_0", "q4_K_M"} {
				model := name
				if quantize != "" {
					model += "-" + strings.ToLower(quantize)
					noStream := false
					status, body := post(t, host+"/api/create", api.CreateRequest{Model: model, From: name, Quantize: quantize, Stream: &noStream})
					if status != http.StatusOK {
						t.Fatalf("create %s: %d %s", model, status, body)
					}
				}
				for _, call := range c.calls {
					req := chat(model, call.system, call.user)
					req.Think = call.think
					if call.format != "" {
						req.Format = json.RawMessage(call.format)
					}
					status, body := post(t, host+"/api/chat", req)
					if status != http.StatusOK {
						t.Errorf("%s: %d %s", model, status, body)
						continue
					}
					var resp api.ChatResponse
					if err := json.Unmarshal(body, &resp); err != nil {
						t.Fatal(err)
					}
					got := reply{resp.Message.Content, resp.Message.Thinking, resp.DoneReason, resp.Done, resp.EvalCount}
					ignore := cmpopts.IgnoreFields(reply{}, "Tokens")
					if call.want.Tokens > 0 || !call.want.Done {
						ignore = nil
					}
					if diff := cmp.Diff(call.want, got, ignore); diff != "" {
						t.Errorf("%s, system %.20q, user %.20q, format %s: -want +got\n%s", model, call.system, call.user, call.format, diff)
					}
				}
				post(t, host+"/api/generate", map[string]any{"model": model, "keep_alive": 0})
			}
		})
	}
}

// Calls with a prompt of 1,500 bytes of which 300 are the same, eight in
// flight on four slots.
func BenchmarkScripted(b *testing.B) {
	const words = "A person who is going to the coast wants to know which of these would help most when it is cold, wet and windy. "
	chains := map[string]gguftest.Chain{"steady": gguftest.Steady("A"), "judge": gguftest.Judge(gguftest.Ratings{Score: 4})}
	for name, format := range map[string]string{"steady": "", "judge": rating} {
		b.Run(name, func(b *testing.B) {
			host := ollamatest.Shared(b, chains)
			var n atomic.Int64
			b.SetParallelism((2*ollamatest.Slots + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					user := strconv.FormatInt(n.Add(1), 10) + strings.Repeat(words, 11)[:1200]
					req := chat(name, strings.Repeat(words, 3)[:300], user)
					req.Format = json.RawMessage(format)
					if status, body := post(b, host+"/api/chat", req); status != http.StatusOK {
						b.Errorf("%d %s", status, body)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}
