// Command bench measures kvstore against its peers and prints the tables of the
// README:
//
//	GOWORK=off go -C kvstore/bench run . -run 'server|memory'
//
// Everybody has his turn in each round; a figure is the median of the rounds. CPU
// time is user and system time of the process that is measured, which keeps its
// value on a machine that others use too; wall time does not.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"runtime/pprof"
	"slices"
	"syscall"
	"text/tabwriter"
	"time"
)

// settings are the flags.
type settings struct {
	rounds   int
	requests int
	keys     int
	share    time.Duration
	who      *regexp.Regexp
	dir      string
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == serveCommand {
		serve(os.Args[2:])
		return
	}
	var s settings
	flag.IntVar(&s.rounds, "rounds", 3, "number of rounds")
	flag.IntVar(&s.requests, "n", 300_000, "requests of one test of redis-benchmark")
	flag.IntVar(&s.keys, "keys", 1_000_000, "keys of the embedded and memory workloads")
	flag.DurationVar(&s.share, "share", 300*time.Millisecond, "wall time of one contender in one round of the embedded workloads")
	flag.StringVar(&s.dir, "dir", os.TempDir(), "folder for files")
	run := flag.String("run", "", "workloads whose name matches this expression")
	who := flag.String("who", "", "contenders whose name matches this expression")
	profile := flag.String("profile", "", "write a CPU profile of this process to this file")
	flag.Parse()
	filter, err := regexp.Compile(*run)
	check(err)
	s.who, err = regexp.Compile(*who)
	check(err)
	if *profile != "" {
		f, err := os.Create(*profile)
		check(err)
		check(pprof.StartCPUProfile(f))
		defer pprof.StopCPUProfile()
	}
	fmt.Printf("%s, GOMAXPROCS %d, %d rounds\n", runtime.Version(), runtime.GOMAXPROCS(0), s.rounds)
	for _, w := range []struct {
		name string
		run  func(*settings)
	}{
		{"server -P 1", func(s *settings) { benchServers(s, 1, "") }},
		{"server -P 16", func(s *settings) { benchServers(s, 16, "") }},
		{"server fsync always", func(s *settings) { benchServers(s, 1, "always") }},
		{"memory", benchMemory},
		{"load", benchLoad},
		{"longest GET during BGSAVE", benchStall},
		{"embedded get, values copied", func(s *settings) { benchEmbedded(s, mix{}) }},
		{"embedded get, values viewed", func(s *settings) { benchEmbedded(s, mix{view: true}) }},
		{"embedded get, keys from the list, copied", func(s *settings) { benchEmbedded(s, mix{listed: true}) }},
		{"embedded get, keys from the list, viewed", func(s *settings) { benchEmbedded(s, mix{listed: true, view: true}) }},
		{"embedded 90:10", func(s *settings) { benchEmbedded(s, mix{writes: 10}) }},
		{"embedded set", func(s *settings) { benchEmbedded(s, mix{writes: 100}) }},
		{"durable set, 64 goroutines", benchDurable},
		{"collector with 10M keys", benchCollector},
	} {
		if filter.MatchString(w.name) {
			fmt.Printf("\n%s\n", w.name)
			w.run(&s)
		}
	}
}

// cpuTime is that of this process.
func cpuTime() time.Duration {
	var u syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// table prints rows of figures.
func table(head string, rows func(print func(format string, args ...any))) {
	tw := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, head)
	rows(func(format string, args ...any) { fmt.Fprintf(tw, format+"\n", args...) })
	check(tw.Flush())
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
