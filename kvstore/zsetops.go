package kvstore

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

// zsource is a set or sorted set that takes part in an operation.
type zsource struct {
	e      keyspace.Entry
	weight float64
}

func (z *zsource) len() int {
	switch {
	case !z.e.Exists():
		return 0
	case z.e.Type() == keyspace.Set:
		return z.e.SetLen()
	}
	return z.e.ZLen()
}

func (z *zsource) each(f func(m []byte, score float64) bool) {
	switch {
	case !z.e.Exists():
	case z.e.Type() == keyspace.Set:
		z.e.SetEach(func(m []byte) bool { return f(m, 1) })
	default:
		z.e.ZEach(0, false, f)
	}
}

func (z *zsource) find(m []byte) (float64, bool) {
	switch {
	case !z.e.Exists():
		return 0, false
	case z.e.Type() == keyspace.Set:
		return 1, z.e.SetHas(m)
	}
	return z.e.ZScore(m)
}

// zop is a ZUNION, ZINTER or ZDIFF.
type zop struct {
	op         byte // U, I, D
	sources    []zsource
	aggregate  byte // S, M (minimum), X (maximum)
	withScores bool
	limit      int64
}

// parseZop reads numkeys key... and the options behind them.
func (s *Session) parseZop(a [][]byte, store, card bool) (z zop, ok bool) {
	z.op, z.aggregate = s.cmd.upper[1], 'S'
	n, ok := s.intArg(a[0])
	if !ok {
		return z, false
	}
	if n < 1 {
		s.fail("ERR at least 1 input key is needed for '" + s.cmd.name + "' command")
		return z, false
	}
	if n > int64(len(a)-1) {
		s.fail(msgSyntax)
		return z, false
	}
	for _, key := range a[1 : 1+n] {
		e := s.read(key)
		if e.Exists() && e.Type() != keyspace.Set && e.Type() != keyspace.ZSet {
			s.fail(msgWrongType)
			return z, false
		}
		z.sources = append(z.sources, zsource{e, 1})
	}
	return z, s.zopOptions(&z, a[1+n:], store, card)
}

func (s *Session) zopOptions(z *zop, a [][]byte, store, card bool) bool {
	for i := 0; i < len(a); i++ {
		left := len(a) - i - 1
		ok := true
		switch {
		case z.op != 'D' && !card && is(a[i], "WEIGHTS") && left >= len(z.sources):
			for j := range z.sources {
				if z.sources[j].weight, ok = parseFloat(a[i+1+j]); !ok {
					s.fail("ERR weight value is not a float")
					return false
				}
			}
			i += len(z.sources)
		case z.op != 'D' && !card && is(a[i], "AGGREGATE") && left >= 1:
			i++
			switch {
			case is(a[i], "SUM"):
				z.aggregate = 'S'
			case is(a[i], "MIN"):
				z.aggregate = 'M'
			case is(a[i], "MAX"):
				z.aggregate = 'X'
			default:
				ok = false
			}
		case !store && !card && is(a[i], "WITHSCORES"):
			z.withScores = true
		case card && is(a[i], "LIMIT") && left >= 1:
			i++
			if z.limit, ok = s.rangeArg(a[i], 0, math.MaxInt64, "ERR LIMIT can't be negative"); !ok {
				return false
			}
		default:
			ok = false
		}
		if !ok {
			s.fail(msgSyntax)
			return false
		}
	}
	return true
}

func (z *zop) combine(a, b float64) float64 {
	switch z.aggregate {
	case 'M':
		return min(a, b)
	case 'X':
		return max(a, b)
	}
	if sum := a + b; !math.IsNaN(sum) {
		return sum
	}
	return 0 // of both infinities
}

func weighted(score, weight float64) float64 {
	if p := score * weight; !math.IsNaN(p) {
		return p
	}
	return 0
}

// run computes the operation.
func (z *zop) run() []zpair {
	if z.op != 'D' {
		slices.SortStableFunc(z.sources, func(a, b zsource) int { return cmp.Compare(a.len(), b.len()) })
	}
	var out []zpair
	switch z.op {
	case 'U':
		at := make(map[string]int)
		for i := range z.sources {
			src := &z.sources[i]
			src.each(func(m []byte, score float64) bool {
				score = weighted(score, src.weight)
				if j, ok := at[string(m)]; ok {
					out[j].score = z.combine(out[j].score, score)
					return true
				}
				at[string(m)] = len(out)
				out = append(out, zpair{bytes.Clone(m), score})
				return true
			})
		}
	case 'I':
		z.inter(func(m []byte, score float64) bool {
			out = append(out, zpair{bytes.Clone(m), score})
			return true
		})
	default:
		z.sources[0].each(func(m []byte, score float64) bool {
			for i := range z.sources[1:] {
				if _, has := z.sources[1+i].find(m); has {
					return true
				}
			}
			out = append(out, zpair{bytes.Clone(m), score})
			return true
		})
	}
	return out
}

func (z *zop) inter(f func(m []byte, score float64) bool) {
	z.sources[0].each(func(m []byte, score float64) bool {
		score = weighted(score, z.sources[0].weight)
		for i := range z.sources[1:] {
			src := &z.sources[1+i]
			other, has := src.find(m)
			if !has {
				return true
			}
			score = z.combine(score, weighted(other, src.weight))
		}
		return f(m, score)
	})
}

func cmdZsetOp(s *Session, a [][]byte) {
	store := s.cmd.flags&fWrite != 0
	args := a[1:]
	if store {
		args = a[2:]
	}
	z, ok := s.parseZop(args, store, false)
	if !ok {
		return
	}
	out := z.run()
	if store {
		var longest []byte
		for _, p := range out {
			if len(p.member) > len(longest) {
				longest = p.member
			}
		}
		s.storeZset(a[1], out, longest, len(out), s.cmd.name)
		return
	}
	slices.SortFunc(out, func(a, b zpair) int {
		if c := cmp.Compare(a.score, b.score); c != 0 {
			return c
		}
		return bytes.Compare(a.member, b.member)
	})
	pairs := z.withScores && s.w.proto >= 3
	if z.withScores && !pairs {
		s.w.array(2 * len(out))
	} else {
		s.w.array(len(out))
	}
	for _, p := range out {
		if pairs {
			s.w.array(2)
		}
		s.w.bulk(p.member)
		if z.withScores {
			s.w.double(p.score)
		}
	}
}

func cmdZintercard(s *Session, a [][]byte) {
	z, ok := s.parseZop(a[1:], false, true)
	if !ok {
		return
	}
	slices.SortStableFunc(z.sources, func(a, b zsource) int { return cmp.Compare(a.len(), b.len()) })
	n := int64(0)
	z.inter(func([]byte, float64) bool {
		n++
		return z.limit == 0 || n < z.limit
	})
	s.w.int(n)
}
