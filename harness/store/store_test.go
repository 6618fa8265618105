package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"perg/models"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func open(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func put(t testing.TB, s *Store, k Key, r Reply) *Commit {
	t.Helper()
	c, err := s.Put(t.Context(), k, r)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func fail(t testing.TB, s *Store, k Key, f Failure) {
	t.Helper()
	if _, err := s.Fail(t.Context(), k, f); err != nil {
		t.Fatal(err)
	}
}

func flush(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func wantReply(t testing.TB, s *Store, k Key, want Reply) {
	t.Helper()
	got, ok, err := s.Get(t.Context(), k)
	if err != nil || !ok {
		t.Fatalf("Get: found %v, error %v; want a reply", ok, err)
	}
	if !reflect.DeepEqual(want, got) { // cmp takes its time
		t.Errorf("Get (-want +got):\n%s", cmp.Diff(want, got))
	}
}

func wantNone(t testing.TB, s *Store, k Key) {
	t.Helper()
	if got, ok, err := s.Get(t.Context(), k); ok || err != nil {
		t.Fatalf("Get: %+v, found %v, error %v; want none", got, ok, err)
	}
}

// hold keeps other connections from writing to the file until it is let go.
func hold(t testing.TB, path string) (letGo func()) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	return sync.OnceFunc(func() {
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
		db.Close()
	})
}

var replies = map[string]Reply{
	"nothing known": {},
	"all known": {
		Response: models.Response{
			Content: "The correct answer is A.", Thinking: "Hm.", DoneReason: "stop", PromptTokens: 412, OutputTokens: 7,
			Total: 4, Load: 3, PromptEval: 2, Eval: math.MaxInt64, StartedAt: time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC),
		},
		Host: "http://127.0.0.1:11434", GPUs: []string{"GPU-1", "GPU-2"}, VRAM: new(int64(5 << 30)),
	},
	"no GPU and no memory": {GPUs: []string{}, VRAM: new(int64(0))},
	"a GPU without a name": {GPUs: []string{""}},
	"NUL":                  {Response: models.Response{Content: "a\x00b\x00", Thinking: "\x00", DoneReason: "\x00"}, Host: "\x00h", GPUs: []string{"\x00"}},
	"not UTF-8":            {Response: models.Response{Content: "\xff\xfe\xc3\x28", Thinking: "\x80", DoneReason: "\xf0"}, Host: "\xed\xa0\x80", GPUs: []string{"\xff"}},
	"large":                {Response: models.Response{Content: strings.Repeat("1234567\n", 1<<17), Thinking: strings.Repeat("\x00\xff", 1<<20)}},
	"negative":             {Response: models.Response{PromptTokens: -1, OutputTokens: math.MinInt64, Eval: math.MinInt64}, VRAM: new(int64(math.MinInt64))},
	"long ago":             {Response: models.Response{StartedAt: time.Date(-44, 3, 15, 0, 0, 0, 1, time.UTC)}},
}

func TestReplyComesBackExactly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "replies.db")
	s := open(t, path)
	key := func(name string) (k Key) { copy(k[:], name); return k }

	letGo := hold(t, path)
	for name, r := range replies {
		put(t, s, key(name), r)
	}
	for name, r := range replies {
		t.Run(name+" before it is durable", func(t *testing.T) { wantReply(t, s, key(name), r) })
	}
	letGo()
	flush(t, s)
	for name, r := range replies {
		t.Run(name+" when it is", func(t *testing.T) { wantReply(t, s, key(name), r) })
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, path)
	for name, r := range replies {
		t.Run(name+" from another open", func(t *testing.T) { wantReply(t, again, key(name), r) })
	}
	wantNone(t, again, key("never put"))
}

func TestTimesComeBackInUTC(t *testing.T) {
	path := filepath.Join(t.TempDir(), "replies.db")
	s := open(t, path)
	now := time.Now().In(time.FixedZone("", 3600))
	letGo := hold(t, path)
	put(t, s, Key{1}, Reply{Response: models.Response{StartedAt: now}})
	fail(t, s, Key{2}, Failure{At: now})
	for range 2 {
		r, _, err := s.Get(t.Context(), Key{1})
		if err != nil || !r.StartedAt.Equal(now) || r.StartedAt.Location() != time.UTC {
			t.Errorf("started at %v (error %v), want %v in UTC", r.StartedAt, err, now)
		}
		f, _, err := s.Failure(t.Context(), Key{2})
		if err != nil || !f.At.Equal(now) || f.At.Location() != time.UTC {
			t.Errorf("failed at %v (error %v), want %v in UTC", f.At, err, now)
		}
		letGo()
		flush(t, s)
	}
}

func TestWhatIsPutIsNotShared(t *testing.T) {
	path := filepath.Join(t.TempDir(), "replies.db")
	s := open(t, path)
	r := Reply{GPUs: []string{"GPU-1"}, VRAM: new(int64(1))}
	letGo := hold(t, path)
	defer letGo()
	put(t, s, Key{1}, r)
	r.GPUs[0], *r.VRAM = "changed", 2
	wantReply(t, s, Key{1}, Reply{GPUs: []string{"GPU-1"}, VRAM: new(int64(1))})
}

