package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"perg/gpu"
	"perg/harness/fleet"
	"perg/harness/hint"
	"perg/harness/printable"
	"perg/harness/rundir"
	"perg/models"
)

func doctorCommand() *cli.Command {
	return &cli.Command{
		Name:  "doctor",
		Usage: "check this machine, and say how to fix what is missing",
		Description: `Looks for Ollama, a running server and its version, installed models, GPUs, and
disk space. Changes nothing. Exit status 1 where a run could not start. With
--listen, other machines are looked at, too, as they join.

   perg doctor --listen :7375 --await 2      what do two others have?`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "host", Usage: "`URL` of the Ollama server", DefaultText: "OLLAMA_HOST, or 127.0.0.1:11434"},
			headerFlag(),
			&cli.StringFlag{Name: "store", Usage: "`FILE` that would keep the replies", DefaultText: fromHome(defaultStore())},
			listenFlag(),
			natsFlag(),
			&cli.IntFlag{Name: "await", Usage: "machines to wait for, `N`", DefaultText: "1 with --listen"},
			&cli.BoolFlag{Name: "json", Usage: "the findings as JSON"},
		},
		Action: doctorAction,
	}
}

// A finding is one thing the doctor looked at.
type finding struct {
	Subject string `json:"subject"`
	State   string `json:"state"` // "ok", "warning", "problem"
	Text    string `json:"text"`
	Advice  string `json:"advice,omitempty"`
}

const (
	fine    = "ok"
	caution = "warning"
	trouble = "problem"
)

func doctorAction(c *cli.Context) error {
	if c.Args().Present() {
		return &hint.Error{Err: errors.New("doctor takes no arguments"), Usage: true}
	}
	var named []string
	if host := c.String("host"); host != "" {
		named = append(named, host)
	}
	hosts, _ := fleet.Hosts(named)
	storePath := c.String("store")
	if storePath == "" {
		storePath = defaultStore()
	}
	client, err := models.NewClient(hosts[0])
	if err == nil {
		client.Header, err = models.Headers(c.StringSlice("header"), os.LookupEnv)
	}
	if err != nil {
		return &hint.Error{Err: err, Usage: true}
	}
	cfg := rundir.Defaults()
	cfg.Listen, cfg.NATS, cfg.Await = c.String("listen"), c.String("nats"), c.Int("await")
	if err := cfg.Check(); err != nil {
		return err
	}
	program, canStart := examineProgram()
	findings := append([]finding{program}, examineServer(c.Context, client, canStart)...)
	findings = append(findings, examineGPUs()...)
	findings = append(findings, examineDisk("store", filepath.Dir(storePath)), examineDisk("runs", "."))
	w, asJSON := c.App.Writer, c.Bool("json")
	if !asJSON { // machines may take their time
		showFindings(w, findings)
	}
	machines, leave, err := joiners(c.Context, "the examination", cfg, func(text string) { fmt.Fprintln(c.App.ErrWriter, "perg: "+text) })
	if err != nil {
		return err
	}
	defer leave()
	for _, m := range machines {
		of := examineMachine(c.Context, m)
		findings = append(findings, of...)
		if !asJSON {
			showFindings(w, of)
		}
	}
	ready := !slices.ContainsFunc(findings, func(f finding) bool { return f.State == trouble })
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		if err := enc.Encode(map[string]any{"ready": ready, "findings": findings}); err != nil {
			return err
		}
	}
	if !ready {
		return &hint.Error{Err: errors.New("this machine is not ready"), Hint: "see the lines marked FAIL"}
	}
	if !asJSON {
		fmt.Fprintln(w, "ready: perg run MODEL --judge MODEL")
	}
	return nil
}

func showFindings(w io.Writer, findings []finding) {
	marks := map[string]string{fine: "ok  ", caution: "note", trouble: "FAIL"}
	for _, f := range findings {
		fmt.Fprintf(w, "%s  %-7s %s\n", marks[f.State], f.Subject, printable.Text(f.Text))
		if f.Advice != "" {
			fmt.Fprintf(w, "              -> %s\n", printable.Text(f.Advice))
		}
	}
}

// examineProgram looks for Ollama, and says whether perg could start it.
func examineProgram() (f finding, canStart bool) {
	path, err := exec.LookPath("ollama")
	switch {
	case err != nil:
		return finding{"ollama", caution, "no ollama program on PATH: perg cannot start a server itself", fleet.HowToInstall}, false
	case models.LacksQuantizer(path):
		return finding{"ollama", caution, path + " has no llama-quantize: it can neither quantize nor import", fleet.HowToComplete}, true
	}
	return finding{"ollama", fine, path, ""}, true
}

