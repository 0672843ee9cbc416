package num

import "math"

// split returns m and e with x = m * 2**e and m near 1, for a positive x.
func split(x float64) (m float64, e int) {
	m, e = math.Frexp(x)
	if m < math.Sqrt2/2 {
		m *= 2
		e--
	}
	return m, e
}

// logNear returns ln(m) for m between sqrt(1/2) and sqrt(2): 2 atanh((m-1)/(m+1)).
func logNear(m float64) dd {
	s := dd{m - 1, 0}.div(sum(m, 1))
	return s.mul(series(odds[:], 1, s.mul(s), false)).times(2)
}

// log returns ln(x) for a positive, finite x.
func log(x float64) dd {
	m, e := split(x)
	return ln2.times(float64(e)).add(logNear(m))
}

// special returns the logarithm of what has none, or of an infinity.
func special(x float64) (float64, bool) {
	switch {
	case math.IsNaN(x) || x < 0:
		return math.NaN(), true
	case x == 0:
		return math.Inf(-1), true
	case math.IsInf(x, 1):
		return x, true
	}
	return 0, false
}

// Log returns the natural logarithm of x.
func Log(x float64) float64 {
	if r, ok := special(x); ok {
		return r
	}
	return log(x).hi
}

// Log2 returns the binary logarithm of x.
func Log2(x float64) float64 {
	if r, ok := special(x); ok {
		return r
	}
	m, e := split(x)
	return dd{float64(e), 0}.add(logNear(m).mul(invLn2)).hi
}

// Log10 returns the decimal logarithm of x.
func Log10(x float64) float64 {
	if r, ok := special(x); ok {
		return r
	}
	return log(x).mul(invLn10).hi
}
