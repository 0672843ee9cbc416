package ztree

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/kvstore/internal/table"
)

type member struct {
	score float64
	name  string
	ref   table.Ref
}

func TestAgainstSortedSlice(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	hash := maphash.MakeSeed()
	tab := table.New(func(k []byte) uint64 { return maphash.Bytes(hash, k) }, nil)
	tree := New(tab.Key)
	var model []member
	order := func(a, b member) int { return cmp.Or(cmp.Compare(a.score, b.score), cmp.Compare(a.name, b.name)) }
	add := func(m member) {
		m.ref = tab.Insert(tab.Hash([]byte(m.name)), []byte(m.name), 0, 0)
		tree.Insert(m.score, m.ref)
		at, _ := slices.BinarySearchFunc(model, m, order)
		model = slices.Insert(model, at, m)
	}
	remove := func(i int) {
		m := model[i]
		require.Equal(t, i, tree.Rank(m.score, m.ref))
		tree.Delete(m.score, m.ref)
		tab.Delete(tab.Hash([]byte(m.name)), m.ref)
		model = slices.Delete(model, i, i+1)
	}
	var bytes func(n *node) int
	bytes = func(n *node) int {
		size := n.bytes()
		if n.kids != nil {
			for _, k := range n.kids[:n.n] {
				size += bytes(k)
			}
		}
		return size
	}
	check := func() {
		require.Equal(t, len(model), tree.Len())
		require.Equal(t, bytes(tree.root), tree.Bytes())
		for _, down := range []bool{false, true} {
			if len(model) == 0 {
				continue
			}
			from := rnd.IntN(len(model))
			i := from
			tree.Walk(from, down, func(score float64, ref table.Ref) bool {
				require.Equal(t, model[i].ref, ref)
				require.Equal(t, model[i].score, score)
				if down {
					i--
				} else {
					i++
				}
				return true
			})
			if down {
				require.Equal(t, -1, i)
			} else {
				require.Equal(t, len(model), i)
			}
		}
		score := float64(rnd.IntN(60))
		want := slices.IndexFunc(model, func(m member) bool { return m.score >= score })
		if want < 0 {
			want = len(model)
		}
		require.Equal(t, want, tree.Search(func(s float64, _ table.Ref) bool { return s >= score }))
	}
	for step := range 20_000 {
		shrinking := step/4000%2 == 1
		if len(model) == 0 || rnd.IntN(10) < 8 != shrinking {
			score := float64(rnd.IntN(50))
			if step < 3000 {
				score = float64(step) // in order
			}
			add(member{score: score, name: fmt.Sprint("m", step)})
		} else {
			remove(rnd.IntN(len(model)))
		}
		if step%50 == 0 {
			check()
		}
	}
	for len(model) > 0 {
		remove(rnd.IntN(len(model)))
	}
	check()
}
