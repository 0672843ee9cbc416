package rdb_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/kvstore/internal/crc64"
	"github.com/groundwork-go/groundwork/kvstore/rdb"
)

// startRedis starts a real Redis on a folder, which may have a dump.rdb.
func startRedis(t *testing.T, dir string) *redis.Client {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed")
	}
	// A path of a socket is limited to about 100 bytes.
	socketDir, err := os.MkdirTemp("", "rdb")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(socketDir) })
	socket := filepath.Join(socketDir, "s")
	var out bytes.Buffer
	cmd := exec.Command(path, "--port", "0", "--unixsocket", socket, "--dir", dir, "--save", "", "--enable-debug-command", "yes", "--loglevel", "warning")
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start())
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }() // it is killed
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-exited })
	c := redis.NewClient(&redis.Options{Network: "unix", Addr: socket, MaxRetries: -1, Protocol: 2})
	t.Cleanup(func() { _ = c.Close() })
	for deadline := time.Now().Add(time.Minute); ; {
		err := c.Ping(t.Context()).Err()
		if err == nil {
			return c
		}
		select {
		case <-exited:
			t.Fatalf("redis-server ended: %s", &out)
		case <-time.After(5 * time.Millisecond):
			require.True(t, time.Now().Before(deadline), "redis-server does not answer: %v", err)
		}
	}
}

func do(t *testing.T, c *redis.Client, args ...any) any {
	t.Helper()
	v, err := c.Do(t.Context(), args...).Result()
	require.NoError(t, err, "%v", args)
	return v
}

// transcoder writes what it is told.
type transcoder struct {
	discard
	w *rdb.Writer
	// Elements are kept since the number announced is only a hint.
	items []func()
	begin func(n int)
}

func clone(b []byte) []byte { return bytes.Clone(b) }

func (x *transcoder) key(k *rdb.Key) {
	if len(k.Name) > 0 {
		x.w.Key(*k)
	}
}
func (x *transcoder) Database(n int) error                 { x.w.Database(n, 0, 0); return nil }
func (x *transcoder) String(k *rdb.Key, v []byte) error    { x.key(k); x.w.String(v); return nil }
func (x *transcoder) IntSet(k *rdb.Key, b []byte) error    { x.key(k); x.w.IntSet(b); return nil }
func (x *transcoder) HashPack(k *rdb.Key, lp []byte) error { x.key(k); x.w.HashPack(lp); return nil }
func (x *transcoder) ZSetPack(k *rdb.Key, lp []byte) error { x.key(k); x.w.ZSetPack(lp); return nil }
func (x *transcoder) SetPack(k *rdb.Key, lp []byte) error {
	x.start(k, x.w.Set)
	for _, v := range entries(lp) {
		_ = x.Member(v) // has no error
	}
	return x.End()
}

func (x *transcoder) start(k *rdb.Key, begin func(n int)) {
	x.key(k)
	x.items, x.begin = nil, begin
}
func (x *transcoder) item(f func()) error          { x.items = append(x.items, f); return nil }
func (x *transcoder) List(k *rdb.Key, _ int) error { x.start(k, x.w.List); return nil }
func (x *transcoder) Set(k *rdb.Key, _ int) error  { x.start(k, x.w.Set); return nil }
func (x *transcoder) Hash(k *rdb.Key, _ int) error { x.start(k, x.w.Hash); return nil }
func (x *transcoder) ZSet(k *rdb.Key, _ int) error { x.start(k, x.w.ZSet); return nil }
func (x *transcoder) ListPack(lp []byte) error {
	lp = clone(lp)
	return x.item(func() { x.w.ListPack(lp) })
}
func (x *transcoder) ListItem(v []byte) error {
	v = clone(v)
	return x.item(func() { x.w.ListItem(v) })
}
func (x *transcoder) Member(v []byte) error { v = clone(v); return x.item(func() { x.w.Member(v) }) }
func (x *transcoder) Pair(f, v []byte) error {
	f, v = clone(f), clone(v)
	return x.item(func() { x.w.Pair(f, v) })
}
func (x *transcoder) Score(m []byte, s float64) error {
	m = clone(m)
	return x.item(func() { x.w.Score(m, s) })
}
func (x *transcoder) End() error {
	x.begin(len(x.items))
	for _, f := range x.items {
		f()
	}
	return nil
}

func checkRDB(t *testing.T, file string) {
	t.Helper()
	path, err := exec.LookPath("redis-check-rdb")
	if err != nil {
		t.Skip("redis-check-rdb is not installed")
	}
	out, err := exec.Command(path, file).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "RDB looks OK!")
}

func TestRedisLoadsWhatIsWritten(t *testing.T) {
	dir := t.TempDir()
	file, err := os.Create(filepath.Join(dir, "dump.rdb"))
	require.NoError(t, err)
	w := rdb.NewWriter(file, nil)
	// Redis would refuse the function.
	var whole bytes.Buffer
	all := rdb.NewWriter(&whole, nil)
	everything(all)
	require.NoError(t, all.Close())
	require.NoError(t, rdb.NewReader(&whole).Read(&transcoder{w: w}))
	require.NoError(t, w.Close())
	require.NoError(t, file.Close())
	checkRDB(t, file.Name())

	c := startRedis(t, dir)
	require.EqualValues(t, 23, do(t, c, "DBSIZE"))
	require.EqualValues(t, strings.Repeat("compress me ", 1000), do(t, c, "GET", "string 18"))
	require.EqualValues(t, "-2147483648", do(t, c, "GET", "string 10"))
	require.EqualValues(t, 1_900_000_000_123, do(t, c, "PEXPIRETIME", "12"))
	require.Equal(t, []any{"a", "1", "-70000", strings.Repeat("compress me ", 1000), "z"}, do(t, c, "LRANGE", "list", 0, -1))
	require.ElementsMatch(t, []any{"-1", "5", "1099511627776"}, do(t, c, "SMEMBERS", "ints"))
	do(t, c, "SELECT", 15)
}

