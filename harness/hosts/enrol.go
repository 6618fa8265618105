package hosts

import (
	"crypto/subtle"
	"encoding/base64"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"perg/harness/hosts/wire"
)

// A doorkeeper lets clients of the embedded server in: the controller itself, by a
// word that only this process knows, and agents that have the token. Each of those
// shows by its signature that it is who had its name before.
type doorkeeper struct {
	token wire.Token
	inner string

	mu     sync.Mutex
	owners map[string]string // nkey, by name of the agent
}

const controller = "controller"

func (d *doorkeeper) Check(c server.ClientAuthentication) bool {
	o := c.GetOpts()
	if o.Username == controller && same(o.Password, d.inner) {
		c.RegisterUser(&server.User{Username: controller})
		return true
	}
	if !same(o.Token, d.token.Password()) || wire.CheckName(o.Username) != nil || o.Username == controller || !signed(o, c.GetNonce()) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if owner := d.owners[o.Username]; owner != "" && owner != o.Nkey {
		return false
	}
	d.owners[o.Username] = o.Nkey
	c.RegisterUser(&server.User{Username: o.Username, Permissions: permissions(wire.Subjects{Run: d.token.RunName()}, o.Username)})
	return true
}

// forget lets another one have an agent's name.
func (d *doorkeeper) forget(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.owners, name)
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func signed(o *server.ClientOpts, nonce []byte) bool {
	key, err := nkeys.FromPublicKey(o.Nkey)
	if err != nil {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(o.Sig)
	return err == nil && key.Verify(nonce, signature) == nil
}

// permissions are what an agent needs, and no more: it hears what it is asked, says
// what is its own, and answers.
func permissions(s wire.Subjects, agent string) *server.Permissions {
	consumer := wire.WorkStream + "." + s.WorkConsumer(agent)
	return &server.Permissions{
		Publish: &server.SubjectPermission{Allow: []string{
			s.Hello(agent), s.Bye(agent), s.Reply(agent), s.Samples(agent),
			"$KV." + wire.PresenceBucket + "." + s.Presence(agent),
			"$JS.API.CONSUMER.INFO." + consumer, "$JS.API.CONSUMER.MSG.NEXT." + consumer, "$JS.ACK." + consumer + ".>",
			"$JS.ACK.*.*." + consumer + ".>", // as servers of clusters have it
		}},
		Subscribe: &server.SubjectPermission{Allow: []string{s.Asked(agent), s.End(), s.Inbox(agent) + ".>"}},
		Response:  &server.ResponsePermission{MaxMsgs: 1 << 30, Expires: 7 * 24 * time.Hour},
	}
}