// TestAgainstModel does the same at random to two stores on one file and to a
// map: the first reply to a key stays, the last failure counts until then.
// Between stores only what is durable is common, so one flushes before the
// other goes on.
func TestAgainstModel(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "replies.db")
			stores := []*Store{open(t, path), open(t, path)}
			rnd := rand.New(rand.NewPCG(seed, 0))
			replied, failed := map[Key]Reply{}, map[Key]Failure{}
			at := 0
			for step := range 400 {
				s, k := stores[at], Key{byte(rnd.IntN(24))}
				switch rnd.IntN(12) {
				case 0, 1, 2:
					r := Reply{Response: models.Response{Content: fmt.Sprint("reply ", step)}}
					put(t, s, k, r)
					if _, ok := replied[k]; !ok {
						replied[k] = r
						delete(failed, k)
					}
				case 3, 4, 5:
					f := Failure{Reason: "timeout", Message: fmt.Sprint("failure\xff", step), At: time.Unix(0, int64(step+1)).UTC()}
					fail(t, s, k, f)
					if _, ok := replied[k]; !ok {
						failed[k] = f
					}
				case 6:
					flush(t, s)
				case 7:
					flush(t, s)
					at = 1 - at
				case 8:
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
					stores[at] = open(t, path)
				default:
					got, ok, err := s.Get(t.Context(), k)
					want, wantOK := replied[k]
					if err != nil || ok != wantOK || !cmp.Equal(got, want) {
						t.Fatalf("step %d, Get: %+v, %v, %v; want %+v, %v", step, got, ok, err, want, wantOK)
					}
					failure, ok, err := s.Failure(t.Context(), k)
					wantFailure, wantOK := failed[k]
					if err != nil || ok != wantOK || failure != wantFailure {
						t.Fatalf("step %d, Failure: %+v, %v, %v; want %+v, %v", step, failure, ok, err, wantFailure, wantOK)
					}
				}
			}
		})
	}
}

func TestCommitMeansDurable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "replies.db")
	s := open(t, path)
	for n := range 5 {
		start := time.Now()
		c := put(t, s, numbered(n), sized(n, 100))
		if err := c.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if lag := time.Since(start); lag > 250*time.Millisecond {
			t.Errorf("durable after %v, want at most 250 ms", lag)
		}
		other := open(t, path) // sees the file alone
		wantReply(t, other, numbered(n), sized(n, 100))
		other.Close()
	}
	var mode string
	var synchronous int
	if err := s.writer.QueryRow("SELECT journal_mode, synchronous FROM pragma_journal_mode, pragma_synchronous").Scan(&mode, &synchronous); err != nil {
		t.Fatal(err)
	}
	if mode != "wal" || synchronous != 2 {
		t.Errorf("journal mode %s, synchronous %d; want wal, 2: every commit is synced", mode, synchronous)
	}
}

func TestPutsOfOneTransactionShareACommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "replies.db")
	s := open(t, path)
	letGo := hold(t, path)
	put(t, s, Key{0}, Reply{})
	for writing := false; !writing; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		writing = s.writing != nil
		s.mu.Unlock()
	}
	a, b := put(t, s, Key{1}, Reply{}), put(t, s, Key{2}, Reply{})
	if a != b {
		t.Error("two puts in a row have different commits")
	}
	select {
	case <-a.Done():
		t.Error("done while the file could not be written")
	default:
	}
	letGo()
	if err := a.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Wait(canceled); err != nil {
		t.Errorf("Wait after Done: %v, want the outcome whatever the context says", err)
	}
}

func TestFullQueueHoldsPutsBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "replies.db")
	s := open(t, path)
	letGo := hold(t, path)
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	n := 0
	for ; ; n++ {
		if _, err := s.Put(short, numbered(n), sized(n, 10)); err != nil {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			break
		}
		if n > 10*groupPuts {
			t.Fatalf("%d puts were taken in while nothing could be written", n)
		}
	}
	if _, err := s.Put(short, numbered(-1), Reply{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Put: %v, want the context's error", err)
	}
	if err := s.Flush(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Flush: %v, want the context's error", err)
	}
	letGo()
	if _, err := s.Put(t.Context(), numbered(n), sized(n, 10)); err != nil {
		t.Fatal(err)
	}
	flush(t, s)
	for i := range n + 1 {
		wantReply(t, s, numbered(i), sized(i, 10))
	}
	// A reply in hand is taken in even when the work it belongs to is over.
	if _, err := s.Put(short, numbered(n+1), Reply{}); err != nil {
		t.Errorf("Put with room and a context that is over: %v", err)
	}
}

func TestLargeTextsFillAGroup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "replies.db")
	s := open(t, path)
	defer hold(t, path)()
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	text := strings.Repeat("x", groupBytes/4)
	n := 0
	for ; n < 100; n++ {
		if _, err := s.Put(short, numbered(n), Reply{Response: models.Response{Content: text}}); err != nil {
			break
		}
	}
	if n > 9 {
		t.Errorf("%d MiB were taken in while nothing could be written, want at most %d", n*len(text)>>20, 2*groupBytes>>20)
	}
}

