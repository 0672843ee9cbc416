package calc_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/calc"
)

func TestBuildAndOpen(t *testing.T) {
	modules := fstest.MapFS{"geo/area.calc": {Data: []byte("func square(x) => x * x")}}
	o := &calc.Options{Name: "main.calc", Modules: modules}
	var exe bytes.Buffer
	require.NoError(t, calc.Build(&exe, "import \"geo/area\"\nprint(area.square(3))\n1 div 0", calc.Target{Runner: strings.NewReader("ELF")}, o))
	require.True(t, bytes.HasPrefix(exe.Bytes(), []byte("ELF")))

	var out strings.Builder
	p, err := calc.Open(bytes.NewReader(exe.Bytes()), int64(exe.Len()), &calc.Options{Output: &out})
	require.NoError(t, err)
	_, err = p.Run(t.Context(), nil)
	require.Equal(t, "main.calc:3:3: runtime error: division by zero\n1 div 0\n  ^\n", calc.Report(err))
	require.Equal(t, "9\n", out.String())

	_, err = calc.Open(strings.NewReader("ELF"), 3, nil)
	require.ErrorIs(t, err, calc.ErrNoProgram)
	_, err = calc.Open(bytes.NewReader(make([]byte, 1000)), 1000, nil)
	require.ErrorIs(t, err, calc.ErrNoProgram)
}

func TestBuildErrors(t *testing.T) {
	runner := calc.Target{Runner: strings.NewReader("")}
	require.ErrorContains(t, calc.Build(&bytes.Buffer{}, "1 +", runner, nil), "syntax error")
	require.ErrorContains(t, calc.Build(&bytes.Buffer{}, "1", calc.Target{}, nil), "Runner is nil")
	require.ErrorContains(t, calc.Build(&bytes.Buffer{}, "x", runner, &calc.Options{Env: map[string]any{"x": 1}}), "no host values")
	require.ErrorIs(t, calc.Build(brokenWriter{}, "1", calc.Target{Runner: strings.NewReader("x")}, nil), errBroken)
	require.ErrorIs(t, calc.Build(brokenWriter{}, "1", runner, nil), errBroken)
}

func FuzzOpen(f *testing.F) {
	var exe bytes.Buffer
	require.NoError(f, calc.Build(&exe, "1 + 1", calc.Target{Runner: strings.NewReader("x")}, nil))
	f.Add(exe.Bytes())
	huge := binary.LittleEndian.AppendUint64([]byte("text"), 1<<62)
	f.Add(append(huge, "calc program v1\n"...))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := calc.Open(bytes.NewReader(data), int64(len(data)), &calc.Options{Limits: calc.Limits{Source: 1000}})
		require.Equal(t, err == nil, p != nil)
	})
}
