package keyspace

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/kvstore/internal/table"
)

// glance looks a key up without its lock.
func glance(sp *Space, key string) (value string, found, still bool) {
	h := sp.HashString(key)
	st := sp.Stripe(h)
	v := st.Version()
	b, _, a := st.Layout().Find(h, key)
	if a == table.Unknown {
		return "", true, false
	}
	value = string(b) // before the version is looked at again
	return value, a == table.Present, st.Stayed(v)
}

// TestReadingWithoutALockAgainstMap compares what is found without a lock with a map,
// while the tables grow, shrink and are compacted, flushed and swapped.
func TestReadingWithoutALockAgainstMap(t *testing.T) {
	if !Optimistic {
		t.Log("this build always takes the lock")
	}
	seed := rand.Uint64()
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	sp := New(2)
	models := [2]map[string]string{{}, {}}
	name := func(i int) string { return strings.Repeat("k", i%20) + fmt.Sprint(i) }
	check := func(key string) {
		if !Optimistic {
			return
		}
		want, ok := models[0][key]
		got, found, still := glance(sp, key)
		if !still {
			return // a large one
		}
		require.Equal(t, ok, found, key)
		require.Equal(t, want, got, key)
	}
	span := 20_000
	for step := range 60_000 {
		if step == 40_000 {
			span = 50 // what is there is deleted, mostly
		}
		i := r.IntN(20_000)
		key := name(i)
		h := sp.HashString(key)
		m := MaskOf(h)
		sp.Lock(m)
		e := sp.WriteShard(0, h).FindWrite(h, []byte(key))
		if e.Exists() && (i >= span || r.IntN(4) == 0) {
			e.Delete()
			delete(models[0], key)
			e.Shard().Tidy()
		} else if i < span {
			n := r.IntN(60)
			switch r.IntN(50) {
			case 0:
				n = 200 + r.IntN(100)
			case 1:
				n = r.IntN(10_000)
			}
			v := strings.Repeat(fmt.Sprint(step%10), n)
			e.Shard().SetString(e, []byte(key), []byte(v), false)
			models[0][key] = v
		}
		sp.Unlock(m)
		check(key)
		check(name(r.IntN(20_000)))
		switch {
		case step%20_000 == 19_999:
			sp.Lock(All)
			sp.Swap(0, 1)
			sp.Unlock(All)
			models[0], models[1] = models[1], models[0]
		case step == 30_000:
			sp.Lock(All)
			sp.Flush(0)
			sp.Unlock(All)
			clear(models[0])
		}
		if step%10_000 == 0 {
			for i := range 20_000 {
				check(name(i))
			}
		}
	}
	sp.Lock(All)
	sp.Guard(true)
	sp.Unlock(All)
	require.True(t, sp.Stripe(0).Version().Busy(), "who comes after Close takes the lock")
}

// TestEachWriterIsNoticed has each kind of change come between looking and asking.
func TestEachWriterIsNoticed(t *testing.T) {
	sp := New(1)
	key := "some key"
	h := sp.HashString(key)
	put := func(v string) {
		sp.Lock(MaskOf(h))
		sh := sp.WriteShard(0, h)
		sh.SetString(sh.FindWrite(h, []byte(key)), []byte(key), []byte(v), false)
		sp.Unlock(MaskOf(h))
	}
	put("first")
	for name, change := range map[string]func(){
		"in place": func() { put("other") },
		"moved":    func() { put(strings.Repeat("long", 100)) },
		"deleted": func() {
			sp.Lock(MaskOf(h))
			sp.Shard(0, h).FindWrite(h, []byte(key)).Delete()
			sp.Unlock(MaskOf(h))
		},
		"a writer is there": func() { sp.Lock(MaskOf(h)) },
		"a view is opened":  func() { sp.Open().Close() },
	} {
		put("first")
		st := sp.Stripe(h)
		before := st.Version()
		require.Equal(t, !Optimistic, before.Busy(), name)
		l := st.Layout()
		sp.RLock(MaskOf(h))
		require.False(t, st.Since(before), "%s: readers do not matter", name)
		sp.RUnlock(MaskOf(h))
		change()
		require.True(t, st.Since(before), name)
		l.Find(h, key) // whatever it finds
		if name == "a writer is there" {
			require.True(t, st.Version().Busy())
			sp.Unlock(MaskOf(h))
		}
	}
}

func TestHashesDiffer(t *testing.T) {
	sp := New(1)
	seen := make(map[uint64]string)
	var tops, lows [64]int
	n := 0
	for length := range 40 {
		for i := range 500 {
			key := strings.Repeat("x", length)
			if length > 3 {
				key = fmt.Sprintf("%0*d", length, i)
			} else if i > 0 {
				break
			}
			h := sp.HashString(key)
			require.Equal(t, h, sp.Hash([]byte(key)))
			require.Empty(t, seen[h], "%q", key)
			seen[h] = key
			tops[h>>58]++
			lows[h%64]++
			n++
		}
	}
	for i := range 64 {
		require.InDelta(t, n/64, tops[i], float64(n/64)/2, "top bits")
		require.InDelta(t, n/64, lows[i], float64(n/64)/2, "low bits")
	}
}
