package store

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// wrongFacts are figures that no reply has.
func wrongFacts() map[string][]byte {
	var numbers []byte
	for range 10 {
		numbers = binary.AppendVarint(numbers, 1)
	}
	none := binary.AppendVarint(slices.Clone(numbers), 0)
	return map[string][]byte{
		"nothing":       {},
		"too few":       numbers,
		"too many GPUs": append(binary.AppendVarint(slices.Clone(numbers), math.MaxInt64), 0, 0),
		"text too long": binary.AppendVarint(slices.Clone(none), math.MaxInt64),
		"text of -1":    binary.AppendVarint(slices.Clone(none), -1),
		"more":          append(encode(Key{}, Reply{}).facts, 0),
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, facts := range wrongFacts() {
		r := row{facts: facts}
		r.checksum = r.sum(Key{})
		if reply, err := r.decode(Key{}); !errors.Is(err, errCheck) {
			t.Errorf("%s: %+v, error %v; want %q", name, reply, err, errCheck)
		}
	}
}

// FuzzDecode gives decode figures of any bytes, under a checksum that fits.
func FuzzDecode(f *testing.F) {
	for _, r := range replies {
		f.Add(encode(Key{}, r).facts)
	}
	for _, facts := range wrongFacts() {
		f.Add(facts)
	}
	f.Fuzz(func(t *testing.T, facts []byte) {
		r := row{facts: facts}
		r.checksum = r.sum(Key{})
		reply, err := r.decode(Key{})
		if err != nil {
			return
		}
		again, err := encode(Key{}, reply).decode(Key{})
		if err != nil || !cmp.Equal(reply, again) {
			t.Errorf("%+v came back as %+v, error %v", reply, again, err)
		}
	})
}
