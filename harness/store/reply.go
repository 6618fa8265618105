package store

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"time"

	"perg/models"
)

// Key is a hash of everything that determines a reply.
type Key [32]byte

// String is the key in lower-case hexadecimal, 64 digits.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// ParseKey reads what String writes; false where that is no key.
func ParseKey(text string) (k Key, ok bool) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(k) {
		return k, false
	}
	return Key(raw), true
}

// Reply is what a server answered to one request, and where. Texts are kept byte
// for byte, whatever is in them; the time of its start to the nanosecond, read
// back in UTC, zero = unknown.
type Reply struct {
	models.Response
	Model   string // that gave it, as its server names it; "": unknown, as of replies of before
	Digest  string // of the model, its first 12 digits; "": unknown
	Host    string
	Version string   // of the server; "": unknown
	GPUs    []string // UUIDs; nil = unknown
	VRAM    *int64   // bytes the model held in GPU memory; nil = unknown
}

// Failure is the last failed attempt at a key that has no reply. Texts are kept
// byte for byte.
type Failure struct {
	Reason  string // a short word to group by
	Message string
	At      time.Time // to the nanosecond, read back in UTC; zero = unknown
}

// row is a reply as the file holds it: the long texts in columns of their own,
// the rest in one, since every column costs a look-up about a microsecond. That
// one begins with what a reply had in schema 1, in the order that encode has it.
// What replies come to have later follows as fields.
type row struct {
	content, thinking, facts []byte
	checksum                 uint32
	schema                   int // that a reader of the row has to know; not in the file
}

// A field is a figure that replies have had since schema 2: a tag, which is never
// used for anything else, the length of the value, and the value. Readers pass
// over tags that they do not know, so that a field more costs nobody a reply:
// those of before lack it, and a perg that does not know it reads the rest.
type field struct {
	tag   int64
	value []byte
}

// The fields of replies.
const (
	tagVersion  = 1 // of the server, a text
	tagThinking = 4 // tokens of the thought, a varint
	tagModel    = 5 // a text
	tagDigest   = 6 // of the model, a text
)

func encode(k Key, r Reply, fields ...field) row {
	gpus, vram, hasVRAM := int64(-1), int64(0), int64(0)
	if r.GPUs != nil {
		gpus = int64(len(r.GPUs))
	}
	if r.VRAM != nil {
		vram, hasVRAM = *r.VRAM, 1
	}
	var facts []byte
	for _, n := range [...]int64{int64(r.PromptTokens), int64(r.OutputTokens),
		int64(r.Total), int64(r.Load), int64(r.PromptEval), int64(r.Eval),
		r.StartedAt.Unix(), int64(r.StartedAt.Nanosecond()), hasVRAM, vram, gpus} {
		facts = binary.AppendVarint(facts, n)
	}
	for _, text := range append([]string{r.DoneReason, r.Host}, r.GPUs...) {
		facts = append(binary.AppendVarint(facts, int64(len(text))), text...)
	}
	own := []field{{tagVersion, []byte(r.Version)}, {tagThinking, nil}, {tagModel, []byte(r.Model)}, {tagDigest, []byte(r.Digest)}}
	if r.ThinkingTokens != nil {
		own[1].value = binary.AppendVarint(nil, int64(*r.ThinkingTokens))
	}
	own = slices.DeleteFunc(own, func(f field) bool { return len(f.value) == 0 })
	schema := 1
	for _, f := range append(own, fields...) {
		schema = 2
		facts = binary.AppendVarint(binary.AppendVarint(facts, f.tag), int64(len(f.value)))
		facts = append(facts, f.value...)
	}
	encoded := row{content: []byte(r.Content), thinking: []byte(r.Thinking), facts: facts, schema: schema}
	encoded.checksum = encoded.sum(k)
	return encoded
}

// errCheck marks what SQLite could read and is wrong all the same.
var errCheck = errors.New("check failed")

// decode is the reverse of encode and shares no memory with the row.
func (r row) decode(k Key) (Reply, error) {
	if sum := r.sum(k); sum != r.checksum {
		return Reply{}, fmt.Errorf("%w: the checksum is %08x and should be %08x", errCheck, sum, r.checksum)
	}
	reply, ok := readFacts(r.facts)
	if !ok {
		return Reply{}, fmt.Errorf("%w: its figures cannot be read", errCheck)
	}
	reply.Content, reply.Thinking = string(r.content), string(r.thinking)
	return reply, nil
}

// readFacts is a reply without its texts; false where its figures cannot be read.
func readFacts(stored []byte) (Reply, bool) {
	f := facts{rest: stored}
	var n [11]int64
	for i := range n {
		n[i] = f.integer()
	}
	reply := Reply{
		Response: models.Response{
			DoneReason: f.text(), PromptTokens: int(n[0]), OutputTokens: int(n[1]),
			Total: time.Duration(n[2]), Load: time.Duration(n[3]), PromptEval: time.Duration(n[4]), Eval: time.Duration(n[5]),
			StartedAt: time.Unix(n[6], n[7]).UTC(),
		},
		Host: f.text(),
	}
	if n[8] != 0 {
		reply.VRAM = &n[9]
	}
	if n[10] >= 0 {
		reply.GPUs = []string{}
	}
	for i := int64(0); i < n[10] && !f.bad; i++ {
		reply.GPUs = append(reply.GPUs, f.text())
	}
	for len(f.rest) > 0 {
		switch tag, value := f.integer(), f.text(); tag {
		case tagVersion:
			reply.Version = value
		case tagModel:
			reply.Model = value
		case tagDigest:
			reply.Digest = value
		case tagThinking:
			if n, size := binary.Varint([]byte(value)); size > 0 {
				reply.ThinkingTokens = new(int(n))
			}
		}
	}
	return reply, !f.bad
}

// facts reads what encode appended. After a value that is not there it is bad
// and yields zeros.
type facts struct {
	rest []byte
	bad  bool
}

func (f *facts) integer() int64 {
	n, size := binary.Varint(f.rest)
	if size <= 0 {
		f.rest, f.bad = nil, true
		return 0
	}
	f.rest = f.rest[size:]
	return n
}

func (f *facts) text() string {
	n := f.integer()
	if n < 0 || n > int64(len(f.rest)) {
		f.rest, f.bad = nil, true
		return ""
	}
	text := string(f.rest[:n])
	f.rest = f.rest[n:]
	return text
}

// sum covers the key and every column. SQLite has no checksums of its own: a
// flipped bit inside a text would be read back as part of the text.
func (r row) sum(k Key) uint32 {
	sum := crc32.Update(0, castagnoli, k[:])
	for _, column := range [][]byte{r.content, r.thinking, r.facts} {
		var size [8]byte
		binary.LittleEndian.PutUint64(size[:], uint64(len(column)))
		sum = crc32.Update(crc32.Update(sum, castagnoli, size[:]), castagnoli, column)
	}
	return sum
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)
