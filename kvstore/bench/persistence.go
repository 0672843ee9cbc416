package main

import (
	"bufio"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// dial connects to a server and returns what sends a command, in inline form, and
// returns the first line of the reply, which for a bulk string is its text.
func (p *process) dial() (ask func(command string) string, close func()) {
	c, err := net.Dial("tcp", "127.0.0.1:"+p.port)
	check(err)
	in := bufio.NewReader(c)
	line := func() string {
		text, err := in.ReadString('\n')
		check(err)
		return strings.TrimRight(text, "\r\n")
	}
	return func(command string) string {
		_, err := c.Write([]byte(command + "\r\n"))
		check(err)
		text := line()
		if strings.HasPrefix(text, "$") && text != "$-1" {
			var n int
			fmt.Sscan(text[1:], &n)
			bulk := make([]byte, n+2)
			for have := 0; have < len(bulk); {
				m, err := in.Read(bulk[have:])
				check(err)
				have += m
			}
			text = string(bulk[:n])
		}
		return text
	}, func() { c.Close() }
}

// end lets the server write what it has and waits for its end.
func (p *process) end() {
	check(p.cmd.Process.Signal(syscall.SIGTERM))
	_ = p.cmd.Wait() // some end by the signal
}

// waitLoaded waits until the server has as many keys, and returns the time since
// began.
func (p *process) waitLoaded(began time.Time, keys int) time.Duration {
	ask, close := p.dial()
	defer close()
	for {
		if reply := ask("DBSIZE"); reply == fmt.Sprint(":", keys) {
			return time.Since(began)
		} else if !strings.HasPrefix(reply, "-LOADING") {
			check(fmt.Errorf("%s keys were loaded, not %d", reply, keys))
		}
		time.Sleep(time.Millisecond)
	}
}

// benchLoad measures how long it takes from the start of the process until all keys
// are there: each reads the log that it has written itself, and both the same
// snapshot, of Redis.
func benchLoad(s *settings) {
	names := s.servers()
	snapshot := s.tempDir("rdb")
	defer os.RemoveAll(snapshot)
	logs := make(map[string]string)
	for _, who := range names {
		logs[who] = s.tempDir(who)
		defer os.RemoveAll(logs[who])
		p := startServer(who, logs[who], "no")
		check(fill(p.port, s.keys))
		if who == "redis" {
			ask, close := p.dial()
			ask("SAVE")
			close()
		}
		p.end()
	}
	check(os.Rename(filepath.Join(logs["redis"], "dump.rdb"), filepath.Join(snapshot, "dump.rdb")))
	wall, cpu := make(map[string][]float64), make(map[string][]float64)
	for range s.rounds {
		for _, what := range []string{"log", "snapshot"} {
			for _, who := range names {
				dir, mode := logs[who], "no"
				if what == "snapshot" {
					dir, mode = snapshot, "snapshot"
				}
				began := time.Now()
				p := startServer(who, dir, mode)
				took := p.waitLoaded(began, s.keys)
				row := what + "\t" + who
				wall[row] = append(wall[row], float64(took.Milliseconds()))
				cpu[row] = append(cpu[row], float64(p.cpu().Milliseconds()))
				p.stop()
			}
		}
	}
	table("what\twho\tms\tto redis\tCPU ms\tto redis", func(print func(string, ...any)) {
		for _, what := range []string{"log", "snapshot"} {
			for _, who := range names {
				row, peer := what+"\t"+who, what+"\tredis"
				print("%s\t%.0f\t%.2f\t%.0f\t%.2f", row, median(wall[row]), median(wall[row])/median(wall[peer]),
					median(cpu[row]), median(cpu[row])/median(cpu[peer]))
			}
		}
	})
}

// benchStall measures the longest GET while a snapshot is written in the
// background, and before that for as long.
func benchStall(s *settings) {
	names := s.servers()
	quiet, saving, took := make(map[string][]float64), make(map[string][]float64), make(map[string][]float64)
	for range 2*s.rounds + 1 { // one moment in which the machine does something else decides a round
		for _, who := range names {
			dir := s.tempDir(who)
			p := startServer(who, dir, "snapshot")
			check(fill(p.port, s.keys))
			ask, closeGet := p.dial()
			n := 0
			get := func() time.Duration {
				n = (n + 7919) % s.keys
				began := time.Now()
				ask(fmt.Sprintf("GET key:%012d", n))
				return time.Since(began)
			}
			longest := func(goOn func() bool) float64 {
				var most time.Duration
				for goOn() {
					for range 100 {
						most = max(most, get())
					}
				}
				return float64(most.Microseconds()) / 1000
			}
			watch, closeWatch := p.dial()
			save, closeSave := p.dial()
			syscall.Sync() // what the one before has written is not to be written now
			began := time.Now()
			quiet[who] = append(quiet[who], longest(func() bool { return time.Since(began) < time.Second }))
			began = time.Now()
			begun := make(chan struct{})
			go func() { // Redis answers when it has forked, and GET waits for that
				save("BGSAVE")
				close(begun)
			}()
			saving[who] = append(saving[who], longest(func() bool {
				select {
				case <-begun:
					return !strings.Contains(watch("INFO persistence"), "rdb_bgsave_in_progress:0")
				default:
					return true
				}
			}))
			took[who] = append(took[who], float64(time.Since(began).Milliseconds()))
			closeGet()
			closeWatch()
			closeSave()
			p.stop()
			check(os.RemoveAll(dir))
		}
	}
	table("who\tlongest GET, ms\tto redis\tin the best round\tto redis\twithout BGSAVE\tBGSAVE took, ms", func(print func(string, ...any)) {
		for _, who := range names {
			if len(saving[who]) == 0 {
				continue
			}
			best, redis := slices.Min(saving[who]), slices.Min(append(saving["redis"], math.Inf(1)))
			print("%s\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.0f", who, median(saving[who]), median(saving[who])/median(saving["redis"]),
				best, best/redis, median(quiet[who]), median(took[who]))
		}
	})
}
