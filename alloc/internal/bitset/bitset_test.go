package bitset_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/alloc/internal/bitset"
)

func TestSetIsAMap(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for _, n := range []int{1, 63, 64, 65, 4096, 4097, 300_000} {
		s := bitset.New(n)
		model := map[int]bool{}
		require.Equal(t, -1, s.Min())
		for range 2000 {
			i := r.IntN(n)
			if r.IntN(2) == 0 {
				s.Add(i)
				model[i] = true
			} else {
				s.Remove(i)
				delete(model, i)
			}
			least := -1
			if r.IntN(20) == 0 {
				for k := range model {
					if least < 0 || k < least {
						least = k
					}
				}
				require.Equal(t, least, s.Min())
			}
			require.Equal(t, model[i], s.Has(i))
		}
	}
}
