package intset

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAgainstMap(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	s, model := New(nil), make(map[int64]bool)
	for step := range 4000 {
		n := int64(rnd.IntN(200)) - 100
		if step > 1000 && rnd.IntN(10) == 0 {
			n *= 1 << (rnd.IntN(3) * 20)
		}
		var changed bool
		if rnd.IntN(2) == 0 {
			s, changed = Add(s, n)
			require.Equal(t, !model[n], changed)
			model[n] = true
		} else {
			s, changed = Remove(s, n)
			require.Equal(t, model[n], changed)
			delete(model, n)
		}
		require.NoError(t, Validate(s))
		var got []int64
		for i := range Len(s) {
			got = append(got, At(s, i))
		}
		require.Equal(t, slices.Sorted(maps.Keys(model)), got)
	}
}

func FuzzValidate(f *testing.F) {
	s, _ := Add(New(nil), 1<<40)
	f.Add(s)
	f.Fuzz(func(t *testing.T, b []byte) {
		if Validate(b) != nil {
			return
		}
		_, found := Find(b, 5)
		more, added := Add(slices.Clone(b), 5)
		require.NotEqual(t, found, added)
		require.NoError(t, Validate(more))
	})
}
