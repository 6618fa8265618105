package fleet

import (
	"context"
	"os"
	"runtime"
	"sync"

	"perg/harness/engine"
	"perg/models"
)

// ReadAhead reads a model's files once, for the system to keep them in memory: a
// server that loads it next does not wait for the disk. It gives way to all else,
// takes at most half of the memory that is available, and returns when it is
// through or ctx is done. Where the servers are not perg's own, or the files
// cannot be found, it does nothing.
func (f *Fleet) ReadAhead(ctx context.Context, m *engine.Model) {
	if !f.Managed() {
		return
	}
	var elsewhere sync.WaitGroup
	for _, other := range f.Machines() {
		elsewhere.Go(func() { other.ReadAhead(ctx, m) })
	}
	defer elsewhere.Wait()
	if f.options.Elsewhere {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with its priority
		giveWay()
		if files, err := models.Store().Manifest(m.Name, m.Digest); err == nil {
			readThrough(ctx, models.Store().Files(files), int64(availableMemory()/2))
		}
	}()
	<-done
}

// readThrough reads files from their beginnings, so many bytes at most, and keeps
// nothing of them. It says how many it read.
func readThrough(ctx context.Context, files []string, most int64) (read int64) {
	buffer := make([]byte, 1<<20)
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			continue
		}
		for ctx.Err() == nil && read < most {
			n, err := file.Read(buffer[:min(int64(len(buffer)), most-read)])
			read += int64(n)
			if err != nil { // the end, or one that the server will meet, too
				break
			}
		}
		file.Close()
	}
	return read
}
