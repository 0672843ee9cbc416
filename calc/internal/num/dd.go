// Package num computes the functions of the language that are not exactly rounded
// by nature, with the same bits on every machine and within 1 ulp.
//
// It works in double-double arithmetic (T. J. Dekker, A floating-point technique
// for extending the available precision, 1971): a number is the unevaluated sum of
// two float64. Each product is rounded by itself, which Go promises for explicit
// conversions, and math.FMA is exact everywhere, so that no machine differs.
package num

import "math"

// dd is hi + lo, with |lo| at most half an ulp of hi.
type dd struct{ hi, lo float64 }

// sum returns a + b without error.
func sum(a, b float64) dd {
	s := a + b
	bb := s - a
	return dd{s, (a - (s - bb)) + (b - bb)}
}

// fastSum is sum for |a| >= |b|.
func fastSum(a, b float64) dd {
	s := a + b
	return dd{s, b - (s - a)}
}

// product returns a * b without error, as long as nothing underflows.
func product(a, b float64) dd {
	p := float64(a * b)
	return dd{p, math.FMA(a, b, -p)}
}

func (x dd) add(y dd) dd {
	s, t := sum(x.hi, y.hi), sum(x.lo, y.lo)
	s = fastSum(s.hi, s.lo+t.hi)
	return fastSum(s.hi, s.lo+t.lo)
}

func (x dd) neg() dd { return dd{-x.hi, -x.lo} }

func (x dd) sub(y dd) dd { return x.add(y.neg()) }

func (x dd) mul(y dd) dd {
	p := product(x.hi, y.hi)
	return fastSum(p.hi, p.lo+(float64(x.hi*y.lo)+float64(x.lo*y.hi)))
}

func (x dd) times(f float64) dd {
	p := product(x.hi, f)
	return fastSum(p.hi, p.lo+float64(x.lo*f))
}

func (x dd) div(y dd) dd {
	q := x.hi / y.hi
	r := x.sub(y.times(q))
	q2 := r.hi / y.hi
	r = r.sub(y.times(q2))
	s := fastSum(q, q2)
	return fastSum(s.hi, s.lo+r.hi/y.hi)
}

func (x dd) sqrt() dd {
	if x.hi <= 0 {
		return dd{}
	}
	s := math.Sqrt(x.hi)
	r := x.sub(product(s, s))
	return fastSum(s, r.hi/float64(2*s))
}

// series returns c[0] + c[step]*x + c[2*step]*x*x and so on, alternating in sign
// if alternate is set.
func series(c []dd, step int, x dd, alternate bool) dd {
	if alternate {
		x = x.neg()
	}
	i := (len(c) - 1) / step * step
	s := c[i]
	for i -= step; i >= 0; i -= step {
		s = s.mul(x).add(c[i])
	}
	return s
}
