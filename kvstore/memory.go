package kvstore

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"strings"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

// A memoryReport is what INFO and MEMORY tell of memory, in bytes.
type memoryReport struct {
	used, held int64 // by keys and values, and by the tables that have room for more
	peak       int64 // the most of used
	resident   int64 // the whole process
	buffers    int64 // of connections
}

func (s *Session) memoryReport() memoryReport {
	db := s.db
	r := memoryReport{resident: resident()}
	if s.held == 0 {
		used, held := db.sp.Memory()
		r.used, r.held = int64(used), int64(held)
	} else {
		r.used, r.held = db.lockedMemory()
	}
	db.memory.reach(r.used)
	r.peak = db.memory.peak.Load()
	for _, o := range db.clients.list() {
		if o.o.Buffers != nil {
			in, free, out := o.o.Buffers()
			r.buffers += int64(in + free + out)
		}
	}
	return r
}

// lockedMemory returns used and held where all stripes are locked.
func (db *DB) lockedMemory() (used, held int64) {
	for i := range keyspace.Stripes {
		for dbi := range db.sp.DBs() {
			if sh := db.sp.ShardAt(dbi, i); sh != nil {
				live, all := sh.Memory()
				used += int64(live)
				held += int64(all)
			}
		}
	}
	return used, held
}

// lengths returns the number of keys of a database, and of those with a time to live.
func (s *Session) lengths(dbi int) (keys, expiring int) {
	if s.held != 0 {
		return s.db.sp.LenLocked(dbi)
	}
	return s.db.sp.Len(dbi)
}

func (s *Session) infoMemory(t *infoText) {
	db := s.db
	r := s.memoryReport()
	t.bytes("used_memory", r.used)
	t.bytes("used_memory_rss", r.resident)
	t.bytes("used_memory_peak", r.peak)
	t.add("used_memory_peak_perc", percent(r.used, r.peak))
	t.zeros("used_memory_overhead", "used_memory_startup")
	t.add("used_memory_dataset", r.used)
	t.add("used_memory_dataset_perc", percent(r.used, r.used))
	t.add("allocator_allocated", r.used)
	t.add("allocator_active", r.held)
	t.add("allocator_resident", r.held)
	t.bytes("total_system_memory", systemMemory())
	t.zeros("used_memory_lua", "used_memory_vm_eval")
	t.add("used_memory_lua_human", human(0))
	t.zeros("used_memory_scripts_eval", "number_of_cached_scripts", "number_of_functions", "number_of_libraries", "used_memory_vm_functions")
	t.bytes("used_memory_vm_total", 0)
	t.zeros("used_memory_functions")
	t.bytes("used_memory_scripts", 0)
	t.bytes("maxmemory", db.conf.maxMemory.Load())
	t.add("maxmemory_policy", policyNames[db.conf.policy.Load()])
	t.add("allocator_frag_ratio", ratio(r.held, r.used))
	t.add("allocator_frag_bytes", r.held-r.used)
	t.add("allocator_rss_ratio", ratio(r.held, r.held))
	t.zeros("allocator_rss_bytes")
	t.add("rss_overhead_ratio", ratio(r.resident, r.held))
	t.add("rss_overhead_bytes", r.resident-r.held)
	t.add("mem_fragmentation_ratio", ratio(r.resident, r.used))
	t.add("mem_fragmentation_bytes", r.resident-r.used)
	t.zeros("mem_not_counted_for_evict", "mem_replication_backlog", "mem_total_replication_buffers", "mem_clients_slaves")
	t.add("mem_clients_normal", r.buffers)
	t.zeros("mem_cluster_links", "mem_aof_buffer")
	t.add("mem_allocator", runtime.Version())
	t.zeros("active_defrag_running", "lazyfree_pending_objects", "lazyfreed_objects")
}

