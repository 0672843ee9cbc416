package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"log"
	"math"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/tidwall/redcon"

	"github.com/groundwork-go/groundwork/kvstore"
	"github.com/groundwork-go/groundwork/kvstore/server"
)

// Our server, by default and with that option.
const (
	ours     = "kvstore"
	oursFast = "kvstore, FastReads"
)

// servers are those whose figures are told in parts of Redis's, which comes last.
func (s *settings) servers() []string {
	mine := slices.DeleteFunc([]string{ours, oursFast}, func(who string) bool { return !s.who.MatchString(who) })
	return append(mine, "redis")
}

// others are the contenders with fewer commands.
func (s *settings) others() []string {
	return slices.DeleteFunc([]string{"redcon + map", "miniredis"}, func(who string) bool { return !s.who.MatchString(who) })
}

// serveCommand makes this program a server that is measured from outside.
const serveCommand = "serve"

// serve serves as who, on a socket whose name is given, with data in dir as the
// mode of startServer says.
func serve(args []string) {
	who, addr, dir, mode := args[0], args[1], args[2], args[3]
	switch who {
	case ours, oursFast:
		o := &kvstore.Options{FastReads: who == oursFast}
		switch mode {
		case "":
			dir = ""
		case "always":
			o.Fsync = kvstore.FsyncAlways
		case "no":
			o.Fsync = kvstore.FsyncNo
		case "snapshot":
			o.NoLog = true
		}
		db, err := kvstore.Open(dir, o)
		check(err)
		_, err = db.Do(context.Background(), "CONFIG", "SET", "auto-aof-rewrite-percentage", "0")
		check(err)
		l, err := net.Listen("tcp", addr)
		check(err)
		srv := server.New(db, nil)
		end := make(chan os.Signal, 1)
		signal.Notify(end, syscall.SIGTERM)
		go func() {
			<-end
			check(srv.Close())
		}()
		if err := srv.Serve(l); !errors.Is(err, server.ErrServerClosed) {
			check(err)
		}
		check(db.Close())
	case "redcon + map":
		check(serveRedcon(addr))
	case "miniredis":
		m := miniredis.NewMiniRedis()
		check(m.StartAddr(addr))
		select {}
	default:
		log.Fatalf("bench: nobody is called %q", who)
	}
}

// serveRedcon is the usual way to write such a server in Go.
func serveRedcon(addr string) error {
	var mu sync.RWMutex
	data := make(map[string][]byte)
	return redcon.ListenAndServe(addr, func(c redcon.Conn, cmd redcon.Command) {
		switch strings.ToLower(string(cmd.Args[0])) {
		case "set":
			mu.Lock()
			data[string(cmd.Args[1])] = cmd.Args[2]
			mu.Unlock()
			c.WriteString("OK")
		case "get":
			mu.RLock()
			v, ok := data[string(cmd.Args[1])]
			mu.RUnlock()
			if ok {
				c.WriteBulk(v)
			} else {
				c.WriteNull()
			}
		case "ping":
			c.WriteString("PONG")
		default:
			c.WriteError("ERR unknown command")
		}
	}, nil, nil)
}

// A process is a server that runs.
type process struct {
	cmd  *exec.Cmd
	port string
}

// startServer starts a server and waits until it answers. The mode is how it keeps
// its data in dir: not at all if it is empty, in a log with that policy of syncing,
// or if it is snapshot in a snapshot when it is told so.
func startServer(who, dir, mode string) *process {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	addr := l.Addr().String()
	check(l.Close())
	_, port, _ := net.SplitHostPort(addr)
	var cmd *exec.Cmd
	if who == "redis" {
		path, err := exec.LookPath("redis-server")
		check(err)
		args := []string{"--port", port, "--save", "", "--dir", dir, "--enable-debug-command", "yes"}
		if mode != "" && mode != "snapshot" {
			args = append(args, "--appendonly", "yes", "--appendfsync", mode, "--auto-aof-rewrite-percentage", "0")
		}
		cmd = exec.Command(path, args...)
	} else {
		self, err := os.Executable()
		check(err)
		cmd = exec.Command(self, serveCommand, who, addr, dir, mode)
		cmd.Stderr = os.Stderr
	}
	check(cmd.Start())
	p := &process{cmd, port}
	for range 3000 {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return p
		}
		time.Sleep(time.Millisecond)
	}
	log.Fatalf("bench: %s does not answer", who)
	return nil
}

func (p *process) stop() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait() // it was killed
}

// cpu returns the CPU time that the threads of the process have used.
func (p *process) cpu() time.Duration {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.cmd.Process.Pid))
	check(err)
	var sum time.Duration
	for _, t := range threads {
		data, err := os.ReadFile(t) // of a whole process, /proc/PID/stat tells hundredths of a second
		check(err)
		ns, err := strconv.ParseInt(strings.Fields(string(data))[0], 10, 64)
		check(err)
		sum += time.Duration(ns)
	}
	return sum
}

