package kvstore

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/groundwork-go/groundwork/kvstore/internal/glob"
)

// Limits are what a server has to obey. They may be changed by CONFIG SET.
type Limits struct {
	MaxClients  int
	Timeout     time.Duration  // of idle clients, 0: none
	KeepAlive   time.Duration  // of TCP, 0: none
	MaxBulk     int64          // bytes of an argument
	QueryBuffer int64          // bytes of input that is not a command yet
	Output      [3]OutputLimit // normal, replica, pubsub: see Session.Class
	Protected   bool           // clients of other machines are refused while there is no password
}

// An OutputLimit says how much output may wait for a client.
type OutputLimit struct {
	Hard    int64 // bytes, 0: no limit
	Soft    int64 // bytes for no longer than SoftFor
	SoftFor time.Duration
}

// Exceeded tells whether n bytes of output are above the hard limit. As in Redis, what
// the first buffer of a client holds, 16 KiB, does not count.
func (o OutputLimit) Exceeded(n int) bool { return o.Hard > 0 && int64(n)-replyBuffer > o.Hard }

// config is what CONFIG GET and SET know.
type config struct {
	mu   sync.Mutex
	list map[string]*setting

	limits     atomic.Pointer[Limits]
	pass       atomic.Pointer[string]
	notify     atomic.Int64 // flags of notify-keyspace-events
	slowerThan atomic.Int64 // microseconds, negative: never
	slowMax    atomic.Int64
	maxBulk    atomic.Int64
	maxMemory  atomic.Int64
	policy     atomic.Int64 // index of policyNames
	samples    atomic.Int64

	file     string // of CONFIG REWRITE
	debug    string // of debugNames: from where DEBUG is taken
	guarded  string // likewise, from where what is guarded may be set
	snapshot atomic.Pointer[string]

	truncated  atomic.Bool  // a torn tail of the log is cut off
	compress   atomic.Bool  // strings in snapshots
	checksum   atomic.Bool  // of snapshots
	stopWrites atomic.Bool  // when saving has failed
	saveDelay  atomic.Int64 // see DB.delay: for each key that is saved
	loadDelay  atomic.Int64 // or loaded
	loadTurn   atomic.Int64 // bytes: see DB.turn

	savePoints     atomic.Pointer[[]savePoint]
	preamble       atomic.Bool  // the base of the log is a snapshot
	rewritePercent atomic.Int64 // growth of the log that starts a rewriting, 0: never
	rewriteMin     atomic.Int64 // bytes that it must have
}

// fsyncNames are the values of appendfsync, by Fsync.
var fsyncNames = [...]string{"everysec", "always", "no"}

var policyNames = [...]string{"noeviction", "volatile-lru", "allkeys-lru"}

// A setting is one option. Its value is the text that CONFIG GET answers.
type setting struct {
	name  string // not that of an alias
	value string
	usual string // the default
	fixed bool   // CONFIG SET refuses it
	keeps bool   // CONFIG SET takes no other value
	quiet bool   // CONFIG GET tells it only if asked by name
	guard bool   // and does not if enable-protected-configs says so
	// set checks a text, applies it and returns its usual form.
	set func(v string) (string, error)
}

// Limits returns the present limits.
func (db *DB) Limits() *Limits { return db.conf.limits.Load() }

func (db *DB) password() string { return *db.conf.pass.Load() }

// HasPassword tells whether clients of servers have to send AUTH.
func (db *DB) HasPassword() bool { return db.password() != "" }

// CountRejected counts a connection that was refused because of MaxClients.
func (db *DB) CountRejected() { db.clients.reject.Add(1) }

func (c *config) add(name, value string, set func(v string) (string, error)) *setting {
	st := &setting{name: name, set: set, fixed: set == nil, value: value}
	c.list[name] = st
	if set != nil {
		v, err := set(value)
		if err != nil {
			panic("kvstore: default of " + name + ": " + err.Error())
		}
		st.value = v
	}
	st.usual = st.value
	return st
}

// intSetting stores a number of a range.
func intSetting(dst *atomic.Int64, lo, hi int64) func(string) (string, error) {
	return func(v string) (string, error) {
		n, ok := parseInt([]byte(v))
		if !ok {
			return "", configError("argument couldn't be parsed into an integer")
		}
		if n < lo || n > hi {
			return "", configError(fmt.Sprintf("argument must be between %d and %d inclusive", lo, hi))
		}
		dst.Store(n)
		return v, nil
	}
}

func yesNo(v string) (string, error) {
	v = strings.ToLower(v)
	if v != "yes" && v != "no" {
		return "", configError("argument must be 'yes' or 'no'")
	}
	return v, nil
}

// parseMemory reads a number of bytes with a unit; nothing is 0.
func parseMemory(v string) (int64, bool) {
	if v == "" {
		return 0, true
	}
	i := 0
	for i < len(v) && v[i] >= '0' && v[i] <= '9' {
		i++
	}
	n, err := strconv.ParseInt(v[:i], 10, 64)
	unit, ok := map[string]int64{"": 1, "b": 1, "k": 1000, "kb": 1 << 10, "m": 1e6, "mb": 1 << 20, "g": 1e9, "gb": 1 << 30}[strings.ToLower(v[i:])]
	if err != nil || !ok || n > math.MaxInt64/unit {
		return 0, false
	}
	return n * unit, true
}

