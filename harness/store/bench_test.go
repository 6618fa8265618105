package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"perg/models"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func numbered(n int) Key {
	return sha256.Sum256(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

// sized is a reply of about the given number of bytes, different for every n.
func sized(n, bytes int) Reply {
	vram := int64(5) << 30
	return Reply{
		Response: models.Response{Content: fmt.Sprint(n, " ") + strings.Repeat("cause and effect ", bytes/17), DoneReason: "stop", PromptTokens: 412, OutputTokens: 280, Total: 1234567890, Load: 1234567, PromptEval: 123456789, Eval: 987654321, StartedAt: time.Unix(1700000000, int64(n)).UTC()},
		Host:     "http://127.0.0.1:11434", GPUs: []string{"GPU-4c51e1c6-6f8a-0a2f-7a64-0d8f8a3b8c11"}, VRAM: &vram,
	}
}

// fill puts replies first to last-1, so many a second or, at 0, as many as it
// can, and returns how long each took to be durable once Put had taken it in.
func fill(b *testing.B, s *Store, first, last, rate int) []time.Duration {
	b.Helper()
	type put struct {
		at     time.Time
		commit *Commit
	}
	puts := make(chan put, 1<<16)
	lags := make([]time.Duration, 0, last-first)
	done := make(chan error, 1)
	go func() {
		for p := range puts {
			if err := p.commit.Wait(context.Background()); err != nil {
				done <- err
				return
			}
			lags = append(lags, time.Since(p.at))
		}
		done <- nil
	}()
	start := time.Now()
	for n := first; n < last; n++ {
		if rate > 0 {
			time.Sleep(time.Until(start.Add(time.Duration(n-first) * time.Second / time.Duration(rate))))
		}
		c, err := s.Put(b.Context(), numbered(n), sized(n, 1500))
		if err != nil {
			b.Fatal(err)
		}
		puts <- put{time.Now(), c}
	}
	close(puts)
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	return lags
}

// BenchmarkStore measures puts until they are durable and look-ups in files of
// growing size. Filling the largest takes minutes and 2.5 GB; -short leaves it
// out.
func BenchmarkStore(b *testing.B) {
	for _, rows := range []int{10_000, 100_000, 1_000_000} {
		if testing.Short() && rows > 100_000 {
			continue
		}
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			s := open(b, filepath.Join(b.TempDir(), "replies.db"))
			start := time.Now()
			fill(b, s, 0, rows, 0)
			b.Logf("filled with %d replies at %.0f/s", rows, float64(rows)/time.Since(start).Seconds())
			next := rows
			for name, rate := range map[string]int{"Put": 0, "Put3000PerSecond": 3000} {
				b.Run(name, func(b *testing.B) {
					start := cpuTime()
					lags := fill(b, s, next, next+b.N, rate)
					next += b.N
					reportCPU(b, start)
					b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
					slices.Sort(lags)
					b.ReportMetric(float64(lags[len(lags)*99/100].Milliseconds()), "p99-ms")
					b.ReportMetric(float64(lags[len(lags)-1].Milliseconds()), "max-ms")
				})
			}
			b.Run("Get", func(b *testing.B) {
				ctx := b.Context()
				b.ReportAllocs()
				defer reportCPU(b, cpuTime())
				for n := 0; b.Loop(); n++ {
					if _, ok, err := s.Get(ctx, numbered(n*7919%rows)); !ok || err != nil {
						b.Fatal(ok, err)
					}
				}
			})
			b.Run("GetParallel", func(b *testing.B) {
				ctx := b.Context()
				var n atomic.Int64
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if _, ok, err := s.Get(ctx, numbered(int(n.Add(1))*7919%rows)); !ok || err != nil {
							b.Fatal(ok, err)
						}
					}
				})
			})
			b.Run("Miss", func(b *testing.B) {
				ctx := b.Context()
				for n := 0; b.Loop(); n++ {
					if _, ok, err := s.Get(ctx, numbered(-1-n)); ok || err != nil {
						b.Fatal(ok, err)
					}
				}
			})
		})
	}
}

// BenchmarkRow makes rows of replies and reads them, without the file.
func BenchmarkRow(b *testing.B) {
	reply, k := sized(1, 1500), numbered(1)
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			encode(k, reply)
		}
	})
	r := encode(k, reply)
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := r.decode(k); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// cpuTime is what this process has used of all cores, user and system. Beside
// wall time it says what an operation costs on a machine that does other work.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func reportCPU(b *testing.B, start time.Duration) {
	b.ReportMetric(float64(cpuTime()-start)/float64(b.N), "cpu-ns/op")
}
