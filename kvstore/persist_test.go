package kvstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/kvstore"
)

// incr is the path of an incremental file.
func incr(dir string, n int) string {
	return filepath.Join(dir, "appendonlydir", fmt.Sprintf("appendonly.aof.%d.incr.aof", n))
}

func TestTornTailsAndDamage(t *testing.T) {
	cuts, flips := 100, 200
	if testing.Short() {
		cuts, flips = cuts/3, flips/3
	}
	dir := t.TempDir()
	db := open(t, dir, nil)
	const n = 50
	var ends []int64 // of the units
	for i := range n {
		require.NoError(t, db.Set(fmt.Sprint("key", i), []byte(fmt.Sprint("value ", i, " #CRC32C:5:00000000\n")), nil))
		ends = append(ends, db.Stats().LogSize)
	}
	require.NoError(t, db.Close())
	path := incr(dir, 1)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	manifest, err := os.ReadFile(filepath.Join(dir, "appendonlydir", "appendonly.aof.manifest"))
	require.NoError(t, err)
	put := func(data []byte) {
		folder := filepath.Join(dir, "appendonlydir")
		require.NoError(t, os.RemoveAll(folder))
		require.NoError(t, os.Mkdir(folder, 0o755))
		require.NoError(t, os.WriteFile(path, data, 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(folder, "appendonly.aof.manifest"), manifest, 0o644))
	}
	check := func(what string) (keys int, err error) {
		db, err := kvstore.Open(dir, nil)
		if err != nil {
			return 0, err
		}
		defer db.Close()
		for k, v := range db.All("") {
			require.Equal(t, "value "+strings.TrimPrefix(k, "key")+" #CRC32C:5:00000000\n", string(v), what)
			keys++
		}
		return keys, nil
	}
	for range cuts {
		cut := rand.IntN(len(data))
		put(data[:cut])
		keys, err := check(fmt.Sprint("cut at ", cut))
		require.NoError(t, err)
		want := 0
		for want < n && ends[want] <= int64(cut) {
			want++
		}
		require.Equal(t, want, keys, "longest valid prefix of a cut at %d", cut)
	}
	for _, tail := range [][]byte{make([]byte, 64<<10), []byte("*3\r\n$3\r\nSET"), []byte("#CRC32C:9999999:00000000\n")} {
		put(append(bytes.Clone(data), tail...))
		keys, err := check("tail")
		require.NoError(t, err)
		require.Equal(t, n, keys)
	}
	refused := 0
	for range flips {
		at := rand.IntN(len(data))
		damaged := bytes.Clone(data)
		damaged[at] ^= 1 << rand.IntN(8)
		put(damaged)
		keys, err := check(fmt.Sprint("flipped at ", at))
		var ce *kvstore.CorruptError
		if errors.As(err, &ce) {
			refused++
			require.Equal(t, path, ce.File)
			require.LessOrEqual(t, ce.Offset, int64(at))
			continue
		}
		require.NoError(t, err)
		if keys < n { // else it was the case of a hexadecimal digit
			require.GreaterOrEqual(t, int64(at), ends[n-2], "only damage in the last unit may be taken for a torn tail")
		}
	}
	require.Greater(t, refused, flips/2)
}

// do runs a command written as words.
// do runs a command; more are arguments that may have spaces.
func do(t *testing.T, db *kvstore.DB, line string, more ...any) kvstore.Reply {
	t.Helper()
	var args []any
	words := strings.Fields(line)
	for _, w := range words[1:] {
		args = append(args, w)
	}
	r, err := db.Do(t.Context(), words[0], append(args, more...)...)
	require.NoError(t, err, line)
	return r
}

