// Package agent has this machine work for a run of another one: it opens servers for
// the controller's lanes, makes their calls, and keeps each reply in a store of its
// own before it sends it off.
package agent

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"perg/gpu"
	"perg/harness/fleet"
	"perg/harness/hint"
	"perg/harness/hosts/wire"
	"perg/harness/store"
)

// Options say for whom an agent works, and with what.
type Options struct {
	Address string // of the controller, HOST:PORT, or the URL of a NATS server
	Token   wire.Token
	Name    string // of this machine in the run
	Perg    string // version
	Dir     string // of what it keeps: its key, logs, samples
	Fleet   *fleet.Fleet
	Store   *store.Store
	Say     func(string)
	Warn    func(string)
}

// Errors of an agent that cannot work.
var (
	ErrRefused = errors.New("not let in")
	ErrEnded   = errors.New("the run has ended")
)

// An agent is one at work.
type agent struct {
	Options
	subjects wire.Subjects
	boot     string
	version  string // of Ollama

	conn *nats.Conn
	js   jetstream.JetStream

	ctx    context.Context // ends with the agent
	cancel context.CancelCauseFunc
	calls  context.Context // is that of calls in flight, which outlive it
	tasks  sync.WaitGroup

	sessions sessions
	outbox   *outbox
	uses     uses
	asked    asked

	mu         sync.Mutex
	controller string // its process, as it said
	interval   time.Duration
	samples    *fleet.Watch // nil: none are taken
	away       time.Time    // since when nothing is heard of it; zero: it is there
	watching   sync.Once
}

// patience is how long a server of this machine that is away, or hangs, is waited
// for: as long as the controller lends a chunk.
const patience = wire.LeaseFor

// keepFor is how long models stay in memory for a controller that is away.
const keepFor = 10 * time.Minute

// Run works for a controller until its run has ended (nil), ctx is done, or it is
// not let in ([ErrRefused]). A controller that is away is waited for without end.
// What calls are in flight when ctx is done are let finish, and their replies are
// kept.
func Run(ctx context.Context, o Options) error {
	a := &agent{Options: o, subjects: wire.Subjects{Run: o.Token.RunName()}, boot: random()}
	a.ctx, a.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	defer a.cancel(nil)
	calls, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	a.calls = calls
	client, err := o.Fleet.Client(ctx)
	if err != nil {
		return err
	}
	if a.version, err = client.Version(ctx); err != nil {
		return err
	}
	if err := a.connect(ctx); err != nil {
		return err
	}
	defer a.conn.Close()
	a.outbox = newOutbox(a)
	stop := context.AfterFunc(ctx, func() { a.cancel(ctx.Err()) })
	defer stop()
	if err := a.begin(ctx); err != nil {
		return err
	}
	<-a.ctx.Done()
	why := context.Cause(a.ctx)
	if ctx.Err() != nil {
		a.Say("ending: calls in flight are let finish, and kept")
	} else {
		cut() // nobody waits for them, or they cannot be kept
	}
	a.sessions.drain()
	a.outbox.close(3 * time.Second)
	if ctx.Err() != nil {
		a.conn.Request(a.subjects.Bye(a.Name), nil, 2*time.Second)
	}
	a.sessions.closeAll()
	a.tasks.Wait()
	if errors.Is(why, ErrEnded) {
		return nil
	}
	return why
}

func random() string {
	raw := make([]byte, 8)
	rand.Read(raw)
	return hex.EncodeToString(raw)
}

// begin says hello and begins to hear.
func (a *agent) begin(ctx context.Context) error {
	if _, err := a.conn.Subscribe(a.subjects.End(), func(*nats.Msg) { a.cancel(ErrEnded) }); err != nil {
		return err
	}
	if _, err := a.conn.Subscribe(a.subjects.Asked(a.Name), a.answer); err != nil {
		return err
	}
	if err := a.hello(ctx); err != nil {
		return err
	}
	a.tasks.Go(a.outbox.run)
	a.tasks.Go(a.work)
	a.tasks.Go(a.present)
	return nil
}

// hello says who is there, as often as it takes to be let in.
func (a *agent) hello(ctx context.Context) error {
	h := wire.Hello{
		Protocol: wire.Protocol, Perg: a.Perg, Secret: a.Token.Password(), Name: a.Name, Boot: a.boot, Ollama: a.version,
		Devices: a.Fleet.Devices, GPUs: make(map[string]gpu.GPU), Inventory: a.Fleet.Inventory,
		Processor: fleet.ProcessorName(), Cores: runtime.NumCPU(),
	}
	for _, d := range h.Devices {
		if g, ok := a.Fleet.GPU(d.ID); ok {
			h.GPUs[d.ID] = g
		}
	}
	for {
		h.Now = time.Now()
		text, err := json.Marshal(h)
		if err != nil {
			return err
		}
		m, err := a.conn.Request(a.subjects.Hello(a.Name), text, 5*time.Second)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case a.ctx.Err() != nil:
			return context.Cause(a.ctx)
		case err != nil:
			time.Sleep(300 * time.Millisecond)
			continue
		}
		var w wire.Welcome
		if err := json.Unmarshal(m.Data, &w); err != nil {
			return fmt.Errorf("%w: %s answers in a form that this perg does not know: %w", ErrRefused, a.Address, err)
		}
		if w.Refused != "" {
			return &hint.Error{Err: fmt.Errorf("%w at %s: %s", ErrRefused, a.Address, w.Refused), Hint: "use the command that 'perg run --listen' printed, and the same perg", Usage: true}
		}
		a.let(w)
		return nil
	}
}

// let takes in that the agent was let in.
func (a *agent) let(w wire.Welcome) {
	a.mu.Lock()
	anew := a.controller != "" && a.controller != w.Boot
	first := a.controller == ""
	a.controller, a.interval, a.away = w.Boot, w.Interval, time.Time{}
	a.mu.Unlock()
	switch {
	case first:
		a.Say(fmt.Sprintf("joined the run at %s as %s", a.Address, a.Name))
		a.watching.Do(func() { a.tasks.Go(a.watch) })
	case anew:
		a.Say(fmt.Sprintf("the controller at %s was started anew: what was answered for it is kept", a.Address))
	default:
		a.Say(fmt.Sprintf("%s is back", a.Address))
	}
}

// present says every few seconds that the agent is there, and gives back what it
// holds where the controller is not for long.
func (a *agent) present() {
	text, _ := json.Marshal(wire.Presence{Boot: a.boot})
	subject := "$KV." + wire.PresenceBucket + "." + a.subjects.Presence(a.Name)
	every := time.NewTicker(wire.PresenceEvery)
	defer every.Stop()
	for {
		if a.conn.IsConnected() {
			ctx, cancel := context.WithTimeout(a.ctx, wire.PresenceEvery)
			a.js.Publish(ctx, subject, text) // the next one is soon enough
			cancel()
		}
		a.mu.Lock()
		away := a.away
		a.mu.Unlock()
		if !away.IsZero() && time.Since(away) > keepFor && a.sessions.idle() {
			a.sessions.closeAll()
		}
		select {
		case <-every.C:
		case <-a.ctx.Done():
			return
		}
	}
}

// spool is the directory of what is for this run alone.
func (a *agent) spool() string { return filepath.Join(a.Dir, a.subjects.Run) }
