package num

import "math"

// Exp returns e**x.
func Exp(x float64) float64 {
	switch {
	case math.IsNaN(x):
		return x
	case x > 710:
		return math.Inf(1)
	case x < -746:
		return 0
	}
	return exp(dd{x, 0}, 1)
}

// exp returns sign * e**x for |x| below 1000.
func exp(x dd, sign float64) float64 {
	k := math.Round(float64(x.hi * invLn2.hi))
	// x - k ln2, in which the first difference is exact.
	r := sum(x.hi-float64(k*ln2High), x.lo)
	r = r.sub(product(k, ln2Mid)).sub(dd{float64(k * ln2Low), 0})
	s := series(factorials[:23], 1, r, false)
	return math.Ldexp(float64(sign*s.hi), int(k))
}

// Pow returns x**y, with the special cases of Go's math.Pow.
func Pow(x, y float64) float64 {
	switch {
	case y == 0 || x == 1:
		return 1
	case y == 1:
		return x
	case math.IsNaN(x) || math.IsNaN(y):
		return math.NaN()
	case x == 0 || math.IsInf(x, 0):
		return powOfLimit(x, y)
	case math.IsInf(y, 0):
		if a := math.Abs(x); a == 1 {
			return 1
		} else if (a > 1) == (y > 0) {
			return math.Inf(1)
		}
		return 0
	}
	sign := 1.0
	if x < 0 {
		if y != math.Trunc(y) {
			return math.NaN()
		}
		if isOdd(y) {
			sign = -1
		}
		x = -x
	}
	l := log(x)
	switch e := float64(l.hi * y); {
	case e > 710:
		return math.Inf(int(sign))
	case e < -746:
		return float64(sign * 0)
	}
	return exp(l.times(y), sign)
}

// powOfLimit is Pow of a zero or an infinity.
func powOfLimit(x, y float64) float64 {
	r := 0.0
	if (x == 0) == (y < 0) {
		r = math.Inf(1)
	}
	if math.Signbit(x) && isOdd(y) {
		return -r
	}
	return r
}

func isOdd(y float64) bool {
	return math.Abs(y) < 1<<53 && y == math.Trunc(y) && int64(y)&1 == 1
}

// Cbrt returns the cube root of x.
func Cbrt(x float64) float64 {
	switch {
	case x == 0 || math.IsNaN(x) || math.IsInf(x, 0):
		return x
	case x < 0:
		return -Cbrt(-x)
	}
	return exp(log(x).div(dd{3, 0}), 1)
}
