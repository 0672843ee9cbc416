package pattern

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		p, s string
		want bool
	}{
		{"*", "", true}, {"a*c", "abc", true}, {"a?c", "aäc", true}, {"[a-c]x", "bx", true}, {"[!a-c]x", "bx", false}, {"[]]", "]", true},
		{"[a", "[a", true}, {`\*`, "*", true}, {`\*`, "x", false}, {"[[:digit:]]", "5", true}, {"[[:alpha:]_]", "_", true}, {"a**", "a", true}, {`[\]]`, "]", true}, {"[a-]", "-", true},
	} {
		require.Equal(t, c.want, Match(c.p, c.s), "%q %q", c.p, c.s)
	}
	for _, s := range []string{"*?[x]", `a\b`, "-!"} {
		require.True(t, Match(Escape(s), s))
		require.False(t, HasMeta(Escape(s)))
		require.Equal(t, s, Unescape(Escape(s)))
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("a*[b-c]?\\", "abc")
	f.Fuzz(func(t *testing.T, p, s string) {
		Match(p, s)
		require.True(t, Match(Escape(s), s))
	})
}
