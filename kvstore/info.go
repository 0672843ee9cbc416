package kvstore

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
)

// infoSections are the sections of INFO, in order.
var infoSections = [...]string{"server", "clients", "memory", "persistence", "stats", "replication", "cpu", "modules", "commandstats", "errorstats", "cluster", "keyspace"}

func cmdInfo(s *Session, a [][]byte) {
	want := make(map[string]bool)
	add := func(all bool) {
		for _, name := range infoSections {
			if all || name != "commandstats" {
				want[name] = true
			}
		}
	}
	if len(a) == 1 {
		add(false)
	}
	for _, arg := range a[1:] {
		switch name := strings.ToLower(string(arg)); name {
		case "all", "everything":
			add(true)
		case "default":
			add(false)
		default:
			want[name] = true
		}
	}
	var b strings.Builder
	for _, name := range infoSections {
		if want[name] {
			if b.Len() > 0 {
				b.WriteString("\r\n")
			}
			s.infoSection(&b, name)
		}
	}
	s.w.verbatim("txt", b.String())
}

func human(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%dB", n)
	case n < 1<<20:
		return fmt.Sprintf("%.2fK", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.2fM", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.2fG", float64(n)/(1<<30))
}

func (s *Session) infoSection(b *strings.Builder, name string) {
	db := s.db
	p := func(format string, args ...any) { fmt.Fprintf(b, format+"\r\n", args...) }
	switch name {
	case "server":
		p("# Server")
		up := db.uptime()
		p("redis_version:%s\r\nredis_mode:standalone\r\nos:%s %s\r\narch_bits:%d", redisVersion, runtime.GOOS, runtime.GOARCH, 32<<(^uint(0)>>63))
		p("process_id:%d\r\nserver_time_usec:%d\r\nuptime_in_seconds:%d\r\nuptime_in_days:%d", os.Getpid(), db.now().UnixMicro(), int(up.Seconds()), int(up.Hours())/24)
		p("lru_clock:%d", uint32(db.now().Unix())&(1<<24-1))
	case "clients":
		p("# Clients")
		pubsub := 0
		for _, o := range db.clients.list() {
			if o.typeName() == "pubsub" {
				pubsub++
			}
		}
		p("connected_clients:%d\r\nmaxclients:%d\r\nblocked_clients:%d\r\npubsub_clients:%d", db.clients.n.Load(), db.Limits().MaxClients, db.blocking.n.Load(), pubsub)
	case "memory":
		p("# Memory")
		used, held := int64(db.sp.Live()), int64(db.sp.Bytes())
		p("used_memory:%d\r\nused_memory_human:%s\r\nused_memory_dataset:%d\r\nallocator_active:%d", used, human(used), used, held)
		most := db.conf.maxMemory.Load()
		p("maxmemory:%d\r\nmaxmemory_human:%s\r\nmaxmemory_policy:%s", most, human(most), policyNames[db.conf.policy.Load()])
	case "persistence":
		p("# Persistence")
		s.infoPersistence(p)
	case "stats":
		p("# Stats")
		st := &db.stats
		p("total_connections_received:%d\r\ntotal_commands_processed:%d\r\ntotal_net_input_bytes:%d\r\ntotal_net_output_bytes:%d", db.clients.total.Load(), st.commands.Load()+s.commands, st.netIn.Load(), st.netOut.Load())
		hits, misses := db.lookups()
		p("rejected_connections:%d\r\nexpired_keys:%d\r\nevicted_keys:%d\r\nkeyspace_hits:%d\r\nkeyspace_misses:%d", db.clients.reject.Load(), st.expired.Load(), st.evicted.Load(), hits+s.hits, misses+s.misses)
		db.hub.mu.RLock()
		p("pubsub_channels:%d\r\npubsub_patterns:%d\r\npubsubshard_channels:%d", len(db.hub.by[byName]), len(db.hub.by[byPattern]), len(db.hub.by[byShard]))
		db.hub.mu.RUnlock()
		total := int64(0)
		for _, n := range st.errorList() {
			total += n.n
		}
		p("total_error_replies:%d\r\ntotal_reads_processed:%d\r\ntotal_writes_processed:%d", total, st.reads.Load(), st.writes.Load())
	case "replication":
		p("# Replication\r\nrole:master\r\nconnected_slaves:0\r\nmaster_repl_offset:0")
	case "cpu":
		p("# CPU")
		user, sys := cpuTimes()
		p("used_cpu_sys:%.6f\r\nused_cpu_user:%.6f", sys.Seconds(), user.Seconds())
	case "modules":
		p("# Modules")
	case "commandstats":
		p("# Commandstats")
		for _, c := range db.cmds.Load().all {
			st := c.stat
			n := st.calls.Load()
			if n+st.rejected.Load() == 0 {
				continue
			}
			micros := float64(st.nanos.Load()) / 1000
			p("cmdstat_%s:calls=%d,usec=%d,usec_per_call=%.2f,rejected_calls=%d,failed_calls=%d", c.name, n, int64(micros), micros/float64(max(n, 1)), st.rejected.Load(), st.failed.Load())
		}
	case "errorstats":
		p("# Errorstats")
		for _, e := range db.stats.errorList() {
			p("errorstat_%s:count=%d", e.code, e.n)
		}
	case "cluster":
		p("# Cluster\r\ncluster_enabled:0")
	case "keyspace":
		p("# Keyspace")
		for i := range db.sp.DBs() {
			if keys, expiring := db.sp.Len(i); keys > 0 {
				p("db%d:keys=%d,expires=%d,avg_ttl=0", i, keys, expiring)
			}
		}
	}
}

