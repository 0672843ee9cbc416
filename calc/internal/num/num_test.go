package num

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// prec is enough for arguments of any size: 1100 bits are lost in their reduction.
const prec = 1400

func bf(x float64) *big.Float { return new(big.Float).SetPrec(prec).SetFloat64(x) }

func bigOp(f func(z *big.Float)) *big.Float {
	z := new(big.Float).SetPrec(prec)
	f(z)
	return z
}

func mul(x, y *big.Float) *big.Float { return bigOp(func(z *big.Float) { z.Mul(x, y) }) }
func quo(x, y *big.Float) *big.Float { return bigOp(func(z *big.Float) { z.Quo(x, y) }) }
func add(x, y *big.Float) *big.Float { return bigOp(func(z *big.Float) { z.Add(x, y) }) }
func sub(x, y *big.Float) *big.Float { return bigOp(func(z *big.Float) { z.Sub(x, y) }) }
func sqrt(x *big.Float) *big.Float   { return bigOp(func(z *big.Float) { z.Sqrt(x) }) }

// sumUp adds term(0), term(1), ... until they no longer matter.
func sumUp(term func(i int) *big.Float) *big.Float {
	s := bf(0)
	for i := 0; ; i++ {
		t := term(i)
		if t.Sign() == 0 || s.Sign() != 0 && t.MantExp(nil) < s.MantExp(nil)-250 {
			return s
		}
		s = add(s, t)
	}
}

func bigExp(x *big.Float) *big.Float {
	k := max(0, x.MantExp(nil)+8)
	r := bigOp(func(z *big.Float) { z.SetMantExp(x, -k) })
	p := bf(1)
	s := sumUp(func(i int) *big.Float {
		if i > 0 {
			p = quo(mul(p, r), bf(float64(i)))
		}
		return p
	})
	for range k {
		s = mul(s, s)
	}
	return s
}

func bigLog(x *big.Float) *big.Float {
	m := new(big.Float).SetPrec(prec)
	e := x.MantExp(m)
	atanh := func(t *big.Float) *big.Float {
		p, t2 := t, mul(t, t)
		return sumUp(func(i int) *big.Float {
			if i > 0 {
				p = mul(p, t2)
			}
			return quo(p, bf(float64(2*i+1)))
		})
	}
	if m.Cmp(bf(0.75)) < 0 {
		m.Mul(m, bf(2))
		e--
	}
	ln2 := mul(bf(2), atanh(quo(bf(1), bf(3))))
	return add(mul(bf(2), atanh(quo(sub(m, bf(1)), add(m, bf(1))))), mul(bf(float64(e)), ln2))
}

func atanSeries(x *big.Float) *big.Float {
	p, x2 := x, mul(x, x)
	return sumUp(func(i int) *big.Float {
		if i > 0 {
			p = mul(p, x2)
		}
		t := quo(p, bf(float64(2*i+1)))
		if i%2 == 1 {
			t.Neg(t)
		}
		return t
	})
}

var bigPi = func() *big.Float {
	atanInv := func(n float64) *big.Float {
		s, p := bf(0), quo(bf(1), bf(n))
		for i := 0; p.MantExp(nil) > -prec; i++ {
			t := quo(p, bf(float64(2*i+1)))
			if i%2 == 1 {
				t.Neg(t)
			}
			s = add(s, t)
			p = quo(p, bf(n*n))
		}
		return s
	}
	return mul(bf(4), sub(mul(bf(4), atanInv(5)), atanInv(239)))
}()

func bigAtan(x *big.Float) *big.Float {
	for range 6 {
		x = quo(x, add(bf(1), sqrt(add(bf(1), mul(x, x)))))
	}
	return mul(bf(64), atanSeries(x))
}

// bigSin reduces to -pi..pi first.
func bigSin(x *big.Float) *big.Float {
	turns := quo(x, mul(bf(2), bigPi))
	n, _ := add(turns, bigOp(func(z *big.Float) { z.SetFloat64(0.5 * float64(x.Sign())) })).Int(nil)
	r := sub(x, mul(mul(bf(2), bigPi), new(big.Float).SetPrec(prec).SetInt(n)))
	p, r2 := r, mul(r, r)
	return sumUp(func(i int) *big.Float {
		if i > 0 {
			p = quo(mul(p, r2), bf(float64(-(2*i)*(2*i+1))))
		}
		return p
	})
}

func bigCos(x *big.Float) *big.Float { return bigSin(add(x, quo(bigPi, bf(2)))) }

// ulps is the distance of got from want in units of the last place of want.
func ulps(got float64, want *big.Float) float64 {
	w, _ := want.Float64()
	if math.IsInf(w, 0) || math.IsInf(got, 0) {
		if w == got {
			return 0
		}
		return math.Inf(1)
	}
	ulp := math.Nextafter(math.Abs(w), math.Inf(1)) - math.Abs(w)
	d, _ := quo(sub(bf(got), want), bf(ulp)).Float64()
	return math.Abs(d)
}

