package kvstore_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/kvstore"
)

// tellingValue returns a value that can only be one that was written under the key:
// the key, and a number again and again.
func tellingValue(key string, number uint64, words int) []byte {
	b := []byte(key + " ")
	for range words {
		b = binary.LittleEndian.AppendUint64(b, number)
	}
	return b
}

func checkTelling(key string, v []byte) error {
	rest, ok := bytes.CutPrefix(v, []byte(key+" "))
	if !ok || len(rest)%8 != 0 {
		return fmt.Errorf("key %q has value %q", key, v)
	}
	for i := 8; i < len(rest); i += 8 {
		if !bytes.Equal(rest[:8], rest[i:i+8]) {
			return fmt.Errorf("key %q has a torn value %x", key, rest)
		}
	}
	return nil
}

// TestReadersAmongWriters reads by all ways while records are written in place, moved
// and removed, the tables grow, shrink and are compacted, and everything is flushed.
func TestReadersAmongWriters(t *testing.T) {
	db := open(t, "", nil)
	seed := rand.Uint64()
	t.Log("seed", seed)
	writes := uint64(40_000)
	if testing.Short() {
		writes /= 5
	}
	key := func(r *rand.Rand) string { return strings.Repeat("k", 1+r.IntN(12)) + fmt.Sprint(r.IntN(2)) }
	var stop atomic.Bool
	var writers, readers sync.WaitGroup
	for w := range 2 {
		writers.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(w)))
			for n := range writes {
				k := key(r)
				var err error
				switch r.IntN(12) {
				case 0:
					_, err = db.Delete(k)
				case 1:
					err = db.Set(k, tellingValue(k, n, r.IntN(2000)), nil)
				case 2:
					err = db.Set(k, tellingValue(k, n, r.IntN(100)), &kvstore.SetOptions{TTL: time.Hour})
				case 3:
					if _, err = db.Do(t.Context(), "RPUSH", k+"x", "a", "b"); errors.Is(err, kvstore.ErrWrongType) {
						err = nil
					}
				case 4:
					if r.IntN(1000) == 0 {
						_, err = db.Do(t.Context(), "FLUSHALL")
					}
				default:
					// In place, most of the time: of 16 bytes up to 8 KiB.
					err = db.Set(k, tellingValue(k, n, 1<<(len(k)%11)), nil)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for w := range 3 {
		readers.Go(func() {
			r := rand.New(rand.NewPCG(seed, 100+uint64(w)))
			var buf []byte
			for !stop.Load() && !t.Failed() {
				k := key(r)
				var err error
				if r.IntN(2) == 0 {
					if buf, err = db.AppendGet(buf[:0], k); err == nil {
						err = checkTelling(k, buf)
					}
				} else {
					err = db.GetView(k, func(v []byte) error { return checkTelling(k, v) })
				}
				if err != nil && !errors.Is(err, kvstore.ErrNotFound) && !errors.Is(err, kvstore.ErrWrongType) {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	stop.Store(true)
	readers.Wait()
}

func TestReadersSeeWhatWasWrittenBefore(t *testing.T) {
	db := open(t, "", nil)
	require.NoError(t, db.Set("counter-key", make([]byte, 8), nil))
	var done atomic.Uint64
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			last := uint64(0)
			for !t.Failed() && last < 20_000 {
				before := done.Load()
				v, err := db.Get("counter-key")
				if err != nil {
					t.Error(err)
					return
				}
				if last = binary.LittleEndian.Uint64(v); last < before {
					t.Errorf("read %d after %d was written", last, before)
				}
			}
		})
	}
	for n := uint64(1); n <= 20_000; n++ {
		require.NoError(t, db.Set("counter-key", binary.LittleEndian.AppendUint64(nil, n), nil))
		done.Store(n)
	}
	wg.Wait()
}

func TestReadingAllocatesNothing(t *testing.T) {
	db := open(t, "", nil)
	value := bytes.Repeat([]byte("v"), 32)
	for i := range 1000 {
		require.NoError(t, db.Set(fmt.Sprintf("key:%012d", i), value, nil))
	}
	buf := make([]byte, 0, 64)
	n := 0
	view := func(v []byte) error {
		n += len(v)
		return nil
	}
	key := "key:000000000042"
	for name, f := range map[string]func(){
		"AppendGet": func() { buf, _ = db.AppendGet(buf[:0], key) },
		"GetView":   func() { _ = db.GetView(key, view) },
		"Set":       func() { _ = db.Set(key, value, nil) },
	} {
		if raceDetector && name != "AppendGet" {
			continue // sync.Pool forgets by chance then
		}
		require.Zero(t, testing.AllocsPerRun(1000, f), name)
	}
	require.Equal(t, value, buf)
}

// TestReadsOfAllLengths reads values of all short lengths under keys of all short lengths,
// into slices with all kinds of room: what is behind a value in memory stays there.
func TestReadsOfAllLengths(t *testing.T) {
	db := open(t, "", nil)
	text := strings.Repeat("0123456789abcdef", 20)
	key := func(k, v int) string { return fmt.Sprintf("%0*d", k, v) }
	for k := 4; k < 20; k++ {
		for v := range 300 {
			require.NoError(t, db.Set(key(k, v), []byte(text[v%16:][:v]), nil))
		}
	}
	for range 2 { // the first one makes a buffer for the thread
		for k := 4; k < 20; k++ {
			for v := range 300 {
				want := text[v%16:][:v]
				got := ""
				require.NoError(t, db.GetView(key(k, v), func(b []byte) error { got = string(b); return nil }))
				require.Equal(t, want, got, "%d", k)
				room := bytes.Repeat([]byte{'.'}, 3+v+k%8)
				b, err := db.AppendGet(room[:3:len(room)], key(k, v))
				require.NoError(t, err)
				require.Equal(t, "..."+want, string(b))
				require.Equal(t, strings.Repeat(".", k%8), string(room[3+v:]), "behind the value")
			}
		}
	}
}

func TestLookupsAreCounted(t *testing.T) {
	db := open(t, "", nil)
	require.NoError(t, db.Set("there", []byte("v"), nil))
	_, err := db.Do(t.Context(), "RPUSH", "list", "v")
	require.NoError(t, err)
	_, err = db.Do(t.Context(), "CONFIG", "RESETSTAT")
	require.NoError(t, err)
	for range 3 {
		_, err = db.Get("there")
		require.NoError(t, err)
	}
	require.NoError(t, db.GetView("there", func([]byte) error { return nil }))
	_, err = db.Get("list")
	require.ErrorIs(t, err, kvstore.ErrWrongType)
	for range 2 {
		_, err = db.Get("absent")
		require.ErrorIs(t, err, kvstore.ErrNotFound)
	}
	require.ErrorIs(t, db.GetView("absent", nil), kvstore.ErrNotFound)
	r, err := db.Do(t.Context(), "INFO", "stats")
	require.NoError(t, err)
	require.Contains(t, string(r.Bytes), "keyspace_hits:5\r\n")
	require.Contains(t, string(r.Bytes), "keyspace_misses:3\r\n")
	s := db.Stats()
	require.EqualValues(t, 5, s.Hits)
	require.EqualValues(t, 3, s.Misses)
}

func TestWhatWasLoadedIsFound(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, nil)
	require.NoError(t, db.Set("short-key", []byte("a value of some bytes"), nil))
	require.NoError(t, db.Close())
	db = open(t, dir, nil)
	v, err := db.Get("short-key")
	require.NoError(t, err)
	require.Equal(t, "a value of some bytes", string(v))
	require.NoError(t, db.Close())
	_, err = db.Get("short-key")
	require.ErrorIs(t, err, kvstore.ErrClosed)
}

// TestFastReads compares what is read with a map, while keys are placed in the
// background, change their sizes, are deleted, and come again.
func TestFastReads(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	db := open(t, "", &kvstore.Options{FastReads: true})
	const keys = 100_000
	name := func(i int) string { return fmt.Sprintf("key:%08d", i) }
	model := make([]string, keys)
	set := func(i, version int) {
		model[i] = fmt.Sprintf("%d/%d/%s", i, version, strings.Repeat("v", 20+r.IntN(30)))
		require.NoError(t, db.Set(name(i), []byte(model[i]), nil))
	}
	check := func(i int) {
		var viewed string
		got, err := db.Get(name(i))
		viewErr := db.GetView(name(i), func(v []byte) error { viewed = string(v); return nil })
		if model[i] == "" {
			require.ErrorIs(t, err, kvstore.ErrNotFound)
			require.ErrorIs(t, viewErr, kvstore.ErrNotFound)
			return
		}
		require.NoError(t, err)
		require.NoError(t, viewErr)
		require.Equal(t, model[i], string(got))
		require.Equal(t, model[i], viewed)
	}
	for i := range keys {
		set(i, 0)
	}
	for step := range 3 * keys {
		i := r.IntN(keys)
		switch r.IntN(6) {
		case 0:
			set(i, step)
		case 1:
			_, err := db.Delete(name(i))
			require.NoError(t, err)
			model[i] = ""
		default:
			check(i)
		}
	}
	for i := range keys {
		check(i)
	}
}
