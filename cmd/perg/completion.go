package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"perg/harness/hint"
)

const bashCompletion = `_perg() {
  local cur="${COMP_WORDS[COMP_CWORD]}" words=("${COMP_WORDS[@]:0:COMP_CWORD}")
  [[ "$cur" == -* ]] && words+=("$cur")
  COMPREPLY=($(compgen -W "$("${words[@]}" --generate-bash-completion 2>/dev/null)" -- "$cur"))
}
complete -o bashdefault -o default -F _perg perg
`

const zshCompletion = `#compdef perg
_perg() {
  local cur="${words[CURRENT]}" all=("${(@)words[1,CURRENT-1]}")
  [[ "$cur" == -* ]] && all+=("$cur")
  local -a found=("${(@f)$("${all[@]}" --generate-bash-completion 2>/dev/null)}")
  if [[ -n "${found[1]}" ]]; then
    compadd -- "${found[@]}"
  else
    _files
  fi
}
compdef _perg perg
`

func completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "write a shell's completion of commands and flags",
		ArgsUsage: "bash|zsh|fish",
		Description: `Put it where your shell reads it:

   source <(perg completion bash)       in ~/.bashrc
   source <(perg completion zsh)        in ~/.zshrc, after compinit
   perg completion fish > ~/.config/fish/completions/perg.fish`,
		Action: func(c *cli.Context) error {
			script := ""
			switch shell := c.Args().First(); {
			case c.NArg() != 1:
				return hint.Usage(fmt.Errorf("completion takes one shell, not %d", c.NArg()), "there are: bash, zsh, fish")
			case shell == "bash":
				script = bashCompletion
			case shell == "zsh":
				script = zshCompletion
			case shell == "fish":
				fish, err := c.App.ToFishCompletion()
				if err != nil {
					return err
				}
				script = fish
			default:
				return hint.Usage(fmt.Errorf("there is no completion for %q", shell), "there are: bash, zsh, fish")
			}
			_, err := io.WriteString(c.App.Writer, script)
			return err
		},
	}
}
