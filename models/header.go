package models

import (
	"fmt"
	"net/http"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
)

// A Header is sent with every request to a server. Its value is a secret that is
// read from a variable of the environment, and written and shown nowhere.
type Header struct{ Name, Variable string }

var (
	headerName   = regexp.MustCompile("^[-!#$%&'*+.^_`|~0-9A-Za-z]+$") // a token of RFC 9110
	variableName = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*$`)
)

// ParseHeader reads NAME=VARIABLE. Its errors repeat nothing that may be a value
// in the variable's place.
func ParseHeader(text string) (Header, error) {
	name, variable, ok := strings.Cut(text, "=")
	switch {
	case !ok || !headerName.MatchString(name):
		return Header{}, fmt.Errorf("header: what was given is not NAME=VARIABLE, as in Authorization=PROXY_AUTHORIZATION; the value stands in that variable, not here")
	case !variableName.MatchString(variable):
		return Header{}, fmt.Errorf("header %s: after the = comes the name of a variable, in upper case, that holds the value; not the value itself", name)
	}
	return Header{textproto.CanonicalMIMEHeaderKey(name), variable}, nil
}

// Value is the header's, with lookup, such as os.LookupEnv, for its variable.
func (h Header) Value(lookup func(string) (string, bool)) (string, error) {
	value, ok := lookup(h.Variable)
	if value = strings.TrimSpace(value); !ok || value == "" {
		return "", fmt.Errorf("header %s: the environment has no variable %s, or it is empty; export it", h.Name, h.Variable)
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return "", fmt.Errorf("header %s: the value of %s has a line break or another control character", h.Name, h.Variable)
	}
	return value, nil
}

// Headers are some headers as they are sent.
func Headers(given []string, lookup func(string) (string, bool)) (http.Header, error) {
	all := make(http.Header)
	for _, text := range given {
		h, err := ParseHeader(text)
		if err != nil {
			return nil, err
		}
		value, err := h.Value(lookup)
		if err != nil {
			return nil, err
		}
		all.Set(h.Name, value)
	}
	return all, nil
}

// authorize adds to a request what only the server may know.
func (c *Client) authorize(r *http.Request) {
	for name, values := range c.Header {
		r.Header[name] = values
	}
	if host := c.Header.Get("Host"); host != "" {
		r.Host = host
	}
}

// redirected keeps what only the server may know from another one that it sends
// a request on to: net/http keeps back Authorization and cookies alone.
func (c *Client) redirected(r *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return fmt.Errorf("%d redirects, the last one to %s", len(via), r.URL.Host)
	}
	if r.URL.Host != c.base.Host || r.URL.Scheme != c.base.Scheme {
		for name := range c.Header {
			r.Header.Del(name)
		}
	}
	return nil
}

// discreet takes out of what a server said the secrets that it was sent.
func (c *Client) discreet(said string) string {
	password, _ := c.base.User.Password()
	secrets := []string{c.base.User.Username(), password}
	for _, values := range c.Header {
		for _, value := range values {
			secrets = append(secrets, value)
			if _, after, ok := strings.Cut(value, " "); ok { // "Bearer ..."
				secrets = append(secrets, after)
			}
		}
	}
	secrets = slices.DeleteFunc(secrets, func(s string) bool { return s == "" })
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	for _, s := range secrets {
		said = strings.ReplaceAll(said, s, "***")
	}
	return said
}
