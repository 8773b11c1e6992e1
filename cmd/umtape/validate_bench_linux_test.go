package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/beevik/etree"

	"github.com/umtape/umtape/cassettes"
)

// BenchmarkValidateCassette compares umtape validate of a cassette of 100 000
// interactions, as a process on two processors, with etree that parses the same
// messages, which are in memory already, and does nothing with them; interleaved round
// by round. It prints rates, ratios and what a process held at most. Run it alone:
// bash .ci/bench.
func BenchmarkValidateCassette(b *testing.B) {
	const n = 100_000
	commands := []string{"validate", "inspect --id 7", "inspect --calls --json", "inspect --shapes", "inspect --faults"}
	for b.Loop() {
		path := callsCassette(b, n)
		var bodies []string
		enough := errors.New("enough")
		if _, err := cassettes.Each(path, func(i *cassettes.Interaction) error {
			if bodies = append(bodies, i.Request.Body, i.Response.Body); len(bodies) == 2000 {
				return enough
			}
			return nil
		}, nil); err != enough {
			b.Fatal(err)
		}
		rounds := map[string][]float64{}
		held := map[string]int64{}
		for range 3 {
			start := time.Now()
			var parsing sync.WaitGroup
			for k := range 2 {
				parsing.Go(func() {
					for at := k; at < 2*n; at += 2 {
						if err := etree.NewDocument().ReadFromString(bodies[at%len(bodies)]); err != nil {
							b.Error(err)
						}
					}
				})
			}
			parsing.Wait()
			rounds["etree"] = append(rounds["etree"], n/time.Since(start).Seconds())
			for _, args := range commands {
				start := time.Now()
				cmd := exec.Command(os.Args[0])
				cmd.Args = append(append([]string{"umtape"}, strings.Fields(args)...), path)
				cmd.Env = append(os.Environ(), "GOMAXPROCS=2")
				cmd.Stderr = os.Stderr
				if err := cmd.Start(); err != nil {
					b.Fatal(err)
				}
				most := make(chan int64)
				go func() { most <- mostHeld(cmd.Process.Pid) }()
				if err := cmd.Wait(); err != nil {
					b.Fatalf("%s: %v", args, err)
				}
				rounds[args] = append(rounds[args], n/time.Since(start).Seconds())
				held[args] = max(held[args], <-most)
			}
		}
		var out strings.Builder
		table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
		fmt.Fprintf(table, "%d interactions\ta second\tratio\tMiB at most\n", n)
		base := middle(rounds["etree"])
		fmt.Fprintf(table, "etree parses alone, two at once\t%.0f\t1.00\t\n", base)
		for _, args := range commands {
			fmt.Fprintf(table, "umtape %s\t%.0f\t%.2f\t%d\n", args, middle(rounds[args]), middle(rounds[args])/base, held[args])
		}
		table.Flush()
		b.Logf("\n%s", out.String())
	}
}

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// mostHeld returns how many MiB a process held at most, when it has ended. (What the
// system says of an ended one counts the process that started it.)
func mostHeld(pid int) (mib int64) {
	for {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		m := highWater.FindSubmatch(status)
		if err != nil || m == nil {
			return mib
		}
		kib, _ := strconv.ParseInt(string(m[1]), 10, 64)
		mib = kib >> 10
		time.Sleep(5 * time.Millisecond)
	}
}
