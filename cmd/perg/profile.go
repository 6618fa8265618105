package main

import (
	"fmt"
	"os"
	"runtime/pprof"
	"runtime/trace"

	"github.com/urfave/cli/v2"

	"perg/harness/hint"
)

// profiles are for those who make perg faster, and their flags are hidden from
// all others.
var profiles = []struct {
	flag, usage string
	start, stop func(*os.File) error
}{
	{"cpuprofile", "write a CPU profile to `FILE`, for go tool pprof",
		func(f *os.File) error { return pprof.StartCPUProfile(f) },
		func(*os.File) error { pprof.StopCPUProfile(); return nil }},
	{"memprofile", "write what is in memory at the end to `FILE`, for go tool pprof",
		func(*os.File) error { return nil },
		func(f *os.File) error { return pprof.Lookup("heap").WriteTo(f, 0) }},
	{"trace", "write an execution trace to `FILE`, for go tool trace",
		func(f *os.File) error { return trace.Start(f) },
		func(*os.File) error { trace.Stop(); return nil }},
}

func profileFlags() []cli.Flag {
	var flags []cli.Flag
	for _, p := range profiles {
		flags = append(flags, &cli.StringFlag{Name: p.flag, Hidden: true, Usage: p.usage})
	}
	return flags
}

// profiled is an action with the profiles that its flags ask for.
func profiled(action cli.ActionFunc) cli.ActionFunc {
	return func(c *cli.Context) (err error) {
		for _, p := range profiles {
			if !c.IsSet(p.flag) {
				continue
			}
			f, err := os.Create(c.String(p.flag))
			if err == nil {
				err = p.start(f)
			}
			if err != nil {
				return &hint.Error{Err: fmt.Errorf("--%s: %w", p.flag, err), Usage: true}
			}
			defer func() {
				e := p.stop(f)
				if closed := f.Close(); e == nil {
					e = closed
				}
				if e != nil {
					fmt.Fprintf(c.App.ErrWriter, "perg: warning: --%s: %v\n", p.flag, e)
				}
			}()
		}
		return action(c)
	}
}
