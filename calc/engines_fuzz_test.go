package calc_test

import (
	"flag"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/calc"
)

// compareEngines runs a program on all engines and tells whether it passed the
// checker and kept within the limits.
func compareEngines(t *testing.T, src string) (checked bool) {
	t.Helper()
	want := outcome(src, calc.Tree)
	if strings.Contains(want, "type error") || strings.Contains(want, "syntax error") {
		return false
	}
	if limited(want) {
		return false
	}
	for _, b := range engines {
		got := outcome(src, b)
		if !limited(got) {
			require.Equal(t, want, got, "%v:\n%s", b, src)
		}
	}
	return true
}

func limited(s string) bool {
	return strings.Contains(s, "limit error") || strings.Contains(s, "stack overflow")
}

var programs = flag.Int("programs", 400, "how many random programs TestRandomPrograms compares")

func TestRandomPrograms(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	checked := 0
	for i := range *programs {
		choices := make([]byte, 200+r.IntN(800))
		for j := range choices {
			choices[j] = byte(r.Uint32())
		}
		if compareEngines(t, generate(choices, i%2 == 0)) {
			checked++
		}
	}
	t.Logf("%d of %d programs passed the checker", checked, *programs)
	require.Greater(t, checked, *programs/2)
}

func FuzzEngines(f *testing.F) {
	f.Add([]byte("calc"), false)
	f.Add([]byte{7, 1, 4, 9, 200, 31, 8, 5, 90, 17, 66, 3, 250, 12}, true)
	f.Fuzz(func(t *testing.T, choices []byte, numeric bool) {
		if len(choices) < 2000 {
			compareEngines(t, generate(choices, numeric))
		}
	})
}