// fill gives a Redis data of all types and encodings.
func fill(t *testing.T, c *redis.Client, rnd *rand.Rand) {
	text := func() string {
		switch rnd.IntN(5) {
		case 0:
			return fmt.Sprint(int64(rnd.Uint64()) >> rnd.IntN(64))
		case 1:
			return strings.Repeat(string(rune('a'+rnd.IntN(26))), rnd.IntN(500))
		case 2:
			return strings.Repeat(fmt.Sprint(rnd.IntN(10_000)), 1+rnd.IntN(3000))
		}
		b := make([]byte, rnd.IntN(100))
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		return string(b)
	}
	pipe := c.Pipeline()
	for i := range 400 {
		key := fmt.Sprint("key:", i)
		n := 1 + rnd.IntN(10)
		if i%10 == 0 {
			n = 600
		}
		for range n {
			switch i % 6 {
			case 0:
				pipe.Set(t.Context(), key, text(), 0)
			case 1:
				pipe.RPush(t.Context(), key, text())
			case 2:
				pipe.SAdd(t.Context(), key, rnd.IntN(1<<rnd.IntN(60)+1))
			case 3:
				pipe.SAdd(t.Context(), key, text())
			case 4:
				pipe.HSet(t.Context(), key, text(), text())
			case 5:
				pipe.ZAdd(t.Context(), key, redis.Z{Score: float64(rnd.IntN(1000)) / 8, Member: text()})
			}
		}
		if i%7 == 0 {
			pipe.PExpire(t.Context(), key, time.Hour)
		}
	}
	_, err := pipe.Exec(t.Context())
	require.NoError(t, err)
}

// What Redis saves, read and written again by us, is the same for another Redis.
func TestTranscodedFilesHaveTheSameDigest(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	dir := t.TempDir()
	first := startRedis(t, dir)
	fill(t, first, rand.New(rand.NewPCG(seed, 0)))
	do(t, first, "SAVE")
	data, err := os.ReadFile(filepath.Join(dir, "dump.rdb"))
	require.NoError(t, err)

	dir2 := t.TempDir()
	file, err := os.Create(filepath.Join(dir2, "dump.rdb"))
	require.NoError(t, err)
	w := rdb.NewWriter(file, nil)
	r := rdb.NewReader(bytes.NewReader(data))
	require.NoError(t, r.Read(&transcoder{w: w}))
	require.NoError(t, w.Close())
	require.NoError(t, file.Close())
	require.EqualValues(t, len(data), r.Offset())
	checkRDB(t, file.Name())
	second := startRedis(t, dir2)
	require.Equal(t, do(t, first, "DEBUG", "DIGEST"), do(t, second, "DEBUG", "DIGEST"))
}

// Payloads of all versions mean to us what they mean to Redis.
func TestRestoreAgreesWithRedis(t *testing.T) {
	c := startRedis(t, t.TempDir())
	for _, old := range oldValues {
		if old.typ == "\x14" {
			continue // newer than 7.0
		}
		payload := binary.LittleEndian.AppendUint16([]byte(old.typ+old.body), 9)
		payload = binary.LittleEndian.AppendUint64(payload, crc64.New().Update(0, payload))
		do(t, c, "FLUSHALL")
		do(t, c, "RESTORE", "theirs", 0, payload)
		w := rdb.NewDump(nil)
		require.NoError(t, rdb.Restore(payload, rdb.Key{}, &transcoder{w: w}), old.name)
		do(t, c, "RESTORE", "ours", 0, w.Dump())
		digests := do(t, c, "DEBUG", "DIGEST-VALUE", "theirs", "ours").([]any)
		require.Equal(t, digests[0], digests[1], old.name)
		// And the other way round.
		dump := []byte(do(t, c, "DUMP", "theirs").(string))
		require.NoError(t, rdb.Restore(dump, rdb.Key{}, &transcoder{w: w}), old.name)
		do(t, c, "RESTORE", "again", 0, w.Dump())
		digests = do(t, c, "DEBUG", "DIGEST-VALUE", "theirs", "again").([]any)
		require.Equal(t, digests[0], digests[1], old.name)
	}
}

func BenchmarkRead(b *testing.B) {
	var file bytes.Buffer
	w := rdb.NewWriter(&file, nil)
	value := []byte("0123456789abcdef0123456789abcdef")
	for i := range 1_000_000 {
		w.Key(rdb.Key{Name: fmt.Appendf(nil, "key:%012d", i)})
		w.String(value)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(file.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if err := rdb.NewReader(bytes.NewReader(file.Bytes())).Read(discard{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	value := make([]byte, 32)
	for i := range value {
		value[i] = byte(rand.Uint32())
	}
	name := []byte("key:000000000000")
	b.ReportAllocs()
	for b.Loop() {
		w := rdb.NewWriter(io.Discard, nil)
		for range 1_000_000 {
			w.Key(rdb.Key{Name: name})
			w.String(value)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
