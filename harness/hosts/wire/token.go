// Package wire is what the controller of a run and the agents of other machines
// say to each other: the token that lets an agent in, the subjects of NATS that
// they speak on, and the messages. It knows calls and servers, and nothing of
// what is asked.
package wire

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// A Token lets an agent into one run, and tells it whom to trust there.
type Token struct {
	Run    [8]byte           // names the run on the wire
	Pin    [sha256.Size]byte // of the controller's certificate, in DER; zero where a NATS server of the user's has one of its own
	Secret [16]byte
}

// tokenPrefix says what a text is to whoever finds it, and which form it has.
const tokenPrefix = "perg1-"

// ErrToken: a text is no token.
var ErrToken = errors.New("this is no token of perg's")

func (t Token) String() string {
	raw := append(append(append([]byte{}, t.Run[:]...), t.Pin[:]...), t.Secret[:]...)
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(raw)
}

// ParseToken reads what String writes.
func ParseToken(text string) (t Token, err error) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), tokenPrefix)
	if !ok {
		return t, fmt.Errorf("%w: it does not begin with %s", ErrToken, tokenPrefix)
	}
	raw, err := base64.RawURLEncoding.DecodeString(rest)
	if want := len(t.Run) + len(t.Pin) + len(t.Secret); err != nil || len(raw) != want {
		return t, fmt.Errorf("%w: a part of it is missing or changed", ErrToken)
	}
	copy(t.Run[:], raw)
	copy(t.Pin[:], raw[len(t.Run):])
	copy(t.Secret[:], raw[len(t.Run)+len(t.Pin):])
	return t, nil
}

// RunName is the run as it stands in subjects.
func (t Token) RunName() string { return hex.EncodeToString(t.Run[:]) }

// Password is the secret as a client gives it.
func (t Token) Password() string { return base64.RawURLEncoding.EncodeToString(t.Secret[:]) }

// Pinned says whether the controller's certificate is known.
func (t Token) Pinned() bool { return t.Pin != [sha256.Size]byte{} }
