package value

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMapAgainstModel compares a Map with a Go map and a list of keys in the order
// of their arrival.
func TestMapAgainstModel(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for _, strings := range []bool{false, true} {
		key := func(n int) Value {
			if strings {
				return FromString(strconv.Itoa(n))
			}
			return FromInt(int64(n))
		}
		m := NewMap(strings).Map()
		model := make(map[int]int64)
		var order []int
		for step := range 20_000 {
			n := rnd.IntN(1 + step%300)
			switch op := rnd.IntN(100); {
			case op == 0:
				m.Clear()
				clear(model)
				order = nil
			case op == 1:
				m = m.Copy().Map()
			case op < 40:
				before := m.Changes
				_, had := model[n]
				m.Delete(key(n))
				delete(model, n)
				if i := slices.Index(order, n); i >= 0 {
					order = slices.Delete(order, i, i+1)
				}
				require.Equal(t, had, m.Changes != before)
			default:
				if _, had := model[n]; !had {
					order = append(order, n)
				}
				model[n] = int64(step)
				m.Set(key(n), FromInt(int64(step)))
			}
			v, ok := m.Get(key(n))
			want, had := model[n]
			require.Equal(t, had, ok)
			require.Equal(t, want, v.Int())
			require.Equal(t, len(model), m.Len())
			if step%100 == 0 {
				var got []int
				for k := range m.All() {
					if strings {
						n, err := strconv.Atoi(k.Str())
						require.NoError(t, err)
						got = append(got, n)
					} else {
						got = append(got, int(k.Int()))
					}
				}
				require.Equal(t, order, got)
			}
		}
	}
}
