package calc_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/calc"
)

func TestDump(t *testing.T) {
	p, err := calc.Compile("func half(x int) float => x / 2\nlet s = \"x\"\nif half(3) > 1 { print(half(5)) }", nil)
	require.NoError(t, err)
	for stage, want := range map[calc.Stage][]string{
		calc.AST:      {"FuncDecl", "half", "If"},
		calc.Types:    {"func half#", "(x int) float", "Binary float", "Convert float"},
		calc.IR:       {"fdiv", "builtin", "print"},
		calc.Bytecode: {"fdivk", "runtime", "retw"},
		calc.Asm:      {"divsd xmm", "ret", "; v"},
	} {
		var b strings.Builder
		require.NoError(t, p.Dump(&b, stage))
		for _, w := range want {
			require.Contains(t, b.String(), w, "stage %d", stage)
		}
	}
	require.Error(t, p.Dump(&strings.Builder{}, 99))
	require.ErrorIs(t, p.Dump(brokenWriter{}, calc.IR), errBroken)

	p, err = calc.Compile("[\"a\"]", nil)
	require.NoError(t, err)
	require.Equal(t, calc.VM, p.Backend())
	require.ErrorContains(t, p.Dump(&strings.Builder{}, calc.Asm), "not for the native engine")
}

func TestDumpOfAllPrograms(t *testing.T) {
	for _, src := range sources() {
		p, err := calc.Compile(src, nil)
		if err != nil {
			continue
		}
		for s := calc.AST; s <= calc.Bytecode; s++ {
			require.NoError(t, p.Dump(&strings.Builder{}, s), "%q", src)
		}
	}
}
