package models

import (
	"context"
	"errors"
	"slices"
)

// A Fault is an error as it is told to another machine, where Err makes the same
// of it again: what it matches, and what it says.
type Fault struct {
	Kind    string `json:"kind"`             // as Reason has it
	Text    string `json:"text"`             // as the error says it
	Status  int    `json:"status,omitempty"` // of a [ServerError], with what the server said; 0: it is none
	Message string `json:"message,omitempty"`
}

// FaultOf is what there is to tell of an error; nil of none.
func FaultOf(err error) *Fault {
	if err == nil {
		return nil
	}
	f := &Fault{Kind: Reason(err), Text: err.Error()}
	if said, ok := errors.AsType[*ServerError](err); ok {
		f.Status, f.Message = said.Status, said.Message
	}
	return f
}

// Err is the error that a fault tells of; nil of none.
func (f *Fault) Err() error {
	if f == nil {
		return nil
	}
	told := &toldError{text: f.Text}
	if f.Status != 0 {
		told.of = append(told.of, serverError(f.Status, f.Message))
	}
	if i := slices.IndexFunc(sentinels, func(s error) bool { return s.Error() == f.Kind }); i >= 0 {
		told.of = append(told.of, sentinels[i])
	}
	if f.Kind == Reason(context.Canceled) {
		told.of = append(told.of, context.Canceled)
	}
	return told
}

// A toldError is one of another machine's.
type toldError struct {
	text string
	of   []error
}

func (e *toldError) Error() string   { return e.text }
func (e *toldError) Unwrap() []error { return e.of }
