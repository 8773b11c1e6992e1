package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/umtape/umtape/cassettes/captures"
	"github.com/umtape/umtape/inspect/um"
)

// setCompletions has every command tell shells what may stand where. It is said in
// one place, as flags of a name mean the same everywhere; what says nothing here
// completes to nothing, not to the files of the folder.
func setCompletions(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		setCompletions(sub)
	}
	if cmd.ValidArgsFunction == nil && cmd.Runnable() {
		if cmd.ValidArgsFunction = argCompletions[cmd.CommandPath()]; cmd.ValidArgsFunction == nil {
			cmd.ValidArgsFunction = cobra.NoFileCompletions
		}
	}
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if _, has := cmd.GetFlagCompletionFunc(f.Name); has || f.NoOptDefVal != "" {
			return
		}
		if err := cmd.RegisterFlagCompletionFunc(f.Name, completionOf(f)); err != nil {
			panic(err) // it is the command's own flag
		}
	})
}

// plainUsage takes the backquotes out of what flags are for, which help reads and
// shells would show.
func plainUsage(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		plainUsage(sub)
	}
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) { f.Usage = strings.ReplaceAll(f.Usage, "`", "") })
}

// completionOf is what a flag's value completes to: words of its own, or else what
// its usage calls the value.
func completionOf(f *pflag.Flag) cobra.CompletionFunc {
	if words, ok := flagWords[f.Name]; ok {
		return words
	}
	switch name, _ := pflag.UnquoteUsage(f); {
	case name == "FOLDER":
		return folders
	case name == "CASSETTE":
		return files("yaml", "yml")
	case strings.HasSuffix(name, "FILE"), name == "REPORT":
		return files(flagFiles[f.Name]...)
	}
	return cobra.NoFileCompletions
}

// argCompletions are the arguments of commands that take any.
var argCompletions = map[string]cobra.CompletionFunc{
	"umtape record":      tapes(1),
	"umtape replay":      tapes(anyNumber),
	"umtape exec record": tapesAndCommand,
	"umtape exec replay": tapesAndCommand,
	"umtape validate":    tapes(anyNumber),
	"umtape inspect":     tapes(anyNumber),
	"umtape diff":        tapes(2),
	"umtape audit":       tapes(anyNumber),
	"umtape scrub":       tapes(anyNumber),
	"umtape merge":       tapes(anyNumber),
	"umtape sort":        tapes(anyNumber),
	"umtape prune":       tapes(anyNumber),
	"umtape split":       tapes(1),
	"umtape upgrade":     tapes(anyNumber),
	"umtape recover":     tapes(1),
	"umtape export":      tapes(anyNumber),
	"umtape ui":          tapes(anyNumber),
	"umtape import":      files(),
	"umtape ca export":   upTo(1, files()),
	"umtape ca trust":    noneTwice(words(platforms...)),
	"umtape man":         upTo(1, folders),
	"umtape completion":  upTo(1, words(shells...)),
}

// flagWords are the values of flags that take one of some words, or several with
// commas between them.
var flagWords = map[string]cobra.CompletionFunc{
	"operation":    commaList(words(operationNames()...)),
	"resend":       commaList(words(operationNames()...)),
	"any":          commaList(words(places()...)),
	"ignore":       commaList(words(places()...)),
	"mode":         words(modeOnce+"\trecord if there is no cassette, else replay", modeNewEpisodes+"\treplay, and record what is new", modeAll+"\trecord everything anew", modeNone+"\treplay only"),
	"sync":         words("always", "interval", "never"),
	"log-format":   words("text", "json"),
	"challenge":    words("basic", "ntlm"),
	"repeat":       words(repeatNames...),
	"latency":      words("recorded\tas long as the server took", "x0.5\thalf of that", "50ms"),
	"fault":        completeFault,
	"color":        words("auto", "always", "never"),
	"by":           words("call", "operation", "host", "time"),
	"every":        words("15m", "1h", "24h"),
	"format":       words("pem", "der", "p12"),
	"from":         words(captureFormats()...),
	"scheme":       words("http", "https"),
	"ended-call":   words("fault", "success"),
	"unknown-call": words("fault", "success"),
	"soap12":       words("refuse", "accept", "fault"),
	"max-age":      words("30d", "90d", "1w", "12h"),
	"max-body":     words("512KiB", "16MiB", "1GiB"),
	"max-unpacked": words("256MiB", "1GiB", "4GiB"),
}

