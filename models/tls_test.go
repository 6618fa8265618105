package models

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// served starts a server with a certificate for some names until a day, and gives
// its port and a pool that trusts it.
func served(t *testing.T, until time.Time, names ...string) (port string, trusts *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until, DNSNames: names,
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(`{"version":"0.17.4"}`)) }))
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	srv.Config.ErrorLog = nil
	srv.StartTLS()
	t.Cleanup(srv.Close)
	_, port, _ = net.SplitHostPort(srv.Listener.Addr().String())
	trusts = x509.NewCertPool()
	trusts.AddCert(certificate)
	return port, trusts
}

// What is wrong with a certificate is said at once, by Version and by a call:
// it does not get better by waiting.
func TestTheFaultOfACertificateIsNamed(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer plain.Close()
	_, plainPort, _ := net.SplitHostPort(plain.Listener.Addr().String())
	good, trusted := served(t, time.Now().Add(time.Hour), "localhost", "box.example")
	expired, trustsExpired := served(t, time.Now().Add(-24*time.Hour), "localhost")
	for name, tt := range map[string]struct {
		host   string
		trusts *x509.CertPool
		want   []string
	}{
		"signed by itself": {"https://localhost:" + good, nil, []string{"signed by nobody that this machine trusts", "SSL_CERT_FILE"}},
		"another name":     {"https://127.0.0.1:" + good, trusted, []string{"for localhost, box.example, not for 127.0.0.1"}},
		"expired":          {"https://localhost:" + expired, trustsExpired, []string{"to " + time.Now().Add(-24*time.Hour).UTC().Format(time.DateOnly), "renew"}},
		"no TLS there":     {"https://localhost:" + plainPort, nil, []string{"write http://"}},
		"TLS there":        {"http://localhost:" + good, nil, []string{"write https://"}},
	} {
		c, err := NewClient(tt.host)
		if err != nil {
			t.Fatal(err)
		}
		c.http.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: tt.trusts}
		c.Patience = 300 * time.Millisecond
		began := time.Now()
		_, err = c.Version(t.Context())
		if time.Since(began) > 10*time.Second {
			t.Errorf("%s: waited", name)
		}
		if !errors.Is(err, ErrTLS) || Reason(err) != ErrTLS.Error() {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range tt.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v\nwant it to say %s", name, err, want)
			}
		}
		// A certificate may be renewed while a run waits.
		began = time.Now()
		switch err := asks(t.Context(), c); {
		case errors.Is(err, ErrTLS) && strings.HasPrefix(tt.host, "http:"):
		case !errors.Is(err, ErrUnreachable) || time.Since(began) < c.Patience || time.Since(began) > 10*time.Second:
			t.Errorf("%s: a call ends after %v with %v", name, time.Since(began), err)
		}
	}
}

// A page of a proxy is its status and title, wherever it is told of.
func TestAPageIsCutToItsStatusAndTitle(t *testing.T) {
	for page, want := range map[string]string{
		"<!doctype html><html><head><title>\n Sign in &amp; go \n</title><style>body{}</style></head><body>hunter</body>": `"Sign in & go" (HTTP 404)`,
		"<html><body><h1>hunter</h1></body></html>": "HTTP 404 Not Found",
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			w.Write([]byte(page))
		}))
		c, err := NewClient(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		c.Patience = time.Millisecond
		_, version := c.Version(t.Context())
		for _, err := range []error{version, asks(t.Context(), c)} {
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter") {
				t.Errorf("%v\nwant it to say %s", err, want)
			}
		}
		srv.Close()
	}
}
