package keyspace

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// model is what the keys of a test should be: strings, and collections in plain Go.
type model struct {
	lists  map[string][]string
	hashes map[string]map[string]string
	sets   map[string]map[string]bool
	zsets  map[string]map[string]float64
}

// tester does the same to a space and to the model.
type tester struct {
	*testing.T
	r  *rand.Rand
	sp *Space
	m  model
}

// word returns an element: a number, a short text, or a long one; of few, so that they
// come again.
func (t *tester) word() string {
	n := t.r.IntN(300)
	switch n % 5 {
	case 0, 1:
		return strconv.Itoa(n - 100)
	case 2:
		return fmt.Sprint("w", n)
	case 3:
		return strings.Repeat(strconv.Itoa(n), 1+n%30)
	}
	return strconv.FormatInt(int64(n)<<(n%50), 10)
}

// entry finds a key to write.
func (t *tester) entry(key string) Entry {
	h := t.sp.HashString(key)
	return t.sp.WriteShard(0, h).FindWrite(h, []byte(key))
}

// drop deletes a key whose collection has become empty.
func drop[M any](e Entry, n int, of map[string]M, key string) {
	if n == 0 {
		e.Delete()
		delete(of, key)
	}
}

func (t *tester) list(key string) {
	e, l := t.entry(key), t.m.lists[key]
	require.Equal(t, len(l) > 0, e.Exists(), key)
	if !e.Exists() {
		e = e.s.NewList(e, []byte(key))
	}
	w := t.word()
	switch op := t.r.IntN(12); {
	case op < 3 || len(l) == 0:
		e.ListPush([]byte(w), false)
		l = append(l, w)
	case op < 5:
		e.ListPush([]byte(w), true)
		l = slices.Insert(l, 0, w)
	case op == 5:
		require.Equal(t, "x"+l[len(l)-1], string(e.ListPop([]byte("x"), false)))
		l = l[:len(l)-1]
	case op == 6:
		require.Equal(t, l[0], string(e.ListPop(nil, true)))
		l = l[1:]
	case op == 7:
		i := t.r.IntN(len(l))
		e.ListSet(i, []byte(w))
		l[i] = w
	case op == 8:
		i := t.r.IntN(len(l) + 1)
		e.ListInsert(i, []byte(w))
		l = slices.Insert(l, i, w)
	case op == 9:
		i := t.r.IntN(len(l))
		n := t.r.IntN(min(len(l)-i, 5) + 1)
		e.ListDelete(i, n)
		l = slices.Delete(l, i, i+n)
	default:
		most, fromEnd := 1+t.r.IntN(3), t.r.IntN(2) == 0
		var at []int
		for i, v := range l {
			if v == w {
				at = append(at, i)
			}
		}
		if fromEnd {
			at = at[max(0, len(at)-most):]
		} else {
			at = at[:min(len(at), most)]
		}
		require.Equal(t, len(at), e.ListRemove([]byte(w), most, fromEnd))
		for _, i := range slices.Backward(at) {
			l = slices.Delete(l, i, i+1)
		}
	}
	t.m.lists[key] = l
	drop(e, len(l), t.m.lists, key)
}

func (t *tester) hash(key string) {
	e, h := t.entry(key), t.m.hashes[key]
	if !e.Exists() {
		e = e.s.NewHash(e, []byte(key))
		h = make(map[string]string)
		t.m.hashes[key] = h
	}
	f, v := t.word(), t.word()
	old, ok := h[f]
	got, found := e.HashGet([]byte(f), make([]byte, 24))
	require.Equal(t, ok, found)
	require.Equal(t, old, string(got))
	if t.r.IntN(3) == 0 && len(h) > 0 {
		require.Equal(t, ok, e.HashDelete([]byte(f)))
		delete(h, f)
	} else {
		e.HashFits(max(len(f), len(v)))
		require.Equal(t, !ok, e.HashSet([]byte(f), []byte(v)))
		h[f] = v
	}
	drop(e, len(h), t.m.hashes, key)
}