func TestWithinOneUlp(t *testing.T) {
	rounds := 400
	if testing.Short() {
		rounds = 60
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	wide := func() float64 { // any exponent
		return math.Ldexp(1+rnd.Float64(), rnd.IntN(2000)-1000) * float64(rnd.IntN(2)*2-1)
	}
	near := func(scale float64) func() float64 { return func() float64 { return (rnd.Float64()*2 - 1) * scale } }
	positive := func(f func() float64) func() float64 { return func() float64 { return math.Abs(f()) } }
	one := bf(1)
	for _, f := range []struct {
		name string
		args []func() float64
		got  func(float64) float64
		want func(*big.Float) *big.Float
	}{
		{"exp", []func() float64{near(700), near(1), near(1e-10)}, Exp, bigExp},
		{"log", []func() float64{positive(wide), func() float64 { return 1 + near(1e-3)() }, positive(near(10))}, Log, bigLog},
		{"log2", []func() float64{positive(wide), positive(near(10))}, Log2, func(x *big.Float) *big.Float { return quo(bigLog(x), bigLog(bf(2))) }},
		{"log10", []func() float64{positive(wide), positive(near(10))}, Log10, func(x *big.Float) *big.Float { return quo(bigLog(x), bigLog(bf(10))) }},
		{"sin", []func() float64{near(1), near(100), wide}, Sin, bigSin},
		{"cos", []func() float64{near(1), near(100), wide}, Cos, bigCos},
		{"tan", []func() float64{near(1), near(100), wide}, Tan, func(x *big.Float) *big.Float { return quo(bigSin(x), bigCos(x)) }},
		{"atan", []func() float64{near(1), near(100), wide}, Atan, bigAtan},
		{"asin", []func() float64{near(1), near(1e-5)}, Asin, func(x *big.Float) *big.Float { return bigAtan(quo(x, sqrt(sub(one, mul(x, x))))) }},
		{"acos", []func() float64{near(1)}, Acos, func(x *big.Float) *big.Float {
			return sub(quo(bigPi, bf(2)), bigAtan(quo(x, sqrt(sub(one, mul(x, x))))))
		}},
		{"cbrt", []func() float64{positive(wide), positive(near(100))}, Cbrt, func(x *big.Float) *big.Float { return bigExp(quo(bigLog(x), bf(3))) }},
	} {
		worst, at := 0.0, 0.0
		for _, arg := range f.args {
			for range rounds {
				x := arg()
				if u := ulps(f.got(x), f.want(bf(x))); u > worst {
					worst, at = u, x
				}
			}
		}
		require.LessOrEqual(t, worst, 1.0, "%s(%v)", f.name, at)
	}
	for range rounds {
		x, y := math.Abs(near(50)()), near(20)()
		require.LessOrEqual(t, ulps(Pow(x, y), bigExp(mul(bf(y), bigLog(bf(x))))), 1.0, "pow(%v, %v)", x, y)
		a, b := near(10)(), near(10)()
		require.LessOrEqual(t, ulps(Hypot(a, b), sqrt(add(mul(bf(a), bf(a)), mul(bf(b), bf(b))))), 1.0)
		want := bigAtan(quo(bf(b), bf(math.Abs(a))))
		if a < 0 {
			want = sub(bigOp(func(z *big.Float) { z.Mul(bigPi, bf(math.Copysign(1, b))) }), want)
		}
		require.LessOrEqual(t, ulps(Atan2(b, a), want), 1.0, "atan2(%v, %v)", b, a)
	}
}

func TestSpecialCasesAreGos(t *testing.T) {
	args := []float64{0, math.Copysign(0, -1), 1, -1, 2, -2, 3, 0.5, -0.5, math.Inf(1), math.Inf(-1), math.NaN(), 5e-324, math.MaxFloat64}
	same := func(got, want float64) bool {
		if math.IsNaN(want) {
			return math.IsNaN(got)
		}
		return got == want && math.Signbit(got) == math.Signbit(want)
	}
	for _, x := range args {
		for name, f := range map[string][2]func(float64) float64{
			"exp": {Exp, math.Exp}, "log": {Log, math.Log}, "sin": {Sin, math.Sin}, "atan": {Atan, math.Atan}, "asin": {Asin, math.Asin},
			"acos": {Acos, math.Acos}, "cbrt": {Cbrt, math.Cbrt}, "tan": {Tan, math.Tan}, "cos": {Cos, math.Cos}, "log2": {Log2, math.Log2},
		} {
			want := f[1](x)
			if want == 0 || math.IsNaN(want) || math.IsInf(want, 0) {
				require.True(t, same(f[0](x), want), "%s(%v) = %v, want %v", name, x, f[0](x), want)
			}
		}
		for _, y := range args {
			for name, f := range map[string][2]func(x, y float64) float64{"pow": {Pow, math.Pow}, "atan2": {Atan2, math.Atan2}, "hypot": {Hypot, math.Hypot}} {
				want := f[1](x, y)
				if want == 0 || math.IsNaN(want) || math.IsInf(want, 0) {
					require.True(t, same(f[0](x, y), want), "%s(%v, %v) = %v, want %v", name, x, y, f[0](x, y), want)
				}
			}
		}
	}
}
