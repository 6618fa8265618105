package engine

import (
	"context"

	"perg/harness/store"
	"perg/models"
)

// A Fleet gives lanes their servers. Its methods are called from many
// goroutines, and return when ctx is done.
type Fleet interface {
	// Open gives a server that has the devices to itself. It may start one.
	Open(ctx context.Context, lane string, devices []string, s ServerConfig) (Server, error)
	// Memory is what is in use on each of some devices; nil where that cannot
	// be told.
	Memory(ctx context.Context, devices []string) []Memory
	// GPUs are the UUIDs of devices; nil where they are no GPUs, or not known.
	GPUs(devices []string) []string
	// ReadAhead makes the next load of a model faster, if it can: its files are
	// read into memory. It gives way to all else.
	ReadAhead(ctx context.Context, m *Model)
	// Class names the kind of the devices and of the engine on them, as far as
	// numbers depend on them.
	Class(devices []string) string
}

// A ServerConfig is what is fixed when a server starts. One that the user named
// has its own, which is not known.
type ServerConfig struct {
	Slots   int // prompts that it works on at once; 0: not known
	KVCache models.KVType
}

// A Memory is what is in use on a device.
type Memory struct {
	Used   uint64   // bytes
	Others []string // who holds some of it and is not of the fleet: "python (process 4711, 1.0 GiB)"
}

// A Server is what a lane needs of one; *models.Client says what its methods
// promise. A call that is in flight when ctx ends is let finish.
type Server interface {
	Host() string
	Version(ctx context.Context) (string, error)
	Load(ctx context.Context, model string, o models.Options) (models.Loaded, error)
	Unload(ctx context.Context, model string) error
	// InMemory are the loaded models of a name: after its tag was made anew
	// there may be two.
	InMemory(ctx context.Context, model string) ([]models.Loaded, error)
	Chat(ctx context.Context, r models.Request) (models.Response, error)
	// Exits counts how often the server's process ended unasked; 0 where it is
	// not the fleet's own.
	Exits() int
	// Close ends a server that is the fleet's own. Where its devices have left it is
	// not waited for, and what is left of it there Open ends.
	Close() error
}

// Ahead is a server some way off: each seat may have so many calls there beyond the
// one that is worked on, so that none is waited for. Without it there are none.
type Ahead interface {
	Ahead() int
}

// Widens is a server that is told how many of its calls are to be worked on at once,
// the oldest first: before the first call of a job, and where the number is another
// from then on. Widen does not block.
type Widens interface {
	Widen(width int)
}

// Replies keep what was answered. The first reply to a key stays.
type Replies interface {
	Get(ctx context.Context, k store.Key) (store.Reply, bool, error)
	Failure(ctx context.Context, k store.Key) (store.Failure, bool, error)
	Put(ctx context.Context, k store.Key, r store.Reply) (Commit, error)
	Fail(ctx context.Context, k store.Key, f store.Failure) (Commit, error)
}

// A Commit says when something that was put is durable.
type Commit interface {
	Wait(ctx context.Context) error
}
