package kvstore

import (
	"cmp"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/groundwork-go/groundwork/kvstore/internal/aof"
)

// initConfig makes the options, and sets those of Options.Config.
func (db *DB) initConfig(o *Options) error {
	c := &db.conf
	c.list = make(map[string]*setting)
	c.limits.Store(&Limits{})
	db.addMemory()
	db.addWatching()
	c.addClients()
	db.addPersistence(o)
	db.addFixed(o)
	c.addOthers()
	if o.LogLevel != nil {
		c.addLogLevel(o.LogLevel)
	}
	for _, pair := range o.Config {
		begin := func(_, v string) error { return db.rename(v) }
		if !strings.EqualFold(pair[0], "rename-command") {
			begin = c.begin
		}
		if err := begin(pair[0], pair[1]); err != nil {
			return fmt.Errorf("%w: Config %s: %w", ErrConfig, pair[0], err)
		}
	}
	return nil
}

// addMemory adds the options of encodings and of the memory in use.
func (db *DB) addMemory() {
	c := &db.conf
	l := &db.sp.Limits
	for _, st := range []*setting{
		c.add("hash-max-listpack-entries", "512", intSetting(&l.HashEntries, 0, math.MaxInt64)),
		c.add("hash-max-listpack-value", "64", intSetting(&l.HashValue, 0, math.MaxInt64)),
		c.add("zset-max-listpack-entries", "128", intSetting(&l.ZSetEntries, 0, math.MaxInt64)),
		c.add("zset-max-listpack-value", "64", intSetting(&l.ZSetValue, 0, math.MaxInt64)),
		c.add("list-max-listpack-size", "-2", intSetting(&l.ListSize, math.MinInt32, math.MaxInt32)),
	} {
		c.list[strings.Replace(st.name, "listpack", "ziplist", 1)] = st
	}
	c.add("set-max-intset-entries", "512", intSetting(&l.IntsetEntries, 0, math.MaxInt64))
	c.add("maxmemory", "0", memorySetting(0, math.MaxInt64, func(n int64) {
		c.maxMemory.Store(n)
		db.memory.writes.Store(0) // it is measured at the next occasion
	}))
	c.add("maxmemory-samples", "5", intSetting(&c.samples, 1, math.MaxInt32))
	c.add("maxmemory-policy", policyNames[0], func(v string) (string, error) {
		v, err := oneOf(v, policyNames[:]...)
		if err == nil {
			c.policy.Store(int64(slices.Index(policyNames[:], v)))
		}
		return v, err
	})
}

