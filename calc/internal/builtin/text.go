package builtin

import (
	"errors"
	"math"
	"strings"

	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
)

func texts() []*typed.Builtin {
	str, list := types.String, types.ListOf(types.String)
	var all []*typed.Builtin
	for name, f := range map[string]func(string) string{"upper": strings.ToUpper, "lower": strings.ToLower, "trim": strings.TrimSpace} {
		all = append(all, form(name, sig(str), str, func(m machine, a args) (value.Value, error) {
			// A character may grow to three times its bytes in another case.
			if err := m.Grow(int64(len(a[0].Str()))*3 + objectSize); err != nil {
				return none, err
			}
			return value.FromString(f(a[0].Str())), nil
		}))
	}
	for name, f := range map[string]func(s, t string) bool{"contains": strings.Contains, "hasPrefix": strings.HasPrefix, "hasSuffix": strings.HasSuffix} {
		all = append(all, pure(name, sig(str, str), types.Bool, func(a args) value.Value { return value.FromBool(f(a[0].Str(), a[1].Str())) }))
	}
	return append(all,
		pure("len", sig(str), types.Int, func(a args) value.Value { return value.FromInt(int64(len(a[0].Str()))) }),
		pure("index", sig(str, str), types.Int, func(a args) value.Value {
			return value.FromInt(int64(strings.Index(a[0].Str(), a[1].Str())))
		}),
		form("split", sig(str, str), list, func(m machine, a args) (value.Value, error) {
			n := strings.Count(a[0].Str(), a[1].Str()) + 1
			return fields(m, n, func() []string { return strings.Split(a[0].Str(), a[1].Str()) })
		}),
		form("chars", sig(str), list, func(m machine, a args) (value.Value, error) {
			return fields(m, len(a[0].Str()), func() []string { return strings.Split(a[0].Str(), "") })
		}),
		form("bytes", sig(str), types.ListOf(types.Int), func(m machine, a args) (value.Value, error) {
			s := a[0].Str()
			if err := m.Grow(int64(len(s))*8 + objectSize); err != nil {
				return none, err
			}
			words := make([]uint64, len(s))
			for i := range words {
				words[i] = uint64(s[i])
			}
			return value.Ref(value.NewWords(words)), nil
		}),
		form("repeat", sig(str, types.Int), str, repeat),
		form("replace", sig(str, str, str), str, func(m machine, a args) (value.Value, error) {
			s, old, with := a[0].Str(), a[1].Str(), a[2].Str()
			n := strings.Count(s, old)
			if err := m.Grow(product(int64(n), int64(len(with))) + int64(len(s)) + objectSize); err != nil {
				return none, err
			}
			return value.FromString(strings.ReplaceAll(s, old, with)), nil
		}),
		form("join", sig(list, str), str, join),
	)
}

// fields makes a list of at most n strings that share the memory of another.
func fields(m machine, n int, split func() []string) (value.Value, error) {
	if err := m.Grow(int64(n)*(8+objectSize) + objectSize); err != nil {
		return none, err
	}
	parts := split()
	refs := make([]*value.Obj, len(parts))
	for i, s := range parts {
		refs[i] = value.NewStr(s)
	}
	return value.Ref(value.NewRefs(refs)), nil
}

func repeat(m machine, a args) (value.Value, error) {
	s, n := a[0].Str(), a[1].Int()
	if n < 0 {
		return none, errors.New("negative count")
	}
	if s == "" || n == 0 {
		return value.FromString(""), nil
	}
	if err := m.Grow(product(int64(len(s)), n) + objectSize); err != nil {
		return none, err
	}
	return value.FromString(strings.Repeat(s, int(n))), nil
}

func join(m machine, a args) (value.Value, error) {
	refs, sep := a[0].P.Refs().A, a[1].Str()
	size := product(int64(len(refs)), int64(len(sep)))
	for _, p := range refs {
		size += int64(len(p.Str()))
		if size < 0 {
			size = math.MaxInt64 / 2
		}
	}
	if err := m.Grow(size + objectSize); err != nil {
		return none, err
	}
	var b strings.Builder
	b.Grow(int(size))
	for i, p := range refs {
		if i > 0 {
			b.WriteString(sep)
		}
		b.WriteString(p.Str())
	}
	return value.FromString(b.String()), nil
}

// product returns n * m, or a size that no limit allows if that is larger.
func product(n, m int64) int64 {
	const huge = math.MaxInt64 / 2
	if n <= 0 || m <= 0 {
		return 0
	}
	if n > huge/m {
		return huge
	}
	return n * m
}