// rss returns the resident bytes of the process.
func (p *process) rss() int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	check(err)
	pages, _ := strconv.ParseInt(strings.Fields(string(data))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// A result is what redis-benchmark and the clock say of one test.
type result struct{ cpu, rps, p99 float64 } // microseconds per request, requests per second, milliseconds

// drive runs one test of redis-benchmark.
func (p *process) drive(test string, n, pipeline int) result {
	before := p.cpu()
	out, err := exec.Command("redis-benchmark", "-p", p.port, "-c", "50", "-r", "100000", "-d", "32",
		"-n", strconv.Itoa(n), "-P", strconv.Itoa(pipeline), "-t", test, "--csv").Output()
	check(err)
	used := p.cpu() - before
	rows, err := csv.NewReader(strings.NewReader(string(out))).ReadAll()
	check(err)
	last := rows[len(rows)-1]
	rps, _ := strconv.ParseFloat(last[1], 64)
	p99, _ := strconv.ParseFloat(last[6], 64)
	return result{float64(used.Nanoseconds()) / 1000 / float64(n), rps, p99}
}

func benchServers(s *settings, pipeline int, fsync string) {
	tests := []string{"set", "get", "incr", "lpush", "rpop", "sadd", "hset", "zadd", "mset"}
	n := s.requests
	names := s.servers()
	switch {
	case fsync != "":
		tests = []string{"set"}
		n = min(n, 50_000)
	case pipeline > 1:
		n *= 3
	}
	all := make(map[string]map[string][]result)
	for range s.rounds {
		for _, who := range names {
			dir, err := os.MkdirTemp(s.dir, "kvbench")
			check(err)
			p := startServer(who, dir, fsync)
			for _, t := range tests {
				if all[t] == nil {
					all[t] = make(map[string][]result)
				}
				all[t][who] = append(all[t][who], p.drive(t, n, pipeline))
			}
			p.stop()
			check(os.RemoveAll(dir))
		}
	}
	// Of the peers with fewer commands, SET and GET once.
	if fsync == "" {
		for _, who := range s.others() {
			p := startServer(who, "", "")
			for _, t := range tests[:2] {
				all[t][who] = append(all[t][who], p.drive(t, min(n, 100_000), pipeline))
			}
			p.stop()
		}
	}
	means := map[string]*means{ours: {}, oursFast: {}}
	table("test\twho\tCPU us/request\tto redis\trequests/s\tp99 ms", func(print func(string, ...any)) {
		for _, t := range tests {
			redis := medianOf(all[t]["redis"])
			for _, who := range slices.Concat(names, s.others()) {
				if len(all[t][who]) == 0 {
					continue
				}
				m := medianOf(all[t][who])
				print("%s\t%s\t%.2f\t%.2f\t%.0f\t%.2f", t, who, m.cpu, m.cpu/redis.cpu, m.rps, m.p99)
				if to := means[who]; to != nil && redis.cpu > 0 {
					to.cpu.add(m.cpu / redis.cpu)
					to.rps.add(m.rps / redis.rps)
					to.p99.add(m.p99 / redis.p99)
				}
			}
		}
	})
	for _, who := range names {
		if m := means[who]; m != nil && m.cpu.n > 0 {
			fmt.Printf("%s, geometric means to redis: CPU per request %.2f, requests/s %.2f, p99 %.2f\n", who, m.cpu.value(), m.rps.value(), m.p99.value())
		}
	}
}

type means struct{ cpu, rps, p99 mean }

// mean is a geometric mean.
type mean struct {
	logs float64
	n    int
}

func (m *mean) add(v float64) {
	m.logs += math.Log(v)
	m.n++
}

func (m *mean) value() float64 { return math.Exp(m.logs / float64(m.n)) }

func medianOf(list []result) result {
	var cpu, rps, p99 []float64
	for _, r := range list {
		cpu, rps, p99 = append(cpu, r.cpu), append(rps, r.rps), append(p99, r.p99)
	}
	return result{median(cpu), median(rps), median(p99)}
}

// benchMemory measures the growth of the resident memory.
func benchMemory(s *settings) {
	growth := make(map[string][]float64)
	names := append(s.servers(), s.others()...)
	for range s.rounds {
		for _, who := range names {
			p := startServer(who, s.dir, "")
			before := p.rss()
			check(fill(p.port, s.keys))
			growth[who] = append(growth[who], float64(p.rss()-before)/float64(s.keys))
			p.stop()
		}
	}
	table("who\tbytes per key of 16 with 32\tto redis", func(print func(string, ...any)) {
		for _, who := range names {
			print("%s\t%.1f\t%.2f", who, median(growth[who]), median(growth[who])/median(growth["redis"]))
		}
	})
}

// fill sets keys in pipelines.
func fill(port string, keys int) error {
	c, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		return err
	}
	defer c.Close()
	const at = 1000
	var out []byte
	in := make([]byte, 5*at)
	for first := 0; first < keys; first += at {
		out = out[:0]
		for i := first; i < first+at; i++ {
			out = fmt.Appendf(out, "*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$32\r\n%032d\r\n", i, i)
		}
		if _, err := c.Write(out); err != nil {
			return err
		}
		for have := 0; have < len(in); {
			n, err := c.Read(in[have:])
			if err != nil {
				return err
			}
			have += n
		}
	}
	return nil
}

// tempDir makes a folder for files.
func (s *settings) tempDir(name string) string {
	dir, err := os.MkdirTemp(s.dir, "kvbench-"+filepath.Base(name))
	check(err)
	return dir
}