func memorySetting(lo, hi int64, apply func(n int64)) func(string) (string, error) {
	return func(v string) (string, error) {
		n, ok := parseMemory(v)
		if !ok {
			return "", configError("argument must be a memory value")
		}
		if n < lo || n > hi {
			return "", configError(fmt.Sprintf("argument must be between %d and %d inclusive", lo, hi))
		}
		apply(n)
		return strconv.FormatInt(n, 10), nil
	}
}

// limit changes a copy of the limits.
func (c *config) limit(change func(l *Limits)) {
	l := *c.limits.Load()
	change(&l)
	c.limits.Store(&l)
}

func (c *config) limitInt(lo, hi int64, change func(l *Limits, n int64)) func(string) (string, error) {
	var n atomic.Int64
	check := intSetting(&n, lo, hi)
	return func(v string) (string, error) {
		v, err := check(v)
		if err == nil {
			c.limit(func(l *Limits) { change(l, n.Load()) })
		}
		return v, err
	}
}

var outputClasses = [...]string{"normal", "slave", "pubsub"}

// setOutput reads groups of a class, a hard and a soft limit, and seconds.
func (c *config) setOutput(v string) (string, error) {
	words := strings.Fields(v)
	if len(words)%4 != 0 {
		return "", configError("Wrong number of arguments in buffer limit configuration.")
	}
	l := *c.limits.Load()
	for i := 0; i < len(words); i += 4 {
		class := strings.ToLower(words[i])
		if class == "replica" {
			class = "slave"
		}
		at := slices.Index(outputClasses[:], class)
		if at < 0 {
			return "", configError("Invalid client class specified in buffer limit configuration.")
		}
		hard, ok1 := parseMemory(words[i+1])
		soft, ok2 := parseMemory(words[i+2])
		secs, err := strconv.Atoi(words[i+3])
		if !ok1 || !ok2 || err != nil || secs < 0 {
			return "", configError("Error in hard, soft or soft_seconds setting in buffer limit configuration.")
		}
		l.Output[at] = OutputLimit{hard, soft, time.Duration(secs) * time.Second}
	}
	c.limits.Store(&l)
	var b strings.Builder
	for i, o := range l.Output {
		fmt.Fprintf(&b, "%s %d %d %d ", outputClasses[i], o.Hard, o.Soft, int(o.SoftFor.Seconds()))
	}
	return strings.TrimSpace(b.String()), nil
}

func cmdConfigGet(s *Session, a [][]byte) {
	c := &s.db.conf
	c.mu.Lock()
	defer c.mu.Unlock()
	found := make(map[string]string) // the names as they are answered, by the real ones
	for _, arg := range a[2:] {
		p := strings.ToLower(string(arg))
		if !strings.ContainsAny(p, "[*?") {
			if c.list[p] != nil && found[p] == "" {
				found[p] = string(arg)
			}
			continue
		}
		for name := range c.list {
			if found[name] == "" && !c.list[name].quiet && glob.Match(p, name) {
				found[name] = name
			}
		}
	}
	s.w.mapHead(len(found))
	for _, name := range slices.Sorted(maps.Keys(found)) {
		s.w.str(found[name])
		s.w.str(c.list[name].value)
	}
}

func cmdConfigSet(s *Session, a [][]byte) {
	if len(a)%2 != 0 {
		s.fail(msgSyntax)
		return
	}
	c := &s.db.conf
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := make(map[string]bool)
	for i := 2; i < len(a); i += 2 {
		name := strings.ToLower(string(a[i]))
		st := c.list[name]
		switch {
		case st == nil:
			s.fail("ERR Unknown option or number of arguments for CONFIG SET - '" + string(a[i]) + "'")
			return
		case st.fixed || st.guard && !s.isAllowed(c.guarded):
			why := "immutable"
			if st.guard {
				why = "protected"
			}
			s.fail("ERR CONFIG SET failed (possibly related to argument '" + string(a[i]) + "') - can't set " + why + " config")
			return
		case st.keeps && string(a[i+1]) != st.value:
			s.fail("ERR CONFIG SET failed (possibly related to argument '" + string(a[i]) + "') - can't be changed while the server runs")
			return
		case name == "appendonly" && s.early:
			s.fail(msgLoading)
			return
		case name == "appendonly" && s.held != 0:
			s.fail("ERR CONFIG SET failed (possibly related to argument '" + string(a[i]) + "') - can't be changed inside of a transaction")
			return
		case seen[name]:
			s.fail("ERR CONFIG SET failed (possibly related to argument '" + string(a[i]) + "') - duplicate parameter")
			return
		}
		seen[name] = true
	}
	type change struct {
		st  *setting
		old string
	}
	var done []change
	for i := 2; i < len(a); i += 2 {
		st := c.list[strings.ToLower(string(a[i]))]
		v, err := st.set(string(a[i+1]))
		if err != nil {
			for _, d := range done { // all or nothing
				d.st.value, _ = d.st.set(d.old) // it was good before
			}
			s.fail("ERR CONFIG SET failed (possibly related to argument '" + string(a[i]) + "') - " + err.Error())
			return
		}
		done = append(done, change{st, st.value})
		st.value = v
	}
	s.w.ok()
}

func cmdConfigResetstat(s *Session, _ [][]byte) {
	s.db.stats.reset()
	s.db.resetLookups()
	for _, c := range s.db.cmds.Load().all {
		st := c.stat
		for _, n := range []*atomic.Int64{&st.calls, &st.nanos, &st.rejected, &st.failed} {
			n.Store(0)
		}
	}
	s.db.clients.total.Store(0)
	s.db.clients.reject.Store(0)
	s.w.ok()
}
