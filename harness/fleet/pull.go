package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"perg/harness/hint"
	"perg/models"
)

// Pull fetches those models that a server lacks, on each server. Nothing is
// fetched before all is known of what is missing: that it is there, how large it
// is, and that the disk holds it, where it can be told which that is.
func (f *Fleet) Pull(ctx context.Context, names []string) error {
	if f.Managed() {
		client, err := f.Client(ctx)
		if err != nil {
			return err
		}
		return f.pullOn(ctx, client, names)
	}
	for _, d := range f.Devices {
		if err := f.pullOn(ctx, f.hosts[d.ID], names); err != nil {
			return err
		}
	}
	return nil
}

func (f *Fleet) pullOn(ctx context.Context, client Client, names []string) error {
	catalogue, err := client.Catalogue(ctx)
	if err != nil {
		return err
	}
	var wanted []string
	var need uint64
	for _, name := range Missing(names, catalogue) {
		if strings.ContainsAny(name, patterns) || models.IsDigest(name) {
			continue // nothing can be pulled by it
		}
		size, err := client.PullSize(ctx, name)
		if err != nil {
			return pullFault(name, err)
		}
		need += uint64(size)
		wanted = append(wanted, name)
		f.options.Say(fmt.Sprintf("%s is not on %s: to be pulled, %s", name, client.Host(), humanize.IBytes(uint64(size))))
	}
	if len(wanted) == 0 {
		return nil
	}
	dir := f.storeOf(client)
	switch free, ok := dir.Free(); {
	case !ok:
		f.options.Say(fmt.Sprintf("whether the disk of %s holds them is not known", client.Host()))
	case need+models.SpareDisk > free:
		return &hint.Error{
			Err:  fmt.Errorf("pull %s: %s are needed, %s of them to spare, and %s has %s free", strings.Join(wanted, ", "), humanize.IBytes(need+models.SpareDisk), humanize.IBytes(models.SpareDisk), dir, humanize.IBytes(free)),
			Hint: "free some space there, or name smaller models",
		}
	default:
		f.options.Say(fmt.Sprintf("the disk holds that: %s has %s free", dir, humanize.IBytes(free)))
	}
	for _, name := range wanted {
		err := client.Pull(ctx, name, fetching(f.options.Say, "pulling "+name))
		if ctx.Err() != nil {
			f.options.Say(fmt.Sprintf("what was fetched of %s is kept: the same command goes on with it", name))
		}
		if err != nil {
			return pullFault(name, err)
		}
		f.options.Say("pulled " + name)
	}
	return nil
}

// storeOf is where a server keeps its models; "" where that is not known.
func (f *Fleet) storeOf(client Client) models.Folder {
	switch {
	case !client.Local():
		return ""
	case f.Managed():
		return models.Store()
	default:
		return models.Folder(f.Environment()["OLLAMA_MODELS"])
	}
}

func pullFault(name string, err error) error {
	said, ok := errors.AsType[*models.ServerError](err)
	if !ok {
		return err
	}
	if strings.Contains(said.Message, "file does not exist") || said.Status == http.StatusNotFound {
		return hint.Usage(err, "its registry has no such model: check the name and the tag")
	}
	return &hint.Error{Err: err, Hint: "see whether its registry can be reached from the server: 'ollama pull " + name + "' there"}
}

// fetching says how far something that is fetched is, from time to time, with its
// rate and the time that is left at it.
func fetching(say func(string), what string) func(done, total int64) {
	var began, last time.Time
	var before int64 // bytes that were there
	return func(done, total int64) {
		now := time.Now()
		if began.IsZero() {
			began, last, before = now, now, done
		}
		if now.Sub(last) < sayEvery || done == total {
			return
		}
		last = now
		text := fmt.Sprintf("%s: %s of %s", what, humanize.IBytes(uint64(done)), humanize.IBytes(uint64(total)))
		if rate := float64(done-before) / now.Sub(began).Seconds(); rate >= 1 {
			left := time.Duration(float64(total-done) / rate * float64(time.Second))
			text += fmt.Sprintf(", %s/s, about %s left", humanize.IBytes(uint64(rate)), left.Round(time.Second))
		}
		say(text)
	}
}
