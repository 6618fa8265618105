package agent

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"perg/harness/hint"
	"perg/harness/hosts/wire"
)

// errPin: who answers is not the controller that the token is of.
var errPin = errors.New("its certificate is not the one that the token names")

// connect reaches the controller, for whom it waits, and stays connected from then
// on.
func (a *agent) connect(ctx context.Context) error {
	key, err := a.key()
	if err != nil {
		return err
	}
	public, err := key.PublicKey()
	if err != nil {
		return err
	}
	refused := make(chan error, 1)
	options := []nats.Option{
		nats.Name("perg agent " + a.Name), nats.CustomInboxPrefix(a.subjects.Inbox(a.Name)), nats.NoEcho(),
		nats.MaxReconnects(-1), nats.ReconnectWait(500 * time.Millisecond), nats.ReconnectJitter(200*time.Millisecond, 200*time.Millisecond),
		nats.PingInterval(2 * time.Second), nats.MaxPingsOutstanding(2), nats.Timeout(5 * time.Second), nats.IgnoreAuthErrorAbort(),
		nats.ReconnectBufSize(8 << 20),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			a.mu.Lock()
			defer a.mu.Unlock()
			if a.away.IsZero() && a.ctx.Err() == nil {
				a.away = time.Now()
				a.Say(fmt.Sprintf("%s does not answer: calls in flight are let finish, and it is tried again until it is back", a.Address))
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) {
			a.tasks.Go(func() {
				if err := a.hello(a.ctx); err != nil && a.ctx.Err() == nil {
					a.cancel(err)
				}
			})
		}),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}), // what a lost message costs is asked again
	}
	address := a.Address
	if !strings.Contains(address, "://") {
		address = "nats://" + address
	}
	if a.Token.Pinned() {
		options = append(options,
			nats.Nkey(public, key.Sign), nats.UserInfo(a.Name, ""), nats.Token(a.Token.Password()),
			nats.Secure(&tls.Config{
				MinVersion: tls.VersionTLS13,
				// Not the names and the dates that others vouch for, but the
				// certificate itself is what the token has.
				InsecureSkipVerify: true,
				VerifyConnection: func(s tls.ConnectionState) error {
					if len(s.PeerCertificates) == 0 || !pinned(s.PeerCertificates[0], a.Token) {
						return errPin
					}
					return nil
				},
			}), nats.TLSHandshakeFirst(),
		)
	}
	waits := false
	for {
		a.conn, err = nats.Connect(address, options...)
		switch {
		case err == nil:
			a.js, err = jetstream.New(a.conn)
			return err
		case errors.Is(err, errPin), strings.Contains(err.Error(), errPin.Error()):
			return &hint.Error{Err: fmt.Errorf("%w at %s: %w", ErrRefused, a.Address, errPin), Hint: "the token is another run's, or somebody else has the address: use the command that 'perg run --listen' printed", Usage: true}
		case errors.Is(err, nats.ErrAuthorization):
			return &hint.Error{Err: fmt.Errorf("%w at %s: the token is not this run's, or another machine has the name %s there", ErrRefused, a.Address, a.Name), Hint: "use the command that 'perg run --listen' printed, and give each machine a name of its own with --name", Usage: true}
		case !waits:
			waits = true
			a.Say(fmt.Sprintf("%s does not answer (%v): it is tried again until it does", a.Address, err))
		}
		select {
		case <-time.After(time.Second):
		case err := <-refused:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func pinned(c *x509.Certificate, t wire.Token) bool { return sha256.Sum256(c.Raw) == t.Pin }

// key is what this machine is known by; it is made once.
func (a *agent) key() (nkeys.KeyPair, error) {
	path := filepath.Join(a.Dir, "agent.key")
	seed, err := os.ReadFile(path)
	if err == nil {
		key, err := nkeys.FromSeed(seed)
		if err != nil {
			return nil, fmt.Errorf("%s: %w; without that file a new key is made", path, err)
		}
		return key, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	key, err := nkeys.CreateUser()
	if err != nil {
		return nil, err
	}
	if seed, err = key.Seed(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(a.Dir, 0o700); err != nil {
		return nil, err
	}
	return key, os.WriteFile(path, seed, 0o600)
}
