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

For good, from the next shell on, the same line in what it reads at its start:

  bash         echo 'source <(umtape completion bash)' >> ~/.bashrc
  zsh          echo 'source <(umtape completion zsh)' >> ~/.zshrc
  fish         echo 'umtape completion fish | source' >> ~/.config/fish/config.fish
  PowerShell   notepad $PROFILE

bash takes its package bash-completion; zsh takes ` + "`autoload -U compinit; compinit`" + `,
which has to come before, in ~/.zshrc too ("command not found: compdef"), and
which may ask a question first ("insecure directories": compaudit lists them).
The first Tab adds what is common to all that fits, the second lists it.

The Debian package of umtape has all this in the folders of the system for bash,
zsh and fish: nothing is to be done but what these shells themselves take.`,
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
