package keyspace

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// guessed looks a key up as the short way of reads does: ok is false if the hint does not
// help, still if a writer came in between.
func guessed(sp *Space, key string) (value string, ok, still bool) {
	h, k := sp.HashString(key), unsafe.Pointer(unsafe.StringData(key))
	st := sp.Stripe(h)
	v := st.Version()
	r := st.Layout().Guess(h)
	if !r.Has(k, len(key)) {
		return "", false, st.Stayed(v)
	}
	at, n := r.Value(len(key)), r.Size()
	value = string(unsafe.Slice((*byte)(at), n))
	return value, true, st.Stayed(v)
}

func put(sp *Space, key, value string) {
	h := sp.HashString(key)
	sp.Lock(MaskOf(h))
	defer sp.Unlock(MaskOf(h))
	s := sp.WriteShard(0, h)
	s.SetString(s.FindWrite(h, []byte(key)), []byte(key), []byte(value), false)
}

func get(sp *Space, key string) (string, bool) {
	h := sp.HashString(key)
	sp.RLock(MaskOf(h))
	defer sp.RUnlock(MaskOf(h))
	e := sp.Shard(0, h).Find(h, []byte(key))
	if !e.Exists() {
		return "", false
	}
	return string(e.Str()), true
}

func settleAll(sp *Space) {
	for i := range sp.stripes {
		for sp.stripes[i].settle() {
			sp.stripes[i].unlock(sp.nothing)
		}
	}
}

// TestSettledKeysAreGuessed checks that nearly all keys are found by their hints alone,
// after they were added slowly, and after many at once.
func TestSettledKeysAreGuessed(t *testing.T) {
	for _, between := range []int{100, 100_000} {
		sp := New(1)
		sp.Placed = true
		const keys = 120_000
		for i := range keys {
			put(sp, fmt.Sprintf("key:%08d", i), fmt.Sprintf("%036d", i))
			if i%between == between-1 {
				settleAll(sp)
			}
		}
		settleAll(sp)
		right := 0
		for i := range keys {
			v, ok, _ := guessed(sp, fmt.Sprintf("key:%08d", i))
			if ok {
				require.Equal(t, fmt.Sprintf("%036d", i), v)
				right++
			}
			v, ok = get(sp, fmt.Sprintf("key:%08d", i))
			require.True(t, ok)
			require.Equal(t, fmt.Sprintf("%036d", i), v)
		}
		if Optimistic { // else no layouts are published
			require.Greater(t, right, keys*98/100, "settled every %d keys", between)
		}
	}
}

// TestReadingWhileKeysAreSettled reads keys while others are added, changed and deleted,
// and all are moved to and fro.
func TestReadingWhileKeysAreSettled(t *testing.T) {
	sp := New(1)
	sp.Placed = true
	const keys = 110_000
	name := func(i int) string { return fmt.Sprintf("key:%08d", i) }
	text := func(i, n int) string { return fmt.Sprintf("%08d%0*d", i, 28+n%8, n) }
	var known atomic.Int64 // keys below are there; of those that 7 divides none need be
	var done atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		defer done.Store(true)
		for i := range keys {
			put(sp, name(i), text(i, 0))
			known.Store(int64(i + 1))
			other := rand.IntN(i + 1)
			if other%7 != 0 {
				put(sp, name(other), text(other, i))
				continue
			}
			h := sp.HashString(name(other))
			sp.Lock(MaskOf(h))
			if e := sp.WriteShard(0, h).FindWrite(h, []byte(name(other))); e.Exists() {
				e.Delete()
				e.Shard().Tidy()
			}
			sp.Unlock(MaskOf(h))
		}
	})
	wg.Go(func() {
		for !done.Load() {
			sp.Settle(time.Millisecond)
		}
	})
	for range 2 {
		wg.Go(func() {
			for !done.Load() {
				n := int(known.Load())
				if n == 0 {
					continue
				}
				i := rand.IntN(n)
				v, ok := get(sp, name(i))
				if !ok && i%7 == 0 {
					continue
				}
				if !ok || v[:8] != text(i, 0)[:8] {
					t.Errorf("key %d has %q, %v", i, v, ok)
					return
				}
				if !Optimistic {
					continue
				}
				if v, ok, still := guessed(sp, name(i)); ok && still && v[:8] != text(i, 0)[:8] {
					t.Errorf("key %d was guessed to have %q", i, v)
					return
				}
				if v, found, still := glance(sp, name(i)); still && (!found && i%7 != 0 || found && v[:8] != text(i, 0)[:8]) {
					t.Errorf("key %d has %q without a lock, %v", i, v, found)
					return
				}
			}
		})
	}
	wg.Wait()
}
