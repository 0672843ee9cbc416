package quicklist

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/kvstore/internal/listpack"
)

func values(l *List, i int, down bool) []string {
	out := []string{}
	l.Each(i, down, func(e []byte) bool {
		out = append(out, string(listpack.Text(e, nil)))
		return true
	})
	return out
}

// walked is what Bytes has to be.
func walked(l *List) int {
	n := cap(l.nodes) * 8
	for _, d := range l.live() {
		n += cap(d.buf) + nodeSize
	}
	return n
}

func TestAgainstSlice(t *testing.T) {
	for _, limits := range [][2]int{{200, 1 << 30}, {8192, 5}, {8192, 1 << 30}} {
		seed := rand.Uint64()
		t.Log("seed", seed, "limits", limits)
		rnd := rand.New(rand.NewPCG(seed, 1))
		l, model := New(limits[0], limits[1]), []string{}
		for step := range 8000 {
			v := fmt.Sprint("v", rnd.IntN(30))
			switch rnd.IntN(20) {
			case 0:
				v = string(make([]byte, rnd.IntN(300)))
			case 1:
				v = fmt.Sprint(rnd.Int())
			}
			i := 0
			if len(model) > 0 {
				i = rnd.IntN(len(model))
			}
			op := rnd.IntN(9)
			if step/2000%2 == 1 && op < 3 {
				op += 4
			}
			switch {
			case len(model) == 0 || op == 0:
				l.PushBack([]byte(v))
				model = append(model, v)
			case op == 1:
				l.PushFront([]byte(v))
				model = slices.Insert(model, 0, v)
			case op == 2:
				l.Insert(i, []byte(v))
				model = slices.Insert(model, i, v)
			case op == 3:
				l.Set(i, []byte(v))
				model[i] = v
			case op == 4:
				require.Equal(t, model[0], string(l.PopFront(nil)))
				model = model[1:]
			case op == 5:
				require.Equal(t, model[len(model)-1], string(l.PopBack(nil)))
				model = model[:len(model)-1]
			case op == 6:
				n := rnd.IntN(min(8, len(model)-i)) + 1
				l.Delete(i, n)
				model = slices.Delete(model, i, i+n)
			case op == 7 && rnd.IntN(10) == 0:
				most, fromEnd := rnd.IntN(100)+1, rnd.IntN(2) == 0
				want := 0
				if fromEnd {
					slices.Reverse(model)
				}
				model = slices.DeleteFunc(model, func(s string) bool {
					if s != v || want == most {
						return false
					}
					want++
					return true
				})
				if fromEnd {
					slices.Reverse(model)
				}
				require.Equal(t, want, l.Remove([]byte(v), most, fromEnd))
			}
			require.Equal(t, len(model), l.Len())
			require.Equal(t, walked(l), l.Bytes())
			if step%20 == 0 && len(model) > 0 {
				i = rnd.IntN(len(model))
				require.Equal(t, model[i:], values(l, i, false))
				back := slices.Clone(model[:i+1])
				slices.Reverse(back)
				require.Equal(t, back, values(l, i, true))
			}
		}
		again := New(limits[0], limits[1])
		l.Nodes(func(e []byte, n int) {
			_, err := listpack.ValidateEntries(e)
			require.NoError(t, err)
			again.AppendNode(e, n)
		})
		require.Equal(t, model, values(again, 0, false))
	}
}
