package kvstore_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/kvstore"
)

// TestConfigNamesAgainstRedis compares all options and their defaults.
func TestConfigNamesAgainstRedis(t *testing.T) {
	t.Parallel()
	conf := func(sock string) map[string]string {
		c, err := net.Dial("unix", sock)
		require.NoError(t, err)
		defer c.Close()
		_, err = fmt.Fprint(c, "CONFIG GET *\r\n")
		require.NoError(t, err)
		raw, err := readRaw(bufio.NewReader(c), nil)
		require.NoError(t, err)
		_, parts := split(raw)
		text := func(bulk []byte) string {
			_, v, _ := strings.Cut(string(bulk), "\r\n")
			return strings.TrimSuffix(v, "\r\n")
		}
		m := make(map[string]string)
		for i := 0; i+1 < len(parts); i += 2 {
			m[text(parts[i])] = text(parts[i+1])
		}
		return m
	}
	ours, theirs := conf(serve(t)), conf(startRedis(t))
	for _, name := range []string{
		"dir", "unixsocket", "port", // as they were started
		"bind", "protected-mode", // a library listens where it is told to
	} {
		require.Contains(t, ours, name)
		delete(ours, name)
		delete(theirs, name)
	}
	require.Equal(t, theirs, ours)
}

func TestConfigAtTheStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, dir, &kvstore.Options{NoLog: true, Config: [][2]string{
		{"port", "7000"}, {"HZ", "20"}, {"dbfilename", "other.rdb"}, {"save", "900 1"}, {"io-threads", "4"}, {"enable-protected-configs", "no"},
		{"client-output-buffer-limit", "pubsub 1mb 1mb 9"}, {"client-output-buffer-limit", "replica 2mb 2mb 8"},
	}})
	get := func(name string) string { return string(do(t, db, "CONFIG GET", name).Elems[1].Bytes) }
	require.Equal(t, "7000", get("port"))
	require.Equal(t, "20", get("hz"))
	require.Equal(t, "normal 0 0 0 slave 2097152 2097152 8 pubsub 1048576 1048576 9", get("client-output-buffer-limit"))
	do(t, db, "SET k v")
	do(t, db, "SAVE")
	require.FileExists(t, filepath.Join(dir, "other.rdb"))
	_, err := db.Do(t.Context(), "CONFIG", "SET", "port", "7001")
	require.ErrorContains(t, err, "can't be changed while the server runs")
	do(t, db, "CONFIG SET", "port", "7000")
	_, err = db.Do(t.Context(), "CONFIG", "SET", "daemonize", "no")
	require.ErrorContains(t, err, "can't set immutable config")
	do(t, db, "CONFIG SET", "slave-lazy-flush", "yes")
	require.Equal(t, "yes", get("replica-lazy-flush"), "two names of one option")

	for _, c := range [][2]string{
		{"nothing", "1"}, {"dir", "/"}, {"databases", "3"}, // which Options sets
		{"hz", "x"}, {"cluster-enabled", "yes"}, {"replicaof", "host 6379"}, {"min-replicas-to-write", "1"}, {"dbfilename", "a/b"},
		{"aclfile", "users"}, {"maxmemory-policy", "allkeys-lfu"}, {"io-threads", "0"}, {"sanitize-dump-payload", "maybe"},
	} {
		_, err := kvstore.Open("", &kvstore.Options{Config: [][2]string{c}})
		require.ErrorIs(t, err, kvstore.ErrConfig, "%q", c)
		require.ErrorContains(t, err, c[0])
	}
}

// A store that keeps nothing by itself leaves the folder alone until SAVE.
func TestFolderIsLockedWhenItIsWrittenTo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := open(t, dir, &kvstore.Options{NoLog: true}), open(t, dir, &kvstore.Options{NoLog: true})
	names := func() []string {
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		require.NoError(t, err)
		for i := range files {
			files[i] = filepath.Base(files[i])
		}
		slices.Sort(files)
		return files
	}
	require.Empty(t, names())
	do(t, a, "SET k v")
	do(t, a, "SAVE")
	require.Equal(t, []string{"LOCK", "dump.rdb"}, names())
	_, err := b.Do(t.Context(), "SAVE")
	require.ErrorContains(t, err, "in use")
	require.NoError(t, a.Close())
	do(t, b, "SAVE")
	require.NoError(t, b.Close())
}

