package kvstore

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"time"
)

// An infoSection is a part of INFO.
type infoSection struct {
	name, title string
	usual       bool // it is shown if no section is asked for
	add         func(s *Session, t *infoText)
}

// infoSections are all sections, in order.
func infoSections() []infoSection {
	return []infoSection{
		{"server", "Server", true, (*Session).infoServer},
		{"clients", "Clients", true, (*Session).infoClients},
		{"memory", "Memory", true, (*Session).infoMemory},
		{"persistence", "Persistence", true, (*Session).infoPersistence},
		{"stats", "Stats", true, (*Session).infoStats},
		{"replication", "Replication", true, (*Session).infoReplication},
		{"cpu", "CPU", true, (*Session).infoCPU},
		{"modules", "Modules", true, func(*Session, *infoText) {}},
		{"commandstats", "Commandstats", false, (*Session).infoCommands},
		{"errorstats", "Errorstats", true, (*Session).infoErrors},
		{"latencystats", "Latencystats", false, func(*Session, *infoText) {}},
		{"cluster", "Cluster", true, func(_ *Session, t *infoText) { t.add("cluster_enabled", 0) }},
		{"keyspace", "Keyspace", true, (*Session).infoKeyspace},
	}
}

// infoText is what INFO answers.
type infoText struct{ strings.Builder }

func (t *infoText) add(name string, v any) { fmt.Fprintf(t, "%s:%v\r\n", name, v) }

func (t *infoText) zeros(names ...string) {
	for _, name := range names {
		t.add(name, 0)
	}
}

// bytes adds a number, and another one for people.
func (t *infoText) bytes(name string, n int64) {
	t.add(name, n)
	t.add(name+"_human", human(n))
}

