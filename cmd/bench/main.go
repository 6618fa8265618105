// Bench measures perg against its limits on this machine, with a real Ollama
// server and small models where the server is part of the question, and a
// server that answers at once where perg alone is. It prints one table.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench: error:", err)
		os.Exit(1)
	}
}

// A bench is a place to measure in.
type bench struct {
	perg, ollama string
	dir          string // scratch
	repeats      int    // of what is measured against a peer, in turn with it
	largest      int    // generations
	model        string // an installed one, to keep GPUs busy with; "": none
}

// measurements are in the order of the table.
var measurements = []struct {
	name string
	rows func(context.Context, *bench) ([]row, error)
}{
	{"real", realServer},
	{"prefix", prefixes},
	{"full", full},
	{"widths", widths},
	{"fake", fakeServer},
	{"scale", scale},
	{"hosts", severalHosts},
	{"controller", controllerMemory},
	{"gpu", idleGPUs},
	{"help", help},
	{"parts", gobench},
}

func run(ctx context.Context, args []string) (err error) {
	if len(args) > 1 && args[0] == "fake" {
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		var s *slotted
		if len(args) == 5 {
			if s, err = newSlotted(args[2:]); err != nil {
				return err
			}
		}
		return serveFake("127.0.0.1:0", n, s, os.Stdout, os.Stdin)
	}
	if len(args) == 5 && args[0] == "serve" { // in the place of an ollama that perg starts
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		s, err := newSlotted(args[2:])
		if err != nil {
			return err
		}
		return serveFake(os.Getenv("OLLAMA_HOST"), n, s, io.Discard, untilDone{ctx})
	}
	var b bench
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&b.perg, "perg", "./perg", "perg program")
	flags.StringVar(&b.ollama, "ollama", "ollama", "ollama program")
	flags.IntVar(&b.repeats, "repeats", 3, "times that perg and its peer take turns")
	flags.IntVar(&b.largest, "largest", 1_000_000, "generations of the largest run")
	flags.StringVar(&b.model, "model", "", "model of the Ollama server that runs here, to measure idle GPUs with")
	only := flags.String("only", "", "measure only what this regular expression matches: real, prefix, full, widths, fake, scale, hosts, controller, gpu, help, parts")
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	if b.perg, err = filepath.Abs(b.perg); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "perg-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	var rows []row
	for _, m := range measurements {
		if !chosen.MatchString(m.name) {
			continue
		}
		measured, err := m.rows(ctx, &b)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		rows = append(rows, measured...)
	}
	return table(os.Stdout, rows)
}
