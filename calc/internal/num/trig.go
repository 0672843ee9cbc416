package num

import (
	"math"
	"math/bits"
)

// reduce returns x less the nearest multiple of pi/2, and that multiple modulo 4.
// x is finite. (M. H. Payne and R. N. Hanek, Radian reduction for trigonometric
// functions, 1983.)
func reduce(x float64) (r dd, quadrant int) {
	if math.Abs(x) <= math.Pi/4 {
		return dd{x, 0}, 0
	}
	b := math.Float64bits(x)
	m := b&(1<<52-1) | 1<<52
	e := int(b>>52&0x7ff) - 1075 // |x| = m * 2**e
	// Bits of 2/pi whose product with x is a multiple of 4 do not matter. What
	// follows is x * 2/pi modulo 4, with 254 bits behind the point.
	var p [4]uint64 // most significant first
	var carry uint64
	for i := 3; i >= 0; i-- {
		hi, lo := bits.Mul64(m, window(e-2+64*i))
		var c uint64
		p[i], c = bits.Add64(lo, carry, 0)
		carry = hi + c
	}
	quadrant = int(p[0] >> 62)
	negative := p[0]>>61&1 == 1 // the fraction is a half or more: count from above
	if negative {
		quadrant++
		var c uint64 = 1
		for i := 3; i >= 0; i-- {
			p[i], c = bits.Add64(^p[i], 0, c)
		}
	}
	p[0] &= 1<<62 - 1
	r = fraction(p).mul(halfPi)
	if negative {
		r = r.neg()
	}
	if math.Signbit(x) {
		return r.neg(), -quadrant & 3
	}
	return r, quadrant & 3
}

// window returns 64 bits of 2/pi from a bit on, which may be before the first.
func window(bit int) uint64 {
	word := func(i int) uint64 {
		if i < 0 || i >= len(twoOverPi) {
			return 0
		}
		return twoOverPi[i]
	}
	i, shift := bit>>6, uint(bit&63)
	w := word(i) << shift
	if shift > 0 {
		w |= word(i+1) >> (64 - shift)
	}
	return w
}

// fraction returns p as a number with 254 bits behind the point.
func fraction(p [4]uint64) dd {
	exponent := -62
	for i := 0; i < 3 && p[0] == 0; i++ {
		p[0], p[1], p[2], p[3] = p[1], p[2], p[3], 0
		exponent -= 64
	}
	n := bits.LeadingZeros64(p[0])
	if n > 0 && n < 64 {
		p[0] = p[0]<<n | p[1]>>(64-n)
		p[1] = p[1]<<n | p[2]>>(64-n)
	}
	exponent -= n
	const low = 1<<32 - 1
	d := sum(float64(p[0]>>32)*(1<<32), float64(p[0]&low))
	d = d.add(dd{float64(p[1]>>32) / (1 << 32), 0}).add(dd{float64(p[1]&low) / (1 << 64), 0})
	return dd{math.Ldexp(d.hi, exponent), math.Ldexp(d.lo, exponent)}
}

// sinCos returns sine and cosine of r, at most pi/4.
func sinCos(r dd) (sin, cos dd) {
	x := r.mul(r)
	return r.mul(series(factorials[1:28], 2, x, true)), series(factorials[:27], 2, x, true)
}

// Sin returns the sine of x.
func Sin(x float64) float64 {
	switch {
	case x == 0:
		return x
	case math.IsNaN(x) || math.IsInf(x, 0):
		return math.NaN()
	}
	r, q := reduce(x)
	s, c := sinCos(r)
	return [4]float64{s.hi, c.hi, -s.hi, -c.hi}[q]
}

// Cos returns the cosine of x.
func Cos(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return math.NaN()
	}
	r, q := reduce(x)
	s, c := sinCos(r)
	return [4]float64{c.hi, -s.hi, -c.hi, s.hi}[q]
}

