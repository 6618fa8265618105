package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"perg/data"
	"perg/harness/hint"
)

func prefsCommand() *cli.Command {
	return &cli.Command{
		Name:            "prefs",
		HideHelpCommand: true,
		Usage:           "make preferences of your own: a model suggests, you decide",
		Description: `A preference is a wish about how answers are presented: "I like short
answers." A model suggests one for each question, a person keeps, edits or
drops each, and 'perg data build' gives those that are kept to the questions.

   perg data prefs generate --model llama3.1:8b --data perg.parquet \
      -o candidates.yaml
   perg data prefs review candidates.yaml -o preferences.yaml
   perg data build --preferences preferences.yaml -o mine.parquet ...`,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return unknownCommand(c)
			}
			return cli.ShowSubcommandHelp(c)
		},
		Subcommands: []*cli.Command{generateCommand(), reviewCommand()},
	}
}

// readCandidates reads a file of candidates, and gives its bytes as well;
// there is none where it does not exist.
func readCandidates(name string) (list []data.Candidate, text []byte, err error) {
	text, err = os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read candidates: %w", err)
	}
	list, err = data.ParseCandidates(name, text)
	return list, text, err
}

// writable finds early that a file could not be written: where its directory
// is not there, and where it is one itself.
func writable(name string) error {
	dir := filepath.Dir(name)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return &hint.Error{Err: fmt.Errorf("-o %s: there is no directory %s", name, dir), Hint: "make it first, or choose another place", Usage: true}
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return &hint.Error{Err: fmt.Errorf("-o %s is a directory", name), Hint: "name a file in it", Usage: true}
	}
	return nil
}