func (s *Session) infoPersistence(p func(string, ...any)) {
	db := s.db
	p("loading:0\r\nasync_loading:0\r\nrdb_changes_since_last_save:%d", db.stats.dirty.Load())
	saving, saved := 0, "ok"
	if db.saves.running.Load() {
		saving = 1
	}
	if db.saves.failed.Load() {
		saved = "err"
	}
	p("rdb_bgsave_in_progress:%d\r\nrdb_last_save_time:%d\r\nrdb_last_bgsave_status:%s\r\nrdb_last_bgsave_time_sec:%d", saving, db.saves.at.Load(), saved, db.saves.took.Load()/1e9)
	on := 0
	if db.log != nil {
		on = 1
	}
	status := "ok"
	if db.logErr() != nil {
		status = "err"
	}
	p("aof_enabled:%d\r\naof_last_write_status:%s", on, status)
	if db.log != nil {
		now, base := db.log.Size()
		running, status := 0, "ok"
		if db.rewrites.running.Load() {
			running = 1
		}
		if db.rewrites.failed.Load() {
			status = "err"
		}
		p("aof_rewrite_in_progress:%d\r\naof_last_rewrite_time_sec:%d\r\naof_last_bgrewrite_status:%s", running, db.rewrites.took.Load()/1e9, status)
		p("aof_current_size:%d\r\naof_base_size:%d", now, base)
	}
}

type errorCount struct {
	code string
	n    int64
}

func (c *counters) errorList() []errorCount {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []errorCount
	for code, n := range c.errors {
		list = append(list, errorCount{code, n})
	}
	slices.SortFunc(list, func(a, b errorCount) int { return strings.Compare(a.code, b.code) })
	return list
}

// CountIO counts bytes that the client of the session has sent and was sent.
func (s *Session) CountIO(in, out int) {
	st := &s.db.stats
	if in > 0 {
		st.netIn.Add(int64(in))
		st.reads.Add(1)
	}
	if out > 0 {
		st.netOut.Add(int64(out))
		st.writes.Add(1)
	}
}

func cmdTime(s *Session, _ [][]byte) {
	now := s.db.now()
	s.w.array(2)
	s.w.bulk(itoa(now.Unix()))
	s.w.bulk(itoa(int64(now.Nanosecond() / 1000)))
}

func cmdMemoryPurge(s *Session, _ [][]byte) { s.w.ok() }

func cmdShutdown(s *Session, a [][]byte) {
	var o ShutdownOptions
	for _, arg := range a[1:] {
		switch {
		case is(arg, "NOSAVE"):
			o.NoSave = true
		case is(arg, "SAVE"):
			o.Save = true
		case is(arg, "NOW"):
			o.Now = true
		case is(arg, "FORCE"):
			o.Force = true
		case is(arg, "ABORT"):
			o.Abort = true
		default:
			s.fail(msgSyntax)
			return
		}
	}
	switch {
	case o.Abort && len(a) > 2 || o.Save && o.NoSave:
		s.fail(msgSyntax)
	case o.Abort:
		s.fail("ERR No shutdown in progress.")
	case s.o.Shutdown == nil:
		s.fail("ERR Errors trying to SHUTDOWN. Check logs.")
	default:
		s.closing = true
		s.o.Shutdown(o)
	}
}

func cmdBgrewriteaof(s *Session, _ [][]byte) {
	if s.held != 0 {
		s.fail("ERR Command not allowed inside a transaction")
		return
	}
	switch {
	case s.db.log == nil:
		s.fail("ERR the store keeps no log")
	case s.db.rewriteSoon() != nil:
		s.fail("ERR Background append only file rewriting already in progress")
	default:
		s.w.status("Background append only file rewriting started")
	}
}
