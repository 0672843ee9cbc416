package kvstore

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
)

// settingKind says which texts an option takes.
type settingKind int

const (
	anyText  settingKind = iota
	yesOrNo              // yes or no
	integer              // a number between lo and hi
	bytesOf              // a number of bytes between lo and hi
	oneWord              // one of words
	usualOne             // only the default: what it would turn on is not there
)

// An otherSetting is an option of Redis that changes nothing in this store: advice to
// machinery that is built otherwise here, limits of features that are not there, and
// what only a program that listens can obey (port, logfile). It is checked,
// remembered and told, so that Redis's configuration files can be read and clients
// find what they look for.
type otherSetting struct {
	name, alias string
	value       string // the default
	kind        settingKind
	lo, hi      int64
	words       string
	fixed       bool // CONFIG SET refuses it
	keeps       bool // CONFIG SET takes no other value, which Redis does
	quiet       bool // CONFIG GET tells it only if asked by name
}

// otherSettings are all options of Redis 7.0 that are not made in initConfig.
var otherSettings = []otherSetting{
	// Files and the log.
	{name: "appendfilename", value: "appendonly.aof", kind: usualOne, fixed: true},
	{name: "appenddirname", value: "appendonlydir", kind: usualOne, fixed: true},
	{name: "aof-timestamp-enabled", value: "no", kind: usualOne},
	{name: "aof-rewrite-incremental-fsync", value: "yes", kind: yesOrNo},
	{name: "aof-disable-auto-gc", value: "no", kind: yesOrNo},
	{name: "no-appendfsync-on-rewrite", value: "no", kind: yesOrNo},
	{name: "rdb-save-incremental-fsync", value: "yes", kind: yesOrNo},
	{name: "rdb-del-sync-files", value: "no", kind: yesOrNo},
	{name: "sanitize-dump-payload", value: "no", kind: oneWord, words: "no yes clients"},

	// Memory.
	{name: "activedefrag", value: "no", kind: usualOne},
	{name: "active-defrag-cycle-max", value: "25", kind: integer, lo: 1, hi: 99},
	{name: "active-defrag-cycle-min", value: "1", kind: integer, lo: 1, hi: 99},
	{name: "active-defrag-ignore-bytes", value: "104857600", kind: bytesOf, lo: 1, hi: math.MaxInt64},
	{name: "active-defrag-max-scan-fields", value: "1000", kind: integer, lo: 1, hi: math.MaxInt64},
	{name: "active-defrag-threshold-lower", value: "10", kind: integer, lo: 0, hi: 1000},
	{name: "active-defrag-threshold-upper", value: "100", kind: integer, lo: 0, hi: 1000},
	{name: "active-expire-effort", value: "1", kind: integer, lo: 1, hi: 10},
	{name: "activerehashing", value: "yes", kind: yesOrNo},
	{name: "lazyfree-lazy-eviction", value: "no", kind: yesOrNo},
	{name: "lazyfree-lazy-expire", value: "no", kind: yesOrNo},
	{name: "lazyfree-lazy-server-del", value: "no", kind: yesOrNo},
	{name: "lazyfree-lazy-user-del", value: "no", kind: yesOrNo},
	{name: "lazyfree-lazy-user-flush", value: "no", kind: yesOrNo},
	{name: "lfu-decay-time", value: "1", kind: integer, lo: 0, hi: math.MaxInt32},
	{name: "lfu-log-factor", value: "10", kind: integer, lo: 0, hi: math.MaxInt32},
	{name: "list-compress-depth", value: "0", kind: integer, lo: 0, hi: math.MaxInt32},
	{name: "hll-sparse-max-bytes", value: "3000", kind: bytesOf, lo: 0, hi: math.MaxInt64},
	{name: "maxmemory-clients", value: "0", kind: usualOne},
	{name: "maxmemory-eviction-tenacity", value: "10", kind: integer, lo: 0, hi: 100},
	{name: "stream-node-max-bytes", value: "4096", kind: bytesOf, lo: 0, hi: math.MaxInt64},
	{name: "stream-node-max-entries", value: "100", kind: integer, lo: 0, hi: math.MaxInt64},
	{name: "tracking-table-max-keys", value: "1000000", kind: integer, lo: 0, hi: math.MaxInt64},

	// The process.
	{name: "aof_rewrite_cpulist", fixed: true},
	{name: "bgsave_cpulist", fixed: true},
	{name: "bio_cpulist", fixed: true},
	{name: "server_cpulist", fixed: true},
	{name: "always-show-logo", value: "no", kind: yesOrNo, fixed: true},
	{name: "busy-reply-threshold", alias: "lua-time-limit", value: "5000", kind: integer, lo: 0, hi: math.MaxInt64},
	{name: "crash-log-enabled", value: "yes", kind: yesOrNo},
	{name: "crash-memcheck-enabled", value: "yes", kind: yesOrNo},
	{name: "daemonize", value: "no", kind: yesOrNo, fixed: true},
	{name: "disable-thp", value: "yes", kind: yesOrNo, fixed: true},
	{name: "dynamic-hz", value: "yes", kind: yesOrNo},
	{name: "enable-module-command", value: "no", kind: oneWord, words: "no yes local", fixed: true},
	{name: "hz", value: "10", kind: integer, lo: 0, hi: math.MaxInt32},
	{name: "ignore-warnings", fixed: true},
	{name: "io-threads", value: "1", kind: integer, lo: 1, hi: 128, fixed: true},
	{name: "io-threads-do-reads", value: "no", kind: yesOrNo, fixed: true},
	{name: "jemalloc-bg-thread", value: "yes", kind: yesOrNo},
	{name: "latency-monitor-threshold", value: "0", kind: integer, lo: 0, hi: math.MaxInt64},
	{name: "latency-tracking", value: "yes", kind: yesOrNo},
	{name: "latency-tracking-info-percentiles", value: "50 99 99.9"},
	{name: "logfile", fixed: true},
	{name: "loglevel", value: "notice", kind: oneWord, words: "debug verbose notice warning", keeps: true},
	{name: "oom-score-adj", value: "no", kind: usualOne},
	{name: "oom-score-adj-values", value: "0 200 800"},
	{name: "pidfile", fixed: true},
	{name: "use-exit-on-panic", value: "no", kind: yesOrNo, quiet: true},
	{name: "watchdog-period", value: "0", kind: integer, lo: 0, hi: math.MaxInt32, quiet: true},
	{name: "proc-title-template", value: "{title} {listen-addr} {server-mode}"},
	{name: "propagation-error-behavior", value: "ignore", kind: oneWord, words: "ignore panic panic-on-replicas"},
	{name: "set-proc-title", value: "yes", kind: yesOrNo, fixed: true},
	{name: "shutdown-on-sigint", value: "default"},
	{name: "shutdown-on-sigterm", value: "default"},
	{name: "shutdown-timeout", value: "10", kind: integer, lo: 0, hi: math.MaxInt32},
	{name: "supervised", value: "no", kind: oneWord, words: "no systemd auto", fixed: true},
	{name: "syslog-enabled", value: "no", kind: usualOne, fixed: true},
	{name: "syslog-facility", value: "local0", fixed: true},
	{name: "syslog-ident", value: "redis", fixed: true},

	// The network.
	{name: "bind", value: "127.0.0.1", keeps: true},
	{name: "bind-source-addr", kind: usualOne, keeps: true},
	{name: "port", value: "6379", kind: integer, lo: 0, hi: 65535, keeps: true},
	{name: "socket-mark-id", value: "0", kind: usualOne},
	{name: "tcp-backlog", value: "511", kind: integer, lo: 0, hi: math.MaxInt32, fixed: true},
	{name: "unixsocket", fixed: true},
	{name: "unixsocketperm", value: "0", fixed: true},
	{name: "tls-auth-clients", value: "yes", kind: oneWord, words: "no yes optional", keeps: true},
	{name: "tls-ca-cert-dir", kind: usualOne, keeps: true},
	{name: "tls-ca-cert-file", keeps: true},
	{name: "tls-cert-file", keeps: true},
	{name: "tls-ciphers", keeps: true},
	{name: "tls-ciphersuites", keeps: true},
	{name: "tls-client-cert-file", keeps: true},
	{name: "tls-client-key-file", keeps: true},
	{name: "tls-client-key-file-pass", keeps: true},
	{name: "tls-cluster", value: "no", kind: yesOrNo, keeps: true},
	{name: "tls-dh-params-file", keeps: true},
	{name: "tls-key-file", keeps: true},
	{name: "tls-key-file-pass", kind: usualOne, keeps: true},
	{name: "tls-port", value: "0", kind: integer, lo: 0, hi: 65535, keeps: true},
	{name: "tls-prefer-server-ciphers", value: "no", kind: yesOrNo, keeps: true},
	{name: "tls-protocols", keeps: true},
	{name: "tls-replication", value: "no", kind: yesOrNo, keeps: true},
	{name: "tls-session-cache-size", value: "20480", kind: integer, lo: 0, hi: math.MaxInt32, keeps: true},
	{name: "tls-session-cache-timeout", value: "300", kind: integer, lo: 0, hi: math.MaxInt32, keeps: true},
	{name: "tls-session-caching", value: "yes", kind: yesOrNo, keeps: true},

	// Users.
	{name: "acl-pubsub-default", value: "resetchannels", kind: oneWord, words: "allchannels resetchannels"},
	{name: "aclfile", kind: usualOne, fixed: true},
	{name: "acllog-max-len", value: "128", kind: integer, lo: 0, hi: math.MaxInt64},

	// Replication and cluster.
	{name: "masterauth"},
	{name: "masteruser"},
	{name: "min-replicas-max-lag", alias: "min-slaves-max-lag", value: "10", kind: integer, lo: 0, hi: math.MaxInt32},
	{name: "min-replicas-to-write", alias: "min-slaves-to-write", value: "0", kind: usualOne},
	{name: "repl-backlog-size", value: "1048576", kind: bytesOf, lo: 1, hi: math.MaxInt64},
	{name: "repl-backlog-ttl", value: "3600", kind: integer, lo: 0, hi: math.MaxInt64},
	{name: "repl-disable-tcp-nodelay", value: "no", kind: yesOrNo},
	{name: "repl-diskless-load", value: "disabled", kind: oneWord, words: "disabled on-empty-db swapdb"},
	{name: "repl-diskless-sync", value: "yes", kind: yesOrNo},
	{name: "repl-diskless-sync-delay", value: "5", kind: integer, lo: 0, hi: math.MaxInt32},
	{name: "repl-diskless-sync-max-replicas", value: "0", kind: integer, lo: 0, hi: math.MaxInt32},
	{name: "repl-ping-replica-period", alias: "repl-ping-slave-period", value: "10", kind: integer, lo: 1, hi: math.MaxInt32},
	{name: "repl-timeout", value: "60", kind: integer, lo: 1, hi: math.MaxInt32},
	{name: "replica-announce-ip", alias: "slave-announce-ip"},
	{name: "replica-announce-port", alias: "slave-announce-port", value: "0", kind: integer, lo: 0, hi: 65535},
	{name: "replica-announced", value: "yes", kind: yesOrNo},
	{name: "replica-ignore-disk-write-errors", value: "no", kind: yesOrNo},
	{name: "replica-ignore-maxmemory", alias: "slave-ignore-maxmemory", value: "yes", kind: yesOrNo},
	{name: "replica-lazy-flush", alias: "slave-lazy-flush", value: "no", kind: yesOrNo},
	{name: "replica-priority", alias: "slave-priority", value: "100", kind: integer, lo: 0, hi: math.MaxInt32},
	{name: "replica-read-only", alias: "slave-read-only", value: "yes", kind: yesOrNo},
	{name: "replica-serve-stale-data", alias: "slave-serve-stale-data", value: "yes", kind: yesOrNo},
	{name: "replicaof", alias: "slaveof", kind: usualOne, fixed: true},
	{name: "cluster-allow-pubsubshard-when-down", value: "yes", kind: yesOrNo},
	{name: "cluster-allow-reads-when-down", value: "no", kind: yesOrNo},
	{name: "cluster-allow-replica-migration", value: "yes", kind: yesOrNo},
	{name: "cluster-announce-bus-port", value: "0", kind: integer, lo: 0, hi: 65535},
	{name: "cluster-announce-hostname"},
	{name: "cluster-announce-ip"},
	{name: "cluster-announce-port", value: "0", kind: integer, lo: 0, hi: 65535},
	{name: "cluster-announce-tls-port", value: "0", kind: integer, lo: 0, hi: 65535},
	{name: "cluster-config-file", value: "nodes.conf", fixed: true},
	{name: "cluster-enabled", value: "no", kind: usualOne, fixed: true},
	{name: "cluster-link-sendbuf-limit", value: "0", kind: bytesOf, lo: 0, hi: math.MaxInt64},
	{name: "cluster-migration-barrier", value: "1", kind: integer, lo: 0, hi: math.MaxInt32},
	{name: "cluster-node-timeout", value: "15000", kind: integer, lo: 0, hi: math.MaxInt64},
	{name: "cluster-port", value: "0", kind: integer, lo: 0, hi: 65535, fixed: true},
	{name: "cluster-preferred-endpoint-type", value: "ip", kind: oneWord, words: "ip hostname unknown-endpoint"},
	{name: "cluster-replica-no-failover", alias: "cluster-slave-no-failover", value: "no", kind: yesOrNo},
	{name: "cluster-replica-validity-factor", alias: "cluster-slave-validity-factor", value: "10", kind: integer, lo: 0, hi: math.MaxInt32},
	{name: "cluster-require-full-coverage", value: "yes", kind: yesOrNo},
}

// check returns the usual form of a text for the option.
func (o *otherSetting) check(v string) (string, error) {
	switch o.kind {
	case yesOrNo:
		return yesNo(v)
	case integer:
		var n atomic.Int64
		return intSetting(&n, o.lo, o.hi)(v)
	case bytesOf:
		return memorySetting(o.lo, o.hi, func(int64) {})(v)
	case oneWord:
		return oneOf(v, strings.Fields(o.words)...)
	case usualOne:
		if !strings.EqualFold(v, o.value) {
			return "", configError(fmt.Sprintf("argument must be '%s', this store has nothing else", o.value))
		}
		return o.value, nil
	}
	return v, nil
}

// oneOf returns a word if it is one of those, whatever its case.
func oneOf(v string, words ...string) (string, error) {
	if i := slices.IndexFunc(words, func(w string) bool { return strings.EqualFold(w, v) }); i >= 0 {
		return words[i], nil
	}
	return "", configError("argument(s) must be one of the following: " + strings.Join(words, ", "))
}
