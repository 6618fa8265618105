package store

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"perg/models"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The test binary starts itself again as a process that puts replies from a
// number on, and prints each number once that reply is durable.
const childVariable = "STORE_TEST_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childVariable); path != "" {
		if err := child(path, os.Args[1], os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(path, first, count string) error {
	ctx := context.Background()
	from, err := strconv.Atoi(first)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	s, err := Open(path)
	if err != nil {
		return err
	}
	type promise struct {
		n      int
		commit *Commit
	}
	promises := make(chan promise, 256)
	var kept sync.WaitGroup
	kept.Go(func() {
		for p := range promises {
			err := p.commit.Wait(ctx)
			r, ok, getErr := s.Get(ctx, numbered(p.n))
			if err != nil || getErr != nil || !ok {
				fmt.Fprintf(os.Stderr, "reply %d: commit %v, get %v, %v\n", p.n, err, ok, getErr)
				os.Exit(1)
			}
			fmt.Println(p.n, r.Host) // not buffered: printed is in the pipe
		}
	})
	for i := range n {
		r := sized(from+i, 10+(from+i)*37%4000)
		r.Host = strconv.Itoa(os.Getpid())
		c, err := s.Put(ctx, numbered(from+i), r)
		if err != nil {
			return err
		}
		promises <- promise{from + i, c}
	}
	close(promises)
	kept.Wait()
	return s.Close()
}

func start(t *testing.T, path string, first, count int) (*exec.Cmd, io.Reader) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], strconv.Itoa(first), strconv.Itoa(count))
	cmd.Env = append(os.Environ(), childVariable+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

func lines(t *testing.T, out io.Reader) (numbers []int, hosts []string) {
	t.Helper()
	whole := bufio.NewReader(out)
	for {
		line, err := whole.ReadString('\n')
		if err != nil { // a last line that is cut off was not printed
			return numbers, hosts
		}
		number, host, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.Atoi(number)
		if err != nil {
			t.Fatalf("printed %q", line)
		}
		numbers, hosts = append(numbers, n), append(hosts, host)
	}
}

func TestKilledAtAnyMoment(t *testing.T) {
	const rounds, span = 24, 100_000
	path := filepath.Join(t.TempDir(), "replies.db")
	rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	hosts := map[int]string{}
	for round := range rounds {
		cmd, out := start(t, path, round*span, span)
		// From before the file is open to well into the puts; the first round
		// is let in, so that there is something to lose.
		delay := time.Duration(rnd.IntN(400)) * time.Millisecond
		if round == 0 {
			delay = time.Second
		}
		kill := time.AfterFunc(delay, func() { cmd.Process.Kill() })
		numbers, writers := lines(t, out)
		kill.Stop()
		if err := cmd.Wait(); err == nil || err.Error() != "signal: killed" {
			t.Fatalf("round %d: the process ended by itself: %v", round, err)
		}
		for i, n := range numbers {
			hosts[n] = writers[i]
		}
		s, err := Open(path)
		if err != nil {
			t.Fatalf("round %d, killed after %v: %v", round, delay, err)
		}
		for _, n := range numbers {
			want := sized(n, 10+n*37%4000)
			want.Host = hosts[n]
			wantReply(t, s, numbered(n), want)
		}
		if t.Failed() {
			t.Fatalf("round %d, killed after %v with %d printed", round, delay, len(numbers))
		}
		if round%2 == 0 { // every other time the next process meets what is left
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		} else {
			defer s.Close()
		}
	}
	t.Logf("%d replies were durable in %d processes", len(hosts), rounds)
	if len(hosts) == 0 {
		t.Fatal("no process lived to make anything durable")
	}
	s := open(t, path)
	for n := range hosts {
		if _, ok, err := s.Get(t.Context(), numbered(n)); !ok || err != nil {
			t.Fatalf("reply %d: found %v, error %v", n, ok, err)
		}
	}
}

func TestProcessesShareAFile(t *testing.T) {
	const processes, replies = 4, 3000
	path := filepath.Join(t.TempDir(), "replies.db") // made by whichever is first
	var mu sync.Mutex
	winner := map[int]string{}
	wins := map[string]int{}
	var wg sync.WaitGroup
	for i := range processes {
		// Two put the same keys, the next two the same others.
		cmd, out := start(t, path, i/2*replies/2, replies)
		wg.Go(func() {
			numbers, hosts := lines(t, out)
			if err := cmd.Wait(); err != nil {
				t.Errorf("process %d: %v", i, err)
			}
			if len(numbers) != replies {
				t.Errorf("process %d made %d replies durable, want %d", i, len(numbers), replies)
			}
			mu.Lock()
			defer mu.Unlock()
			for i, n := range numbers {
				if first, ok := winner[n]; ok && first != hosts[i] {
					t.Errorf("reply %d is of process %s for one reader, of %s for another", n, first, hosts[i])
				}
				winner[n] = hosts[i]
			}
		})
	}
	wg.Wait()
	s := open(t, path)
	for n, host := range winner {
		want := sized(n, 10+n*37%4000)
		want.Host = host
		wantReply(t, s, numbered(n), want)
		wins[host]++
	}
	t.Logf("replies by process: %v", wins)
}

func TestOpenedByManyAtOnce(t *testing.T) {
	for range 5 {
		path := filepath.Join(t.TempDir(), "replies.db")
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				s, err := Open(path)
				if err != nil {
					t.Error(err)
					return
				}
				defer s.Close()
				if _, err := s.Put(t.Context(), Key{byte(i)}, Reply{Response: models.Response{PromptTokens: i}}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		s := open(t, path)
		for i := range 8 {
			wantReply(t, s, Key{byte(i)}, Reply{Response: models.Response{PromptTokens: i}})
		}
	}
}
