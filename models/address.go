package models

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// DefaultHost is where Ollama listens unless OLLAMA_HOST says otherwise.
const DefaultHost = "http://127.0.0.1:11434"

// ParseHost reads the address of a server as Ollama reads OLLAMA_HOST
// (envconfig.Host of v0.17.4): in quotes or not; a name, an address or a port
// alone; http:// and https:// with the ports 80 and 443, without either 11434;
// with a path, for a proxy that gives the server one; a port that is none is the
// default. Beyond that
//
//   - USER:PASSWORD@ before the name is sent as HTTP basic authentication,
//   - an address that only a listener can have (0.0.0.0, ::) is this machine's,
//   - what cannot be an address is an error, which shows no user or password.
func ParseHost(host string) (*url.URL, error) {
	text := strings.TrimSpace(strings.Trim(strings.TrimSpace(host), `"'`))
	bad := func(why string) error {
		return fmt.Errorf("host %q: %s; write it as %s", WithoutCredentials(text), why, DefaultHost)
	}
	if text == "" {
		return nil, bad("empty")
	}
	scheme, rest, ok := strings.Cut(text, "://")
	defaultPort := "11434"
	switch {
	case !ok:
		if scheme, rest = "http", text; text == "ollama.com" {
			scheme, defaultPort = "https", "443"
		}
	case scheme == "http":
		defaultPort = "80"
	case scheme == "https":
		defaultPort = "443"
	case !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https"):
		return nil, bad("scheme " + scheme + " is not http or https")
	}
	rest, path, _ := strings.Cut(rest, "/")
	if strings.Contains(path, "@") {
		return nil, fmt.Errorf("host %q: a user or password with a / in it; write that as %%2F", WithoutCredentials(text))
	}
	u := &url.URL{Scheme: strings.ToLower(scheme)}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		u.User, rest = credentials(rest[:at]), rest[at+1:]
	}
	if strings.ContainsAny(rest+path, "?#") {
		return nil, bad("an address has nothing after a ? or #")
	}
	name, port, err := net.SplitHostPort(rest)
	if err != nil {
		name, port = strings.Trim(rest, "[]"), defaultPort
	}
	if n, err := strconv.ParseInt(port, 10, 32); err != nil || n > 65535 || n < 0 {
		port = defaultPort
	}
	if ip := net.ParseIP(name); ip != nil {
		name = ip.String()
	}
	switch name {
	case "", "0.0.0.0":
		name = "127.0.0.1"
	case "::":
		name = "::1"
	}
	u.Host = net.JoinHostPort(name, port)
	if path = strings.Trim(path, "/"); path != "" {
		u.Path = "/" + path
	}
	if _, err := url.Parse(u.String()); err != nil {
		return nil, bad("not an address")
	}
	return u, nil
}

// credentials reads USER:PASSWORD, in which letters may be written as %40. What
// is no such code stands for itself.
func credentials(text string) *url.Userinfo {
	user, password, has := strings.Cut(text, ":")
	for _, part := range []*string{&user, &password} {
		if plain, err := url.PathUnescape(*part); err == nil {
			*part = plain
		}
	}
	if !has {
		return url.User(user)
	}
	return url.UserPassword(user, password)
}

// WithoutCredentials is the address of a server as it may be shown and written:
// without user, password, query, and a port that is no number. It takes any
// text, an address or not.
func WithoutCredentials(host string) string {
	scheme, rest, ok := strings.Cut(host, "://")
	if !ok {
		scheme, rest = "", host
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = rest[at+1:]
	}
	if end := strings.IndexAny(rest, "?#"); end >= 0 {
		rest = rest[:end]
	}
	// What stands in a port's place may be the first part of a password that a
	// comma cut off.
	place, path, _ := strings.Cut(rest, "/")
	if name, port, err := net.SplitHostPort(place); err == nil && strings.Trim(port, "0123456789") != "" {
		rest = name
		if path != "" {
			rest += "/" + path
		}
	}
	if ok {
		return scheme + "://" + rest
	}
	return rest
}

var credentialsInText = regexp.MustCompile(`://[^\s/"']*@`)

// HideCredentials takes users and passwords out of the URLs of a text.
func HideCredentials(text string) string { return credentialsInText.ReplaceAllString(text, "://") }
