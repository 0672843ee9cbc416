package kvstore_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/kvstore"
)

// infoNames are the names of fields in INFO, by section.
func infoNames(text string) map[string][]string {
	sections := make(map[string][]string)
	section := ""
	for line := range strings.SplitSeq(text, "\r\n") {
		name, _, isField := strings.Cut(line, ":")
		switch {
		case strings.HasPrefix(line, "# "):
			section = line[2:]
		case isField && !strings.HasPrefix(name, "cmdstat_") && !strings.HasPrefix(name, "latency_"):
			sections[section] = append(sections[section], name)
		}
	}
	return sections
}

// TestInfoFieldsAgainstRedis: programs that watch a Redis find what they read, where
// they look for it.
func TestInfoFieldsAgainstRedis(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir(), nil)
	d := newDiff(t, db, startRedis(t, "--appendonly", "yes"))
	d.ask("SET", "k", "v", "EX", "100")
	d.ask("NOSUCH")
	ours, theirs := d.ask("INFO", "everything")
	// What says nothing here: how Redis was built, and its own machinery.
	missing := regexp.MustCompile(`^redis_git|^redis_build|^monotonic_clock$|^multiplexing_api$|^atomicvar_api$|^gcc_version$|^process_supervised$|^executable$` +
		`|^aof_pending_|^aof_buffer_length$|^aof_delayed_fsync$|eviction_exceeded_time$|^dump_payload_sanitizations$|^reply_buffer_|_main_thread$`)
	own := []string{"server_name", "go_version", "pubsub_clients"}
	here := infoNames(string(ours))
	for section, want := range infoNames(string(theirs)) {
		want = slices.DeleteFunc(want, missing.MatchString)
		got := slices.DeleteFunc(here[section], func(name string) bool { return slices.Contains(own, name) })
		require.Equal(t, want, got, section)
	}
	for _, proto := range []string{"2", "3"} {
		d.ask("HELLO", proto)
		ours, theirs = d.ask("MEMORY", "STATS")
		// Names and kinds of values. Databases with keys come between, with what
		// Redis needs for them.
		shape := func(raw []byte) (list []string) {
			_, parts := split(raw)
			for i := 0; i < len(parts); i += 2 {
				if name := string(parts[i]); !strings.Contains(name, "\r\ndb.") {
					list = append(list, name+string(parts[i+1][:1]))
				}
			}
			return list
		}
		require.Equal(t, shape(theirs), shape(ours))
	}
}

func TestInfoOfWhatGoesOn(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_700_000_000_000)
	db := open(t, t.TempDir(), &kvstore.Options{Now: func() time.Time { return now }})
	field := func(section, name string) string {
		for line := range strings.SplitSeq(string(do(t, db, "INFO "+section).Bytes), "\r\n") {
			if v, ok := strings.CutPrefix(line, name+":"); ok {
				return v
			}
		}
		t.Fatalf("no %s in INFO %s", name, section)
		return ""
	}
	require.Equal(t, "-1", field("persistence", "rdb_last_bgsave_time_sec"))
	require.Equal(t, "-1", field("persistence", "aof_current_rewrite_time_sec"))
	do(t, db, "SET k v PX 1500")
	do(t, db, "SET j v PX 2500")
	do(t, db, "SET i v")
	require.Equal(t, "keys=3,expires=2,avg_ttl=2000", field("keyspace", "db0"))
	for i := range 200 { // several in one stripe count each
		do(t, db, fmt.Sprintf("SET k%d v PX %d", i, 3000+i))
	}
	mean := (1500 + 2500 + 200*3000 + 199*200/2) / 202
	require.Equal(t, fmt.Sprintf("keys=203,expires=202,avg_ttl=%d", mean), field("keyspace", "db0"))
	do(t, db, "SAVE")
	require.Equal(t, "0", field("persistence", "rdb_last_bgsave_time_sec"))
	require.Equal(t, "1", field("persistence", "rdb_saves"))
	require.NoError(t, db.Compact(t.Context()))
	require.Equal(t, "1", field("persistence", "aof_rewrites"))
	require.Len(t, field("server", "run_id"), 40)
	require.NotEqual(t, "0", field("memory", "used_memory_rss"))
	require.NotEqual(t, "0", field("memory", "used_memory_peak"))

	// Counters are read ten times a second.
	require.Eventually(t, func() bool {
		do(t, db, "PING")
		return field("stats", "instantaneous_ops_per_sec") != "0"
	}, 10*time.Second, time.Millisecond)
}

// TestInfoInsideOfTransactions: INFO looks at all stripes, of which the transaction
// has locked some.
func TestInfoInsideOfTransactions(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir(), &kvstore.Options{DebugCommand: "yes"})
	s := db.NewSession(&kvstore.SessionOptions{})
	defer s.Close()
	run := func(line string) string {
		var args [][]byte
		for _, w := range strings.Fields(line) {
			args = append(args, []byte(w))
		}
		return string(s.Exec(nil, args))
	}
	run("MULTI")
	for _, line := range []string{"SET k v", "INFO everything", "MEMORY STATS", "MEMORY DOCTOR", "BGSAVE", "DEBUG OBJECT k", "DEBUG DIGEST", "DBSIZE", "SLOWLOG LEN", "CLIENT LIST"} {
		require.Equal(t, "+QUEUED\r\n", run(line))
	}
	out := run("EXEC")
	require.Contains(t, out, "db0:keys=1,")
	require.Contains(t, out, "+Background saving scheduled")
	require.NotContains(t, out, "-ERR")
}