// Tan returns the tangent of x.
func Tan(x float64) float64 {
	switch {
	case x == 0:
		return x
	case math.IsNaN(x) || math.IsInf(x, 0):
		return math.NaN()
	}
	r, q := reduce(x)
	s, c := sinCos(r)
	if q&1 == 1 {
		return c.div(s).neg().hi
	}
	return s.div(c).hi
}

// angle returns the angle of the point (x, y), both not negative and not both 0.
func angle(y, x dd) dd {
	if y.hi > x.hi {
		return halfPi.sub(angle(x, y))
	}
	t := y.div(x)
	k := math.Round(float64(t.hi * 16))
	c := k / 16
	u := t.sub(dd{c, 0}).div(t.times(c).add(dd{1, 0}))
	return atans[int(k)].add(u.mul(series(odds[:12], 1, u.mul(u), true)))
}

// Atan returns the angle whose tangent is x.
func Atan(x float64) float64 {
	switch a := math.Abs(x); {
	case math.IsNaN(x) || a < 0x1p-100:
		return x
	case a > 0x1p100:
		return math.Copysign(halfPi.hi, x)
	default:
		return math.Copysign(angle(dd{a, 0}, dd{1, 0}).hi, x)
	}
}

// Atan2 returns the angle of the point (x, y), with the special cases of Go's
// math.Atan2.
func Atan2(y, x float64) float64 {
	ay, ax := math.Abs(y), math.Abs(x)
	switch {
	case math.IsNaN(x) || math.IsNaN(y):
		return math.NaN()
	case math.IsInf(x, 0) && math.IsInf(y, 0):
		ay, ax = 1, 1
	case math.IsInf(x, 0):
		ay, ax = 0, 1
	case math.IsInf(y, 0):
		ay, ax = 1, 0
	}
	left := math.Signbit(x)
	if ay == 0 {
		if left {
			return math.Copysign(fullPi.hi, y)
		}
		return math.Copysign(0, y)
	}
	_, ey := math.Frexp(ay)
	_, ex := math.Frexp(ax)
	switch {
	case ax == 0 || ey-ex > 100:
		return math.Copysign(halfPi.hi, y)
	case ex-ey > 100 && left:
		return math.Copysign(fullPi.hi, y)
	case ex-ey > 100:
		return math.Copysign(ay/ax, y)
	}
	a := angle(dd{math.Ldexp(ay, -ex), 0}, dd{math.Ldexp(ax, -ex), 0})
	if left {
		a = fullPi.sub(a)
	}
	return math.Copysign(a.hi, y)
}

// beside returns sqrt(1 - x*x).
func beside(x float64) dd { return sum(1, -x).mul(sum(1, x)).sqrt() }

// Asin returns the angle whose sine is x.
func Asin(x float64) float64 {
	switch a := math.Abs(x); {
	case a > 1 || math.IsNaN(x):
		return math.NaN()
	case a < 0x1p-100:
		return x
	default:
		return math.Copysign(angle(dd{a, 0}, beside(x)).hi, x)
	}
}

// Acos returns the angle whose cosine is x.
func Acos(x float64) float64 {
	a := math.Abs(x)
	if a > 1 || math.IsNaN(x) {
		return math.NaN()
	}
	if a < 0x1p-100 {
		return halfPi.hi
	}
	d := angle(beside(x), dd{a, 0})
	if x < 0 {
		d = fullPi.sub(d)
	}
	return d.hi
}

// Hypot returns sqrt(x*x + y*y).
func Hypot(x, y float64) float64 {
	x, y = math.Abs(x), math.Abs(y)
	switch {
	case math.IsInf(x, 1) || math.IsInf(y, 1):
		return math.Inf(1)
	case math.IsNaN(x) || math.IsNaN(y):
		return math.NaN()
	case x < y:
		x, y = y, x
	}
	if y == 0 {
		return x
	}
	_, e := math.Frexp(x)
	a, b := math.Ldexp(x, -e), math.Ldexp(y, -e)
	if b < 0x1p-200 {
		return x
	}
	return math.Ldexp(product(a, a).add(product(b, b)).sqrt().hi, e)
}
