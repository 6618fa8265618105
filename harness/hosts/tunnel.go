package hosts

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"

	"perg/harness/hosts/wire"
)

// A tunnel carries requests to a server on an agent's loopback: what is installed,
// loads, and all else that is not a call of a lane.
type tunnel struct {
	machine *Machine
	lane    string // "": the server that says what is installed
}

// RoundTrip makes a request. One that did not reach the agent fails as a dial does.
func (t *tunnel) RoundTrip(r *http.Request) (*http.Response, error) {
	of := wire.HTTPRequest{Lane: t.lane, Method: r.Method, Path: r.URL.Path}
	if r.Body != nil {
		var err error
		if of.Body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body.Close()
	}
	if len(of.Body) > wire.MaxMessage/2 {
		return nil, fmt.Errorf("%s %s: %d bytes are too many to send to %s", r.Method, r.URL.Path, len(of.Body), t.machine.Name())
	}
	trace := httptrace.ContextClientTrace(r.Context())
	if trace == nil {
		trace = &httptrace.ClientTrace{}
	}
	if trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	if trace.WroteRequest != nil {
		trace.WroteRequest(httptrace.WroteRequestInfo{})
	}
	body, into := io.Pipe()
	head := make(chan wire.HTTPResponse, 1)
	failed := make(chan error, 1)
	go func() {
		first := true
		err := t.machine.ask(r.Context(), wire.Tunnel, of, func(piece []byte) error {
			if first {
				first = false
				if trace.GotFirstResponseByte != nil {
					trace.GotFirstResponseByte()
				}
				var h wire.HTTPResponse
				if err := json.Unmarshal(piece, &h); err != nil {
					return err
				}
				head <- h
				return nil
			}
			_, err := into.Write(piece)
			return err
		})
		if errors.Is(err, errAbsent) {
			err = &net.OpError{Op: "dial", Net: "nats", Err: err}
		}
		failed <- err
		into.CloseWithError(err) // nil: the end
	}()
	select {
	case h := <-head:
		return t.response(r, h, body), nil
	case err := <-failed:
		select {
		case h := <-head: // it had no body
			return t.response(r, h, body), nil
		default:
		}
		if err == nil {
			err = fmt.Errorf("%s gave no answer", t.machine.Name())
		}
		return nil, err
	}
}

func (t *tunnel) response(r *http.Request, h wire.HTTPResponse, body io.ReadCloser) *http.Response {
	return &http.Response{
		Status: http.StatusText(h.Status), StatusCode: h.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": []string{h.Type}}, Body: body, ContentLength: -1, Request: r,
		Uncompressed: strings.HasPrefix(h.Type, "application/"),
	}
}