// manyKinds writes values of all types, in two databases.
func manyKinds(t *testing.T, db *kvstore.DB) {
	s := db.NewSession(nil)
	for i := range 300 {
		for _, line := range []string{
			"SELECT 0", fmt.Sprint("SET s", i, " v", i), fmt.Sprint("RPUSH l a", i, " ", i), fmt.Sprint("HSET h f", i, " ", i), fmt.Sprint("SADD e ", i), fmt.Sprint("ZADD z ", i, ".5 m", i),
			"SELECT 3", fmt.Sprint("SADD e3 m", i), fmt.Sprint("SET t", i, " 1 PX 100000000"), "INCR n", "SPOP e3", "LPOP none", fmt.Sprint("BITFIELD b SET u8 ", i, " 9"),
			"MULTI", "INCR x", "INCR y", "EXEC",
		} {
			var args [][]byte
			for _, w := range strings.Fields(line) {
				args = append(args, []byte(w))
			}
			out := s.Exec(nil, args)
			require.NotEqual(t, byte('-'), out[0], "%s: %s", line, out)
		}
	}
	require.NoError(t, db.Commit(s.EndBatch()))
}

func digest(t *testing.T, db *kvstore.DB) string { return do(t, db, "DEBUG DIGEST").Text }

func TestAllKindsSurviveReopenAndRewrite(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, nil)
	manyKinds(t, db)
	want := digest(t, db)
	require.NoError(t, db.Close())
	db = open(t, dir, nil)
	require.Equal(t, want, digest(t, db))
	require.NoError(t, db.Compact(t.Context()))
	require.Equal(t, want, digest(t, db))
	manyKinds(t, db)
	want = digest(t, db)
	require.NoError(t, db.Close())
	db = open(t, dir, nil)
	require.Equal(t, want, digest(t, db))
	require.NoError(t, db.Close())
	names, err := os.ReadDir(filepath.Join(dir, "appendonlydir"))
	require.NoError(t, err)
	require.Len(t, names, 3, "manifest, base and one incremental file: %v", names)
}

// TestRewriteUnderLoad compares what is there in the end with what is there after
// reopening, when writers did not stop for rewriting.
func TestRewriteUnderLoad(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, nil)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 1))
			for {
				select {
				case <-stop:
					return
				default:
				}
				key := fmt.Sprint(r.IntN(500))
				var err error
				switch r.IntN(8) {
				case 0:
					_, err = db.Delete("c"+key, "l"+key)
				case 1:
					_, err = db.Do(context.Background(), "RPUSH", "l"+key, r.IntN(100))
				case 2:
					_, err = db.Do(context.Background(), "HINCRBY", "h"+key, r.IntN(200), 1)
				case 3:
					_, err = db.Do(context.Background(), "ZINCRBY", "z"+key, 1, r.IntN(200))
				case 4:
					_, err = db.Do(context.Background(), "RENAME", "h"+key, "h"+fmt.Sprint(r.IntN(500)))
					if ce := kvstore.CommandError(""); errors.As(err, &ce) {
						err = nil
					}
				default:
					_, err = db.Incr("c"+key, 1)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	rewrites := 8
	if testing.Short() {
		rewrites = 3
	}
	for range rewrites {
		require.NoError(t, db.Compact(t.Context()))
	}
	close(stop)
	wg.Wait()
	want := digest(t, db)
	require.NoError(t, db.Close())
	db = open(t, dir, nil)
	require.Equal(t, want, digest(t, db))
}

func TestSnapshotStays(t *testing.T) {
	db := open(t, "", nil)
	for i := range 2000 {
		require.NoError(t, db.Set(fmt.Sprint("k", i), []byte("old"), nil))
	}
	sn := db.Snapshot()
	for i := range 2000 {
		switch i % 3 {
		case 0:
			require.NoError(t, db.Set(fmt.Sprint("k", i), []byte("new"), nil))
		case 1:
			_, err := db.Delete(fmt.Sprint("k", i))
			require.NoError(t, err)
		}
		require.NoError(t, db.Set(fmt.Sprint("n", i), nil, nil))
	}
	do(t, db, "FLUSHALL")
	n := 0
	for k, v := range sn.All("") {
		require.Equal(t, byte('k'), k[0])
		require.Equal(t, "old", string(v))
		n++
	}
	require.Equal(t, 2000, n)
	_, err := sn.Get("n1")
	require.ErrorIs(t, err, kvstore.ErrNotFound)
	sn.Close()
	sn.Close()
}

// TestRedisReadsOurs starts a real Redis in a folder of ours, and reads what it
// writes.
func TestRedisReadsOurs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, dir, nil)
	manyKinds(t, db)
	require.NoError(t, db.Compact(t.Context()))
	manyKinds(t, db)
	ask := []string{"SELECT 0", "DBSIZE", "LRANGE l 0 -1", "ZRANGE z 0 -1 WITHSCORES", "HGET h f7", "SCARD e", "SELECT 3", "DBSIZE", "GET n", "GET x", "GET y", "GETRANGE b 0 -1", "SCARD e3"}
	answers := func() (list []string) {
		s := db.NewSession(&kvstore.SessionOptions{})
		defer s.Close()
		for _, line := range ask {
			list = append(list, string(s.Exec(nil, bytes.Fields([]byte(line)))))
		}
		return list
	}
	want := answers()
	require.NoError(t, db.Close())

	sock := startRedis(t, "--appendonly", "yes", "--dir", dir, "--aof-use-rdb-preamble", "no")
	conn, err := net.Dial("unix", sock)
	require.NoError(t, err)
	d := &diff{t: t, conn: conn, r: newReader(conn)}
	require.Eventually(t, func() bool {
		d.send([][]string{{"PING"}})
		got, err := readRaw(d.r, nil)
		require.NoError(t, err)
		return string(got) == "+PONG\r\n"
	}, 10*time.Second, 10*time.Millisecond)
	for i, line := range append(ask, "SELECT 0", "SET redis was-here", "SELECT 3", "INCR n") {
		d.send([][]string{strings.Fields(line)})
		got, err := readRaw(d.r, nil)
		require.NoError(t, err)
		if i < len(want) {
			require.Equal(t, want[i], string(got), line)
		}
	}
	d.send([][]string{{"SHUTDOWN"}})
	_, err = d.r.ReadByte()
	require.Error(t, err)

	db = open(t, dir, nil)
	v, err := db.Get("redis")
	require.NoError(t, err)
	require.Equal(t, "was-here", string(v))
	require.NoError(t, db.Close())
}

