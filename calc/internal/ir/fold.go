package ir

import (
	"math"
	"slices"

	"github.com/groundwork-go/groundwork/calc/internal/value"
)

// fold computes what has constant arguments, as a run would, and what needs no
// computing. Faults stay where they are. Branches on constants go.
func (f *Func) fold() {
	branches, copied := false, false
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			for i, a := range v.Args {
				v.Args[i] = a.resolve()
			}
			f.foldValue(v)
			copied = copied || v.Op == Copy
		}
		if b.Control != nil {
			b.Control = b.Control.resolve()
		}
		if b.Kind == If {
			b.foldBranch()
			branches = branches || b.Kind != If
		}
	}
	if branches {
		f.prune()
	}
	if branches || copied {
		f.copies()
	}
}

// foldBranch makes a branch whose way is known a jump.
func (b *Block) foldBranch() {
	for b.Control.Op == Not {
		b.Control = b.Control.Args[0].resolve()
		b.Succs[0], b.Succs[1] = b.Succs[1], b.Succs[0]
	}
	if b.Control.Op != Const {
		if b.Succs[0] == b.Succs[1] && len(b.Succs[0].Phis()) == 0 {
			s := b.Succs[0]
			s.Preds = slices.Delete(s.Preds, s.predIndex(b), s.predIndex(b)+1)
			b.Kind, b.Control, b.Succs = Jump, nil, b.Succs[:1]
		}
		return
	}
	gone := 0
	if b.Control.Bits == 0 {
		gone = 1
		b.Succs[0], b.Succs[1] = b.Succs[1], b.Succs[0]
	}
	lost := b.Succs[1]
	i := lost.predIndex(b)
	if lost == b.Succs[0] && gone == 0 { // both lead there: the later edge goes
		for j, p := range lost.Preds {
			if p == b {
				i = j
			}
		}
	}
	lost.removePred(i)
	b.Kind, b.Control, b.Succs = Jump, nil, b.Succs[:1]
}

// word makes v a constant.
func (v *Value) word(x uint64) {
	v.Op, v.Args, v.Aux, v.Bits, v.Safe, v.Site = Const, v.Args[:0], nil, x, false, nil
}

func (v *Value) flag(b bool) {
	if b {
		v.word(1)
	} else {
		v.word(0)
	}
}

func (v *Value) float(x float64) { v.word(math.Float64bits(x)) }

// int returns a constant int, asFloat a constant float.
func (v *Value) int() int64 { return int64(v.Bits) }

func (v *Value) asFloat() float64 { return math.Float64frombits(v.Bits) }

var commutes = [numOps]bool{Add: true, Mul: true, And: true, Or: true, Xor: true, Eq: true, Ne: true, Min: true, Max: true, FAdd: true, FMul: true, FEq: true, FNe: true}

func (f *Func) foldValue(v *Value) {
	switch len(v.Args) {
	case 1:
		if v.Args[0].Op == Const {
			foldOne(v, v.Args[0])
			return
		}
		f.simplifyOne(v, v.Args[0])
	case 2:
		x, y := v.Args[0], v.Args[1]
		if commutes[v.Op] && x.Op == Const && y.Op != Const {
			v.Args[0], v.Args[1] = y, x
			x, y = y, x
		}
		switch {
		case x.Op == Const && y.Op == Const && x.Type == Float:
			foldFloats(v, x.asFloat(), y.asFloat())
		case x.Op == Const && y.Op == Const:
			foldInts(v, x.int(), y.int())
		case y.Op == Const:
			f.simplifyTwo(v, x, y)
		}
	}
}

// opposite are the comparisons that are true where others are false. Those of floats
// with an order have none.
var opposite = [numOps]Op{Eq: Ne, Ne: Eq, Lt: Ge, Ge: Lt, Gt: Le, Le: Gt, FEq: FNe, FNe: FEq}

// simplifyOne undoes what is done twice.
func (f *Func) simplifyOne(v, x *Value) {
	switch v.Op {
	case Not:
		if x.Op == Not {
			v.become(x.Args[0])
			return
		}
		if o := opposite[x.Op]; o != Invalid {
			v.Op, v.Args = o, slices.Clone(x.Args)
		}
	case Neg, Com, FNeg:
		if x.Op == v.Op {
			v.become(x.Args[0])
		}
	case IsNil:
		switch {
		case x.Op == Object:
			v.flag(isNilObject(x))
		case x.Op == Box || x.Op == Known || x.isNew():
			v.flag(false)
		}
	case Unbox, Unwrap:
		switch {
		case x.Op == Box:
			v.become(x.Args[0])
		case v.Type == Ref && (x.Op == Known || x.isNew()):
			v.become(x)
		}
	case Known:
		if x.Op == Known || x.isNew() {
			v.become(x)
		}
	}
}

