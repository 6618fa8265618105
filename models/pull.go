package models

import (
	"context"
	"errors"
	"fmt"

	"github.com/ollama/ollama/api"
)

// Pull has the server fetch a model from its registry. progress is told of the
// bytes that are there, of all that are known of by now: files come one after the
// other, the weights first. What broke is begun again, and goes on where it broke
// off; so it does after ctx was cancelled, which ends it at once.
func (c *Client) Pull(ctx context.Context, name string, progress func(done, total int64)) error {
	err := thrice.run(ctx, c, func() error {
		return c.pull(ctx, name, func(done, total int64) error {
			progress(done, total)
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("pull %s: %w", name, err)
	}
	return nil
}

// errTold: what was to be found out is.
var errTold = errors.New("told")

// PullSize is how many bytes a pull of a model would fetch: those of the first of
// its files that is not there, which is that of its weights. The registry tells it
// by way of the server, whose pull is ended as soon as it begins.
func (c *Client) PullSize(ctx context.Context, name string) (bytes int64, err error) {
	err = thrice.run(ctx, c, func() error {
		return c.pull(ctx, name, func(done, total int64) error {
			if bytes = total - done; bytes > 0 {
				return errTold
			}
			return nil
		})
	})
	if err != nil && !errors.Is(err, errTold) {
		return 0, fmt.Errorf("pull %s: %w", name, err)
	}
	return bytes, nil
}

func (c *Client) pull(ctx context.Context, name string, progress func(done, total int64) error) error {
	type file struct{ done, total int64 }
	files := make(map[string]file)
	return c.follow(ctx, "/api/pull", api.PullRequest{Model: name}, func(p api.ProgressResponse) error {
		if p.Digest == "" || p.Total == 0 {
			return nil
		}
		files[p.Digest] = file{p.Completed, p.Total}
		var all file
		for _, f := range files {
			all.done, all.total = all.done+f.done, all.total+f.total
		}
		return progress(all.done, all.total)
	})
}
