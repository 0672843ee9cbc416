// Command bench measures the packages of pool against their peers, all in one
// process and interleaved, and prints the table of the README:
//
//	GOWORK=off go -C pool/bench run .
//
// A figure is CPU time of the process for one operation, user and system, which
// keeps its value on a machine that others use too. Ratios are medians over the
// rounds of this run to the same of ours.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

// A contender is one library in one workload.
type contender struct {
	name string
	// run does about n operations and returns how many it has done and what else
	// there is to say of them.
	run func(n int) (done int, notes []note)
}

// A note is a figure besides those that all workloads have; the same ones in each
// round.
type note struct {
	name  string
	value float64
}

// A workload is what all contenders do; ours comes first.
type workload struct {
	name       string
	contenders []contender
}

type figures struct {
	ns     []float64 // CPU time, a round each
	allocs float64   // per operation, of the last round
	notes  [][]note  // a round each
}

func main() {
	rounds := flag.Int("rounds", 5, "number of rounds")
	share := flag.Duration("share", 200*time.Millisecond, "wall time of one contender in one round")
	only := flag.String("run", "", "workloads whose name matches this expression")
	names := flag.String("who", "", "contenders whose name matches this expression")
	profile := flag.String("profile", "", "write a CPU profile to this file")
	child := flag.String("cancel", "", "only cancel the waiters of this contender, for the process that measures")
	flag.Parse()
	if *child != "" {
		runChild(*child)
		return
	}
	if *profile != "" {
		f, err := os.Create(*profile)
		check(err)
		check(pprof.StartCPUProfile(f))
		defer pprof.StopCPUProfile()
	}
	who, err := regexp.Compile(*names)
	check(err)
	filter, err := regexp.Compile(*only)
	check(err)
	fmt.Printf("%s, GOMAXPROCS %d, %d rounds\n\n", runtime.Version(), runtime.GOMAXPROCS(0), *rounds)
	for _, w := range slices.Concat(poolWorkloads(), otherWorkloads()) {
		if filter.MatchString(w.name) {
			w.contenders = slices.DeleteFunc(w.contenders, func(c contender) bool { return !who.MatchString(c.name) })
			printTable(w, measure(w, *rounds, *share))
		}
	}
}

// measure runs the contenders in turn, A B C A B C.
func measure(w workload, rounds int, share time.Duration) []figures {
	out := make([]figures, len(w.contenders))
	counts := make([]int, len(w.contenders))
	for i, c := range w.contenders {
		counts[i] = calibrate(c, share)
	}
	for range rounds {
		for i, c := range w.contenders {
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			cpu := cpuTime()
			done, notes := c.run(counts[i])
			cpu = cpuTime() - cpu
			runtime.ReadMemStats(&after)
			f := &out[i]
			f.ns = append(f.ns, float64(cpu)/float64(done))
			f.allocs = float64(after.Mallocs-before.Mallocs) / float64(done)
			f.notes = append(f.notes, notes)
		}
	}
	return out
}

// calibrate finds a number of operations that lasts about as long as wanted.
func calibrate(c contender, want time.Duration) int {
	n := 100
	for {
		begin := time.Now()
		done, _ := c.run(n)
		took := time.Since(begin)
		if took > want/10 {
			return max(int(float64(done)*float64(want)/float64(took)), 1)
		}
		n *= 5
	}
}

// cpuTime is of this process and those of its children that have ended.
func cpuTime() time.Duration {
	var own, children syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &own))
	check(syscall.Getrusage(syscall.RUSAGE_CHILDREN, &children))
	return time.Duration(own.Utime.Nano() + own.Stime.Nano() + children.Utime.Nano() + children.Stime.Nano())
}

func printTable(w workload, all []figures) {
	fmt.Printf("%s\n", w.name)
	tw := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "\tmin ns\tmedian ns\tours / its\tallocs\t")
	ours := median(all[0].ns)
	for i, c := range w.contenders {
		f := all[i]
		fmt.Fprintf(tw, "%s\t%.1f\t%.1f\t%.2f\t%.2f\t%s\n", c.name, slices.Min(f.ns), median(f.ns), ours/median(f.ns), f.allocs, medians(f.notes))
	}
	tw.Flush()
	fmt.Println(strings.Repeat("-", 20))
}

// medians puts the notes of all rounds into one text.
func medians(rounds [][]note) string {
	var texts []string
	for i, n := range rounds[0] {
		var values []float64
		for _, notes := range rounds {
			values = append(values, notes[i].value)
		}
		texts = append(texts, fmt.Sprintf("%s %.2f", n.name, median(values)))
	}
	return strings.Join(texts, ", ")
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}