func examineServer(ctx context.Context, client *models.Client, canStart bool) []finding {
	version, err := client.Version(ctx)
	if err != nil {
		if errors.Is(err, models.ErrUnreachable) && canStart {
			return []finding{{"server", caution, "none at " + client.Host() + "; 'perg run' would start one", ""}}
		}
		advice := fleet.HowToInstall
		if errors.Is(err, models.ErrDenied) || errors.Is(err, models.ErrTLS) {
			advice = "" // it says what to do
		}
		return []finding{{"server", trouble, err.Error(), advice}}
	}
	findings := []finding{{"server", fine, fmt.Sprintf("%s, Ollama %s", client.Host(), version), ""}}
	for _, h := range models.Harms(version) {
		findings = append(findings, finding{"server", caution, fmt.Sprintf("Ollama %s %s", version, h.Text), h.Install()})
	}
	catalogue, err := client.Catalogue(ctx)
	catalogue = models.Candidates(catalogue)
	switch {
	case err != nil:
		findings = append(findings, finding{"models", trouble, err.Error(), ""})
	case len(catalogue) == 0:
		findings = append(findings, finding{"models", trouble, "none installed", "ollama pull llama3.1:8b"})
	default:
		findings = append(findings, finding{"models", fine, modelsInWords(catalogue), ""})
		if len(catalogue) == 1 {
			findings = append(findings, finding{"judge", caution, "one model is installed; a judge should be another one, and larger", "ollama pull gemma2:27b"})
		}
	}
	return findings
}

func modelsInWords(catalogue []models.Installed) string {
	names := make([]string, len(catalogue))
	for i, m := range catalogue {
		names[i] = fmt.Sprintf("%s (%s, %s)", m.Name, orUnknown(m.Quantization), humanize.IBytes(uint64(m.Size)))
	}
	return strings.Join(names, ", ")
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// examineGPUs says of each GPU whether servers that perg starts use it, and why
// not.
func examineGPUs() []finding {
	inventory, err := gpu.Discover()
	if err != nil && len(inventory.GPUs) == 0 {
		return []finding{{"gpu", caution, err.Error(), "models will run on the CPU, slowly"}}
	}
	choice := inventory.Choose(os.LookupEnv)
	var findings []finding
	for _, g := range choice.GPUs {
		findings = append(findings, finding{"gpu", fine, fmt.Sprintf("%s, driver %s", gpuInWords(g), orUnknown(inventory.Driver)), ""})
	}
	for _, g := range inventory.GPUs {
		used := func(of gpu.GPU) bool { return of.Index == g.Index }
		switch {
		case g.Error != "":
			findings = append(findings, finding{"gpu", caution, fmt.Sprintf("%d %s: %s", g.Index, orUnknown(g.Name), g.Error), ""})
		case !slices.ContainsFunc(choice.GPUs, used):
			findings = append(findings, finding{"gpu", caution, gpuInWords(g) + ": not used", ""})
		}
	}
	for _, note := range choice.Notes {
		findings = append(findings, finding{"gpu", caution, note, ""})
	}
	if len(choice.GPUs) == 0 {
		findings = append(findings, finding{"gpu", caution, "none is used", "models will run on the CPU, slowly"})
	}
	return findings
}

func gpuInWords(g gpu.GPU) string {
	memory := "memory unknown"
	switch {
	case g.MemoryTotal != nil && g.MemoryFree != nil:
		memory = fmt.Sprintf("%s free of %s", humanize.IBytes(*g.MemoryFree), humanize.IBytes(*g.MemoryTotal))
	case g.SharesMemory():
		memory = "memory unknown: it works in the system's"
	}
	return fmt.Sprintf("%s %s, %s", strings.TrimPrefix(g.ID(), "gpu"), orUnknown(g.Name), memory)
}

// plenty is room for the replies of a million calls.
const plenty = 5 << 30

func examineDisk(subject, dir string) finding {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return finding{subject, trouble, err.Error(), ""}
	}
	at := dir
	for {
		if _, err := os.Stat(at); err == nil || at == filepath.Dir(at) {
			break
		}
		at = filepath.Dir(at) // it will be made
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(at, &fs); err != nil {
		return finding{subject, trouble, fmt.Sprintf("%s: %v", dir, err), ""}
	}
	if err := unix.Access(at, unix.W_OK); err != nil {
		return finding{subject, trouble, dir + " cannot be written", "choose another directory with --out and --store"}
	}
	free := fs.Bavail * uint64(fs.Bsize)
	text := fmt.Sprintf("%s, %s free", dir, humanize.IBytes(free))
	if free < plenty {
		return finding{subject, caution, text, "a large sweep needs some gigabytes"}
	}
	return finding{subject, fine, text, ""}
}
