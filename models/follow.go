package models

import (
	"bufio"
	"context"
	"fmt"
	"net/http"

	"github.com/ollama/ollama/api"
)

// follow makes a request that the server works on for long, and is told of each
// step. It ends with the line {"status":"success"}, with an error of the server's,
// or with one of step's.
func (c *Client) follow(ctx context.Context, path string, request any, step func(api.ProgressResponse) error) error {
	resp, err := c.send(ctx, http.MethodPost, path, request)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	done := false
	for lines.Scan() {
		if message, ok := messageIn(lines.Bytes()); ok {
			return c.stated(resp.StatusCode, message)
		}
		var p api.ProgressResponse
		if err := c.decode(resp.StatusCode, path, lines.Bytes(), &p); err != nil {
			return err
		}
		done = p.Status == "success"
		if err := step(p); err != nil {
			return err
		}
	}
	switch err := lines.Err(); {
	case err != nil:
		return c.broken(ctx, err)
	case !done:
		return fmt.Errorf("%w: %s%s ended without success", ErrCut, c.Host(), path)
	default:
		return nil
	}
}
