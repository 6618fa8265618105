package gpu

import "context"

// A Usage is what is held of a GPU's memory at one moment.
type Usage struct {
	Used  uint64 // bytes, of all processes
	Total uint64 // bytes
	// Processes hold memory there, in ascending order of PID, those of the
	// desktop included. Nil is unknown: a driver of WSL does not list them. In
	// a container it may list none, or by the numbers they have outside.
	Processes []Process
}

// A Process is one that holds memory on a GPU.
type Process struct {
	PID   int
	Name  string  // of its program, without the folder: "ollama"; empty if unknown
	Bytes *uint64 // held on this GPU; nil where the driver does not tell it
}

// MemoryInUse reads what is held on GPUs now, by UUID. One that cannot be
// read, or has no memory of its own, is left out; where none can be read the
// error says why. It returns [ErrHangs] at the deadline of ctx, and after 30
// seconds at the latest, if NVML does not answer, whoever's question it is that
// NVML does not return from.
func MemoryInUse(ctx context.Context, uuids []string) (map[string]Usage, error) {
	return ask(ctx, func() (map[string]Usage, error) {
		n, err := load(libraryName)
		if err != nil {
			return nil, err
		}
		usage, err := n.usage(ctx, uuids)
		n.close() // what was read stands
		return usage, err
	})
}
