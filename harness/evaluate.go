package harness

import (
	"context"
	"errors"
	"fmt"

	"perg/data"
	"perg/harness/engine"
	"perg/harness/extract"
	"perg/harness/judge"
	"perg/harness/prompt"
	"perg/harness/store"
)

// An ask gives the reply to a call: a lane's makes the calls that have none
// yet, the store's only remembers. What a generation needs is written once,
// below, and both a run and its tables follow it.
type ask func(context.Context, call) (store.Reply, error)

// recorded asks the store alone.
func recorded(s *store.Store) ask { return loadable(nil).asks(engine.Recorded(replies{s})) }

// fatal says whether an error ends the run, rather than one generation.
func fatal(err error) bool {
	if err == nil {
		return false
	}
	var failed *engine.FailedError
	return !errors.As(err, &failed)
}

// An answer is the option that a response was found to choose.
type answer struct {
	letter string // "" where the response chooses none: invalid
	from   string // the rule, or extract.FromModel; "" where nothing could read one
}

// answer reads a response by rules and, where they abstain, by a model.
func (p *Plan) answer(ctx context.Context, ask ask, g generation, response string) (answer, error) {
	if a, ok := extract.Rules(response, g.item.Options); ok {
		return answer{data.Letter(a.Option), a.Rule}, nil
	}
	if p.Extractor == nil {
		return answer{}, nil
	}
	c, err := p.extraction(g, response)
	if err != nil {
		return answer{}, err
	}
	reply, err := ask(ctx, c)
	if err != nil {
		return answer{}, fmt.Errorf("extraction by %s: %w", p.Extractor.Name, err)
	}
	option, chosen, err := extract.ParseChoice(reply.Content, len(g.item.Options))
	switch {
	case err != nil:
		return answer{}, nil // unreadable is invalid, and answer_from says that nothing read it
	case !chosen:
		return answer{from: extract.FromModel}, nil
	default:
		return answer{data.Letter(option), extract.FromModel}, nil
	}
}

// A scored is a generation with its response, its answer and its ratings.
type scored struct {
	generation
	question  string       // the user prompt of the question, as templates made it
	query     call         // the last one that was needed: of two, the second
	draft     *store.Reply // of the first stage of a method of two calls
	reply     *store.Reply // to query; nil: the call, or that of the draft, failed
	response  string       // what is scored: the reply's text, or what was read out of it
	fellBack  bool         // the second reply could not be read, so the response is the draft
	answer    *answer      // nil: no response, or the call that should read it failed
	judgments []judgment   // none: not to be rated
	err       error        // why reply or answer is nil
}

func (s scored) correct() bool {
	return s.answer != nil && s.answer.letter == s.item.GoldLetter()
}

// truncated says whether the response was ended by num_predict.
func (s scored) truncated() bool {
	if s.fellBack {
		return s.draft.DoneReason == "length"
	}
	return s.reply.DoneReason == "length"
}

// A judgment is one rating, or why there is none.
type judgment struct {
	by      *Variant
	swapped bool
	call    call
	reply   *store.Reply
	rating  *judge.Rating
	err     error
}

// evaluate works a generation out: its response, its answer, and its ratings
// by some of the judges where the setting has any and the baseline is correct.
// Its error is one that ends the run, or engine.ErrNotAsked; failed calls are part of
// the result, and so is all that was asked.
func (p *Plan) evaluate(ctx context.Context, ask ask, g generation, judges []*Variant) (scored, error) {
	s, err := p.respond(ctx, ask, g)
	if err != nil || s.answer == nil || len(judges) == 0 || !g.Setting.Judged() {
		return s, err
	}
	plain, err := p.respond(ctx, ask, g.baseline())
	if err != nil {
		return s, err
	}
	if plain.reply == nil || !plain.correct() && !p.JudgeAll {
		return s, nil
	}
	var notAsked error
	for _, by := range judges {
		for _, swapped := range []bool{false, true} {
			if swapped && !p.JudgeSwap {
				continue
			}
			j, err := p.rate(ctx, ask, by, s, plain, swapped)
			switch {
			case errors.Is(err, engine.ErrNotAsked):
				notAsked = err
			case err != nil:
				return s, err
			default:
				s.judgments = append(s.judgments, j)
			}
		}
	}
	return s, notAsked
}

// respond gets a generation's response and reads its answer.
func (p *Plan) respond(ctx context.Context, ask ask, g generation) (scored, error) {
	s, err := p.generate(ctx, ask, g)
	if err != nil || s.err != nil {
		return s, err
	}
	a, err := p.answer(ctx, ask, g, s.response)
	if fatal(err) {
		return s, err
	}
	if s.err = err; err == nil {
		s.answer = &a
	}
	return s, nil
}

// generate gets a generation's response, in one call or in two.
func (p *Plan) generate(ctx context.Context, ask ask, g generation) (scored, error) {
	s := scored{generation: g}
	var err error
	if s.query, err = p.query(g); err != nil {
		return s, err
	}
	s.question = s.query.text.User
	if g.Method.TwoCalls() {
		draft, err := ask(ctx, s.query)
		if fatal(err) {
			return s, err
		}
		if err != nil {
			s.err = fmt.Errorf("first stage: %w", err)
			return s, nil
		}
		s.draft = &draft
		if s.query, err = p.revision(g, s.question, draft.Content); err != nil {
			return s, err
		}
	}
	reply, err := ask(ctx, s.query)
	if fatal(err) {
		return s, err
	}
	if s.err = err; err != nil {
		return s, nil
	}
	s.reply, s.response = &reply, reply.Content
	if g.Method.TwoCalls() {
		// The protocol: what cannot be read falls back to the draft.
		if s.response, err = prompt.ParseRevision(reply.Content); err != nil {
			s.response, s.fellBack = s.draft.Content, true
		}
	}
	return s, nil
}

func (p *Plan) rate(ctx context.Context, ask ask, by *Variant, s, plain scored, swapped bool) (judgment, error) {
	j := judgment{by: by, swapped: swapped}
	var err error
	if j.call, err = p.rating(by, s, plain, swapped); err != nil {
		return j, err
	}
	reply, err := ask(ctx, j.call)
	if fatal(err) {
		return j, err
	}
	if j.err = err; err != nil {
		return j, nil
	}
	j.reply = &reply
	rating, err := judge.Parse(reply.Content)
	if j.err = err; err == nil {
		j.rating = &rating
	}
	return j, nil
}
