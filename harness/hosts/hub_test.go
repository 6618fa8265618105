package hosts

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"perg/harness/hosts/wire"
	"perg/harness/store"
)

func testHub(t *testing.T) *Hub {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "replies.db"))
	if err != nil {
		t.Fatal(err)
	}
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := port.Addr().String()
	port.Close()
	quiet := func(string) {}
	h, err := Listen(t.Context(), Options{Listen: address, Dir: t.TempDir(), Perg: "test", Replies: s, Warn: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.Close()
		s.Close()
	})
	return h
}

// A guest is a client of the hub, as an agent is one or as a stranger would be.
type guest struct {
	name  string
	token string
	key   nkeys.KeyPair
	sign  func(nkeys.KeyPair, []byte) ([]byte, error)
}

func newGuest(t *testing.T, h *Hub, name string) *guest {
	key, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	return &guest{name, h.Token.Password(), key, func(k nkeys.KeyPair, nonce []byte) ([]byte, error) { return k.Sign(nonce) }}
}

func (g *guest) connect(h *Hub, faults chan<- error) (*nats.Conn, error) {
	public, err := g.key.PublicKey()
	if err != nil {
		return nil, err
	}
	return nats.Connect("nats://"+h.Listen, nats.TLSHandshakeFirst(), nats.NoReconnect(),
		nats.Secure(&tls.Config{InsecureSkipVerify: true}), nats.UserInfo(g.name, ""), nats.Token(g.token),
		nats.Nkey(public, func(nonce []byte) ([]byte, error) { return g.sign(g.key, nonce) }),
		nats.CustomInboxPrefix(h.subjects.Inbox(g.name)),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if faults != nil {
				faults <- err
			}
		}))
}

// Nobody comes in without the token, without the key that its name had before, or
// as the controller.
func TestStrangers(t *testing.T) {
	h := testHub(t)
	good := newGuest(t, h, "gpu02")
	c, err := good.connect(h, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for what, change := range map[string]func(*guest){
		"no token":           func(g *guest) { g.token = "" },
		"another token":      func(g *guest) { g.token = wire.Token{}.Password() },
		"a name with a dot":  func(g *guest) { g.name = "gpu02.x" },
		"as the controller":  func(g *guest) { g.name = controller },
		"another one's name": func(g *guest) { g.name = "gpu02" },
		"another one's signature": func(g *guest) {
			g.sign = func(_ nkeys.KeyPair, nonce []byte) ([]byte, error) { return good.key.Sign(nonce) }
		},
		"an old signature": func(g *guest) {
			g.sign = func(k nkeys.KeyPair, nonce []byte) ([]byte, error) { return k.Sign([]byte("nonce")) }
		},
	} {
		g := newGuest(t, h, "gpu03")
		change(g)
		c, err := g.connect(h, nil)
		if err == nil {
			c.Close()
		}
		if !errors.Is(err, nats.ErrAuthorization) && (err == nil || !strings.Contains(err.Error(), "uthoriz")) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := nats.Connect("nats://"+h.Listen, nats.Token(h.Token.Password()), nats.Timeout(3*time.Second)); err == nil {
		t.Error("without TLS one is let in")
	}
	if _, err := tls.Dial("tcp", h.Listen, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}); err == nil {
		t.Error("TLS 1.2 is taken")
	}
}

// What an agent may not say or hear, it can't: another one's work and replies, what
// another one is asked, all of JetStream but its own queue.
func TestAnAgentSpeaksForItselfAlone(t *testing.T) {
	h := testHub(t)
	faults := make(chan error, 64)
	c, err := newGuest(t, h, "gpu02").connect(h, faults)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	refused := func(what string) {
		t.Helper()
		if err := c.FlushTimeout(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-faults:
			if !strings.Contains(strings.ToLower(err.Error()), "permissions violation") {
				t.Errorf("%s: %v", what, err)
			}
		case <-time.After(2 * time.Second):
			t.Errorf("%s: it may", what)
		}
	}
	s := h.subjects
	for _, subject := range []string{
		s.Reply("gpu03"), s.Hello("gpu03"), s.Work("gpu02"), s.Ask("gpu03", wire.Close), s.End(),
		"$KV." + wire.PresenceBucket + "." + s.Presence("gpu03"),
		"$JS.API.STREAM.DELETE." + wire.WorkStream, "$JS.API.STREAM.PURGE." + wire.ReplyStream, "$JS.API.CONSUMER.CREATE." + wire.WorkStream + ".x",
		"$JS.API.CONSUMER.MSG.NEXT." + wire.WorkStream + "." + s.WorkConsumer("gpu03"), "$JS.API.INFO",
		"$JS.API.STREAM.MSG.GET." + wire.WorkStream, "_INBOX.anybody",
	} {
		if err := c.Publish(subject, []byte("x")); err != nil {
			t.Fatal(err)
		}
		refused("say " + subject)
	}
	for _, subject := range []string{">", "perg.>", s.Asked("gpu03"), s.Work("gpu02"), s.Replies(), "_INBOX.>", s.Inbox("gpu03") + ".>", "$JS.>"} {
		sub, err := c.SubscribeSync(subject)
		if err != nil {
			t.Fatal(err)
		}
		refused("hear " + subject)
		sub.Unsubscribe()
	}
}

// A controller that is started anew is the same one to its agents, and nobody else
// may read how.
func TestIdentityStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "join.key")
	first, _, err := identify(path)
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := identify(path)
	if err != nil || first != second {
		t.Errorf("%v and then %v, error %v", first, second, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("its mode is %v, error %v", info.Mode(), err)
	}
}

// A call that is handed to a machine that is gone, or goes, has its answer.
func TestCallsOfALostMachine(t *testing.T) {
	h := &Hub{}
	m := &Machine{hub: h, hello: wire.Hello{Name: "gpu02"}}
	m.gone, m.lose = context.WithCancelCause(t.Context())
	_, w := h.calls.begin(m)
	h.calls.lost(m, errLost)
	select {
	case a := <-w.answer:
		if a.Fault == nil || a.Fault.Err() == nil {
			t.Errorf("%+v", a)
		}
	default:
		t.Error("it waits for ever")
	}
}
