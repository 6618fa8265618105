package task

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"perg/data"
	"perg/harness/engine"
	"perg/harness/extract"
	"perg/harness/judge"
	"perg/harness/prompt"
	"perg/harness/store"
)

// An Evaluator works generations out by the replies to their calls.
type Evaluator struct {
	*Task
	Extractor *Variant // nil: rules alone read answers
	Ask       Ask
	Server    string // its version, which calls depend on that are about what it does
	Roles     *Roles // nil: templates are taken to be as servers show them
}

// Fatal says whether an error ends the run, rather than one generation.
func Fatal(err error) bool {
	if err == nil {
		return false
	}
	var failed *engine.FailedError
	return !errors.As(err, &failed)
}

// An Answer is the option that a response was found to choose.
type Answer struct {
	Letter string // "" where the response chooses none: invalid
	From   string // the rule, extract.FromModel or extract.Conflict; "" where nothing could read one
}

// An Evaluated is a generation with its response, its answer and its ratings.
type Evaluated struct {
	Generation
	Call      Call         // the last one that was needed: of two, the second
	Draft     *store.Reply // of the first stage of a method of two calls
	Reply     *store.Reply // to Call; nil: it failed, or that of the draft did
	Response  string       // what is scored: the reply's text, or what was read out of it
	FellBack  bool         // the second reply could not be read, so the response is the draft
	Answer    *Answer      // nil: no response, or the call that should read it failed
	Judgments []Judgment   // none: not to be rated
	Err       error        // why Reply or Answer is nil

	question string // the user prompt of the question, as templates made it
}

// Correct says whether the answer is the right one.
func (e Evaluated) Correct() bool {
	return e.Answer != nil && e.Answer.Letter == e.Asked().GoldLetter()
}

// Truncated says whether the response was ended by num_predict, or in a loop.
func (e Evaluated) Truncated() bool {
	if e.FellBack {
		return e.Draft.Cut()
	}
	return e.Reply.Cut()
}

// ThoughtCut says whether a thought was, before there was a response.
func (e Evaluated) ThoughtCut() bool {
	if e.FellBack {
		return thoughtCut(*e.Draft)
	}
	return e.Reply != nil && thoughtCut(*e.Reply)
}

func thoughtCut(r store.Reply) bool {
	return r.Cut() && strings.TrimSpace(r.Content) == "" && strings.TrimSpace(r.Thinking) != ""
}

// A Judgment is one rating, or why there is none.
type Judgment struct {
	By      *Variant
	Swapped bool
	Call    Call
	Reply   *store.Reply
	Rating  *judge.Rating
	Err     error
}

// Evaluate works a generation out: its response, its answer, and its ratings
// by some of the judges where the setting has any and the baseline is correct.
// Its error is one that ends the run, or engine.ErrNotAsked; failed calls are part of
// the result, and so is all that was asked.
func (e Evaluator) Evaluate(ctx context.Context, g Generation, judges []*Variant) (Evaluated, error) {
	s, err := e.respond(ctx, g)
	if err != nil || s.Answer == nil || s.Reply == nil || s.ThoughtCut() || len(judges) == 0 || !g.Setting.Judged() {
		return s, err
	}
	plain, err := e.respond(ctx, g.Baseline())
	if err != nil {
		return s, err
	}
	if plain.Reply == nil || !plain.Correct() && !e.JudgeAll {
		return s, nil
	}
	var notAsked error
	for _, by := range judges {
		for _, swapped := range []bool{false, true} {
			if swapped && !e.JudgeSwap {
				continue
			}
			j, err := e.judge(ctx, by, s, plain, swapped)
			switch {
			case errors.Is(err, engine.ErrNotAsked):
				notAsked = err
			case err != nil:
				return s, err
			default:
				s.Judgments = append(s.Judgments, j)
			}
		}
	}
	return s, notAsked
}

// respond gets a generation's response and reads its answer.
func (e Evaluator) respond(ctx context.Context, g Generation) (Evaluated, error) {
	if e.Given != nil {
		return e.given(g)
	}
	s, err := e.Generate(ctx, g)
	if err != nil || s.Err != nil {
		return s, err
	}
	if s.ThoughtCut() {
		s.Answer = &Answer{} // which nobody is asked to read out of nothing
		return s, nil
	}
	a, err := e.Read(ctx, g.Asked().Options, s.Response)
	if Fatal(err) {
		return s, err
	}
	if s.Err = err; err == nil {
		s.Answer = &a
	}
	return s, nil
}

