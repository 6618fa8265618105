// Demo runs the whole of perg on this machine: it builds three small GGUF models
// that say what they were built to say, starts an Ollama server of its own, runs
// the benchmark on the embedded sample, then a few of its items on real weights
// where there are some, and stops the server.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/ollama/ollama/api"

	"perg/models"
	"perg/models/gguftest"
)

func main() {
	perg := flag.String("perg", "./perg", "perg program")
	ollama := flag.String("ollama", "ollama", "ollama program")
	weights := flag.String("weights", "", "GGUF file of SmolLM2-135M-Instruct; none: no real model")
	dir := flag.String("dir", "demo", "where models, replies and the runs are kept")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	err := demo(ctx, *perg, *ollama, *weights, *dir)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit): // perg said why
		if exit.ExitCode() == 2 {
			fmt.Fprintf(os.Stderr, "demo: hint: %s is of an older perg; remove it and try again\n", *dir)
		}
		os.Exit(exit.ExitCode())
	case err != nil:
		fmt.Fprintln(os.Stderr, "demo: error:", err)
		os.Exit(1)
	}
}

// withPreference is more bytes of system text than the baseline has and fewer
// than any prompt with a preference.
const withPreference = 100

// The real model, and how many items it is asked: one takes it some seconds.
const (
	smol     = "smollm2:135m"
	fewItems = "24"
)

// The candidates and the judge. Each says what it was built to say: the point
// is to see perg at work on a real server, not to measure a model.
var cast = map[string]gguftest.Chain{
	"steady": gguftest.Steady("B"),
	"swayed": gguftest.Swayed(gguftest.Sway{Plain: "B", Under: "C", SystemOver: withPreference, UserOver: 350}),
	"judge":  gguftest.Judge(gguftest.Ratings{Score: 4, UserOver: 610, LongScore: 2}),
	// It is not run here: it is for a look at how models that think are asked.
	"thinker": gguftest.Levelled(withPreference, map[string]gguftest.LevelAnswer{
		"low":    {Thought: []string{"At a glance."}, Plain: "B", Under: "C"},
		"medium": {Thought: []string{"First this.", "Then that."}, Plain: "B", Under: "B"},
		"high":   {Thought: []string{"First this.", "Then that.", "And the other.", "Or not?", "It is."}, Plain: "B", Under: "B"},
	}),
}

func demo(ctx context.Context, perg, ollama, weights, dir string) (err error) {
	store, err := filepath.Abs(filepath.Join(dir, "models"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(store, 0o755); err != nil {
		return err
	}
	server, err := models.StartServer(ctx, models.ServerConfig{
		Program: ollama, Models: store, Slots: 4, Log: filepath.Join(dir, "ollama.log"),
	})
	if err != nil {
		return err
	}
	defer func() {
		if e := server.Stop(); err == nil {
			err = e
		}
	}()
	fmt.Printf("An Ollama server runs at %s, its models are in %s.\n", server.URL(), filepath.Join(dir, "models"))

	base, err := url.Parse(server.URL())
	if err != nil {
		return err
	}
	client := api.NewClient(base, http.DefaultClient)
	for name, chain := range cast {
		if err := chain.Install(ctx, client, name); err != nil {
			return fmt.Errorf("build the model %s: %w", name, err)
		}
	}
	fmt.Print(`Three small models were built on the spot: "steady" always answers B, "swayed"
answers B, and C to long questions once a preference is stated, and "judge"
rates 4, and 2 where there is much to read.

`)
	pergRun := func(out string, args ...string) error {
		args = append([]string{"run"}, args...)
		return execute(perg, append(args, "--host", server.URL(), "--store", filepath.Join(dir, "replies.db"), "--out", out)...)
	}
	scripted, real := filepath.Join(dir, "run"), filepath.Join(dir, "real")
	if err := pergRun(scripted, "steady", "swayed", "--judge", "judge"); err != nil {
		return err
	}
	more := []string{"report " + scripted + " --by source,preference_type", "report " + scripted + " --html report.html", "view " + scripted}
	if weights != "" {
		if err := gguftest.InstallFile(ctx, client, smol, weights, nil); err != nil {
			return err
		}
		fmt.Print(`
A third candidate is a real model, SmolLM2-135M-Instruct. It answers a few of the
items beside the other two, and rates their answers and its own.

`)
		if err := pergRun(real, "steady", "swayed", smol, "--judge", smol, "--limit", fewItems, "--settings", "relevant"); err != nil {
			return err
		}
		more = append(more, "view "+real)
	}
	fmt.Printf("\nSee more: perg %s\n", strings.Join(more, "\n          perg "))
	return nil
}

// execute runs perg and shows what it was told.
func execute(perg string, args ...string) error {
	fmt.Printf("$ perg %s\n", strings.Join(args, " "))
	run := exec.Command(perg, args...)
	run.Stdout, run.Stderr = os.Stdout, os.Stderr
	if err := run.Start(); err != nil {
		return err
	}
	// Ctrl-C at a terminal reaches perg too, which winds up by itself; a second
	// signal would end it at once. A SIGTERM is handed on.
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	defer func() {
		signal.Stop(terminated)
		close(terminated)
	}()
	go func() {
		for range terminated {
			run.Process.Signal(syscall.SIGTERM)
		}
	}()
	return run.Wait()
}