func cmdMemoryStats(s *Session, _ [][]byte) {
	r := s.memoryReport()
	m := s.w.openMap()
	num := func(name string, v int64) {
		m.name(name)
		s.w.int(v)
	}
	share := func(name string, a, b int64) {
		m.name(name)
		if b == 0 {
			a, b = 0, 1
		}
		s.w.double(float64(a) / float64(b))
	}
	keys := int64(0)
	for i := range s.db.sp.DBs() {
		n, _ := s.lengths(i)
		keys += int64(n)
	}
	num("peak.allocated", r.peak)
	num("total.allocated", r.used)
	num("startup.allocated", 0)
	num("replication.backlog", 0)
	num("clients.slaves", 0)
	num("clients.normal", r.buffers)
	num("cluster.links", 0)
	num("aof.buffer", 0)
	num("lua.caches", 0)
	num("functions.caches", 0)
	num("overhead.total", 0)
	num("keys.count", keys)
	num("keys.bytes-per-key", r.used/max(keys, 1))
	num("dataset.bytes", r.used)
	share("dataset.percentage", 100*r.used, r.used)
	share("peak.percentage", 100*r.used, r.peak)
	num("allocator.allocated", r.used)
	num("allocator.active", r.held)
	num("allocator.resident", r.held)
	share("allocator-fragmentation.ratio", r.held, r.used)
	num("allocator-fragmentation.bytes", r.held-r.used)
	share("allocator-rss.ratio", r.held, r.held)
	num("allocator-rss.bytes", 0)
	share("rss-overhead.ratio", r.resident, r.held)
	num("rss-overhead.bytes", r.resident-r.held)
	share("fragmentation", r.resident, r.used)
	num("fragmentation.bytes", r.resident-r.used)
	m.end()
}

// cmdMemoryDoctor says what is far from usual.
func cmdMemoryDoctor(s *Session, _ [][]byte) {
	const little = 5 << 20
	r := s.memoryReport()
	var found []string
	if most := s.db.conf.maxMemory.Load(); most > 0 && r.used > most/10*9 {
		found = append(found, fmt.Sprintf("%s of maxmemory are used.", percent(r.used, most)))
	}
	if r.held > 2*r.used && r.held > little {
		found = append(found, fmt.Sprintf("Keys and values use %s of the %s that their tables hold, as when many were deleted.", human(r.used), human(r.held)))
	}
	if r.resident > 2*r.held && r.held > little {
		found = append(found, fmt.Sprintf("The process has %s in memory, the data are %s of it.", human(r.resident), human(r.held)))
	}
	if r.buffers > r.used/2 && r.buffers > little {
		found = append(found, fmt.Sprintf("Buffers of connections use %s.", human(r.buffers)))
	}
	switch {
	case r.used < little:
		found = []string{"There is too little data to judge by."}
	case len(found) == 0:
		found = []string{"Nothing is unusual."}
	}
	s.w.verbatim("txt", strings.Join(found, "\n"))
}

// cmdMemoryMallocStats shows what Go's run-time counts.
func cmdMemoryMallocStats(s *Session, _ [][]byte) {
	var samples []metrics.Sample
	for _, d := range metrics.All() {
		if d.Kind == metrics.KindUint64 && (strings.HasPrefix(d.Name, "/memory/") || strings.HasPrefix(d.Name, "/gc/")) {
			samples = append(samples, metrics.Sample{Name: d.Name})
		}
	}
	metrics.Read(samples)
	t := &infoText{}
	for _, m := range samples {
		t.add(m.Name, m.Value.Uint64())
	}
	s.w.verbatim("txt", t.String())
}

// cmdMemoryPurge has nothing to ask for: the tables give back what they do not use.
func cmdMemoryPurge(s *Session, _ [][]byte) { s.w.ok() }

func cmdMemoryUsage(s *Session, a [][]byte) {
	for i := 3; i < len(a); i += 2 {
		if !is(a[i], "SAMPLES") || i+1 == len(a) {
			s.fail(msgSyntax)
			return
		}
		n, ok := s.intArg(a[i+1])
		if !ok {
			return
		}
		if n < 0 {
			s.fail(msgSyntax)
			return
		}
	}
	if e := s.peek(a[2]); e.Exists() {
		s.w.count(e.Bytes())
	} else {
		s.w.null()
	}
}

// meanTTL estimates the mean time to live of the keys that have one, in milliseconds.
func (s *Session) meanTTL(dbi int) int64 {
	now, sum, n := float64(s.db.now().UnixMilli()), 0.0, 0
	for i := range keyspace.Stripes {
		m := keyspace.Mask(1) << i
		s.lock(m, false)
		if sh := s.db.sp.ShardAt(dbi, i); sh.Expiring() > 0 {
			sum += max(sh.MeanExpireAt()-now, 0) * float64(sh.Expiring())
			n += sh.Expiring()
		}
		s.unlock(m, false)
	}
	return int64(sum / float64(max(n, 1)))
}
