// Command bench measures alloc against malloc implementations of C and against Go's
// own, and prints the table of the README:
//
//	GOWORK=off go -C alloc/bench run .
//
// It needs gcc and, for all peers, the Debian packages libjemalloc-dev,
// libgoogle-perftools-dev and libmimalloc-dev. Each figure is from a process of its own;
// rounds are interleaved. Figures are CPU time (getrusage) per allocation and free.
package main

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

//go:embed peer/peer.c
var peerSource string

// A testCase is one line of the table.
type testCase struct {
	name  string
	work  string // see workloads and peer.c
	size  int
	ops   int
	cache bool   // also run with a Cache
	only  string // the engines that run it, if not all
}

var cases = []testCase{
	{"pair 64 B", "pair", 64, 3_000_000, true, ""},
	{"pair 16 KiB", "pair", 16 << 10, 2_000_000, true, ""},
	{"batch 64 B", "batch", 64, 3_000_000, true, ""},
	{"batch 4 KiB", "batch", 4 << 10, 1_000_000, true, ""},
	{"mixed, 4096 live", "mixed", 0, 3_000_000, true, ""},
	{"larson, 2 workers", "larson", 0, 3_000_000, false, ""},
	{"remote free 64 B", "remote", 64, 2_000_000, false, ""},
	{"remote free 1 KiB", "remote", 1 << 10, 2_000_000, false, ""},
	{"churn, 140 MB live", "churn", 140_000_000, 4_000_000, false, ""},
	{"collection, 4 M objects", "collection", 0, 4_000_000, false, ""},
	{"New of 24 B", "new", 24, 10_000_000, false, "arena make"},
	{"1 GiB of tlsf", "latency", 1 << 30, 2_000_000, false, "tlsf"},
}

// engines are the columns: ours, Go's, and C's by the library to preload.
var engines = []struct{ name, preload string }{
	{"Heap", ""}, {"Cache", ""}, {"arena", ""}, {"tlsf", ""}, {"make", ""}, {"modernc", ""},
	{"glibc", "none"}, {"jemalloc", "libjemalloc.so.2"}, {"tcmalloc", "libtcmalloc_minimal.so.4"}, {"mimalloc", "libmimalloc.so.2"},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	rounds := f.Int("rounds", 5, "how often each figure is measured")
	only := f.String("case", "", "run only cases whose name contains this")
	scale := f.Float64("scale", 1, "factor for the number of operations")
	worker := f.String("worker", "", "engine,workload,size,ops: measure and print, in this process")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *worker != "" {
		return work(out, strings.Split(*worker, ","))
	}
	dir, err := os.MkdirTemp("", "allocbench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	peer := filepath.Join(dir, "peer")
	gcc := exec.CommandContext(ctx, "gcc", "-O2", "-pthread", "-o", peer, "-x", "c", "-")
	gcc.Stdin = strings.NewReader(peerSource)
	if text, err := gcc.CombinedOutput(); err != nil {
		return fmt.Errorf("compile peer.c: %w\n%s", err, text)
	}
	for _, c := range cases {
		if !strings.Contains(c.name, *only) {
			continue
		}
		c.ops = int(float64(c.ops) * *scale)
		if err := runCase(ctx, out, c, peer, *rounds); err != nil {
			return err
		}
	}
	return nil
}

// has tells whether an engine runs the case.
func (c testCase) has(engine string, isC bool) bool {
	if c.only != "" || engine == "arena" || engine == "tlsf" {
		return slices.Contains(strings.Fields(c.only), engine)
	}
	switch c.work {
	case "larson", "remote":
		return engine != "modernc" && engine != "Cache" // those are not for concurrent use
	case "collection":
		return !isC && engine != "Cache" // C has no collector
	}
	return engine != "Cache" || c.cache
}

// runCase prints the medians and minima of one case.
func runCase(ctx context.Context, out io.Writer, c testCase, peer string, rounds int) error {
	got := make([][][]float64, len(engines))
	for range rounds {
		for i, e := range engines {
			if !c.has(e.name, e.preload != "") {
				continue
			}
			figures, err := measure(ctx, e.name, e.preload, c, peer)
			if err != nil {
				return fmt.Errorf("%s of %s: %w", c.name, e.name, err)
			}
			got[i] = append(got[i], figures)
		}
	}
	fmt.Fprintf(out, "%-24s", c.name)
	for i, e := range engines {
		if got[i] == nil {
			continue
		}
		fmt.Fprintf(out, " | %s", e.name)
		for k := range got[i][0] {
			var all []float64
			for _, figures := range got[i] {
				all = append(all, figures[k])
			}
			slices.Sort(all)
			fmt.Fprintf(out, " %.4g (%.4g)", all[len(all)/2], all[0])
		}
	}
	_, err := fmt.Fprintln(out)
	return err
}

func measure(ctx context.Context, engine, preload string, c testCase, peer string) ([]float64, error) {
	size, ops := strconv.Itoa(c.size), strconv.Itoa(c.ops)
	cmd := exec.CommandContext(ctx, peer, c.work, size, ops)
	switch preload {
	case "":
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		cmd = exec.CommandContext(ctx, self, "-worker", strings.Join([]string{engine, c.work, size, ops}, ","))
	case "none":
	default:
		libs, _ := filepath.Glob("/usr/lib/*/" + preload) // the pattern is right
		if len(libs) == 0 {
			return nil, fmt.Errorf("%s is not installed", preload)
		}
		cmd.Env = append(os.Environ(), "LD_PRELOAD="+libs[0])
	}
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var figures []float64
	for _, word := range strings.Fields(string(text)) {
		v, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return nil, err
		}
		figures = append(figures, v)
	}
	return figures, nil
}
