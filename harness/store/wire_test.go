package store

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perg/models"
)

func aReply() Reply {
	return Reply{
		Response: models.Response{
			Content: "B\xff\x00", Thinking: "hm", DoneReason: "stop", PromptTokens: 7, OutputTokens: 3, ThinkingTokens: new(1),
			Total: time.Second, StartedAt: time.Unix(1, 2).UTC(),
		},
		Model: "steady:latest", Digest: "0123456789ab", Host: "gpu02", Version: "0.33.0", GPUs: []string{"GPU-1"}, VRAM: new(int64(5)),
	}
}

// What goes to another store arrives byte for byte, and under its own key alone.
func TestMarshal(t *testing.T) {
	k, r := Key{1, 2, 3}, aReply()
	text := r.Marshal(k)
	got, err := Unmarshal(k, text)
	if err != nil || !cmp.Equal(got, r) {
		t.Errorf("error %v, %s", err, cmp.Diff(r, got))
	}
	if _, err := Unmarshal(Key{1}, text); err == nil {
		t.Error("it is taken under another key")
	}
	for i := range text {
		changed := bytes.Clone(text)
		changed[i] ^= 1
		if _, err := Unmarshal(k, changed); err == nil {
			t.Errorf("byte %d was changed, and nobody sees it", i)
		}
		if _, err := Unmarshal(k, text[:i]); err == nil {
			t.Errorf("cut off after %d bytes, and nobody sees it", i)
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	f.Add(aReply().Marshal(Key{}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Unmarshal(Key{}, text)
		if err != nil {
			return
		}
		if again, err := Unmarshal(Key{}, r.Marshal(Key{})); err != nil || !cmp.Equal(again, r) {
			t.Errorf("error %v, %s", err, cmp.Diff(r, again))
		}
	})
}
