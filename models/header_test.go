package models

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A header reaches the server that it is for, and none that it sends us on to.
func TestHeadersStayWithTheirServer(t *testing.T) {
	var there, elsewhere http.Header
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		elsewhere = r.Header.Clone()
		w.Write([]byte(`{"version":"0.17.4"}`))
	}))
	defer other.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		there = r.Header.Clone()
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	defer srv.Close()
	c, err := NewClient(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	if c.Header, err = Headers([]string{"x-api-key=KEY"}, func(string) (string, bool) { return "sesame\n", true }); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Version(t.Context()); err != nil {
		t.Error(err)
	}
	if there.Get("X-Api-Key") != "sesame" || elsewhere == nil || elsewhere.Get("X-Api-Key") != "" {
		t.Errorf("sent there %v, elsewhere %v", there, elsewhere)
	}
}

func TestWhatIsNoHeaderIsAnErrorWithoutItsValue(t *testing.T) {
	lookup := func(name string) (string, bool) {
		value, ok := map[string]string{"EMPTY": " ", "LINES": "sesame\nopen", "KEY": "sesame"}[name]
		return value, ok
	}
	for _, text := range []string{"X-Key", "X-Key=", "=KEY", "X Key=KEY", "X-Key: sesame", "X-Key=sesame", "X-Key=Bearer sesame", "X-Key=MISSING", "X-Key=EMPTY", "X-Key=LINES"} {
		if h, err := Headers([]string{text}, lookup); err == nil || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%q: %v, error %v", text, h, err)
		}
	}
}
