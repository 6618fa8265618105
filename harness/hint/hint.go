// Package hint is for errors that come with what to do about them.
package hint

// An Error is an error with what to do about it.
type Error struct {
	Err   error
	Hint  string // "": there is nothing to add
	Usage bool   // the user's input is wrong; nothing was started
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Usage is the error of input that is wrong.
func Usage(err error, todo string) error { return &Error{Err: err, Hint: todo, Usage: true} }