// given is a generation that was made elsewhere. What it was asked is not known:
// judges see the question as perg would have asked it.
func (e Evaluator) given(g Generation) (Evaluated, error) {
	s, err := e.Given(g)
	if err != nil || s.Reply == nil {
		return s, err
	}
	asked, err := e.Prompts.Ask(prompt.Query{Item: *g.Item, Method: prompt.ZeroShot, Setting: prompt.None})
	s.question = asked.User
	return s, err
}

// Generate gets a generation's response, in one call or in two, and reads no
// answer. Its error is as that of Evaluate.
func (e Evaluator) Generate(ctx context.Context, g Generation) (Evaluated, error) {
	s := Evaluated{Generation: g}
	var err error
	if s.Call, err = e.fitted(ctx)(e.first(g)); err != nil {
		return s, err
	}
	s.question = s.Call.Text.User
	if g.Method.TwoCalls() {
		draft, err := e.Ask(ctx, s.Call)
		if Fatal(err) {
			return s, err
		}
		if err != nil {
			s.Err = fmt.Errorf("first stage: %w", err)
			return s, nil
		}
		s.Draft = &draft
		if thoughtCut(draft) { // there is nothing to revise
			s.Reply, s.FellBack = s.Draft, true
			return s, nil
		}
		if s.Call, err = e.fitted(ctx)(e.revision(g, s.question, draft.Content)); err != nil {
			return s, err
		}
	}
	reply, err := e.Ask(ctx, s.Call)
	if Fatal(err) {
		return s, err
	}
	if s.Err = err; err != nil {
		return s, nil
	}
	s.Reply, s.Response = &reply, reply.Content
	if g.Method.TwoCalls() {
		// The protocol: what cannot be read falls back to the draft.
		if s.Response, err = prompt.ParseRevision(reply.Content); err != nil {
			s.Response, s.FellBack = s.Draft.Content, true
		}
	}
	return s, nil
}

// Read finds a response's answer by rules and, where they abstain, by a model;
// a conflict of letter and text is for neither to settle. Its errors are those
// of Ask.
func (e Evaluator) Read(ctx context.Context, options []string, response string) (Answer, error) {
	a, ok := extract.Rules(response, options)
	switch {
	case ok:
		return Answer{data.Letter(a.Option), a.Rule}, nil
	case a.Rule == extract.Conflict:
		return Answer{From: extract.Conflict}, nil
	}
	said := extract.WithoutThoughts(response)
	if e.Extractor == nil || strings.TrimSpace(said) == "" && said != response {
		return Answer{}, nil // nobody to ask, or nothing but thoughts to ask about
	}
	c, err := e.fitted(ctx)(e.extraction(e.Extractor, options, said))
	if err != nil {
		return Answer{}, err
	}
	reply, err := e.Ask(ctx, c)
	if err != nil {
		return Answer{}, fmt.Errorf("extraction by %s: %w", e.Extractor.Name, err)
	}
	option, chosen, err := extract.ParseChoice(reply.Content, len(options))
	switch {
	case err != nil:
		return Answer{}, nil // unreadable is invalid, and answer_from says that nothing read it
	case !chosen:
		return Answer{From: extract.FromModel}, nil
	default:
		return Answer{data.Letter(option), extract.FromModel}, nil
	}
}

// judge has a response rated beside the baseline's.
func (e Evaluator) judge(ctx context.Context, by *Variant, s, plain Evaluated, swapped bool) (Judgment, error) {
	j := Judgment{By: by, Swapped: swapped}
	var err error
	if j.Call, err = e.fitted(ctx)(e.rating(by, s, plain, swapped)); err != nil {
		return j, err
	}
	if ok, err := e.ratedBefore(ctx, &j); ok || err != nil {
		return j, err
	}
	reply, err := e.Ask(ctx, j.Call)
	if Fatal(err) {
		return j, err
	}
	if j.Err = err; err != nil {
		return j, nil
	}
	j.Reply = &reply
	rating, err := judge.Parse(reply.Content)
	if j.Err = err; err == nil {
		j.Rating = &rating
	}
	return j, nil
}

// ratedBefore takes a rating from before explanations had a bound, where the
// bound could not have changed it.
func (e Evaluator) ratedBefore(ctx context.Context, j *Judgment) (bool, error) {
	call := j.Call.unbounded()
	reply, err := e.Ask(ctx, call)
	if err != nil {
		if errors.Is(err, engine.ErrNotAsked) || !Fatal(err) {
			err = nil
		}
		return false, err
	}
	rating, err := judge.Parse(reply.Content)
	if err != nil || !rating.Bounded() {
		return false, nil
	}
	j.Call, j.Reply, j.Rating = call, &reply, &rating
	return true, nil
}
