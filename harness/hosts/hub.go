// Package hosts has a run use other machines: a Hub listens, agents come to it, and
// each of them is a machine of the fleet, with devices of its own and servers on
// them.
//
// The controller plans, prompts, reads, scores and writes; an agent has servers on
// its own loopback, a store of replies, and makes calls. NATS JetStream lies
// between: a lease on work and an outbox of replies, and never the record. That is
// the stores, of which the controller has one and each agent has one: a reply
// leaves the agent when it is durable there, and JetStream when it is durable here.
// All that is in JetStream may be lost: what has no reply is asked again, and an
// agent that has the reply gives it without a call.
package hosts

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"perg/harness/hint"
	"perg/harness/hosts/wire"
	"perg/harness/store"
)

// Options say where a hub listens and what it tells.
type Options struct {
	Listen   string        // HOST:PORT or :PORT
	NATS     string        // URL of a NATS server of the user's, in place of one of the hub's own; "": none
	Dir      string        // of the run
	Perg     string        // version
	Machine  string        // name of this one, which has lanes of its own; "": it has none
	Interval time.Duration // between GPU samples
	Replies  Replies
	Warn     func(string)
	// Came is told of a machine that is there, and Left of one that is not any
	// more, and why: once each, in turn. Both are called in one goroutine of the
	// machine's.
	Came func(*Machine)
	Left func(m *Machine, why error)
}

// Replies are kept in a store. The first reply to a key stays.
type Replies interface {
	Get(ctx context.Context, k store.Key) (store.Reply, bool, error)
	Put(ctx context.Context, k store.Key, r store.Reply) (*store.Commit, error)
}

// A Hub is where agents come to.
type Hub struct {
	Options
	Token    wire.Token
	subjects wire.Subjects
	boot     string

	server  *server.Server // nil: the user's is used
	door    *doorkeeper
	conn    *nats.Conn
	js      jetstream.JetStream
	present jetstream.KeyValue

	ctx    context.Context // ends with the hub
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	mu       sync.Mutex
	machines map[string]*Machine // by name, also those that are lost
	calls    calls
}

// Listen begins to. Close ends it.
func Listen(ctx context.Context, o Options) (*Hub, error) {
	token, certificate, err := identify(filepath.Join(o.Dir, "join.key"))
	if err != nil {
		return nil, err
	}
	h := &Hub{Options: o, Token: token, boot: random(), machines: make(map[string]*Machine)}
	if o.NATS != "" {
		h.Token.Pin = wire.Token{}.Pin
	}
	h.subjects = wire.Subjects{Run: h.Token.RunName()}
	h.ctx, h.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := h.connect(certificate); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	if err := h.begin(ctx); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, h.tell()
}

func random() string {
	raw := make([]byte, 8)
	rand.Read(raw)
	return hex.EncodeToString(raw)
}

// piecesAhead is how many pieces of an answer may wait to be read. Each question has
// room for so many from its beginning: the library's own 65,536 are half a megabyte.
const piecesAhead = 4096

// connect starts the embedded server, or reaches the user's.
func (h *Hub) connect(certificate tls.Certificate) error {
	options := []nats.Option{
		nats.Name("perg"), nats.MaxReconnects(-1), nats.ReconnectWait(500 * time.Millisecond),
		nats.PingInterval(2 * time.Second), nats.MaxPingsOutstanding(2), nats.Timeout(10 * time.Second),
		nats.SyncQueueLen(piecesAhead),
	}
	address := h.NATS
	if address == "" {
		s, err := h.serve(certificate)
		if err != nil {
			return err
		}
		h.server = s
		options = append(options, nats.InProcessServer(s), nats.UserInfo(controller, h.door.inner))
	}
	var err error
	if h.conn, err = nats.Connect(address, options...); err != nil {
		return &hint.Error{Err: fmt.Errorf("reach NATS at %s: %w", address, err), Hint: "start it with JetStream (nats-server -js), or leave out --nats to have perg start one"}
	}
	h.js, err = jetstream.New(h.conn)
	return err
}

