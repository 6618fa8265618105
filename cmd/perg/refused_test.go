package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"perg/harness"
	"perg/harness/fleet"
	"perg/harness/hosts/agent"
	"perg/harness/hosts/wire"
	"perg/harness/rundir"
	"perg/harness/store"
)

// listening starts a run that waits for machines, and says where, and with which
// token they are let in.
func listening(t *testing.T, b bench, name string) (address, token string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	out := filepath.Join(b.dir, name)
	go func() {
		defer close(ended)
		b.perg(ctx, "run", "steady", "--limit", "3", "--out", out, "--store", out+".db", "--listen", "127.0.0.1:0", "--no-local", "--await", "9")
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	return joining(t, out)
}

// Who is not of a run is not let in, and is told why.
func TestWhoIsNotLetIn(t *testing.T) {
	b := ownServers(t)
	address, token := listening(t, b, "run")
	_, ofAnother := listening(t, b, "another")
	parsed, err := wire.ParseToken(token)
	if err != nil {
		t.Fatal(err)
	}
	wrong := parsed
	wrong.Secret[0]++

	joins := func(name, token, dir string) (status int, said string) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		status, _, said = b.perg(ctx, "agent", address, "--token", token, "--name", name, "--store", filepath.Join(b.dir, dir, "agent.db"))
		return status, said
	}
	// The first of a name has it.
	first := make(chan int)
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		status, _, _ := b.perg(ctx, "agent", address, "--token", token, "--name", "one", "--store", filepath.Join(b.dir, "first", "agent.db"))
		first <- status
	}()
	joined := func() bool {
		keys, _ := filepath.Glob(filepath.Join(b.dir, "first", "agent", "agent.key"))
		return len(keys) > 0
	}
	for deadline := time.Now().Add(20 * time.Second); !joined() && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(time.Second)
	for i, c := range []struct{ name, token, said string }{
		{"two", "perg1-nonsense", "a part of it is missing or changed"},
		{"two", wrong.String(), "the token is not this run's"},
		{"two", ofAnother, "its certificate is not the one that the token names"},
		{"one", token, "another machine has the name one"},
		{"Two!", token, "is no name for a machine"},
	} {
		status, said := joins(c.name, c.token, fmt.Sprint("dir", i))
		if status != exitUsage || !strings.Contains(said, c.said) || !strings.Contains(said, "hint: ") {
			t.Errorf("%s: exit status %d, want the words %q\n%s", c.name, status, c.said, said)
		}
	}
	leave()
	if status := <-first; status != exitInterrupted {
		t.Errorf("the first agent: exit status %d", status)
	}

	o := harness.FleetOptions(rundir.Defaults(), t.TempDir(), func(string) {}, func(string) {})
	o.Own = true
	f, err := fleet.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := store.Open(filepath.Join(b.dir, "old.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = agent.Run(t.Context(), agent.Options{
		Address: address, Token: parsed, Name: "old", Perg: "v0.0.1", Dir: t.TempDir(), Fleet: f, Store: s, Say: func(string) {}, Warn: func(string) {},
	})
	if !errors.Is(err, agent.ErrRefused) || !strings.Contains(err.Error(), "it is perg v0.0.1, and the run is of perg "+rundir.Version()) {
		t.Errorf("an agent of another perg: %v", err)
	}
}
