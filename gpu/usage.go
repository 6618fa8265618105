package gpu

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
