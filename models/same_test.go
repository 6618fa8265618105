package models

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

const (
	oneModel = `{"models":[{"name":"m:latest","digest":"d","modified_at":"2026-11-26T12:00:00.123456789Z"}]}`
	// The same model, put there at another time.
	otherModel = `{"models":[{"name":"m:latest","digest":"d","modified_at":"2026-11-26T12:00:00.123456780Z"}]}`
	inMemory   = `{"models":[{"name":"m:latest","digest":"d","expires_at":"2026-11-26T12:30:00.987654321+01:00"}]}`
	// The same time in another zone; and a time that is not it.
	inMemoryUTC = `{"models":[{"name":"m:latest","digest":"d","expires_at":"2026-11-26T11:30:00.987654321Z"}]}`
	inMemoryTo  = `{"models":[{"name":"m:latest","digest":"d","expires_at":"2026-11-26T11:30:00.987654322Z"}]}`
	noModels    = `{"models":[]}`
)

func ollama(version, tags, ps string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/version", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"version":%q}`, version) })
	mux.HandleFunc("/api/tags", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, tags) })
	mux.HandleFunc("/api/ps", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, ps) })
	return mux
}

// listen serves at an address, and gives its port.
func listen(t *testing.T, address string, h http.Handler) string {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skip(err)
	}
	srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
	srv.Start()
	t.Cleanup(srv.Close)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func same(t *testing.T, a, b string) bool {
	t.Helper()
	first, err := NewClient(a)
	if err != nil {
		t.Fatal(err)
	}
	second, err := NewClient(b)
	if err != nil {
		t.Fatal(err)
	}
	if SameServer(t.Context(), first, second) != SameServer(t.Context(), second, first) {
		t.Errorf("%s and %s: it depends on which is named first", a, b)
	}
	return SameServer(t.Context(), first, second)
}

func TestSameServerByItsName(t *testing.T) {
	port := listen(t, "127.0.0.1:0", ollama("0.17.4", noModels, noModels))
	for _, other := range []string{"127.0.0.1:", "localhost:", "LOCALHOST:"} {
		if !same(t, "127.0.0.1:"+port, other+port) {
			t.Errorf("%s and 127.0.0.1 are two servers", other)
		}
	}
	// Nobody is asked there.
	if !same(t, "192.0.2.1:9", "192.0.2.1:9") || same(t, "192.0.2.1:9", "192.0.2.1:10") {
		t.Error("of servers that are away")
	}
	if same(t, "http://127.0.0.1:"+port+"/one", "http://127.0.0.1:"+port+"/two") {
		t.Error("two paths of a proxy are one server")
	}
}

func TestSameServerOnTwoAddressesOfThisMachine(t *testing.T) {
	port := listen(t, "0.0.0.0:0", ollama("0.17.4", oneModel, noModels))
	if !same(t, "127.0.0.1:"+port, "127.0.0.2:"+port) {
		t.Error("one listener on two addresses is two servers")
	}
	for name, second := range map[string]http.Handler{
		"no models on either":             ollama("0.17.4", noModels, noModels),
		"models put there at other times": ollama("0.17.4", otherModel, noModels),
		"another version":                 ollama("0.33.0", oneModel, noModels),
	} {
		first := ollama("0.17.4", oneModel, noModels)
		if name == "no models on either" {
			first = second
		}
		port := listen(t, "127.0.0.1:0", first)
		listen(t, "127.0.0.2:"+port, second)
		if same(t, "127.0.0.1:"+port, "127.0.0.2:"+port) {
			t.Errorf("two listeners, %s, are one server", name)
		}
	}
}

// Two servers behind one proxy, told apart by name, are two.
func TestOneProxyBeforeTwoServers(t *testing.T) {
	one, two := ollama("0.17.4", oneModel, inMemory), ollama("0.17.4", otherModel, inMemoryTo)
	port := listen(t, "127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host, _, _ := net.SplitHostPort(r.Host); host == "localhost" {
			one.ServeHTTP(w, r)
		} else {
			two.ServeHTTP(w, r)
		}
	}))
	if same(t, "127.0.0.1:"+port, "localhost:"+port) {
		t.Error("they are one server")
	}
}

// What is in memory is known by the nanosecond at which it leaves.
func TestSameServerBehindAProxy(t *testing.T) {
	server := listen(t, "127.0.0.1:0", ollama("0.17.4", oneModel, inMemory))
	for name, tt := range map[string]struct {
		ps   string
		same bool
	}{"one model, one time": {inMemoryUTC, true}, "one model, two times": {inMemoryTo, false}, "nothing in memory": {noModels, false}} {
		proxy := listen(t, "127.0.0.1:0", ollama("0.17.4", oneModel, tt.ps))
		if got := same(t, "127.0.0.1:"+server, "127.0.0.1:"+proxy); got != tt.same {
			t.Errorf("%s: one server %v, want %v", name, got, tt.same)
		}
	}
}
