package list_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/pool/internal/list"
)

func TestAgainstASlice(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	nodes := make([]list.Node[int], 20)
	for i := range nodes {
		nodes[i].Value = i
	}
	var l list.List[int]
	var model []int
	for range 10_000 {
		i := r.IntN(len(nodes))
		at := slices.Index(model, i)
		require.Equal(t, at >= 0, nodes[i].In())
		switch {
		case at >= 0:
			l.Remove(&nodes[i])
			model = slices.Delete(model, at, at+1)
		case r.IntN(2) == 0:
			l.PushBack(&nodes[i])
			model = append(model, i)
		default:
			l.PushFront(&nodes[i])
			model = slices.Insert(model, 0, i)
		}
		var got []int
		for n := l.Front(); n != nil; n = n.Next() {
			got = append(got, n.Value)
		}
		require.Equal(t, len(model), l.Len())
		require.True(t, slices.Equal(model, got), "%v %v", model, got)
		if len(model) > 0 {
			require.Equal(t, model[len(model)-1], l.Back().Value)
		}
	}
}

func TestMisuse(t *testing.T) {
	var a, b list.List[int]
	var n, m list.Node[int]
	a.PushBack(&m)
	a.PushBack(&n)
	require.Panics(t, func() { b.Remove(&n) })
	require.Panics(t, func() { b.PushBack(&n) })
	require.Panics(t, func() { a.PushFront(&n) })
}