// Writers are refused while no snapshot can be written, if there are save points.
func TestStopWritesAfterAFailedSave(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "gone")
	db := open(t, dir, &kvstore.Options{NoLog: true, Config: [][2]string{{"enable-protected-configs", "yes"}}})
	_, err := db.Do(t.Context(), "SAVE")
	require.Error(t, err, "there is no folder")
	do(t, db, "SET k v")
	do(t, db, "CONFIG SET", "save", "1000 1000")
	_, err = db.Do(t.Context(), "SET", "k", "v")
	require.ErrorContains(t, err, "MISCONF Redis is configured to save RDB snapshots")
	require.ErrorContains(t, db.Set("k", nil, nil), "MISCONF")
	do(t, db, "GET k")
	do(t, db, "CONFIG SET", "stop-writes-on-bgsave-error", "no")
	do(t, db, "SET k v")
}

func TestLoadTruncatedIsRefusedIfAsked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, dir, nil)
	do(t, db, "SET k v")
	require.NoError(t, db.Close())
	files, err := filepath.Glob(filepath.Join(dir, "appendonlydir", "*.incr.aof"))
	require.NoError(t, err)
	f, err := os.OpenFile(files[0], os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString("*3\r\n$3\r\nSET\r\n$1")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	_, err = kvstore.Open(dir, &kvstore.Options{Config: [][2]string{{"aof-load-truncated", "no"}}})
	var damage *kvstore.CorruptError
	require.ErrorAs(t, err, &damage)
	db = open(t, dir, nil)
	require.Equal(t, "v", strings.TrimSpace(string(do(t, db, "GET k").Bytes)))
}

func TestAppendOnlyIsTurnedOnAndOff(t *testing.T) {
	t.Parallel()
	for _, preamble := range []string{"yes", "no"} {
		dir := t.TempDir()
		log := func() string { return filepath.Join(dir, "appendonlydir", "appendonly.aof.manifest") }
		db := open(t, dir, &kvstore.Options{NoLog: true, Fsync: kvstore.FsyncAlways, Config: [][2]string{{"aof-use-rdb-preamble", preamble}}})
		isOn := func() string { return string(do(t, db, "CONFIG GET appendonly").Elems[1].Bytes) }
		do(t, db, "SET before 1")
		require.Equal(t, "no", isOn())
		do(t, db, "CONFIG SET appendonly yes")
		do(t, db, "CONFIG SET appendonly yes")
		require.Equal(t, "yes", isOn())
		do(t, db, "SET after 2")
		require.NoError(t, db.Close(), "which waits for the base")
		require.FileExists(t, log())

		db = open(t, dir, nil)
		require.Equal(t, "1", string(do(t, db, "GET before").Bytes))
		require.Equal(t, "2", string(do(t, db, "GET after").Bytes))
		do(t, db, "CONFIG SET appendonly no")
		require.Equal(t, "no", isOn())
		do(t, db, "SET lost 3")
		require.NoError(t, db.Close())
		db = open(t, dir, nil)
		require.Equal(t, kvstore.NilReply, do(t, db, "GET lost").Kind)
		do(t, db, "CONFIG SET appendonly no")
		do(t, db, "DEL before")
		do(t, db, "CONFIG SET appendonly yes")
		do(t, db, "SET more 4")
		require.NoError(t, db.Close())
		db = open(t, dir, nil)
		require.Equal(t, kvstore.NilReply, do(t, db, "GET before").Kind, "the old log was replaced")
		require.Equal(t, "4", string(do(t, db, "GET more").Bytes))
		files, err := filepath.Glob(filepath.Join(dir, "appendonlydir", "*"))
		require.NoError(t, err)
		require.LessOrEqual(t, len(files), 4, "nothing is left of the old ones: %q", files)
		require.NoError(t, db.Close())
	}
	_, err := open(t, "", nil).Do(t.Context(), "CONFIG", "SET", "appendonly", "yes")
	require.ErrorContains(t, err, "the store has no folder")
}

