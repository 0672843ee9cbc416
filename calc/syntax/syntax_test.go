package syntax_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/calc/syntax"
)

func TestNewlinesEndStatements(t *testing.T) {
	for src, want := range map[string]int{
		"a\nb":          2,
		"a +\nb":        1,
		"f(a,\nb)":      1,
		"a\n.b()":       1,
		"a\n\n\nb;;c":   3,
		"if a {\nb\n}":  1,
		"(do {\na\nb})": 1,
	} {
		f, err := syntax.Parse("x", src)
		require.NoError(t, err, src)
		require.Len(t, f.Stmts, want, src)
	}
}

func TestParseAfterErrorGoesOn(t *testing.T) {
	f, err := syntax.Parse("x", "let = 1\nlet y = 2\nfunc f) { 1\n}\nlet z = 3")
	var list syntax.ErrorList
	require.ErrorAs(t, err, &list)
	require.Len(t, list, 2)
	require.Len(t, f.Stmts, 2)
	require.Contains(t, list.Error(), "1:5: expected a name, found '=' (and 1 more)")
}

func FuzzParse(f *testing.F) {
	for _, src := range []string{"let x = 1", `"${"${a}"}"`, "func f(a, b int) => a", "for i in 0..=3 { break }", "'", "}{", "0x", "1e", "..="} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		file, err := syntax.Parse("x", src)
		if err == nil {
			for _, s := range file.Stmts {
				require.Positive(t, s.Where().Line)
			}
			return
		}
		var list syntax.ErrorList
		require.ErrorAs(t, err, &list)
		require.LessOrEqual(t, len(list), syntax.MaxErrors)
	})
}

func Example() {
	f, err := syntax.Parse("rule.calc", "let x = 1\nx + 2")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range f.Stmts {
		fmt.Printf("%v %T\n", s.Where(), s)
	}
	// Output:
	// 1:5 *syntax.LetStmt
	// 2:3 *syntax.ExprStmt
}
