package store

import (
	"encoding/binary"
	"encoding/hex"
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
		"a tag alone":   append(encode(Key{}, Reply{}).facts, 2),
		"a field cut":   append(encode(Key{}, Reply{}).facts, 2, 8, 'x', 'x', 'x'),
		"a field of -1": append(encode(Key{}, Reply{}).facts, 2, 1),
	}
}

// schema1 is how stores of schema 1 have replies, of which users have many: the
// figures in hexadecimal, and the checksum under the key 1, 2, 3.
var schema1 = map[string]struct {
	facts    string
	checksum uint32
}{
	"nothing known":        {"000000000000ffdb8ff9ce03000000010000", 0x66da496b},
	"all known":            {"b8060e080604feffffffffffffffff01cad6b9950de4d7b98705028080808028040873746f702c687474703a2f2f3132372e302e302e313a31313433340a4750552d310a4750552d32", 0x4544ce98},
	"no GPU and no memory": {"000000000000ffdb8ff9ce03000200000000", 0xb3b9044d},
	"a GPU without a name": {"000000000000ffdb8ff9ce0300000002000000", 0x9648aad8},
	"NUL":                  {"000000000000ffdb8ff9ce030000000202000400680200", 0xaa3c717f},
	"not UTF-8":            {"000000000000ffdb8ff9ce030000000202f006eda08002ff", 0xa5924108},
	"negative":             {"01ffffffffffffffffff01000000ffffffffffffffffff01ffdb8ff9ce030002ffffffffffffffffff01010000", 0x37bf7a89},
	"long ago":             {"000000000000ff9db2bdd903020000010000", 0xff19df9f},
}

// A reply without later fields is written as it was in schema 1, so that every
// perg reads it, and what was written then is read.
func TestRowsOfSchema1(t *testing.T) {
	k := Key{1, 2, 3}
	for name, want := range schema1 {
		reply := replies[name]
		if got := encode(k, reply); hex.EncodeToString(got.facts) != want.facts || got.checksum != want.checksum || got.schema != 1 {
			t.Errorf("%s: written as %x, checksum %08x, schema %d; want %s, %08x, 1", name, got.facts, got.checksum, got.schema, want.facts, want.checksum)
		}
		facts, err := hex.DecodeString(want.facts)
		if err != nil {
			t.Fatal(err)
		}
		got, err := row{content: []byte(reply.Content), thinking: []byte(reply.Thinking), facts: facts, checksum: want.checksum}.decode(k)
		if err != nil || !cmp.Equal(got, reply) {
			t.Errorf("%s: error %v (-want +got):\n%s", name, err, cmp.Diff(reply, got))
		}
	}
}

// later are fields of a perg that this one knows nothing of.
var later = []field{{3, nil}, {2, []byte("cached")}, {-7, []byte{0xff}}, {math.MaxInt64, make([]byte, 300)}}

// Fields that are not known are passed over, and the reply is read.
func TestFieldsThatAreNotKnown(t *testing.T) {
	for name, want := range replies {
		r := encode(Key{1}, want, later...)
		if got, err := r.decode(Key{1}); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s: error %v (-want +got):\n%s", name, err, cmp.Diff(want, got))
		}
		if r.schema != 2 {
			t.Errorf("%s: schema %d, want 2", name, r.schema)
		}
	}
}

// A field is found under its tag by a perg that knows it.
func TestAFieldIsWhereItsReaderLooks(t *testing.T) {
	plain := encode(Key{1}, replies["all known"])
	f := facts{rest: encode(Key{1}, replies["all known"], later...).facts[len(plain.facts):]}
	for _, want := range later {
		if tag, value := f.integer(), f.text(); tag != want.tag || value != string(want.value) {
			t.Errorf("tag %d, value %q; want %d, %q", tag, value, want.tag, want.value)
		}
	}
	if f.bad || len(f.rest) > 0 {
		t.Errorf("%d bytes are left, bad %v", len(f.rest), f.bad)
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
		f.Add(encode(Key{}, r, later...).facts)
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
