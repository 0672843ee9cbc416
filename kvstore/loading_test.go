package kvstore_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/kvstore"
)

// slowly makes loading wait half an hour for each key, and lets others in while it waits.
func slowly(o kvstore.Options) *kvstore.Options {
	o.LoadInBackground = true
	o.Config = append([][2]string{{"key-load-delay", "2000000000"}, {"loading-process-events-interval-bytes", "1024"}}, o.Config...)
	return &o
}

// fill makes folders with the same keys in all the forms that Open reads.
func fill(t *testing.T) (folders map[string]kvstore.Options, digests map[string]string) {
	t.Helper()
	folders, digests = make(map[string]kvstore.Options), make(map[string]string)
	for name, o := range map[string]kvstore.Options{
		"log":                     {},
		"rewritten log":           {},
		"log rewritten as a log":  {Config: [][2]string{{"aof-use-rdb-preamble", "no"}}},
		"snapshot":                {NoLog: true},
		"snapshot, written later": {NoLog: true, Config: [][2]string{{"save", "3600 1"}}},
		"imported snapshot":       {NoLog: true},
	} {
		dir := t.TempDir()
		db := open(t, dir, &o)
		manyKinds(t, db)
		switch {
		case strings.Contains(name, "rewritten"):
			require.NoError(t, db.Compact(t.Context()))
		case o.NoLog:
			do(t, db, "SAVE")
		}
		digests[dir] = digest(t, db)
		require.NoError(t, db.Close())
		o.NoLog = o.NoLog && name != "imported snapshot"
		folders[dir] = o
	}
	return folders, digests
}

func TestLoadInBackground(t *testing.T) {
	t.Parallel()
	folders, digests := fill(t)
	for dir, o := range folders {
		t.Run("", func(t *testing.T) {
			db := open(t, dir, slowly(o))
			s := db.NewSession(&kvstore.SessionOptions{})
			defer s.Close()
			ask := func(line string) string { return sessionAsk(s, line) }
			const loading = "-LOADING Redis is loading the dataset in memory\r\n"
			require.Equal(t, loading, ask("GET s1"))
			require.Equal(t, loading, ask("SET s1 x"))
			require.Equal(t, loading, ask("PING"))
			require.Equal(t, "-ERR wrong number of arguments for 'get' command\r\n", ask("GET"))
			require.Equal(t, "+OK\r\n", ask("MULTI"))
			require.Equal(t, loading, ask("GET s1"))
			require.Contains(t, ask("EXEC"), "-EXECABORT")
			require.Equal(t, "+OK\r\n", ask("WATCH s1"))
			require.Equal(t, "+OK\r\n", ask("MULTI"))
			require.Equal(t, "+QUEUED\r\n", ask("INFO everything"))
			require.Contains(t, ask("EXEC"), "\r\nloading:1\r\n")
			require.Contains(t, ask("SUBSCRIBE c"), "subscribe")
			require.Contains(t, ask("UNSUBSCRIBE c"), "unsubscribe")
			require.Contains(t, ask("DEBUG RELOAD"), "not allowed")
			require.Equal(t, loading, ask("CONFIG SET appendonly "+map[bool]string{true: "yes", false: "no"}[o.NoLog]))
			require.Equal(t, "+OK\r\n", ask("CONFIG SET appendfsync always"))

			info := ask("INFO persistence")
			require.Contains(t, info, "aof_enabled:"+map[bool]string{true: "0", false: "1"}[o.NoLog])
			require.Regexp(t, `\r\nloading_total_bytes:[1-9]\d+\r\n`, info)
			require.Regexp(t, `\r\nloading_loaded_bytes:[1-9]\d+\r\n`, info)
			require.Regexp(t, `\r\nloading_loaded_perc:\d+\.\d\d\r\n`, info)
			require.Regexp(t, `\r\nloading_eta_seconds:\d+\r\n`, info)
			require.Contains(t, ask("INFO keyspace"), "db0:keys=")
			st := db.Stats()
			require.True(t, st.Loading)
			require.Positive(t, st.Keys)
			require.Less(t, st.Loaded, st.ToLoad)

			ended, cancel := context.WithCancel(t.Context())
			cancel()
			require.ErrorIs(t, db.WaitLoaded(ended), context.Canceled)
			require.ErrorIs(t, db.Compact(ended), context.Canceled)
			late, cancel := context.WithTimeout(t.Context(), time.Microsecond)
			defer cancel()
			_, err := db.Do(late, "PING")
			require.ErrorIs(t, err, context.DeadlineExceeded)
			got := make(chan string, 1)
			go func() {
				v, err := db.Get("s7")
				got <- string(v) + " " + map[bool]string{true: "good", false: "bad"}[err == nil && !db.Stats().Loading]
			}()

			require.Equal(t, "+OK\r\n", ask("CONFIG SET key-load-delay 0"))
			require.NoError(t, db.WaitLoaded(t.Context()))
			require.Equal(t, "v7 good", <-got, "methods wait")
			require.Equal(t, "$2\r\nv1\r\n", ask("GET s1"))
			require.Contains(t, ask("INFO persistence"), "\r\nloading:0\r\n")
			require.NotContains(t, ask("INFO persistence"), "loading_")
			require.Equal(t, digests[dir], digest(t, db))
			st = db.Stats()
			require.False(t, st.Loading)
			require.Equal(t, st.ToLoad, st.Loaded)
			require.Equal(t, !o.NoLog, st.OnDisk)
			if !o.NoLog {
				require.NoError(t, db.Set("s1", nil, nil))
				require.True(t, syncsAlways(t, dir), "what was set meanwhile holds")
			}
		})
	}
}

