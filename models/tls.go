package models

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// ErrTLS: no secure connection to the server can be made, as its certificate is
// not good, or one side speaks TLS and the other does not. Who looks whether a
// server is there is told so at once; a call in the middle of a run waits, as for
// any server that is away: certificates are renewed.
var ErrTLS = errors.New("no secure connection")

// plainToTLS is what Go's servers, nginx and others say in a page of status 400
// to a request that came without TLS.
var plainToTLS = []string{"HTTP request to an HTTPS server", "plain HTTP request was sent to HTTPS port", "speaking plain HTTP to an SSL-enabled"}

// insecure says what is at fault where a secure connection was not made, and
// what to do; "" for another error.
func insecure(err error) string {
	var (
		unknown  x509.UnknownAuthorityError
		invalid  x509.CertificateInvalidError
		hostname x509.HostnameError
		verify   *tls.CertificateVerificationError
		alert    tls.AlertError
		record   tls.RecordHeaderError
	)
	switch {
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &record):
		return "it does not speak TLS; write http:// in place of https://"
	case errors.As(err, &unknown):
		by := ""
		if unknown.Cert != nil && unknown.Cert.Issuer.String() != "" {
			by = " (" + unknown.Cert.Issuer.String() + ")"
		}
		return "its certificate is signed by nobody that this machine trusts" + by + "; where it is yours, name the authority's file: SSL_CERT_FILE=FILE perg ..."
	case errors.As(err, &hostname):
		return fmt.Sprintf("its certificate is for %s, not for %s; use a name that it is for", names(hostname.Certificate), hostname.Host)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		return fmt.Sprintf("its certificate holds from %s to %s, and it is %s here; renew it, or set the clock",
			invalid.Cert.NotBefore.Format(time.DateOnly), invalid.Cert.NotAfter.Format(time.DateOnly), time.Now().UTC().Format(time.DateOnly))
	case errors.As(err, &verify):
		return "its certificate is not good: " + verify.Err.Error()
	case errors.As(err, &alert):
		return "it refused: " + alert.Error() + "; it may want a client certificate, which perg does not have"
	default:
		return ""
	}
}

func names(c *x509.Certificate) string {
	all := c.DNSNames
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return "no name"
	}
	return strings.Join(all, ", ")
}
