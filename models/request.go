package models

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// maxBody bounds one response; the largest answer a model can give in a
	// context of a million tokens is far below it.
	maxBody = 64 << 20
	// maxRefusal bounds what is read of an answer that says no.
	maxRefusal = 64 << 10
)

// An absence is a request that did not reach a working Ollama: it can be asked
// again without anything being done twice.
type absence struct {
	kind  error         // ErrUnreachable, ErrBusy or ErrNotOllama
	host  string        //
	cause string        // short: never a page of a proxy
	after time.Duration // that the server asks to be left alone; 0: it does not say
	// insecure is what is wrong where a secure connection was not made, and what
	// to do; "": that it is not.
	insecure string
}

func (a *absence) Error() string { return fmt.Sprintf("%v: %s: %s", a.kind, a.host, a.cause) }
func (a *absence) Unwrap() error { return a.kind }

// do sends one request and decodes one JSON answer. Its errors are an
// [absence], a [ServerError], or match ErrCut, ErrTimeout or ErrDenied.
func (c *Client) do(ctx context.Context, method, path string, body, answer any) error {
	resp, err := c.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return c.broken(ctx, err)
	}
	if len(text) > maxBody {
		return fmt.Errorf("%s%s: response of more than %d MiB", c.Host(), path, maxBody>>20)
	}
	// A stream that was not asked for, or a proxy's: an error line anywhere
	// in it is an error.
	for line := range bytes.Lines(text) {
		if message, ok := messageIn(line); ok {
			return c.stated(resp.StatusCode, message)
		}
	}
	if len(text) == 0 && method == http.MethodDelete {
		return nil
	}
	return c.decode(resp.StatusCode, path, text, answer)
}

// decode reads an answer that is no error. One that ends in the middle of its
// JSON was cut; one that is not of Ollama's form is somebody else's.
func (c *Client) decode(status int, path string, text []byte, answer any) error {
	err := json.Unmarshal(text, answer)
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax) && syntax.Offset == int64(len(text)):
		return fmt.Errorf("%w: answer of %s%s: %w", ErrCut, c.Host(), path, err)
	default:
		return &absence{kind: ErrNotOllama, host: c.Host(), cause: "the answer to " + path + " is " + c.gist(status, text)}
	}
}

// send makes one request and returns an answer whose status is below 400, to
// be read and closed.
func (c *Client) send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var payload []byte
	if body != nil {
		var err error
		if payload, err = json.Marshal(body); err != nil {
			return nil, fmt.Errorf("encode request for %s: %w", path, err)
		}
	}
	var t trip
	req, err := http.NewRequestWithContext(t.trace(ctx), method, c.base.JoinPath(path).String(), bytes.NewReader(payload))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	c.authorize(req)
	resp, err := c.http.Do(req)
	switch {
	case err != nil && errors.Is(ctx.Err(), context.Canceled):
		return nil, ctx.Err()
	case err != nil && (t.lost(err) || insecure(err) != ""):
		return nil, &absence{kind: ErrUnreachable, host: c.Host(), cause: short(err), insecure: insecure(err)}
	case err != nil:
		return nil, c.broken(ctx, err)
	case resp.StatusCode >= 400:
		defer resp.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusal)) // the status says enough
		return nil, c.refusal(resp, text, len(payload))
	default:
		return resp, nil
	}
}

// A trip is how far a request came.
type trip struct {
	written, heard atomic.Bool // all of it; the first byte of the answer
	rested         time.Time   // when it got a connection that had long been idle; zero: it got another
}

func (t *trip) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			// Whoever closes idle connections leaves them a second at least.
			if t.rested = (time.Time{}); info.IdleTime >= time.Second {
				t.rested = time.Now()
			}
		},
		WroteRequest:         func(info httptrace.WroteRequestInfo) { t.written.Store(info.Err == nil) },
		GotFirstResponseByte: func() { t.heard.Store(true) },
	})
}

