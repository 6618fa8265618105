package hosts

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"perg/harness/hosts/wire"
	"perg/harness/schedule"
	"perg/harness/store"
)

// Machines join over a NATS server of the user's, too, where the token is checked by
// the controller itself.
func TestANATSServerOfTheUsers(t *testing.T) {
	own, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true, JetStream: true, StoreDir: t.TempDir(), Username: "u", Password: "p"})
	if err != nil {
		t.Fatal(err)
	}
	own.Start()
	defer own.WaitForShutdown()
	defer own.Shutdown()
	if !own.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not begin")
	}
	url := strings.Replace(own.ClientURL(), "nats://", "nats://u:p@", 1)
	s, err := store.Open(filepath.Join(t.TempDir(), "replies.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	came, left := make(chan *Machine, 1), make(chan error, 1)
	quiet := func(string) {}
	h, err := Listen(t.Context(), Options{NATS: url, Dir: t.TempDir(), Perg: "test", Replies: s, Warn: quiet,
		Came: func(m *Machine) { came <- m }, Left: func(_ *Machine, why error) { left <- why }})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if h.Token.Pinned() || strings.Contains(h.Command(), "p@") {
		t.Errorf("how to join: %s", h.Command())
	}
	c, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	hello := wire.Hello{Protocol: wire.Protocol, Perg: "test", Name: "gpu02", Boot: "1", Secret: h.Token.Password(), Devices: []schedule.Device{{ID: "cpu"}}, Now: time.Now()}
	say := func(w wire.Hello) wire.Welcome {
		t.Helper()
		text, _ := json.Marshal(w)
		m, err := c.Request(h.subjects.Hello(w.Name), text, 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		var got wire.Welcome
		if err := json.Unmarshal(m.Data, &got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	for what, change := range map[string]func(*wire.Hello){
		"another run's": func(w *wire.Hello) { w.Secret = "x" },
		"is of perg":    func(w *wire.Hello) { w.Perg = "another" },
		"no device":     func(w *wire.Hello) { w.Devices = nil },
	} {
		bad := hello
		change(&bad)
		if got := say(bad); !strings.Contains(got.Refused, what) {
			t.Errorf("refused for %q, where it is %q", got.Refused, what)
		}
	}
	if got := say(hello); got.Refused != "" || got.Boot != h.boot {
		t.Errorf("%+v", got)
	}
	if _, err := c.Subscribe(h.subjects.Asked("gpu02"), func(m *nats.Msg) {
		m.RespondMsg(&nats.Msg{Header: nats.Header{wire.PieceKind: {wire.PieceEnd}, wire.PieceNumber: {"0"}}})
	}); err != nil {
		t.Fatal(err)
	}
	m := <-came
	if devices := m.Devices(); len(devices) != 1 || devices[0].ID != "gpu02/cpu" || devices[0].Host != "gpu02" {
		t.Errorf("devices %+v", m.Devices())
	}
	// It says nothing any more.
	began := time.Now()
	if why := <-left; !strings.Contains(why.Error(), "nothing was heard") || time.Since(began) > 15*time.Second {
		t.Errorf("lost after %v: %v", time.Since(began), why)
	}
}