// addWatching adds the options of what is told of commands and changes, and the password.
func (db *DB) addWatching() {
	c := &db.conf
	c.add("slowlog-log-slower-than", "10000", intSetting(&c.slowerThan, -1, math.MaxInt64))
	c.add("slowlog-max-len", "128", intSetting(&c.slowMax, 0, math.MaxInt64))
	c.add("notify-keyspace-events", "", func(v string) (string, error) {
		flags, ok := parseNotify(v)
		if !ok {
			return "", configError("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
		}
		c.notify.Store(flags)
		return formatNotify(flags), nil
	})
	c.add("requirepass", "", func(v string) (string, error) {
		c.pass.Store(&v)
		return v, nil
	})
}

// addClients adds what servers have to obey.
func (c *config) addClients() {
	c.add("maxclients", "10000", c.limitInt(1, math.MaxUint32, func(l *Limits, n int64) { l.MaxClients = int(min(n, math.MaxInt32)) }))
	c.add("timeout", "0", c.limitInt(0, math.MaxInt32, func(l *Limits, n int64) { l.Timeout = time.Duration(n) * time.Second }))
	c.add("tcp-keepalive", "300", c.limitInt(0, math.MaxInt32, func(l *Limits, n int64) { l.KeepAlive = time.Duration(n) * time.Second }))
	c.add("proto-max-bulk-len", "512mb", memorySetting(1<<20, math.MaxInt64, func(n int64) {
		c.maxBulk.Store(n)
		c.limit(func(l *Limits) { l.MaxBulk = n })
	}))
	c.add("client-query-buffer-limit", "1gb", memorySetting(1<<20, math.MaxInt64, func(n int64) {
		c.limit(func(l *Limits) { l.QueryBuffer = n })
	}))
	c.add("client-output-buffer-limit", "normal 0 0 0 slave 256mb 64mb 60 pubsub 32mb 8mb 60", c.setOutput)
	c.add("protected-mode", "no", func(v string) (string, error) {
		v, err := yesNo(v)
		if err == nil {
			c.limit(func(l *Limits) { l.Protected = v == "yes" })
		}
		return v, err
	})
}

// addPersistence adds the options of files.
func (db *DB) addPersistence(o *Options) {
	c := &db.conf
	c.add("dir", db.dir, nil).guard = true
	appendOnly := "no"
	if db.dir != "" && !o.NoLog {
		appendOnly = "yes"
	}
	c.add("appendonly", appendOnly, nil)
	c.flag("aof-use-rdb-preamble", "yes", &c.preamble)
	c.flag("aof-load-truncated", "yes", &c.truncated)
	c.flag("rdbcompression", "yes", &c.compress)
	c.flag("stop-writes-on-bgsave-error", "yes", &c.stopWrites)
	c.add("rdb-key-save-delay", "0", intSetting(&c.saveDelay, math.MinInt32, math.MaxInt32)).quiet = true
	c.add("key-load-delay", "0", intSetting(&c.loadDelay, math.MinInt32, math.MaxInt32)).quiet = true
	c.add("loading-process-events-interval-bytes", "2097152", memorySetting(1024, math.MaxInt64, func(n int64) { c.loadTurn.Store(n) })).quiet = true
	c.flag("rdbchecksum", "yes", &c.checksum).fixed = true
	c.list["appendonly"].fixed, c.list["appendonly"].usual = false, "" // a program decides what is usual
	c.list["appendonly"].set = db.setAppendOnly
	c.add("save", "", db.setSavePoints).usual = "3600 1 300 100 60 10000" // Redis's, which other readers of the file suppose
	c.add("dbfilename", snapshotName, func(v string) (string, error) {
		if v == "" || v != filepath.Base(v) {
			return "", configError("dbfilename can't be a path, just a filename")
		}
		c.snapshot.Store(&v)
		return v, nil
	}).guard = true
	c.add("auto-aof-rewrite-percentage", "100", intSetting(&c.rewritePercent, 0, math.MaxInt32))
	c.add("auto-aof-rewrite-min-size", "64mb", memorySetting(0, math.MaxInt64, func(n int64) { c.rewriteMin.Store(n) }))
	c.add("appendfsync", fsyncNames[o.Fsync], func(v string) (string, error) {
		v, err := oneOf(v, fsyncNames[:]...)
		if log := db.log.Load(); err == nil && log != nil {
			log.SetPolicy(policyNamed(v))
		}
		return v, err
	}).usual = fsyncNames[0]
}

// policyNamed returns what a value of appendfsync means.
func policyNamed(v string) aof.Policy {
	return [...]aof.Policy{FsyncEverySec: aof.EverySec, FsyncAlways: aof.Always, FsyncNo: aof.Never}[slices.Index(fsyncNames[:], v)]
}

// policyOfLog is what appendfsync says. The mutex is held.
func (c *config) policyOfLog() aof.Policy { return policyNamed(c.list["appendfsync"].value) }

// addFixed adds what Options has said already.
func (db *DB) addFixed(o *Options) {
	c := &db.conf
	c.add("databases", strconv.Itoa(db.sp.DBs()), nil)
	c.file, c.debug, c.guarded = o.ConfigFile, cmp.Or(o.DebugCommand, debugNames[0]), debugNames[0]
	c.add("enable-debug-command", c.debug, nil)
	c.add("enable-protected-configs", c.guarded, func(v string) (string, error) {
		v, err := oneOf(v, debugNames[:]...)
		if err == nil {
			c.guarded = v
		}
		return v, err
	}).fixed = true
}

// addLogLevel gives the option of that name its effect.
func (c *config) addLogLevel(of *slog.LevelVar) {
	c.add("loglevel", "notice", func(v string) (string, error) {
		v, err := oneOf(v, "debug", "verbose", "notice", "warning")
		switch v {
		case "debug":
			of.Set(slog.LevelDebug)
		case "verbose":
			of.Set(slog.LevelDebug + 2)
		case "notice":
			of.Set(slog.LevelInfo)
		case "warning":
			of.Set(slog.LevelWarn)
		}
		return v, err
	})
}

// addOthers adds what nothing obeys.
func (c *config) addOthers() {
	for i := range otherSettings {
		o := &otherSettings[i]
		st := c.add(o.name, o.value, o.check)
		st.fixed, st.keeps, st.quiet = o.fixed, o.keeps, o.quiet
		if o.alias != "" {
			c.list[o.alias] = st
		}
	}
}

// flag adds an option that is yes or no.
func (c *config) flag(name, value string, dst *atomic.Bool) *setting {
	return c.add(name, value, func(v string) (string, error) {
		v, err := yesNo(v)
		if err == nil {
			dst.Store(v == "yes")
		}
		return v, err
	})
}

type configError string

func (e configError) Error() string { return string(e) }

// begin sets an option before the store is open, also one that is fixed then.
func (c *config) begin(name, v string) error {
	st := c.list[strings.ToLower(name)]
	switch {
	case st == nil:
		return configError("there is no such option")
	case st.set == nil || st.name == "appendonly":
		return configError("a field of Options sets it")
	}
	v, err := st.set(v)
	if err == nil {
		st.value = v
	}
	return err
}
