package syntax_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/gosh/syntax"
)

func FuzzParse(f *testing.F) {
	for _, s := range []string{"a | b && c", "cat <<E\nx\nE\n", "${x:-\"$(y)\"}", "f() { case x in a) ;; esac; }", "$((1+(2)))", "`\\``", "a 2>&1 >x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		_, err := syntax.Parse(src, "x")
		if err != nil {
			var e *syntax.Error
			require.ErrorAs(t, err, &e)
			require.Positive(t, e.Pos.Line)
		}
	})
}

func Example() {
	list, err := syntax.Parse("make test && echo ok | tee log", "x.sh")
	if err != nil {
		fmt.Println(err)
		return
	}
	s := list[0]
	fmt.Println(len(s.First.Cmds), len(s.Rest[0].Pipeline.Cmds))
	_, err = syntax.Parse("if true; then", "x.sh")
	fmt.Println(err)
	// Output:
	// 1 2
	// x.sh:1:14: unexpected end of script
}