// serve starts the embedded server.
func (h *Hub) serve(certificate tls.Certificate) (*server.Server, error) {
	host, port, err := splitAddress(h.Listen)
	if err != nil {
		return nil, err
	}
	h.door = &doorkeeper{token: h.Token, inner: random() + random(), owners: make(map[string]string)}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	s, err := server.NewServer(&server.Options{
		ServerName: "perg-" + h.subjects.Run, Host: host, Port: port, NoSigs: true, NoLog: true, NoSystemAccount: true,
		TLS: true, TLSHandshakeFirst: true, TLSTimeout: 10,
		TLSConfig:                  &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13},
		CustomClientAuthentication: h.door, AlwaysEnableNonce: true, AuthTimeout: 10,
		JetStream: true, StoreDir: filepath.Join(h.Dir, "nats"),
		// By default what was acknowledged may be lost with the power for two
		// minutes: nats-io/nats-server#7564.
		SyncAlways: true,
		MaxPayload: 2 << 20, PingInterval: 2 * time.Second, MaxPingsOut: 2,
	})
	if err != nil {
		return nil, fmt.Errorf("start NATS: %w", err)
	}
	failed := make(chan error, 1)
	s.SetLogger(logger{failed}, false, false)
	s.Start()
	for deadline := time.Now().Add(20 * time.Second); ; {
		if s.ReadyForConnections(200*time.Millisecond) && s.JetStreamEnabled() {
			return s, nil
		}
		select {
		case err := <-failed:
			s.Shutdown()
			return nil, &hint.Error{Err: fmt.Errorf("listen on %s: %w", h.Listen, err), Hint: "another program may have the port, or the address is not one of this machine: --listen :PORT is another port, on all addresses", Usage: true}
		default:
		}
		if time.Now().After(deadline) {
			s.Shutdown()
			return nil, fmt.Errorf("listen on %s: the embedded NATS server is not ready after 20 s", h.Listen)
		}
	}
}

// A logger keeps what the embedded server cannot go on with.
type logger struct{ failed chan<- error }

func (logger) Noticef(string, ...any) {}
func (logger) Warnf(string, ...any)   {}
func (logger) Debugf(string, ...any)  {}
func (logger) Tracef(string, ...any)  {}
func (logger) Errorf(string, ...any)  {}
func (l logger) Fatalf(format string, v ...any) {
	select {
	case l.failed <- fmt.Errorf(format, v...):
	default:
	}
}

func splitAddress(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err == nil {
		port, err = strconv.Atoi(text)
	}
	if err != nil || port < 0 || port > 65535 {
		return "", 0, hint.Usage(fmt.Errorf("listen %q: not a port, nor an address and a port", address), "write --listen :7375")
	}
	if host == "" {
		host = "0.0.0.0"
	}
	return host, port, nil
}

// begin makes the streams, takes in what agents sent while nobody was here, and
// begins to hear.
func (h *Hub) begin(ctx context.Context) error {
	streams := []jetstream.StreamConfig{
		{Name: wire.WorkStream, Subjects: []string{"perg.work.>"}},
		{Name: wire.ReplyStream, Subjects: []string{"perg.reply.>"}},
	}
	for _, s := range streams {
		s.Retention, s.Storage, s.Discard = jetstream.WorkQueuePolicy, jetstream.FileStorage, jetstream.DiscardNew
		s.MaxMsgSize, s.Duplicates = 2<<20, time.Minute
		if _, err := h.js.CreateOrUpdateStream(ctx, s); err != nil {
			return fmt.Errorf("JetStream: %w", err)
		}
	}
	var err error
	h.present, err = h.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: wire.PresenceBucket, TTL: 15 * time.Second, Storage: jetstream.MemoryStorage})
	if err != nil {
		return fmt.Errorf("JetStream: %w", err)
	}
	// What an earlier process handed out is handed out anew: agents know what they
	// are at, and what they have.
	work, err := h.js.Stream(ctx, wire.WorkStream)
	if err != nil {
		return fmt.Errorf("JetStream: %w", err)
	}
	if err := work.Purge(ctx, jetstream.WithPurgeSubject(h.subjects.Works())); err != nil {
		return fmt.Errorf("JetStream: %w", err)
	}
	if err := h.ingest(ctx); err != nil {
		return err
	}
	return h.welcome(ctx)
}

// tell writes down how agents join.
func (h *Hub) tell() error {
	path := filepath.Join(h.Dir, "join")
	if err := os.WriteFile(path, []byte(h.Command()+"\n"), 0o600); err != nil {
		return fmt.Errorf("keep how agents join: %w", err)
	}
	return nil
}

// Command is what to run on another machine for it to join.
func (h *Hub) Command() string {
	address := h.NATS
	if u, err := url.Parse(address); err == nil && u.User != nil {
		u.User = nil // a password is shown to nobody: agents are given one of their own
		address = u.String()
	}
	if address == "" {
		host, port, _ := splitAddress(h.Listen)
		if at, ok := h.server.Addr().(*net.TCPAddr); ok {
			port = at.Port
		}
		if net.ParseIP(host).IsUnspecified() {
			host, _ = os.Hostname()
		}
		address = net.JoinHostPort(host, strconv.Itoa(port))
	}
	return fmt.Sprintf("perg agent %s --token %s", address, h.Token)
}

// End tells the agents that the run has ended: they give back what they hold.
func (h *Hub) End() {
	if h.conn != nil && h.conn.Publish(h.subjects.End(), nil) == nil {
		h.conn.FlushTimeout(2 * time.Second)
	}
}

// Close ends the listening. Agents wait for the controller to come back, unless End
// was said.
func (h *Hub) Close() error {
	h.cancel()
	h.tasks.Wait()
	if h.conn != nil {
		h.conn.Close()
	}
	if h.server != nil {
		h.server.Shutdown()
		h.server.WaitForShutdown()
	}
	return nil
}