func TestSnapshotsAndPayloads(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, &kvstore.Options{NoLog: true})
	manyKinds(t, db)
	want := digest(t, db)
	do(t, db, "DEBUG RELOAD")
	require.Equal(t, want, digest(t, db))
	do(t, db, "SAVE")
	var b bytes.Buffer
	require.NoError(t, db.Save(&b))
	require.NoError(t, db.Close())

	db = open(t, dir, &kvstore.Options{NoLog: true})
	require.Equal(t, want, digest(t, db))
	for _, key := range []string{"l", "h", "e", "z", "s1"} {
		payload := do(t, db, "DUMP "+key).Bytes
		_, err := db.Do(t.Context(), "RESTORE", "copy", 0, payload, "REPLACE")
		require.NoError(t, err)
		require.Equal(t, do(t, db, "DEBUG DIGEST-VALUE "+key).String(), do(t, db, "DEBUG DIGEST-VALUE copy").String())
		payload[len(payload)/2] ^= 4
		_, err = db.Do(t.Context(), "RESTORE", "copy", 0, payload, "REPLACE")
		require.ErrorContains(t, err, "DUMP payload version or checksum are wrong")
	}
	require.NoError(t, db.Close())

	// The other way: a snapshot into a store with a log, which keeps it.
	dir = t.TempDir()
	db = open(t, dir, nil)
	do(t, db, "SET gone 1")
	half := b.Bytes()[:b.Len()/2]
	require.Error(t, db.Load(bytes.NewReader(half)))
	require.Equal(t, 1, db.Stats().Keys, "nothing has changed")
	require.NoError(t, db.Load(&b))
	require.Equal(t, want, digest(t, db))
	require.NoError(t, db.Close())
	db = open(t, dir, nil)
	require.Equal(t, want, digest(t, db))
}

