package kvstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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

// clock is a settable one.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func open(t *testing.T, dir string, o *kvstore.Options) *kvstore.DB {
	t.Helper()
	db, err := kvstore.Open(dir, o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestStrings(t *testing.T) {
	db := open(t, "", nil)
	_, err := db.Get("k")
	require.ErrorIs(t, err, kvstore.ErrNotFound)
	require.ErrorIs(t, db.Set("k", []byte("x"), &kvstore.SetOptions{IfPresent: true}), kvstore.ErrNotSet)
	v := []byte("one")
	require.NoError(t, db.Set("k", v, &kvstore.SetOptions{IfAbsent: true}))
	v[0] = 'X'
	got, err := db.Get("k")
	require.NoError(t, err)
	require.Equal(t, "one", string(got), "the value was copied")
	require.ErrorIs(t, db.Set("k", nil, &kvstore.SetOptions{IfAbsent: true}), kvstore.ErrNotSet)
	got, err = db.AppendGet([]byte("is "), "k")
	require.NoError(t, err)
	require.Equal(t, "is one", string(got))
	n, err := db.Incr("n", 5)
	require.NoError(t, err)
	require.EqualValues(t, 5, n)
	_, err = db.Incr("k", 1)
	require.ErrorIs(t, err, kvstore.ErrNotInteger)
	deleted, err := db.Delete("k", "n", "absent")
	require.NoError(t, err)
	require.Equal(t, 2, deleted)
	require.Zero(t, db.Stats().Keys)
}

func TestExpiry(t *testing.T) {
	c := &clock{t: time.UnixMilli(1_000_000)}
	dir := t.TempDir()
	o := &kvstore.Options{Now: c.now}
	db := open(t, dir, o)
	require.NoError(t, db.Set("k", []byte("v"), &kvstore.SetOptions{TTL: time.Second}))
	require.NoError(t, db.Set("k", []byte("w"), &kvstore.SetOptions{KeepTTL: true}))
	ttl, err := db.TTL("k")
	require.NoError(t, err)
	require.Equal(t, time.Second, ttl)
	_, err = db.Do(t.Context(), "HSET", "h", "old", "1")
	require.NoError(t, err)
	ok, err := db.Expire("h", time.Second)
	require.NoError(t, err)
	require.True(t, ok)

	c.advance(999 * time.Millisecond)
	_, err = db.Get("k")
	require.NoError(t, err)
	c.advance(time.Millisecond)
	_, err = db.Get("k")
	require.ErrorIs(t, err, kvstore.ErrNotFound)
	_, err = db.TTL("k")
	require.ErrorIs(t, err, kvstore.ErrNotFound)
	_, err = db.Do(t.Context(), "HSET", "h", "new", "2")
	require.NoError(t, err)
	require.NoError(t, db.Close())

	db = open(t, dir, o)
	r, err := db.Do(t.Context(), "HGETALL", "h")
	require.NoError(t, err)
	require.Equal(t, `["new" "2"]`, r.String(), "what had expired stays away")
	_, err = db.Get("k")
	require.ErrorIs(t, err, kvstore.ErrNotFound)
	_, err = db.TTL("h")
	require.NoError(t, err)
}

func TestExpiredKeysAreRemovedWithoutBeingRead(t *testing.T) {
	t.Parallel()
	c := &clock{t: time.UnixMilli(1_000_000)}
	db := open(t, "", &kvstore.Options{Now: c.now})
	for i := range 1000 {
		require.NoError(t, db.Set(strconv.Itoa(i), nil, &kvstore.SetOptions{TTL: time.Second}))
	}
	c.advance(time.Minute)
	require.Eventually(t, func() bool { return db.Stats().Keys == 0 }, 10*time.Second, 10*time.Millisecond)
	require.EqualValues(t, 1000, db.Stats().Expired)
}

func TestAllIsOrderedAndASnapshot(t *testing.T) {
	db := open(t, "", nil)
	for _, k := range []string{"b", "a:2", "a:1", "c", "a:3"} {
		require.NoError(t, db.Set(k, []byte(k), nil))
	}
	var keys []string
	for k, v := range db.All("a:") {
		keys = append(keys, k)
		require.Equal(t, k, string(v))
		require.NoError(t, db.Set("a:9", nil, nil), "no lock is held")
		if k == "a:2" {
			break
		}
	}
	require.Equal(t, []string{"a:1", "a:2"}, keys)
}

func TestUpdateIsAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, nil)
	require.NoError(t, db.Set("a", []byte("1"), nil))
	stop := errors.New("stop")
	require.ErrorIs(t, db.Update(func(tx *kvstore.Tx) error {
		tx.Set("a", []byte("2"))
		return stop
	}), stop)
	require.NoError(t, db.Update(func(tx *kvstore.Tx) error {
		v, err := tx.Get("a")
		require.NoError(t, err)
		require.Equal(t, "1", string(v))
		tx.Set("b", v)
		tx.Delete("a")
		_, err = tx.Get("a")
		require.ErrorIs(t, err, kvstore.ErrNotFound)
		v, err = tx.Get("b")
		require.NoError(t, err)
		require.Equal(t, "1", string(v))
		tx.Set("empty", nil)
		return nil
	}))
	require.NoError(t, db.Close())

	// Cut the log inside of the transaction: all of it must be gone.
	path := incr(dir, 1)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	start := bytes.Index(data, []byte("MULTI"))
	require.Positive(t, start)
	for _, cut := range []int{start, start + 30, len(data) - 1} {
		require.NoError(t, os.WriteFile(path, data[:cut], 0o644))
		db := open(t, dir, nil)
		v, err := db.Get("a")
		require.NoError(t, err)
		require.Equal(t, "1", string(v))
		_, err = db.Get("b")
		require.ErrorIs(t, err, kvstore.ErrNotFound)
		require.NoError(t, db.Close())
	}
	require.NoError(t, os.WriteFile(path, data, 0o644))
	db = open(t, dir, nil)
	v, err := db.Get("empty")
	require.NoError(t, err)
	require.Empty(t, v)
}

