package gpu

import "context"

// A library tells of the GPUs of one maker; NVIDIA's is NVML. Its methods are
// for who has the turn (see ask).
type library interface {
	inventory() (Inventory, error)
	// readings reads all GPUs once: all of each where whole is set, else with what
	// changes slowly as it was read last. The error is one of the driver: none can
	// be read until the library is opened again.
	readings(owns func(pid int) bool, whole bool) ([]reading, error)
	// usage is what is held on GPUs, by UUID.
	usage(ctx context.Context, uuids []string) (map[string]Usage, error)
	close() error
}

// openLibrary opens the library of this machine's GPUs.
func openLibrary() (library, error) {
	n, err := load(libraryName)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// withLibrary is what comes of asking the library once, opened for it.
func withLibrary[T any](ctx context.Context, question func(library) (T, error)) (T, error) {
	return ask(ctx, func() (T, error) {
		l, err := openLibrary()
		if err != nil {
			var none T
			return none, err
		}
		defer l.close() // what was read stands
		return question(l)
	})
}

// Discover reads the inventory once. The error beside it is that of
// [NVML.Inventory], or of [Open].
func Discover() (Inventory, error) {
	return withLibrary(context.Background(), library.inventory)
}

// Look reads the inventory and, of the GPUs that can be read, what changes. The
// samples know of no process.
func Look() (Inventory, []Sample, error) {
	type sight struct {
		Inventory
		samples []Sample
	}
	s, err := withLibrary(context.Background(), func(l library) (s sight, err error) {
		if s.Inventory, err = l.inventory(); err != nil {
			return s, err
		}
		readings, err := l.readings(nil, true)
		for _, r := range readings {
			if r.err == nil {
				s.samples = append(append(s.samples, r.sample), r.parts...)
			}
		}
		return s, err
	})
	return s.Inventory, s.samples, err
}

// MemoryInUse reads what is held on GPUs now, by UUID. One that cannot be
// read, or has no memory of its own, is left out; where none can be read the
// error says why. It returns [ErrHangs] at the deadline of ctx, and after 30
// seconds at the latest, if NVML does not answer, whoever's question it is that
// NVML does not return from.
func MemoryInUse(ctx context.Context, uuids []string) (map[string]Usage, error) {
	return withLibrary(ctx, func(l library) (map[string]Usage, error) { return l.usage(ctx, uuids) })
}