// Writers are never told that something is safe that is not, nor wait for ever, while
// the log is turned on and off.
func TestAppendOnlyChangesUnderLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, dir, &kvstore.Options{Fsync: kvstore.FsyncAlways})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
					assert.NoError(t, db.Set(fmt.Sprintf("k%d:%d", i, n), []byte("v"), nil))
				}
			}
		})
	}
	for i := range 20 {
		_, err := db.Do(t.Context(), "CONFIG", "SET", "appendonly", []string{"no", "yes"}[i%2])
		if err != nil {
			require.ErrorContains(t, err, "rewritten already")
		}
	}
	require.Eventually(t, func() bool {
		_, err := db.Do(t.Context(), "CONFIG", "SET", "appendonly", "yes")
		return err == nil
	}, 10*time.Second, time.Millisecond)
	close(stop)
	wg.Wait()
	want := db.Stats().Keys
	require.NoError(t, db.Close())
	require.Equal(t, want, open(t, dir, nil).Stats().Keys)
}

// SHUTDOWN is refused while the snapshot cannot be written, and writers wait for it.
func TestShutdownIsRefusedIfSavingFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, dir, &kvstore.Options{NoLog: true, Config: [][2]string{{"save", "1000 1000"}, {"stop-writes-on-bgsave-error", "no"}}})
	asked := 0
	s := db.NewSession(&kvstore.SessionOptions{Shutdown: func(kvstore.ShutdownOptions) { asked++ }})
	defer s.Close()
	run := func(words ...string) string {
		var args [][]byte
		for _, w := range words {
			args = append(args, []byte(w))
		}
		return string(s.Exec(nil, args))
	}
	require.NoError(t, os.Mkdir(filepath.Join(dir, "dump.rdb"), 0o700), "no file can take its place")
	require.Equal(t, "-ERR Errors trying to SHUTDOWN. Check logs.\r\n", run("SHUTDOWN"))
	require.Equal(t, "-ERR Errors trying to SHUTDOWN. Check logs.\r\n", run("SHUTDOWN", "SAVE"))
	require.Zero(t, asked)
	require.Equal(t, "+OK\r\n", run("SET", "k", "v"), "everything goes on")
	require.False(t, s.Closing())
	require.Empty(t, run("SHUTDOWN", "FORCE"))
	require.Empty(t, run("SHUTDOWN", "NOSAVE"))
	require.Equal(t, 2, asked)

	require.NoError(t, os.Remove(filepath.Join(dir, "dump.rdb")))
	s2 := db.NewSession(&kvstore.SessionOptions{})
	defer s2.Close()
	require.NoError(t, db.PrepareShutdown(kvstore.ShutdownOptions{}))
	require.FileExists(t, filepath.Join(dir, "dump.rdb"))
	require.Empty(t, s2.Exec(nil, [][]byte{[]byte("SET"), []byte("k"), []byte("w")}))
	require.True(t, s2.Blocked(), "it is in no snapshot")
}

func TestLoadAOF(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir(), nil)
	do(t, db, "RPUSH l a b c")
	do(t, db, "SET k v")
	do(t, db, "PEXPIREAT k 99999999999999")
	before := do(t, db, "DEBUG DIGEST").Text
	do(t, db, "DEBUG LOADAOF")
	require.Equal(t, before, do(t, db, "DEBUG DIGEST").Text)
	_, err := open(t, "", nil).Do(t.Context(), "DEBUG", "LOADAOF")
	require.ErrorContains(t, err, "has no folder")
}

// Without a log BGREWRITEAOF writes one all the same, as Redis does.
func TestRewriteWithoutALog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, dir, &kvstore.Options{NoLog: true})
	do(t, db, "RPUSH l a b c")
	for range 2 {
		do(t, db, "SET k v")
		do(t, db, "BGREWRITEAOF")
		require.Eventually(t, func() bool {
			return strings.Contains(string(do(t, db, "INFO persistence").Bytes), "aof_rewrite_in_progress:0")
		}, 10*time.Second, time.Millisecond)
		before := do(t, db, "DEBUG DIGEST").Text
		do(t, db, "SET lost v")
		do(t, db, "DEBUG LOADAOF")
		require.Equal(t, before, do(t, db, "DEBUG DIGEST").Text)
	}
	require.NoError(t, db.Close())
	db = open(t, dir, nil)
	require.Equal(t, int64(3), do(t, db, "LLEN l").Int)
	require.Equal(t, "v", string(do(t, db, "GET k").Bytes))
}