func (t *tester) set(key string) {
	e, s := t.entry(key), t.m.sets[key]
	w := t.word()
	if !e.Exists() {
		e = e.s.NewSet(e, []byte(key), []byte(w))
		s = make(map[string]bool)
		t.m.sets[key] = s
	}
	require.Equal(t, s[w], e.SetHas([]byte(w)))
	if t.r.IntN(3) == 0 && len(s) > 0 {
		require.Equal(t, s[w], e.SetDelete([]byte(w)))
		delete(s, w)
	} else {
		require.Equal(t, !s[w], e.SetAdd([]byte(w)))
		s[w] = true
	}
	drop(e, len(s), t.m.sets, key)
}

type scored struct {
	member string
	score  float64
}

// ranked returns a sorted set in order.
func ranked(z map[string]float64) []scored {
	var list []scored
	for m, s := range z {
		list = append(list, scored{m, s})
	}
	slices.SortFunc(list, func(a, b scored) int {
		return cmp.Or(cmp.Compare(a.score, b.score), strings.Compare(a.member, b.member))
	})
	return list
}

func (t *tester) zset(key string) {
	e, z := t.entry(key), t.m.zsets[key]
	w, score := t.word(), float64(t.r.IntN(40)-20)/4
	if !e.Exists() {
		e = e.s.NewZSet(e, []byte(key), []byte(w), 1)
		z = make(map[string]float64)
		t.m.zsets[key] = z
	}
	old, ok := z[w]
	got, found := e.ZScore([]byte(w))
	require.Equal(t, ok, found)
	require.Equal(t, old, got)
	rank := slices.IndexFunc(ranked(z), func(s scored) bool { return s.member == w })
	require.Equal(t, rank, e.ZRank([]byte(w)))
	switch op := t.r.IntN(8); {
	case op < 2 && len(z) > 0:
		require.Equal(t, ok, e.ZDelete([]byte(w)))
		delete(z, w)
	case op == 2 && len(z) > 0:
		i := t.r.IntN(len(z))
		n := t.r.IntN(min(len(z)-i, 4) + 1)
		for _, s := range ranked(z)[i : i+n] {
			delete(z, s.member)
		}
		e.ZDeleteRange(i, n)
	default:
		require.Equal(t, !ok, e.ZSet([]byte(w), score))
		z[w] = score
	}
	drop(e, len(z), t.m.zsets, key)
}

// check compares all keys with the model, by looking at each in order, and by scanning.
func (t *tester) check() {
	n := len(t.m.lists) + len(t.m.hashes) + len(t.m.sets) + len(t.m.zsets)
	keys, _ := t.sp.LenLocked(0)
	require.Equal(t, n, keys)
	t.memory()
	for key, want := range t.m.lists {
		e := t.entry(key)
		require.Equal(t, len(want), e.ListLen())
		i := t.r.IntN(len(want))
		for _, down := range []bool{false, true} {
			var got []string
			e.ListEach(i, down, func(v []byte) bool { got = append(got, string(v)); return true })
			if down {
				slices.Reverse(got)
				require.Equal(t, want[:i+1], got)
			} else {
				require.Equal(t, want[i:], got)
			}
		}
	}
	for key, want := range t.m.hashes {
		e, got := t.entry(key), make(map[string]string)
		require.Equal(t, len(want), e.HashLen())
		e.HashEach(func(f, v []byte) bool { got[string(f)] = string(v); return true })
		require.Equal(t, want, got)
		scanned := make(map[string]string)
		for pos := e.HashScan(0, func(f, v []byte) { scanned[string(f)] = string(v) }); pos != 0; {
			pos = e.HashScan(pos, func(f, v []byte) { scanned[string(f)] = string(v) })
		}
		require.Equal(t, want, scanned)
		e.HashRandom(t.r.IntN, func(f, v []byte) { require.Equal(t, want[string(f)], string(v)) })
	}
	for key, want := range t.m.sets {
		e, got := t.entry(key), make(map[string]bool)
		require.Equal(t, len(want), e.SetLen())
		e.SetEach(func(m []byte) bool { got[string(m)] = true; return true })
		require.Equal(t, want, got)
		require.True(t, want[string(e.SetRandom(nil, t.r.IntN))])
	}
	for key, m := range t.m.zsets {
		want, e := ranked(m), t.entry(key)
		require.Equal(t, len(want), e.ZLen())
		i := t.r.IntN(len(want))
		for _, down := range []bool{false, true} {
			var got []scored
			e.ZEach(i, down, func(m []byte, s float64) bool { got = append(got, scored{string(m), s}); return true })
			if down {
				slices.Reverse(got)
				require.Equal(t, want[:i+1], got)
			} else {
				require.Equal(t, want[i:], got)
			}
		}
		pivot := want[i].score
		require.Equal(t, slices.IndexFunc(want, func(s scored) bool { return s.score >= pivot }),
			e.ZSearch(func(_ []byte, s float64) bool { return s >= pivot }))
	}
}