func TestImportOfOlderLogs(t *testing.T) {
	for name, data := range map[string]string{
		"data.aof":       "SET a 1\nSET b two words\nDEL a\nSET c 3\nSET half",
		"appendonly.aof": "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$9\r\ntwo words\r\n*3\r\n$3\r\nSET\r\n$1\r\nc\r\n$1\r\n3\r\n*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n3\r\n",
	} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644))
		for range 2 {
			db := open(t, dir, nil)
			require.Equal(t, 2, db.Stats().Keys, name)
			v, err := db.Get("b")
			require.NoError(t, err)
			require.Equal(t, "two words", string(v))
			require.NoError(t, db.Close())
		}
	}
}

func TestCheckAndRepair(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, nil)
	for i := range 100 {
		require.NoError(t, db.Set(fmt.Sprint("k", i), []byte("v"), nil))
	}
	_, err := kvstore.Check(dir)
	require.ErrorIs(t, err, kvstore.ErrLocked)
	require.NoError(t, db.Close())
	r, err := kvstore.Check(dir)
	require.NoError(t, err)
	require.Nil(t, r.Damage)
	require.Len(t, r.Files, 1)
	require.Equal(t, r.Files[0].Size, r.Files[0].Good)
	require.True(t, r.Files[0].Checksummed)

	path := incr(dir, 1)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	at := len(data) / 2
	data[at] ^= 1
	require.NoError(t, os.WriteFile(path, data, 0o644))
	_, err = kvstore.Open(dir, nil)
	var ce *kvstore.CorruptError
	require.ErrorAs(t, err, &ce)
	r, err = kvstore.Repair(dir)
	require.NoError(t, err)
	require.Equal(t, ce.Offset, r.Damage.Offset)
	db = open(t, dir, nil)
	require.InDelta(t, 50, db.Stats().Keys, 3)
	require.NoError(t, db.Close())
	r, err = kvstore.Check(dir)
	require.NoError(t, err)
	require.Nil(t, r.Damage)
	_, err = os.Stat(path + ".damaged")
	require.NoError(t, err)
}

func FuzzLog(f *testing.F) {
	f.Add([]byte("*1\r\n$4\r\nPING\r\n#CRC32C:14:00000000\n"))
	f.Add([]byte("#CRC32C:0:00000000\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "appendonly.aof"), data, 0o644))
		db, err := kvstore.Open(dir, nil)
		if err != nil {
			var ce *kvstore.CorruptError
			require.ErrorAs(t, err, &ce)
			return
		}
		require.NoError(t, db.Close())
	})
}

// The log written anew as commands has all elements of all kinds of collections, numbers
// above all, which are not kept as the texts that they are written as.
func TestRewritingAsCommandsKeepsEverything(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, dir, &kvstore.Options{Config: [][2]string{{"aof-use-rdb-preamble", "no"}}})
	word := []func(i int) string{
		strconv.Itoa,
		func(i int) string { return fmt.Sprint("word", i) },
		func(i int) string { return strconv.Itoa(i*i*1_000_003 - 500) },
		func(i int) string { return fmt.Sprint(strings.Repeat("x", 100), i) },
	}
	for kind, w := range word {
		for _, n := range []int{1, 2, 7, 129, 600} {
			name := fmt.Sprintf("%d:%d", kind, n)
			for i := range n {
				do(t, db, "RPUSH", "list"+name, w(i))
				do(t, db, "SADD", "set"+name, w(i))
				do(t, db, "HSET", "hash"+name, w(i), w(i+1))
				do(t, db, "ZADD", "zset"+name, float64(i)/3, w(i))
			}
			do(t, db, "SET", "string"+name, w(n))
		}
	}
	do(t, db, "PEXPIREAT list0:7 99999999999999")
	want := do(t, db, "DEBUG DIGEST").Text
	require.NoError(t, db.Compact(t.Context()))
	require.NoError(t, db.Close())
	db = open(t, dir, nil)
	require.Equal(t, want, do(t, db, "DEBUG DIGEST").Text)
}