// syncsAlways tells whether space is reserved in the log, which is done so that it can be
// synced after each write.
func syncsAlways(t *testing.T, dir string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "appendonlydir", "*.incr.aof"))
	require.NoError(t, err)
	st, err := os.Stat(files[len(files)-1])
	require.NoError(t, err)
	return st.Size() >= 256<<10
}

func TestAppendfsyncInConfig(t *testing.T) {
	t.Parallel()
	for _, v := range []string{"always", "everysec", "no"} {
		dir := t.TempDir()
		for range 2 { // a new log and one that is there
			db := open(t, dir, &kvstore.Options{Config: [][2]string{{"appendfsync", v}}})
			require.NoError(t, db.Set("k", nil, nil))
			require.NoError(t, db.Sync())
			require.Equal(t, v == "always", syncsAlways(t, dir), v)
			require.NoError(t, db.Close())
		}
	}
}

// sessionAsk runs a command written as words.
func sessionAsk(s *kvstore.Session, line string) string {
	var args [][]byte
	for _, w := range strings.Fields(line) {
		args = append(args, []byte(w))
	}
	return string(s.Exec(nil, args))
}

// TestProgressInTheLog: whoever reads the log of the program sees how far it is.
func TestProgressInTheLog(t *testing.T) {
	t.Parallel()
	folders, _ := fill(t)
	for dir, o := range folders {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			lines := make(chan string, 1000)
			o := slowly(o)
			o.Config[0][1] = "5000"
			o.Logger = slog.New(slog.NewTextHandler(lineWriter(lines), nil))
			db := open(t, dir, o)
			for line := range lines {
				if strings.Contains(line, "msg=loading") {
					require.Regexp(t, `msg=loading bytes=[1-9]\d+ of=[1-9]\d+`, line)
					break
				}
			}
			do := db.NewSession(&kvstore.SessionOptions{})
			defer do.Close()
			require.Equal(t, "+OK\r\n", sessionAsk(do, "CONFIG SET key-load-delay 0"))
			require.NoError(t, db.WaitLoaded(t.Context()))
		})
	}
}

type lineWriter chan<- string

func (w lineWriter) Write(b []byte) (int, error) {
	w <- string(b)
	return len(b), nil
}

// TestLittleIsLoadedAtOnce: who asks for the first time finds what is loaded in a moment.
func TestLittleIsLoadedAtOnce(t *testing.T) {
	t.Parallel()
	folders, _ := fill(t)
	for dir, o := range folders {
		for range 20 {
			o.LoadInBackground = true
			db, err := kvstore.Open(dir, &o)
			require.NoError(t, err)
			s := db.NewSession(&kvstore.SessionOptions{})
			require.Equal(t, "$2\r\nv1\r\n", sessionAsk(s, "GET s1"))
			s.Close()
			require.NoError(t, db.Close())
		}
	}
}

// TestCloseWhileLoading: what was there stays there.
func TestCloseWhileLoading(t *testing.T) {
	t.Parallel()
	folders, digests := fill(t)
	for dir, o := range folders {
		for range 3 {
			db, err := kvstore.Open(dir, slowly(o))
			require.NoError(t, err)
			if !o.NoLog {
				_, err = kvstore.Open(dir, nil)
				require.ErrorIs(t, err, kvstore.ErrLocked)
			}
			got := make(chan error, 1)
			go func() {
				_, err := db.Do(t.Context(), "GET", "s1")
				got <- err
			}()
			require.NoError(t, db.PrepareShutdown(kvstore.ShutdownOptions{Save: true}))
			require.NoError(t, db.Close())
			require.ErrorIs(t, <-got, kvstore.ErrClosed)
			require.ErrorIs(t, db.WaitLoaded(t.Context()), kvstore.ErrClosed)
			_, err = db.Get("s1")
			require.ErrorIs(t, err, kvstore.ErrClosed)
		}
		db := open(t, dir, &o)
		require.Equal(t, digests[dir], digest(t, db))
	}
}