// isNew tells whether v is an object that was made here, which is no nil.
func (v *Value) isNew() bool {
	return v.Op == NewStruct || v.Op == NewList || v.Op == NewMap || v.Op == Closure
}

// simplifyTwo does without a computation whose second argument makes it needless.
func (f *Func) simplifyTwo(v, x, y *Value) {
	n := y.int()
	switch v.Op {
	case Add, Sub, Or, Xor:
		if n == 0 {
			v.become(x)
		} else if v.Op == Add && x.Op == Add && x.Args[1].Op == Const {
			// (a + b) + c is a + (b + c): ints wrap.
			c := f.constant(Int, uint64(n+x.Args[1].int()))
			v.Args = []*Value{x.Args[0], c}
		}
	case Mul:
		switch n {
		case 0:
			v.word(0)
		case 1:
			v.become(x)
		}
	case And:
		switch n {
		case 0:
			v.word(0)
		case -1:
			v.become(x)
		}
	case Div:
		if n != 0 {
			v.Safe = true
		}
		if n == 1 {
			v.become(x)
		}
	case Rem:
		if n != 0 {
			v.Safe = true
		}
		if n == 1 || n == -1 {
			v.word(0)
		}
	case Shl, Shr, Ushr:
		if n >= 0 {
			v.Safe = true
		}
		if n == 0 {
			v.become(x)
		}
	case Eq, Ne: // of bools
		if x.Type == Bool && y.Type == Bool {
			if (n == 1) == (v.Op == Eq) {
				v.become(x)
			} else {
				v.Op, v.Args = Not, []*Value{x}
			}
		}
	}
}

// constant returns a new constant at the start of the function.
func (f *Func) constant(t Type, bits uint64) *Value {
	entry := f.Blocks[0]
	c := f.newValue(entry, Const, t)
	c.Bits = bits
	entry.Values = slices.Insert(entry.Values, 0, c)
	return c
}

func isNilObject(x *Value) bool {
	p, _ := x.Aux.(*value.Obj)
	return p == nil
}

func foldOne(v, x *Value) {
	n := x.int()
	switch v.Op {
	case Neg:
		v.word(uint64(-n))
	case Com:
		v.word(uint64(^n))
	case Abs:
		v.word(uint64(max(n, -n)))
	case Not:
		v.word(x.Bits ^ 1)
	case ToFloat:
		v.float(float64(n))
	case ToInt:
		if t := math.Trunc(x.asFloat()); t >= -1<<63 && t < 1<<63 {
			v.word(uint64(int64(t)))
		}
	case FNeg:
		v.float(-x.asFloat())
	case FSqrt:
		v.float(math.Sqrt(x.asFloat()))
	case FAbs:
		v.float(math.Abs(x.asFloat()))
	case FFloor:
		v.float(math.Floor(x.asFloat()))
	case FCeil:
		v.float(math.Ceil(x.asFloat()))
	case FTrunc:
		v.float(math.Trunc(x.asFloat()))
	}
}

func foldInts(v *Value, x, y int64) {
	switch v.Op {
	case Add:
		v.word(uint64(x + y))
	case Sub:
		v.word(uint64(x - y))
	case Mul:
		v.word(uint64(x * y))
	case Div:
		if y != 0 {
			v.word(uint64(x / y))
		}
	case Rem:
		if y != 0 {
			v.word(uint64(x % y))
		}
	case And:
		v.word(uint64(x & y))
	case Or:
		v.word(uint64(x | y))
	case Xor:
		v.word(uint64(x ^ y))
	case Shl:
		if y >= 0 {
			v.word(uint64(x << y))
		}
	case Shr:
		if y >= 0 {
			v.word(uint64(x >> y))
		}
	case Ushr:
		if y >= 0 {
			v.word(uint64(x) >> y)
		}
	case Min:
		v.word(uint64(min(x, y)))
	case Max:
		v.word(uint64(max(x, y)))
	case Eq:
		v.flag(x == y)
	case Ne:
		v.flag(x != y)
	case Lt:
		v.flag(x < y)
	case Le:
		v.flag(x <= y)
	case Gt:
		v.flag(x > y)
	case Ge:
		v.flag(x >= y)
	}
}

func foldFloats(v *Value, x, y float64) {
	switch v.Op {
	case FAdd:
		v.float(x + y)
	case FSub:
		v.float(x - y)
	case FMul:
		v.float(x * y)
	case FDiv:
		v.float(x / y)
	case FMin:
		v.float(min(x, y))
	case FMax:
		v.float(max(x, y))
	case FEq:
		v.flag(x == y)
	case FNe:
		v.flag(x != y)
	case FLt:
		v.flag(x < y)
	case FLe:
		v.flag(x <= y)
	case FGt:
		v.flag(x > y)
	case FGe:
		v.flag(x >= y)
	}
}
