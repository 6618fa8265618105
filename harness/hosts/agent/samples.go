package agent

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"perg/harness/fleet"
	"perg/harness/hosts/wire"
)

// uses are what the GPUs are used for, as the controller last said.
type uses struct {
	mu  sync.Mutex
	all map[string]wire.Use
}

func (u *uses) set(all map[string]wire.Use) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.all = all
}

// of is what a GPU of the machine of a name is used for.
func (u *uses) of(machine, uuid string) fleet.Work {
	u.mu.Lock()
	defer u.mu.Unlock()
	use := fleet.Work(u.all[uuid])
	use.Host = machine
	return use
}

// partsEvery is how often samples are made a file that the controller can have.
const partsEvery = time.Minute

// watch samples the GPUs, where there are any, into files that the controller
// fetches, and tells it once a second what they do.
func (a *agent) watch() {
	if len(a.Fleet.Inventory.GPUs) == 0 {
		return
	}
	a.mu.Lock()
	interval := a.interval
	a.mu.Unlock()
	w, end, err := a.Fleet.Watch(a.ctx, a.spool(), interval, partsEvery, func(uuid string) (fleet.Work, bool) { return a.uses.of(a.Name, uuid), true }, a.Warn)
	if err != nil {
		a.Warn("no GPU samples: " + err.Error())
		return
	}
	a.mu.Lock()
	a.samples = w
	a.mu.Unlock()
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			if text, err := json.Marshal(w.Samples()); err == nil && a.conn.IsConnected() {
				a.conn.Publish(a.subjects.Samples(a.Name), text)
			}
		case <-a.ctx.Done():
			if err := end(); err != nil {
				a.Warn(err.Error())
			}
			return
		}
	}
}

// parts are the files of samples that are whole, the oldest first.
func (a *agent) parts() ([]string, error) {
	all, err := filepath.Glob(filepath.Join(a.spool(), "gpu_samples", "*.parquet"))
	slices.Sort(all)
	return all, err
}

// part sends the oldest such file; now: once what was sampled so far is in one.
func (a *agent) part(what []byte, send send) error {
	var now bool
	if err := read(what, &now); err != nil {
		return err
	}
	a.mu.Lock()
	w := a.samples
	a.mu.Unlock()
	if now && w != nil {
		w.Rotate()
	}
	all, err := a.parts()
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return send(nil)
	}
	file, err := os.Open(all[0])
	if err != nil {
		return err
	}
	defer file.Close()
	if err := send([]byte(filepath.Base(all[0]))); err != nil {
		return err
	}
	return stream(file, send)
}

// received removes a file that the controller has.
func (a *agent) received(name string) error {
	if name != filepath.Base(name) || filepath.Ext(name) != ".parquet" {
		return errors.New("this is no file of samples")
	}
	err := os.Remove(filepath.Join(a.spool(), "gpu_samples", name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