// TestDamageInBackground: it is found as by Open, and nothing of the rest is shown.
func TestDamageInBackground(t *testing.T) {
	t.Parallel()
	folders, _ := fill(t)
	for dir, o := range folders {
		files, err := filepath.Glob(filepath.Join(dir, "*.rdb"))
		require.NoError(t, err)
		more, err := filepath.Glob(filepath.Join(dir, "*", "*.[ra]?[bf]"))
		require.NoError(t, err)
		file := append(files, more...)[0]
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		data[len(data)/2] ^= 0x10
		require.NoError(t, os.WriteFile(file, data, 0o600))

		_, want := kvstore.Open(dir, &o)
		var corrupt *kvstore.CorruptError
		require.ErrorAs(t, want, &corrupt)
		o.LoadInBackground = true
		for range 2 { // the folder is not locked after the first time
			db, err := kvstore.Open(dir, &o)
			require.NoError(t, err)
			require.Equal(t, want, db.WaitLoaded(t.Context()))
			_, err = db.Get("s1")
			require.Equal(t, want, err)
			require.Equal(t, want, db.Set("s1", nil, nil))
			require.Equal(t, want, db.GetView("s1", func([]byte) error { return nil }))
			require.Equal(t, want, db.Update(func(*kvstore.Tx) error { return nil }))
			for range db.All("") {
				require.Fail(t, "there are keys")
			}
			s := db.NewSession(&kvstore.SessionOptions{})
			require.Contains(t, sessionAsk(s, "GET s1"), "-LOADING")
			s.Close()
			require.True(t, db.Stats().Loading)
			require.Zero(t, db.Stats().Keys)
			require.NoError(t, db.Close())
			require.ErrorIs(t, db.Set("s1", nil, nil), kvstore.ErrClosed)
		}
	}
}

// TestLoadingAgainstRedis: both answer the same while they load.
func TestLoadingAgainstRedis(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, dir, nil)
	manyKinds(t, db)
	require.NoError(t, db.Compact(t.Context()))
	manyKinds(t, db)
	require.NoError(t, db.Close())
	theirs := t.TempDir()
	require.NoError(t, os.CopyFS(theirs, os.DirFS(dir)))
	sock := startRedis(t, "--dir", theirs, "--appendonly", "yes", "--key-load-delay", "2000", "--loading-process-events-interval-bytes", "1024")
	db = open(t, dir, slowly(kvstore.Options{DebugCommand: "yes"}))
	d := newDiff(t, db, sock)
	require.Eventually(t, func() bool {
		d.send([][]string{{"INFO", "persistence"}})
		raw, err := readRaw(d.r, nil)
		require.NoError(t, err)
		return strings.Contains(string(raw), "loading:1")
	}, 10*time.Second, time.Millisecond)
	// In one piece, since Redis answers now and then only.
	var list [][]string
	for _, line := range []string{
		"GET s1", "GET", "NOSUCH", "PING", "ECHO a", "SELECT 3", "SELECT 0", "SET s1 x", "BLPOP l 1", "MULTI", "GET s1", "EXEC", "MULTI", "ECHO b", "EXEC",
		"WATCH s1", "UNWATCH", "CLIENT GETNAME", "CLIENT SETNAME me", "COMMAND COUNT x", "OBJECT HELP x", "OBJECT ENCODING s1", "MEMORY USAGE s1", "DBSIZE", "KEYS *",
		"PUBLISH c m", "SPUBLISH c m", "PUBSUB NUMSUB c", "SLOWLOG LEN", "CONFIG GET appendonly", "CONFIG SET appendonly no", "CONFIG SET appendonly yes", "CONFIG SET maxmemory 1gb", "CONFIG GET *loading-process*", "BGSAVE", "SAVE", "BGREWRITEAOF",
		"CONFIG GET loading-process-events-interval-bytes", "SWAPDB 0 1", "FLUSHALL", "RESTORE k 0 x", "SORT l", "AUTH x", "RESET", "SUBSCRIBE c", "GET s1", "UNSUBSCRIBE", "LASTSAVE x", "ROLE",
	} {
		list = append(list, strings.Fields(line))
	}
	d.send(list)
	for _, args := range list {
		raw, err := readRaw(d.r, nil)
		require.NoError(t, err)
		require.Equal(t, string(raw), string(d.exec(args)), args)
	}
	ours, other := d.ask("INFO", "persistence")
	names := func(raw []byte) (list []string) {
		for _, name := range infoNames(string(raw))["Persistence"] {
			if strings.Contains(name, "load") {
				list = append(list, name)
			}
		}
		return list
	}
	require.Equal(t, names(other), names(ours))
	require.Len(t, names(ours), 10)
	d.ask("CONFIG", "SET", "key-load-delay", "0")
	require.Eventually(t, func() bool { return askRedis(t, sock, "PING") == "PONG" }, 30*time.Second, time.Millisecond)
	require.NoError(t, db.WaitLoaded(t.Context()))
	ours, other = d.ask("DEBUG", "DIGEST")
	require.Equal(t, string(other), string(ours))
}

func ExampleDB_WaitLoaded() {
	dir, err := os.MkdirTemp("", "kvstore")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	db, err := kvstore.Open(dir, &kvstore.Options{LoadInBackground: true})
	if err != nil {
		fmt.Println(err) // the folder is in use, or an option is wrong
		return
	}
	defer db.Close()
	// A server may listen from here on.
	if err := db.WaitLoaded(context.Background()); err != nil {
		fmt.Println(err) // the files are damaged
		return
	}
	fmt.Println(db.Stats().Loading)
	// Output:
	// false
}