func TestReopenAndCompact(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, dir, &kvstore.Options{Fsync: kvstore.FsyncAlways})
	ctx := t.Context()
	for i := range 100 {
		require.NoError(t, db.Set("k", []byte(strconv.Itoa(i)), nil))
	}
	for _, cmd := range [][]any{
		{"HSET", "h", "f", "v", "g", "w"}, {"RPUSH", "l", "a", "b", "c"}, {"LPOP", "l"},
		{"SET", "t", "1", "EX", "1000"}, {"RENAME", "t", "t2"}, {"APPEND", "k", "!"},
	} {
		_, err := db.Do(ctx, cmd[0].(string), cmd[1:]...)
		require.NoError(t, err)
	}
	state := func() string {
		var b strings.Builder
		for _, cmd := range [][]any{{"GET", "k"}, {"HGETALL", "h"}, {"LRANGE", "l", 0, -1}, {"GET", "t2"}, {"EXISTS", "t"}, {"PEXPIRETIME", "t2"}, {"DBSIZE"}} {
			r, err := db.Do(ctx, cmd[0].(string), cmd[1:]...)
			require.NoError(t, err)
			fmt.Fprintln(&b, r)
		}
		return b.String()
	}
	want := state()
	_, err := kvstore.Open(dir, nil)
	require.ErrorIs(t, err, kvstore.ErrLocked)
	before := db.Stats().LogSize
	require.NoError(t, db.Compact(ctx))
	require.Less(t, db.Stats().LogSize, before)
	require.Equal(t, want, state())
	require.NoError(t, db.Sync())
	require.NoError(t, db.Close())
	require.NoError(t, db.Close())
	db = open(t, dir, nil)
	require.Equal(t, want, state())
}

func TestUseAfterClose(t *testing.T) {
	db := open(t, "", nil)
	sub := db.Subscribe(t.Context(), "*")
	require.NoError(t, db.Close())
	_, err := db.Get("k")
	require.ErrorIs(t, err, kvstore.ErrClosed)
	require.ErrorIs(t, db.Set("k", nil, nil), kvstore.ErrClosed)
	require.ErrorIs(t, db.Update(func(*kvstore.Tx) error { return nil }), kvstore.ErrClosed)
	_, err = db.TTL("k")
	require.ErrorIs(t, err, kvstore.ErrClosed)
	_, open := <-sub.C
	require.False(t, open)
	_, open = <-db.Subscribe(t.Context(), "*").C
	require.False(t, open)
}

func TestOpenErrors(t *testing.T) {
	_, err := kvstore.Open("", &kvstore.Options{Fsync: 9})
	require.ErrorIs(t, err, kvstore.ErrConfig)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	_, err = kvstore.Open(file, nil)
	require.ErrorContains(t, err, file)
}

func TestPubSub(t *testing.T) {
	db := open(t, "", nil)
	ctx, cancel := context.WithCancel(t.Context())
	sub := db.Subscribe(ctx, "news.*", "exact")
	for _, ch := range []string{"news.go", "other", "exact"} {
		_, err := db.Do(ctx, "PUBLISH", ch, "hi")
		require.NoError(t, err)
	}
	require.Equal(t, kvstore.Message{Channel: "news.go", Pattern: "news.*", Payload: []byte("hi")}, <-sub.C)
	require.Equal(t, kvstore.Message{Channel: "exact", Pattern: "exact", Payload: []byte("hi")}, <-sub.C)
	cancel()
	_, open := <-sub.C
	require.False(t, open)

	slow := db.Subscribe(t.Context(), "*")
	for range 2000 {
		_, err := db.Do(t.Context(), "PUBLISH", "flood", "x")
		require.NoError(t, err)
	}
	n := 0
	for range slow.C {
		n++
	}
	require.Equal(t, 1024, n, "the slow one was dropped, its backlog kept")
}

func TestConcurrentUse(t *testing.T) {
	db := open(t, t.TempDir(), nil)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 200 {
				if _, err := db.Incr("n", 1); err != nil {
					t.Error(err)
				}
				if err := db.Update(func(tx *kvstore.Tx) error {
					tx.Set(fmt.Sprint("a", w), []byte(strconv.Itoa(i)))
					tx.Set(fmt.Sprint("b", w), []byte(strconv.Itoa(i)))
					return nil
				}); err != nil {
					t.Error(err)
				}
				if i == 100 && w == 0 {
					if err := db.Compact(context.Background()); err != nil {
						t.Error(err)
					}
				}
				db.Stats()
			}
		})
	}
	wg.Wait()
	v, err := db.Get("n")
	require.NoError(t, err)
	require.Equal(t, "1600", string(v))
}
