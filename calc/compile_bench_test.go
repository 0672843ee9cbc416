package calc_test

import (
	"os"
	"strings"
	"testing"

	"github.com/groundwork-go/groundwork/calc"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

const rule = `(origin == "MOW" || country == "RU") && (value >= 100 || adults == 1)`

// BenchmarkCompile compiles a rule, on texts and of words.
func BenchmarkCompile(b *testing.B) {
	facts := map[string]any{"origin": "MOW", "country": "RU", "value": 100, "adults": 1}
	b.Run("vm", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := calc.Compile(rule, &calc.Options{Env: facts, Backend: calc.VM}); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, backend := range []calc.Backend{calc.VM, calc.JIT} {
		b.Run("words-"+backend.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := calc.FuncOn[func(mow, ru bool, value, adults int64) bool](backend, "(mow || ru) && (value >= 100 || adults == 1)", "mow", "ru", "value", "adults")
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkParse parses the programs of the benchmarks, one behind the other.
func BenchmarkParse(b *testing.B) {
	var all strings.Builder
	for all.Len() < 500_000 {
		for _, name := range []string{"fib", "mandel", "sieve", "nbody", "spectral", "strings", "maps"} {
			text, err := os.ReadFile("bench/testdata/" + name + ".calc")
			if err != nil {
				b.Fatal(err)
			}
			all.Write(text)
			all.WriteByte('\n')
		}
	}
	src := all.String()
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := syntax.Parse("all", src); err != nil {
			b.Fatal(err)
		}
	}
}
