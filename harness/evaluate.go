package harness

import (
	"context"
	"errors"
	"fmt"

	"perg/data"
	"perg/harness/extract"
	"perg/harness/judge"
	"perg/harness/store"
)

// An ask gives the reply to a call: a lane's makes the calls that have none
// yet, the store's only remembers. What a generation needs is written once,
// below, and both a run and its tables follow it.
type ask func(context.Context, call) (store.Reply, error)

// errNotAsked: the call was never made; a run that was interrupted, or is
// still going on, has such calls.
var errNotAsked = errors.New("not asked yet")

// A pastFailure is a call that was made and failed.
type pastFailure struct{ store.Failure }

func (f *pastFailure) Error() string { return f.Message }

// recorded asks the store alone.
func recorded(s *store.Store) ask {
	return func(ctx context.Context, c call) (store.Reply, error) {
		key := c.key()
		reply, ok, err := s.Get(ctx, key)
		if err != nil || ok {
			return reply, err
		}
		failure, ok, err := s.Failure(ctx, key)
		if err != nil {
			return store.Reply{}, err
		}
		if ok {
			return store.Reply{}, &pastFailure{failure}
		}
		return store.Reply{}, errNotAsked
	}
}

// fatal says whether an error ends the run, rather than one generation.
func fatal(err error) bool {
	if err == nil {
		return false
	}
	var past *pastFailure
	return !errors.As(err, &past)
}

// An answer is the option that a response was found to choose.
type answer struct {
	letter string // "" where the response chooses none: invalid
	from   string // the rule, or extract.FromModel; "" where nothing could read one
}

// answer reads a response by rules and, where they abstain, by the judge model.
func (p *Plan) answer(ctx context.Context, ask ask, g generation, response string) (answer, error) {
	if a, ok := extract.Rules(response, g.item.Options); ok {
		return answer{data.Letter(a.Option), a.Rule}, nil
	}
	if p.Judge == nil {
		return answer{}, nil
	}
	c, err := p.extraction(g, response)
	if err != nil {
		return answer{}, err
	}
	reply, err := ask(ctx, c)
	if err != nil {
		return answer{}, fmt.Errorf("extraction by %s: %w", p.Judge.Name, err)
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

// A scored is a generation with its response, its answer and its rating.
type scored struct {
	generation
	query    call
	reply    *store.Reply // nil: the call failed
	answer   *answer      // nil: no response, or the call that should read it failed
	judgment *judgment    // nil: not to be rated
	err      error        // why reply or answer is nil
}

func (s scored) correct() bool {
	return s.answer != nil && s.answer.letter == s.item.GoldLetter()
}

// A judgment is one rating, or why there is none.
type judgment struct {
	call   call
	reply  *store.Reply
	rating *judge.Rating
	err    error
}

// evaluate works a generation out: its response, its answer, and its rating
// where the setting has one and the baseline is correct. Its error is one
// that ends the run, or errNotAsked; failed calls are part of the result.
func (p *Plan) evaluate(ctx context.Context, ask ask, g generation) (scored, error) {
	s, err := p.respond(ctx, ask, g)
	if err != nil || s.answer == nil || p.Judge == nil || !g.Setting.Judged() {
		return s, err
	}
	plain, err := p.respond(ctx, ask, g.baseline())
	if err != nil {
		return s, err
	}
	if plain.reply == nil || !plain.correct() && !p.JudgeAll {
		return s, nil
	}
	s.judgment, err = p.rate(ctx, ask, s, plain)
	return s, err
}

// respond gets a generation's response and reads its answer.
func (p *Plan) respond(ctx context.Context, ask ask, g generation) (scored, error) {
	s := scored{generation: g}
	var err error
	if s.query, err = p.query(g); err != nil {
		return s, err
	}
	reply, err := ask(ctx, s.query)
	if fatal(err) {
		return s, err
	}
	if s.err = err; err != nil {
		return s, nil
	}
	s.reply = &reply
	a, err := p.answer(ctx, ask, g, reply.Content)
	if fatal(err) {
		return s, err
	}
	if s.err = err; err == nil {
		s.answer = &a
	}
	return s, nil
}

func (p *Plan) rate(ctx context.Context, ask ask, s, plain scored) (*judgment, error) {
	c, err := p.rating(s.generation, s.query.request.User, plain.reply.Content, s.reply.Content)
	if err != nil {
		return nil, err
	}
	j := &judgment{call: c}
	reply, err := ask(ctx, c)
	if fatal(err) {
		return nil, err
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