// lost says whether a request failed before the server had it: the connection
// could not be made (a dial that timed out, too, though that is a deadline
// exceeded), broke while it was written, or had been closed for being idle.
func (t *trip) lost(err error) bool {
	var op *net.OpError
	switch {
	case !t.written.Load(), errors.As(err, &op) && (op.Op == "dial" || op.Op == "write"):
		return true
	// net/http (1.26) has no type for a connection whose closing was seen
	// before the request was made, and asks again only where the method is GET.
	case strings.Contains(err.Error(), "server closed idle connection"), strings.Contains(err.Error(), "readLoopPeekFailLocked"):
		return true
	// Its closing, or the reset that tells of it, crossed with the request.
	case !t.rested.IsZero() && !t.heard.Load() && time.Since(t.rested) < time.Second:
		return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)
	default:
		return false
	}
}

// broken names what went wrong below HTTP once the server had the request.
func (c *Client) broken(ctx context.Context, err error) error {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %s", ErrTimeout, c.Host())
	default:
		return fmt.Errorf("%w: %s: %s", ErrCut, c.Host(), short(err))
	}
}

// short is a transport's error without the request, which whoever reads it
// knows, and without an address, which stands before it.
func short(err error) string {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err.Error()
	}
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err.Error()
	}
	return err.Error()
}

// refusal is what an answer with a status of 400 or more means. Ollama's own
// are {"error": "..."}; others are those of something between.
func (c *Client) refusal(resp *http.Response, text []byte, sent int) error {
	status := resp.StatusCode
	away := func(kind error) error {
		return &absence{kind: kind, host: c.Host(), cause: c.gist(status, text), after: retryAfter(resp.Header)}
	}
	message, own := messageIn(text)
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return fmt.Errorf("%w by %s: %s; it wants credentials: give them (--host http://USER:PASSWORD@HOST, or --header Authorization=VARIABLE), or name the server itself rather than a proxy before it",
			ErrDenied, c.Host(), c.gist(status, text))
	case status == http.StatusBadRequest && slices.ContainsFunc(plainToTLS, func(said string) bool { return bytes.Contains(text, []byte(said)) }):
		return fmt.Errorf("%w to %s: it speaks TLS; write https:// in place of http://", ErrTLS, c.Host())
	case status == http.StatusRequestEntityTooLarge:
		return fmt.Errorf("a proxy before %s refuses a request of %d bytes: %s; raise its limit (nginx: client_max_body_size)", c.Host(), sent, c.gist(status, text))
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable && own:
		return away(ErrBusy)
	case status == http.StatusRequestTimeout, status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		return away(ErrUnreachable)
	case own:
		return c.stated(status, message)
	case status == http.StatusInternalServerError && len(bytes.TrimSpace(text)) == 0:
		// Where a handler of Ollama panics, gin answers so: this request
		// does it, and others are well.
		return serverError(status, "no reason")
	default:
		return away(ErrNotOllama)
	}
}

// stated is an error that the server states, without what it was sent in secret.
func (c *Client) stated(status int, message string) *ServerError {
	e := serverError(status, message)
	e.Message = c.discreet(e.Message)
	return e
}

// messageIn takes the message out of {"error": "..."}.
func messageIn(text []byte) (message string, ok bool) {
	if !bytes.Contains(text, []byte(`"error"`)) {
		return "", false
	}
	var e struct {
		Error string `json:"error"`
	}
	return e.Error, json.Unmarshal(text, &e) == nil && e.Error != ""
}

var titles = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)

// gist is a status with what an answer says in short: Ollama's message, a
// page's title, else its beginning.
func (c *Client) gist(status int, text []byte) string {
	const enough = 80
	said := string(text)
	if message, ok := messageIn(text); ok {
		said = message
	} else if title := titles.FindSubmatch(text); title != nil {
		said = html.UnescapeString(string(title[1]))
	} else if bytes.HasPrefix(bytes.TrimSpace(text), []byte("<")) {
		said = "" // a page without a title
	}
	said = c.discreet(strings.Join(strings.Fields(said), " "))
	if runes := []rune(said); len(runes) > enough {
		said = strings.TrimSpace(string(runes[:enough])) + " ..."
	}
	if said == "" {
		return fmt.Sprintf("HTTP %d %s", status, http.StatusText(status))
	}
	return fmt.Sprintf("%q (HTTP %d)", said, status)
}

// retryAfter is how long a server asks to be left alone: seconds, or a date
// (RFC 9110, 10.2.3); 0 where it does not say.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}