// flagFiles are the extensions of the files that flags take, where they have one.
var flagFiles = map[string][]string{
	"redact": {"yaml", "yml"}, "shapes": {"yaml", "yml"},
	"unused": {"json"}, "report": {"json"}, "html": {"html"},
	"upstream-ca": {"pem", "crt", "cer"}, "client-cert": {"pem", "crt", "p12", "pfx"},
}

const anyNumber = 1 << 30

// tapes completes to cassettes, and to folders on the way there.
func tapes(atMost int) cobra.CompletionFunc { return upTo(atMost, files("yaml", "yml")) }

// tapesAndCommand completes to a cassette, and then to files of whatever kind: whether
// a -- has been typed cobra does not tell.
func tapesAndCommand(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return tapes(1)(cmd, args, typed)
}

// files completes to files with one of these extensions; without any, to all.
func files(extensions ...string) cobra.CompletionFunc {
	if len(extensions) == 0 {
		return cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault)
	}
	return cobra.FixedCompletions(extensions, cobra.ShellCompDirectiveFilterFileExt)
}

func folders(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// words completes to words, each of which a tab and what it means may follow.
func words(list ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveKeepOrder)
}

// upTo completes the first n arguments.
func upTo(n int, complete cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) >= n {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return complete(cmd, args, typed)
	}
}

// noneTwice leaves out what was said before.
func noneTwice(complete cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		list, directive := complete(cmd, args, typed)
		return slices.DeleteFunc(slices.Clone(list), func(word string) bool { return slices.Contains(args, word) }), directive
	}
}

// commaList completes what stands behind the last comma.
func commaList(complete cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		list, directive := complete(cmd, args, typed)
		before := typed[:strings.LastIndexByte(typed, ',')+1]
		said := strings.Split(before, ",")
		var rest []string
		for _, word := range list {
			if !slices.Contains(said, word) {
				rest = append(rest, before+word)
			}
		}
		return rest, directive
	}
}

// completeFault is that of --fault, [OPERATION:]KIND[@WHEN].
func completeFault(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	before := typed[:strings.IndexByte(typed, ':')+1]
	var list []string
	for _, kind := range faultKinds() {
		list = append(list, before+kind)
	}
	if before == "" {
		for _, name := range operationNames() {
			list = append(list, name+":")
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveKeepOrder
}

// faultKinds are ways in which an answer goes wrong: of the wire, of HTTP and those
// that the protocol has a name for.
func faultKinds() []string {
	kinds := []string{"delay=2s", "drop", "reset", "cut", "503"}
	for _, o := range um.Operations {
		for _, fault := range o.Faults {
			if !slices.Contains(kinds, fault) {
				kinds = append(kinds, fault)
			}
		}
	}
	return kinds
}

// operationNames are those of the protocol, in its order; PlayOnPhone is in both of
// its services.
func operationNames() []string {
	var names []string
	for _, o := range um.Operations {
		if !slices.Contains(names, o.Name) {
			names = append(names, o.Name)
		}
	}
	return names
}

// places are elements and attributes of requests, as --ignore and --any take them.
func places() []string {
	list := []string{"CallId"}
	for _, o := range um.Operations {
		for _, f := range o.Request {
			place := o.Name + "/" + f.Name
			if f.ID {
				place = f.Name + "/@Id"
			}
			if !slices.Contains(list, place) {
				list = append(list, place)
			}
		}
	}
	return list
}

func captureFormats() []string {
	var list []string
	for _, f := range captures.Formats {
		list = append(list, string(f))
	}
	return list
}
