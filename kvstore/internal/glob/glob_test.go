package glob

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"*", "", true}, {"", "", true}, {"", "a", false}, {"a*c", "abbc", true}, {"a*c", "abb", false},
		{"h?llo", "hello", true}, {"h[ae]llo", "hallo", true}, {"h[^e]llo", "hello", false}, {"h[a-c]t", "hbt", true},
		{"h[c-a]t", "hbt", true}, {`\*`, "*", true}, {`\*`, "a", false}, {"[", "[", false}, {"[a", "a", true},
		{`[\]]`, "]", true}, {"**a**", "xay", true}, {`a\`, `a\`, true},
	} {
		require.Equal(t, c.want, Match(c.pattern, c.s), "%q %q", c.pattern, c.s)
	}
}

func TestManyStarsAreNotExponential(t *testing.T) {
	done := make(chan bool, 1)
	go func() { done <- Match(strings.Repeat("a*", 100)+"b", strings.Repeat("a", 10_000)) }()
	select {
	case got := <-done:
		require.False(t, got)
	case <-time.After(30 * time.Second):
		t.Fatal("takes too long")
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("a*[b-c]?\\", "abc")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		Match(pattern, s)
		require.True(t, Match("*", s))
	})
}
