package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"

	"perg/harness/hosts/wire"
)

// passes is what of Ollama's API the controller may use here: what is installed,
// what is loaded, loads, calls, and making and removing models, which names no file
// of this machine's.
var passes = map[string][]string{
	http.MethodGet:    {"/api/version", "/api/tags", "/api/ps"},
	http.MethodPost:   {"/api/show", "/api/chat", "/api/generate", "/api/pull", "/api/create"},
	http.MethodDelete: {"/api/delete"},
}

// creates are the parts of a request to /api/create: a model made of another one.
var creates = []string{"model", "name", "from", "quantize", "stream"}

// tunnel hands a request on to a server of this machine, and what it answers back.
func (a *agent) tunnel(ctx context.Context, what []byte, send send) error {
	var r wire.HTTPRequest
	if err := read(what, &r); err != nil {
		return err
	}
	if err := allowed(r); err != nil {
		return err
	}
	host, err := a.serverOf(ctx, r.Lane)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, host+r.Path, bytes.NewReader(r.Body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	response, err := direct.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	head, err := json.Marshal(wire.HTTPResponse{Status: response.StatusCode, Type: response.Header.Get("Content-Type")})
	if err != nil {
		return err
	}
	if err := send(head); err != nil {
		return err
	}
	return stream(response.Body, send)
}

// direct never goes through a proxy, and has no limit of time: a load may take long.
var direct = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

// stream sends what comes, as it comes.
func stream(from io.Reader, send send) error {
	buffer := make([]byte, wire.MaxPiece)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if err := send(bytes.Clone(buffer[:n])); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func allowed(r wire.HTTPRequest) error {
	if !slices.Contains(passes[r.Method], r.Path) {
		return fmt.Errorf("%s %s is not allowed here", r.Method, r.Path)
	}
	if r.Path != "/api/create" {
		return nil
	}
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(r.Body, &parts); err != nil {
		return fmt.Errorf("what is asked cannot be read: %w", err)
	}
	for name := range parts {
		if !slices.Contains(creates, name) {
			return fmt.Errorf("%s with %q is not allowed here", r.Path, name)
		}
	}
	return nil
}

// serverOf is the address of a lane's server, or of the one that says what is
// installed.
func (a *agent) serverOf(ctx context.Context, lane string) (string, error) {
	if lane == "" {
		client, err := a.Fleet.Client(ctx)
		if err != nil {
			return "", err
		}
		return client.Host(), nil
	}
	s := a.sessions.of(lane)
	if s == nil {
		return "", fmt.Errorf("%w: lane %s", errNoLane, lane)
	}
	return s.server.Host(), nil
}