func TestCloseKeepsWhatWasPut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "replies.db")
	s := open(t, path)
	const n = 3000
	var last *Commit
	for i := range n {
		last = put(t, s, numbered(i), sized(i, 100))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := last.Wait(t.Context()); err != nil {
		t.Errorf("the last put: %v", err)
	}
	if _, err := s.Put(t.Context(), Key{}, Reply{}); !errors.Is(err, ErrClosed) {
		t.Errorf("Put after Close: %v", err)
	}
	if _, err := s.Fail(t.Context(), Key{}, Failure{}); !errors.Is(err, ErrClosed) {
		t.Errorf("Fail after Close: %v", err)
	}
	if err := s.Flush(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("Flush after Close: %v", err)
	}
	if _, _, err := s.Get(t.Context(), Key{}); !errors.Is(err, ErrClosed) {
		t.Errorf("Get after Close: %v", err)
	}
	if _, _, err := s.Failure(t.Context(), Key{}); !errors.Is(err, ErrClosed) {
		t.Errorf("Failure after Close: %v", err)
	}
	if err := s.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("Close after Close: %v", err)
	}
	if left, _ := filepath.Glob(path + "-*"); len(left) > 0 {
		t.Errorf("left beside the file: %v", left)
	}
	again := open(t, path)
	for i := range n {
		wantReply(t, again, numbered(i), sized(i, 100))
	}
}

func TestConcurrentUse(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "replies.db"))
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for n := range 200 {
				k := numbered(n) // all workers put the same keys
				if _, err := s.Fail(t.Context(), k, Failure{Reason: "busy"}); err != nil {
					t.Error(err)
				}
				c, err := s.Put(t.Context(), k, sized(worker, 200))
				if err != nil {
					t.Error(err)
					return
				}
				first, ok, err := s.Get(t.Context(), k)
				if err != nil || !ok {
					t.Errorf("Get after Put: found %v, error %v", ok, err)
				}
				if n%50 == 0 {
					if err := c.Wait(t.Context()); err != nil {
						t.Error(err)
					}
				}
				if later, _, err := s.Get(t.Context(), k); err != nil || !cmp.Equal(first, later) {
					t.Errorf("another reply took the place of the first (error %v)", err)
				}
				if f, ok, err := s.Failure(t.Context(), k); ok || err != nil {
					t.Errorf("a key with a reply has failure %+v (error %v)", f, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestCanceledGet(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "replies.db"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.Get(ctx, Key{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Get: %v", err)
	}
	if _, _, err := s.Failure(ctx, Key{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Failure: %v", err)
	}
}

func TestPathsOfAllKinds(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, path := range []string{"replies.db", "a b?c#d%41&e+f=ü.db", "file:x.db", ":memory:", "./-x"} {
		s := open(t, path)
		put(t, s, Key{1}, Reply{Response: models.Response{Content: path}})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if found, err := filepath.Glob("*"); err != nil || len(found) == 0 {
			t.Errorf("%q: no file", path)
		}
		wantReply(t, open(t, path), Key{1}, Reply{Response: models.Response{Content: path}})
	}
}

func FuzzRoundTrip(f *testing.F) {
	path := filepath.Join(f.TempDir(), "replies.db")
	s, err := Open(path)
	if err != nil {
		f.Fatal(err)
	}
	defer s.Close()
	for _, r := range replies {
		gpu, vram := "", int64(0)
		if len(r.GPUs) > 0 {
			gpu = r.GPUs[0]
		}
		if r.VRAM != nil {
			vram = *r.VRAM
		}
		f.Add([]byte("key"), r.Content, r.Thinking, r.DoneReason, r.PromptTokens, int64(r.Eval), r.StartedAt.Unix(), r.Host, gpu, len(r.GPUs), vram, r.VRAM != nil)
	}
	f.Fuzz(func(t *testing.T, key []byte, content, thinking, reason string, tokens int, duration, started int64, host, gpu string, gpus int, vram int64, known bool) {
		k := numbered(rand.Int()) // the first reply stays, so a key of its own
		want := Reply{
			Response: models.Response{Content: content, Thinking: thinking, DoneReason: reason, PromptTokens: tokens, Eval: time.Duration(duration), StartedAt: time.Unix(started%1e12, duration&0x1fffffff).UTC()},
			Host:     host,
		}
		for n := range gpus % 9 {
			want.GPUs = append(want.GPUs, gpu[:min(n, len(gpu))])
		}
		if known {
			want.VRAM = &vram
		}
		failed := Failure{Reason: reason, Message: thinking, At: time.Unix(0, started).UTC()}
		var other Key
		copy(other[:], key)
		other[31] ^= 1
		put(t, s, k, want)
		fail(t, s, other, failed)
		for range 2 {
			wantReply(t, s, k, want)
			got, ok, err := s.Failure(t.Context(), other)
			if err != nil || !ok || got != failed {
				t.Errorf("Failure: %+v, %v, %v; want %+v", got, ok, err, failed)
			}
			flush(t, s)
		}
	})
}