// memory compares what is counted with what there is.
func (t *tester) memory() {
	var want memory
	for i := range Stripes {
		s := t.sp.ShardAt(0, i)
		if s == nil {
			continue
		}
		own := len(s.objects)*objectSize + len(s.ttl)*16
		want = want.plus(memory{s.tab.Live() + own, s.tab.Bytes() + own})
		for j := range s.objects {
			want = want.plus(s.objects[j].memory())
		}
	}
	live, all := t.sp.Memory()
	require.Equal(t, want, memory{live, all})
	for i := range Stripes {
		if s := t.sp.ShardAt(0, i); s != nil && t.r.IntN(2) == 0 {
			s.recount()
		}
	}
}

// TestCollectionsAgainstModel does random things to collections that are packed and
// large ones, and to copies and moved ones, while views of a moment are open.
func TestCollectionsAgainstModel(t *testing.T) {
	steps := 40_000
	if testing.Short() {
		steps = 8_000
	}
	for _, limit := range []int64{0, 5, 512} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			t.Log("seed", seed)
			x := &tester{t, rand.New(rand.NewPCG(seed, 1)), New(1), model{
				make(map[string][]string), make(map[string]map[string]string), make(map[string]map[string]bool), make(map[string]map[string]float64),
			}}
			l := &x.sp.Limits
			l.HashEntries.Store(limit)
			l.ZSetEntries.Store(limit)
			l.IntsetEntries.Store(limit)
			if limit == 5 {
				l.ListSize.Store(limit)
			}
			for step := range steps {
				key := strconv.Itoa(x.r.IntN(5))
				switch x.r.IntN(4) {
				case 0:
					x.list("list" + key)
				case 1:
					x.hash("hash" + key)
				case 2:
					x.set("set" + key)
				default:
					x.zset("zset" + key)
				}
				if step%50 == 0 {
					x.memory()
				}
				if step%1000 == 0 {
					x.check()
					x.viewed()
				}
			}
			x.check()
		})
	}
}

// viewed opens a view, changes all lists and hashes, and looks at them in the view.
func (t *tester) viewed() {
	lists, hashes := make(map[string][]string), make(map[string]map[string]string)
	for k, l := range t.m.lists {
		lists[k] = slices.Clone(l)
	}
	for k, h := range t.m.hashes {
		hashes[k] = maps.Clone(h)
	}
	v := t.sp.Open()
	defer v.Close()
	for key := range lists {
		t.list(key)
		t.list(key)
	}
	for key := range hashes {
		t.hash(key)
	}
	for key, want := range lists {
		var got []string
		old := v.Get(0, []byte(key))
		require.NotNil(t, old)
		old.Each(func(a, _ []byte, _ float64) bool { got = append(got, string(a)); return true })
		require.Equal(t, want, got)
	}
	for key, want := range hashes {
		got := make(map[string]string)
		v.Get(0, []byte(key)).Each(func(a, b []byte, _ float64) bool { got[string(a)] = string(bytes.Clone(b)); return true })
		require.Equal(t, want, got)
	}
}