func cmdInfo(s *Session, a [][]byte) {
	want := make(map[string]bool)
	add := func(all bool) {
		for _, sec := range infoSections() {
			if all || sec.usual {
				want[sec.name] = true
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
	t := &infoText{}
	for _, sec := range infoSections() {
		if want[sec.name] {
			if t.Len() > 0 {
				t.WriteString("\r\n")
			}
			t.WriteString("# " + sec.title + "\r\n")
			sec.add(s, t)
		}
	}
	s.w.verbatim("txt", t.String())
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

// ratio is of two numbers as INFO has it; 0 where there is none.
func ratio(a, b int64) string {
	if b == 0 {
		return "0.00"
	}
	return fmt.Sprintf("%.2f", float64(a)/float64(b))
}

func percent(a, b int64) string {
	if b == 0 {
		return "0.00%"
	}
	return fmt.Sprintf("%.2f%%", 100*float64(a)/float64(b))
}

func zeroOrOne(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (s *Session) infoServer(t *infoText) {
	db := s.db
	up := db.uptime()
	t.add("redis_version", redisVersion)
	t.add("server_name", "kvstore")
	t.add("redis_mode", "standalone")
	t.add("os", runtime.GOOS+" "+runtime.GOARCH)
	t.add("arch_bits", 32<<(^uint(0)>>63))
	t.add("go_version", runtime.Version())
	t.add("process_id", os.Getpid())
	t.add("run_id", db.runID)
	_, port, err := net.SplitHostPort(s.o.LocalAddr) // the port that was asked
	if err != nil || unixPath(s.o.LocalAddr) != "" {
		port = "0"
	}
	t.add("tcp_port", port)
	t.add("server_time_usec", db.now().UnixMicro())
	t.add("uptime_in_seconds", int(up.Seconds()))
	t.add("uptime_in_days", int(up.Hours())/24)
	t.add("hz", 10)
	t.add("configured_hz", 10)
	t.add("lru_clock", uint32(db.now().Unix())&(1<<24-1))
	t.add("config_file", db.conf.file)
	t.add("io_threads_active", 0)
}

func (s *Session) infoClients(t *infoText) {
	db := s.db
	pubsub, mostIn, mostOut := 0, 0, 0
	for _, o := range db.clients.list() {
		pubsub += zeroOrOne(o.typeName() == "pubsub")
		if o.o.Buffers != nil {
			in, free, out := o.o.Buffers()
			mostIn, mostOut = max(mostIn, in+free), max(mostOut, out)
		}
	}
	t.add("connected_clients", db.clients.n.Load())
	t.add("cluster_connections", 0)
	t.add("maxclients", db.Limits().MaxClients)
	t.add("client_recent_max_input_buffer", mostIn)
	t.add("client_recent_max_output_buffer", mostOut)
	t.add("blocked_clients", db.blocking.n.Load())
	t.add("tracking_clients", 0)
	t.add("pubsub_clients", pubsub)
	t.add("clients_in_timeout_table", db.blocking.withTimeout())
}

func (s *Session) infoPersistence(t *infoText) {
	db := s.db
	work := &db.saves
	if db.rewrites.running.Load() {
		work = &db.rewrites
	}
	done, total, part := int64(0), int64(0), 0.0
	if work.running.Load() {
		done, total = work.done.Load(), work.total.Load()
		part = 100 * float64(done) / float64(max(total, 1))
	}
	loading := db.loading.active.Load()
	t.add("loading", zeroOrOne(loading))
	t.zeros("async_loading", "current_cow_peak", "current_cow_size", "current_cow_size_age")
	t.add("current_fork_perc", fmt.Sprintf("%.2f", part))
	t.add("current_save_keys_processed", done)
	t.add("current_save_keys_total", total)
	t.add("rdb_changes_since_last_save", db.stats.dirty.Load())
	t.add("rdb_bgsave_in_progress", zeroOrOne(db.saves.running.Load()))
	t.add("rdb_last_save_time", db.saves.at.Load())
	t.add("rdb_last_bgsave_status", db.saves.status())
	t.add("rdb_last_bgsave_time_sec", db.saves.last())
	t.add("rdb_current_bgsave_time_sec", db.saves.current(db))
	t.add("rdb_saves", db.saves.runs.Load())
	t.zeros("rdb_last_cow_size", "rdb_last_load_keys_expired")
	t.add("rdb_last_load_keys_loaded", db.loading.keys)
	t.add("aof_enabled", zeroOrOne(db.hasLog()))
	t.add("aof_rewrite_in_progress", zeroOrOne(db.rewrites.running.Load()))
	t.zeros("aof_rewrite_scheduled")
	t.add("aof_last_rewrite_time_sec", db.rewrites.last())
	t.add("aof_current_rewrite_time_sec", db.rewrites.current(db))
	t.add("aof_last_bgrewrite_status", db.rewrites.status())
	t.add("aof_rewrites", db.rewrites.runs.Load())
	t.add("aof_rewrites_consecutive_failures", db.rewrites.failures.Load())
	status := "ok"
	if db.logErr() != nil {
		status = "err"
	}
	t.add("aof_last_write_status", status)
	t.zeros("aof_last_cow_size", "module_fork_in_progress", "module_fork_last_cow_size")
	if log := db.log.Load(); log != nil {
		now, base := log.Size()
		t.add("aof_current_size", now)
		t.add("aof_base_size", base)
	}
	if loading {
		db.loading.info(db.now(), t)
	}
}

func (s *Session) infoStats(t *infoText) {
	db, st := s.db, &s.db.stats
	ops, in, out := db.rates.perSecond()
	t.add("total_connections_received", db.clients.total.Load())
	t.add("total_commands_processed", st.commands.Load()+s.commands)
	t.add("instantaneous_ops_per_sec", int64(ops))
	t.add("total_net_input_bytes", st.netIn.Load())
	t.add("total_net_output_bytes", st.netOut.Load())
	t.zeros("total_net_repl_input_bytes", "total_net_repl_output_bytes")
	t.add("instantaneous_input_kbps", fmt.Sprintf("%.2f", in/1024))
	t.add("instantaneous_output_kbps", fmt.Sprintf("%.2f", out/1024))
	t.add("instantaneous_input_repl_kbps", "0.00")
	t.add("instantaneous_output_repl_kbps", "0.00")
	t.add("rejected_connections", db.clients.reject.Load())
	t.zeros("sync_full", "sync_partial_ok", "sync_partial_err")
	t.add("expired_keys", st.expired.Load())
	t.add("expired_stale_perc", "0.00")
	t.zeros("expired_time_cap_reached_count")
	t.add("expire_cycle_cpu_milliseconds", st.expireTime.Load()/int64(time.Millisecond))
	t.add("evicted_keys", st.evicted.Load())
	t.zeros("evicted_clients")
	hits, misses := db.lookups()
	t.add("keyspace_hits", hits+s.hits)
	t.add("keyspace_misses", misses+s.misses)
	db.hub.mu.RLock()
	t.add("pubsub_channels", len(db.hub.by[byName]))
	t.add("pubsub_patterns", len(db.hub.by[byPattern]))
	t.add("pubsubshard_channels", len(db.hub.by[byShard]))
	db.hub.mu.RUnlock()
	t.zeros("latest_fork_usec", "total_forks", "migrate_cached_sockets", "slave_expires_tracked_keys",
		"active_defrag_hits", "active_defrag_misses", "active_defrag_key_hits", "active_defrag_key_misses",
		"total_active_defrag_time", "current_active_defrag_time",
		"tracking_total_keys", "tracking_total_items", "tracking_total_prefixes", "unexpected_error_replies")
	total := int64(0)
	for _, e := range st.errorList() {
		total += e.n
	}
	t.add("total_error_replies", total)
	t.add("total_reads_processed", st.reads.Load())
	t.add("total_writes_processed", st.writes.Load())
	t.zeros("io_threaded_reads_processed", "io_threaded_writes_processed")
}

func (s *Session) infoReplication(t *infoText) {
	t.add("role", "master")
	t.zeros("connected_slaves")
	t.add("master_failover_state", "no-failover")
	t.add("master_replid", s.db.runID)
	t.add("master_replid2", strings.Repeat("0", 40))
	t.zeros("master_repl_offset")
	t.add("second_repl_offset", -1)
	t.zeros("repl_backlog_active", "repl_backlog_size", "repl_backlog_first_byte_offset", "repl_backlog_histlen")
}

func (s *Session) infoCPU(t *infoText) {
	user, sys := cpuTimes()
	t.add("used_cpu_sys", fmt.Sprintf("%.6f", sys.Seconds()))
	t.add("used_cpu_user", fmt.Sprintf("%.6f", user.Seconds()))
	t.add("used_cpu_sys_children", "0.000000")
	t.add("used_cpu_user_children", "0.000000")
}

func (s *Session) infoCommands(t *infoText) {
	for _, c := range s.db.cmds.Load().all {
		st := c.stat
		n := st.calls.Load()
		if n+st.rejected.Load() == 0 {
			continue
		}
		micros := float64(st.nanos.Load()) / 1000
		t.add("cmdstat_"+c.name, fmt.Sprintf("calls=%d,usec=%d,usec_per_call=%.2f,rejected_calls=%d,failed_calls=%d",
			n, int64(micros), micros/float64(max(n, 1)), st.rejected.Load(), st.failed.Load()))
	}
}

func (s *Session) infoErrors(t *infoText) {
	for _, e := range s.db.stats.errorList() {
		t.add("errorstat_"+e.code, fmt.Sprintf("count=%d", e.n))
	}
}

func (s *Session) infoKeyspace(t *infoText) {
	for i := range s.db.sp.DBs() {
		if keys, expiring := s.lengths(i); keys > 0 {
			t.add(fmt.Sprintf("db%d", i), fmt.Sprintf("keys=%d,expires=%d,avg_ttl=%d", keys, expiring, s.meanTTL(i)))
		}
	}
}

func cmdTime(s *Session, _ [][]byte) {
	now := s.db.now()
	s.w.array(2)
	s.w.bulk(itoa(now.Unix()))
	s.w.bulk(itoa(int64(now.Nanosecond() / 1000)))
}

func cmdRole(s *Session, _ [][]byte) {
	s.w.array(3)
	s.w.str("master")
	s.w.int(0)
	s.w.emptyArray()
}

// cmdLolwut draws what the store is: a few keys in a table.
func cmdLolwut(s *Session, a [][]byte) {
	if len(a) > 2 && is(a[1], "VERSION") {
		if _, ok := s.intArg(a[2]); !ok {
			return
		}
	}
	s.w.verbatim("txt", strings.Repeat("[k|v] [   ] [k|v] [k|v]\n", 3)+"\nRedis ver. "+redisVersion+", as kvstore speaks it\n")
}
