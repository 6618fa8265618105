package fleet

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"perg/models/ollamatest"
)

// What the disk does not hold is not begun, and nothing of what was named with it.
func TestPullNeedsRoom(t *testing.T) {
	s := ollamatest.NewScripted(t, "0.17.4", map[string]ollamatest.Model{})
	s.Registry = ollamatest.Registry{Models: map[string]ollamatest.Model{"huge:1t": {}, "small:1b": {}}, Bytes: 1 << 60, Pause: time.Second}
	t.Setenv("OLLAMA_MODELS", t.TempDir())
	var said []string
	o := Options{Say: func(text string) { said = append(said, text) }}
	c, err := o.newClient(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	f := newFleet(o) // of perg's own servers, whose disk is this one
	err = f.pullOn(t.Context(), c, []string{"small:1b", "huge:1t"})
	if err == nil || !strings.Contains(err.Error(), "2.0 EiB are needed") || !strings.Contains(strings.Join(said, "\n"), "huge:1t is not on "+s.URL+": to be pulled, 1.0 EiB") {
		t.Errorf("error %v, said %q", err, said)
	}
	if there, err := c.Catalogue(t.Context()); err != nil || len(there) > 0 {
		t.Errorf("pulled all the same: %v, %v", there, err)
	}
	s.Serve(func(r *ollamatest.Registry) { r.Bytes, r.Pause = 1000, 0 })
	said = nil
	if err := f.pullOn(t.Context(), c, []string{"small:1b", "huge:1t"}); err != nil || !strings.Contains(strings.Join(said, "\n"), "the disk holds that") {
		t.Errorf("error %v, said %q", err, said)
	}
	if there, err := c.Catalogue(t.Context()); err != nil || len(there) != 2 {
		t.Errorf("models %v, %v", there, err)
	}
}

// A long pull says its rate and what is left.
func TestPullSaysHowFarItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said []string
		tell := fetching(func(text string) { said = append(said, text) }, "pulling m:8b")
		const mib = 1 << 20
		tell(100*mib, 1100*mib) // there before
		for done := int64(100); done <= 1100; done += 50 {
			tell(done*mib, 1100*mib)
			time.Sleep(time.Second)
		}
		if len(said) != 3 || said[0] != "pulling m:8b: 350 MiB of 1.1 GiB, 50 MiB/s, about 15s left" {
			t.Errorf("said %q", said)
		}
	})
}
