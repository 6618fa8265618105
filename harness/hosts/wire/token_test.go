package wire

import (
	"crypto/rand"
	"strings"
	"testing"
)

func TestToken(t *testing.T) {
	var of Token
	rand.Read(of.Run[:])
	rand.Read(of.Pin[:])
	rand.Read(of.Secret[:])
	text := of.String()
	if got, err := ParseToken(" " + text + "\n"); err != nil || got != of {
		t.Errorf("%v, error %v", got, err)
	}
	for what, bad := range map[string]string{
		"nothing": "", "cut off": text[:len(text)-3], "doubled": text + text, "no prefix": strings.TrimPrefix(text, tokenPrefix), "another form": "perg2-" + strings.TrimPrefix(text, tokenPrefix),
	} {
		if _, err := ParseToken(bad); err == nil {
			t.Errorf("%s: it is taken for a token", what)
		}
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add(Token{}.String())
	f.Add("perg1-AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		token, err := ParseToken(text)
		if err != nil {
			return
		}
		if again, err := ParseToken(token.String()); err != nil || again != token {
			t.Errorf("%q becomes %v, error %v", text, again, err)
		}
	})
}

// A name is part of subjects, where dots and stars mean something.
func TestNames(t *testing.T) {
	for name, good := range map[string]bool{
		"gpu02": true, "a": true, "rack-3-gpu-1": true, strings.Repeat("a", 63): true,
		"": false, "gpu.02": false, "*": false, ">": false, "GPU": false, "a b": false, "-a": false, "a-": false, strings.Repeat("a", 64): false, "gpu/0": false,
	} {
		if err := CheckName(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}