func TestFlushAllReachesTheSnapshot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, dir, &kvstore.Options{NoLog: true, Config: [][2]string{{"save", "1000 1000"}}})
	do(t, db, "SET k v")
	do(t, db, "SAVE")
	do(t, db, "FLUSHALL")
	require.Contains(t, string(do(t, db, "INFO persistence").Bytes), "rdb_changes_since_last_save:0\r\n")
	text, err := os.ReadFile(filepath.Join(dir, "dump.rdb"))
	require.NoError(t, err)
	again := open(t, "", nil)
	require.NoError(t, again.Load(bytes.NewReader(text)))
	require.Zero(t, again.Stats().Keys)

	// A saving that is under way ends.
	do(t, db, "CONFIG SET", "save", "")
	do(t, db, "SET k v")
	do(t, db, "CONFIG SET", "rdb-key-save-delay", "1000000000")
	do(t, db, "BGSAVE")
	do(t, db, "FLUSHALL")
	info := string(do(t, db, "INFO persistence").Bytes)
	require.Contains(t, info, "rdb_bgsave_in_progress:0\r\n")
	require.Contains(t, info, "rdb_last_bgsave_status:ok\r\n")
	do(t, db, "CONFIG SET", "rdb-key-save-delay", "0")
	do(t, db, "SAVE")
}

func TestIdleTimes(t *testing.T) {
	t.Parallel()
	var clock atomic.Int64
	clock.Store(time.Now().UnixNano())
	db := open(t, "", &kvstore.Options{Now: func() time.Time { return time.Unix(0, clock.Load()) }})
	idle := func() int64 { return do(t, db, "OBJECT IDLETIME k").Int }
	do(t, db, "SET k v")
	clock.Add(int64(100 * time.Second))
	require.Eventually(t, func() bool { return idle() == 100 }, 10*time.Second, time.Millisecond, "the clock of idle times ticks")
	for _, c := range []string{"TYPE k", "TTL k", "EXISTS k", "OBJECT ENCODING k", "MEMORY USAGE k"} {
		do(t, db, c)
		require.Equal(t, int64(100), idle(), c)
	}
	do(t, db, "TOUCH k")
	require.Zero(t, idle())
}

func TestRenamedCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, dir, &kvstore.Options{Config: [][2]string{{"rename-command", "FLUSHALL"}, {"rename-command", "Set put"}, {"rename-command", "config secret"}}})
	s := db.NewSession(&kvstore.SessionOptions{})
	defer s.Close()
	run := func(line string) string { return string(s.Exec(nil, bytes.Fields([]byte(line)))) }
	require.Equal(t, "-ERR unknown command 'FLUSHALL', with args beginning with: \r\n", run("FLUSHALL"))
	require.Equal(t, "-ERR unknown command 'set', with args beginning with: 'k' 'v' \r\n", run("set k v"))
	require.Equal(t, "+OK\r\n", run("PUT k v"))
	require.Equal(t, "*2\r\n$4\r\nport\r\n$4\r\n6379\r\n", run("SECRET GET port"))
	require.Contains(t, run("CONFIG GET port"), "unknown command")
	require.Equal(t, "+OK\r\n", run("MULTI"))
	require.Equal(t, "+QUEUED\r\n", run("put k w"))
	require.Equal(t, "*1\r\n+OK\r\n", run("EXEC"))
	s.EndBatch()
	require.NoError(t, db.Close())
	db = open(t, dir, nil)
	require.Equal(t, "w", string(do(t, db, "GET k").Bytes), "the log has the real names")
	for _, v := range []string{"", "nothing x", "get set", "a b c"} {
		_, err := kvstore.Open("", &kvstore.Options{Config: [][2]string{{"rename-command", v}}})
		require.ErrorIs(t, err, kvstore.ErrConfig, v)
	}
}

func TestBackgroundWorkInATransaction(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir(), nil)
	s := db.NewSession(nil)
	defer s.Close()
	run := func(line string) string { return string(s.Exec(nil, bytes.Fields([]byte(line)))) }
	for _, line := range []string{"MULTI", "SET k v", "BGSAVE", "BGREWRITEAOF"} {
		run(line)
	}
	require.Equal(t, "*3\r\n+OK\r\n+Background saving scheduled\r\n+Background append only file rewriting scheduled\r\n", run("EXEC"))
	require.Eventually(t, func() bool {
		text := string(do(t, db, "INFO persistence").Bytes)
		return strings.Contains(text, "rdb_saves:1\r\n") && strings.Contains(text, "aof_rewrites:1\r\n")
	}, 10*time.Second, time.Millisecond)
}
