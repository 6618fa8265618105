package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"perg/harness"
	"perg/harness/fleet"
	"perg/harness/hint"
	"perg/harness/hosts/agent"
	"perg/harness/hosts/wire"
	"perg/harness/rundir"
)

func agentCommand() *cli.Command {
	return &cli.Command{
		Name:      "agent",
		Usage:     "have this machine work for a run of another one",
		ArgsUsage: "HOST:PORT",
		Description: `'perg run --listen :7375' on another machine prints the command to give here. The
agent starts Ollama servers on this machine's GPUs, which nobody else can reach,
makes the run's calls on them, and keeps every reply in a store of its own before
it sends it off. It knows calls, and nothing of what is asked.

Models that the run asks and this machine lacks are given to it where the run has
--pull or --quantize, and stay in Ollama's store.

It stays until the run has ended. A controller that is away is waited for: what is
in flight is let finish, and kept. Ctrl-C ends it; the run goes on without.

   perg agent gpu01:7375 --token perg1-...

Exit status: 0 the run has ended, 1 failed, 2 not let in or wrong usage, 130
interrupted.`,
		Flags: grouped("",
			&cli.StringFlag{Name: "token", EnvVars: []string{"PERG_TOKEN"}, Usage: "`TOKEN` that the run printed; it lets this machine into that run alone"},
			&cli.StringFlag{Name: "name", Usage: "`NAME` of this machine in the run", DefaultText: "its host name"},
			&cli.StringSliceFlag{Name: "gpus", Usage: "use these GPUs alone, a `LIST` of UUIDs or indexes"},
			&cli.StringFlag{Name: "lanes", Usage: "auto for a lane on each GPU, or `N`", DefaultText: "auto"},
			&cli.StringFlag{Name: "store", Usage: "`FILE` that keeps every reply", DefaultText: fromHome(filepath.Join(filepath.Dir(defaultStore()), "agent.db"))},
		),
		Action: agentAction,
	}
}

func agentAction(c *cli.Context) (err error) {
	if c.NArg() != 1 {
		return hint.Usage(errors.New("name the address of the run, HOST:PORT"), "'perg run --listen :7375' prints the whole command")
	}
	if !c.IsSet("token") {
		return hint.Usage(errors.New("no --token"), "'perg run --listen' prints the whole command, and keeps it in the file join of its directory")
	}
	token, err := wire.ParseToken(c.String("token"))
	if err != nil {
		return hint.Usage(err, "copy the whole command that 'perg run --listen' printed")
	}
	name, err := machineName(c.String("name"))
	if err != nil {
		return err
	}
	path := c.String("store")
	if path == "" {
		path = filepath.Join(filepath.Dir(defaultStore()), "agent.db")
	}
	if path, err = absolute(path); err != nil {
		return err
	}
	cfg := rundir.Defaults()
	cfg.Lanes = c.String("lanes")
	cfg.GPUs = c.StringSlice("gpus")
	if err := cfg.Check(); err != nil {
		return err
	}
	say := func(text string) { fmt.Fprintln(c.App.ErrWriter, "perg: "+text) }
	warn := func(text string) { fmt.Fprintln(c.App.ErrWriter, "perg: warning: "+text) }
	s, err := openStore(path)
	if err != nil {
		return err
	}
	defer func() {
		if e := s.Close(); err == nil {
			err = e
		}
	}()
	dir := filepath.Join(filepath.Dir(path), strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)))
	o := harness.FleetOptions(cfg, filepath.Join(dir, "logs"), say, warn)
	o.Own, o.Patience = true, wire.LeaseFor
	f, err := fleet.Open(c.Context, o)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	err = agent.Run(c.Context, agent.Options{
		Address: c.Args().First(), Token: token, Name: name, Perg: rundir.Version(), Dir: dir, Fleet: f, Store: s, Say: say, Warn: warn,
	})
	switch {
	case err == nil:
		say("the run has ended")
	case errors.Is(err, context.Canceled) && c.Context.Err() != nil:
		return harness.ErrInterrupted
	}
	return err
}

// machineName is the name of this machine in a run: the one that is given, or made
// of its host name.
func machineName(given string) (string, error) {
	if given != "" {
		if err := wire.CheckName(given); err != nil {
			return "", hint.Usage(err, "as in --name gpu02")
		}
		return given, nil
	}
	host, _ := os.Hostname()
	name := wire.NameOf(host)
	if err := wire.CheckName(name); err != nil {
		return "", hint.Usage(fmt.Errorf("this machine's name: %w", err), "give it one with --name gpu02")
	}
	return name, nil
}
