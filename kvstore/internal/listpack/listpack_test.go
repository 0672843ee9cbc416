package listpack

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func values(lp []byte) []string {
	out := []string{}
	for at := Header; !AtEnd(lp, at); at = Next(lp, at) {
		out = append(out, string(Text(lp[at:], nil)))
	}
	return out
}

func randomValue(rnd *rand.Rand) []byte {
	switch rnd.IntN(4) {
	case 0:
		n := int64(rnd.Uint64()) >> rnd.IntN(64)
		return strconv.AppendInt(nil, n, 10)
	case 1:
		return make([]byte, []int{0, 63, 64, 127, 128, 4095, 4096, 20000}[rnd.IntN(8)])
	}
	return fmt.Append(nil, "v", rnd.IntN(100))
}

func TestAgainstSlice(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	lp, model := New(nil), []string{}
	for range 5000 {
		v := randomValue(rnd)
		i := 0
		if len(model) > 0 {
			i = rnd.IntN(len(model))
		}
		switch op := rnd.IntN(5); {
		case len(model) == 0 || op == 0:
			lp, model = Append(lp, v), append(model, string(v))
		case op == 1:
			lp, model = Insert(lp, Seek(lp, i), v, []byte("x")), slices.Insert(model, i, string(v), "x")
		case op == 2:
			lp, model = Replace(lp, Seek(lp, i), v), slices.Replace(model, i, i+1, string(v))
		default:
			n := rnd.IntN(min(4, len(model)-i)) + 1
			lp, model = Delete(lp, Seek(lp, i), n), slices.Delete(model, i, i+n)
		}
		require.Equal(t, model, values(lp))
		require.Equal(t, len(model), Len(lp))
		n, err := Validate(lp)
		require.NoError(t, err)
		require.Equal(t, len(model), n)
		if want := slices.Index(model, string(v)); want < 0 {
			require.Equal(t, -1, Find(lp, v, 1))
		} else {
			require.Equal(t, Seek(lp, want), Find(lp, v, 1))
		}
	}
}

func TestIntegers(t *testing.T) {
	for _, n := range []int64{0, 1, 127, 128, -1, 4095, 4096, -4096, -4097, 1<<15 - 1, 1 << 15, -1 << 15, -1<<15 - 1, 1<<23 - 1, 1 << 23,
		-1 << 23, -1<<23 - 1, math.MaxInt32, math.MinInt32, math.MaxInt32 + 1, math.MinInt32 - 1, math.MaxInt64, math.MinInt64} {
		s := strconv.FormatInt(n, 10)
		got, ok := ParseInt([]byte(s))
		require.True(t, ok, s)
		require.Equal(t, n, got)
		_, m := Decode(AppendInt(nil, n))
		require.Equal(t, n, m)
	}
	for _, s := range []string{"", "-", "01", "-0", "+1", "1a", "9223372036854775808", "-9223372036854775809", "99999999999999999999", " 1"} {
		_, ok := ParseInt([]byte(s))
		require.False(t, ok, s)
	}
}

func FuzzValidate(f *testing.F) {
	f.Add(New(nil))
	f.Add(Append(Append(New(nil), []byte("abc")), []byte("-77777")))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := Validate(b)
		if err != nil {
			return
		}
		require.Len(t, values(b), n)
		at := len(b) - 1
		for range n {
			at -= SkipBack(b[:at])
		}
		require.Equal(t, Header, at)
	})
}
