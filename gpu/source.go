package gpu

import "context"

// A source is the library as a sampler reads it. Its handle belongs to whoever has
// the turn: a round that was given up may still use it.
type source struct {
	owns   func(pid int) bool
	handle library // nil: not open
	every  int     // so many rounds read all values once
	rounds int     // that were read
}

// A round is what came of reading all GPUs.
type round struct {
	opened   bool // it could be opened, whatever came after
	readings []reading
}

// read reads all GPUs, with the library opened where it is not, or opened again if so
// asked. The error is [ErrHangs] where that takes longer than [silence], and
// context.Canceled where ctx, which is the sampler's, is done before.
func (s *source) read(ctx context.Context, again bool) (round, error) {
	patient, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	return ask(patient, func() (r round, err error) {
		if again {
			s.close()
		}
		if s.handle == nil {
			if s.handle, err = openLibrary(); err != nil {
				return r, err
			}
		}
		r.opened = true
		r.readings, err = s.handle.readings(s.owns, s.rounds%s.every == 0)
		s.rounds++
		if err != nil || ctx.Err() != nil { // of no use any more, or to no one
			s.close()
		}
		return r, err
	})
}

// end closes NVML. The error is context.Canceled where ctx is done before.
func (s *source) end(ctx context.Context) error {
	_, err := ask(ctx, func() (struct{}, error) {
		s.close()
		return struct{}{}, nil
	})
	return err
}

func (s *source) close() {
	if s.handle != nil {
		s.handle.close() // which cannot succeed without a driver
		s.handle = nil
	}
}
