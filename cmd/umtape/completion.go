package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// shells are those that umtape completion knows.
var shells = []string{"bash", "zsh", "fish", "powershell"}

func (a *app) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print the script by which a shell completes: bash, zsh, fish or powershell",
		Long: `completion prints a script by which a shell completes commands, flags and what
they take: cassettes, folders, operations, the rules of validate, modes and
formats. For the shell that is running:

  bash         source <(umtape completion bash)
  zsh          source <(umtape completion zsh)
  fish         umtape completion fish | source
  PowerShell   umtape completion powershell | Out-String | Invoke-Expression

For good, from the next shell on:

  bash         umtape completion bash > ~/.local/share/bash-completion/completions/umtape
  zsh          umtape completion zsh > "${fpath[1]}/_umtape"
  fish         umtape completion fish > ~/.config/fish/completions/umtape.fish
  PowerShell   umtape completion powershell >> $PROFILE

bash takes its package bash-completion, zsh takes ` + "`autoload -U compinit; compinit`" + `.
The Debian package of umtape brings the first three along.`,
		Example: `  umtape completion bash
  source <(umtape completion zsh)`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) != 1:
				return fmt.Errorf("name one shell: %s", strings.Join(shells, ", "))
			case !slices.Contains(shells, args[0]):
				return fmt.Errorf("%q is no shell that umtape knows: want %s", args[0], strings.Join(shells, ", "))
			}
			return nil
		},
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.stdout, true)
			case "zsh":
				return root.GenZshCompletion(a.stdout)
			case "fish":
				return root.GenFishCompletion(a.stdout, true)
			}
			return root.GenPowerShellCompletionWithDesc(a.stdout)
		}),
	}
}
