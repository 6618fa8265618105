package models

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ollama/ollama/envconfig"
)

// OLLAMA_HOST means to perg what it means to ollama: the address that Ollama's
// own parser gives, but for one that only a listener can have.
func TestTheHostIsReadAsOllamaReadsIt(t *testing.T) {
	reached := map[string]string{"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
	for _, host := range []string{
		"127.0.0.1", "127.0.0.1:11434", "localhost", "gpu-box", "gpu-box:8080", "GPU-Box:8080",
		":8080", "0.0.0.0", "0.0.0.0:9000", `"gpu-box:8080"`, `'gpu-box'`, "  gpu-box  ", `" gpu-box "`,
		"::1", "[::1]", "[::1]:9", "::", "[::]:9", "fe80::1%eth0", "2001:db8::7",
		"http://gpu-box", "http://gpu-box/", "http://gpu-box:8080", "http://", "HTTP://gpu-box",
		"https://gpu-box", "https://gpu-box:8443", "https://gpu-box/ollama", "http://gpu-box/ollama/", "gpu-box/a/b", "http://[::1]",
		"http://[::1]:9", "http://0.0.0.0", "http://::1", "ollama.com", "https://ollama.com", "gpu-box:", "gpu-box:http", "gpu-box:65536", "gpu-box:-1", "http://gpu-box:x", "1.2.3.4:0",
	} {
		t.Setenv("OLLAMA_HOST", host)
		theirs := envconfig.Host()
		ours, err := ParseHost(host)
		if err != nil {
			t.Errorf("%q: %v; Ollama takes it as %s", host, err, theirs)
			continue
		}
		name := theirs.Hostname()
		if to, ok := reached[name]; ok {
			name = to
		}
		if ours.Scheme != strings.ToLower(theirs.Scheme) || ours.Hostname() != name || ours.Port() != theirs.Port() ||
			strings.Trim(ours.Path, "/") != strings.Trim(theirs.Path, "/") {
			t.Errorf("%q is %s, and Ollama's %s", host, ours, theirs)
		}
	}
}

func TestWhatIsNoAddressIsAnErrorWithoutItsPassword(t *testing.T) {
	for _, host := range []string{
		"", " ", `""`, "ftp://x", "ftp://me:hunter2@x", "http://a b", "http://me:hunter2@a b", "http://me:hunt/er2@box", "me:hunt/er2@box",
		"http://box?key=hunter2", "http://box/a?key=hunter2", "http://box#hunter2",
	} {
		u, err := ParseHost(host)
		if err == nil {
			t.Errorf("%q is %v, want an error", host, u)
		} else if strings.Contains(err.Error(), "hunt") || strings.Contains(err.Error(), "me:") {
			t.Errorf("%q: the error shows the password: %v", host, err)
		}
	}
}

// Whatever a password is made of, the server gets it and nobody sees it.
func TestCredentialsInTheAddress(t *testing.T) {
	for given, want := range map[string]string{
		"me:hunter2": "me:hunter2", "me:p%40ss": "me:p@ss", "me:p@ss": "me:p@ss", "me:p#s?s": "me:p#s?s", "me:100%": "me:100%", ":word": ":word",
		"me:a:b": "me:a:b", "token": "token:", "me:a%2Fb": "me:a/b", "me:": "me:",
	} {
		got := ""
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = r.Header.Get("Authorization")
			w.Write([]byte(`{"version":"0.17.4"}`))
		}))
		c, err := NewClient(strings.Replace(srv.URL, "://", "://"+given+"@", 1))
		if err != nil {
			t.Errorf("%q: %v", given, err)
			continue
		}
		if _, err := c.Version(t.Context()); err != nil {
			t.Errorf("%q: %v", given, err)
		}
		if got != "Basic "+base64.StdEncoding.EncodeToString([]byte(want)) {
			t.Errorf("%q was sent as %q", given, got)
		}
		if c.Host() != srv.URL {
			t.Errorf("%q: the address is shown as %s", given, c.Host())
		}
		srv.Close()
	}
}
