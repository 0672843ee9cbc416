package native

import (
	"fmt"

	"github.com/groundwork-go/groundwork/calc/internal/amd64"
	"github.com/groundwork-go/groundwork/calc/internal/ir"
	"github.com/groundwork-go/groundwork/calc/internal/value"
)

// A list of the native heap, in words.
const (
	listLen  = 8
	listCap  = 16
	listData = 24
)

var aluOps = map[ir.Op]amd64.Alu{ir.Add: amd64.AddOp, ir.Sub: amd64.SubOp, ir.And: amd64.AndOp, ir.Or: amd64.OrOp, ir.Xor: amd64.XorOp}

var sseOps = map[ir.Op]amd64.Sse{ir.FAdd: amd64.AddSd, ir.FSub: amd64.SubSd, ir.FMul: amd64.MulSd, ir.FDiv: amd64.DivSd}

// value emits an instruction.
func (g *generator) value(v *ir.Value) {
	switch v.Op {
	case ir.Param, ir.Phi:
	case ir.Add, ir.Sub, ir.And, ir.Or, ir.Xor:
		g.alu(v)
	case ir.Mul:
		g.mul(v)
	case ir.Div, ir.Rem:
		g.div(v)
	case ir.Shl, ir.Shr, ir.Ushr:
		g.shift(v)
	case ir.Neg, ir.Com:
		d := g.dst(v)
		g.into(d, v.Args[0])
		if v.Op == ir.Neg {
			g.Neg(d)
		} else {
			g.Com(d)
		}
		g.done(v, d)
	case ir.Not:
		d := g.dst(v)
		g.into(d, v.Args[0])
		g.AluImm(amd64.XorOp, d, 1)
		g.done(v, d)
	case ir.Min, ir.Max:
		x, y := g.src(v.Args[0], rax), g.src(v.Args[1], rdx)
		if x != rax {
			g.Mov(rax, x)
		}
		g.Alu(amd64.CmpOp, rax, y)
		c := amd64.Greater
		if v.Op == ir.Max {
			c = amd64.Less
		}
		g.Cmov(c, rax, y)
		g.done(v, rax)
	case ir.Abs:
		x := g.src(v.Args[0], rdx)
		g.Mov(rax, x)
		g.Neg(rax)
		g.Cmov(amd64.Sign, rax, x)
		g.done(v, rax)
	case ir.Eq, ir.Ne, ir.Lt, ir.Le, ir.Gt, ir.Ge:
		c := g.compare(v)
		d := g.dst(v)
		g.Set(c, d)
		g.done(v, d)
	case ir.ToFloat:
		d := g.dstF(v)
		x := g.src(v.Args[0], rax)
		g.XorF(d, d) // the conversion leaves the upper half, and would wait for it
		g.FromInt(d, x)
		g.doneF(v, d)
	case ir.ToInt:
		g.toInt(v)
	case ir.Global:
		g.global(v)
	case ir.SetGlobal:
		m := field(ctxGlobals + int(v.Bits))
		if x := v.Args[0]; x.Type == ir.Float {
			g.StoreF(m, g.srcF(x, xmm0))
		} else {
			g.Store(m, g.src(x, rax))
		}
	case ir.Len:
		d := g.dst(v)
		g.Load(d, amd64.At(g.src(v.Args[0], rax), listLen))
		g.done(v, d)
	case ir.Data:
		d := g.dst(v)
		g.Load(d, amd64.At(g.src(v.Args[0], rax), listData))
		g.done(v, d)
	case ir.Index:
		g.indexed(v)
	case ir.SetIndex:
		g.setIndexed(v)
	case ir.Push:
		g.push(v)
	case ir.Call:
		g.call(v)
	case ir.Builtin, ir.Math, ir.Math2, ir.NewList:
		g.outside(v)
	default:
		g.float1(v)
	}
}

// into moves a word into a register.
func (g *generator) into(d amd64.Reg, v *ir.Value) {
	if r := g.src(v, d); r != d {
		g.Mov(d, r)
	}
}

// isIn tells whether a value's own register is r.
func (g *generator) isIn(v *ir.Value, r amd64.Reg) bool {
	p := g.at(v)
	return p.kind == inReg && wordRegs[p.n] == r
}

func (g *generator) alu(v *ir.Value) {
	op, x, y := aluOps[v.Op], v.Args[0], v.Args[1]
	d := g.dst(v)
	if n, ok := small(y); ok {
		if v.Op == ir.Sub && n != -1<<31 {
			op, n = amd64.AddOp, -n
		}
		xr := g.src(x, d)
		if op == amd64.AddOp && xr != d {
			g.Lea(d, amd64.At(xr, int(n)))
		} else {
			if xr != d {
				g.Mov(d, xr)
			}
			g.AluImm(op, d, n)
		}
		g.done(v, d)
		return
	}
	if g.isIn(y, d) && !g.isIn(x, d) {
		if v.Op != ir.Sub {
			x, y = y, x
		} else {
			d = rax
		}
	}
	if xr, yr := g.at(x), g.at(y); v.Op == ir.Add && xr.kind == inReg && yr.kind == inReg && wordRegs[xr.n] != d {
		g.Lea(d, amd64.Indexed(wordRegs[xr.n], wordRegs[yr.n], 1))
		g.done(v, d)
		return
	}
	if p := g.at(y); p.kind == inSlot {
		if _, ok := g.cached(y); !ok {
			g.into(d, x)
			g.AluMem(op, d, slot(p.n))
			g.done(v, d)
			return
		}
	}
	yr := g.src(y, rdx)
	if yr == d && !g.isIn(x, d) { // a copy of y in d
		g.Mov(rdx, yr)
		yr = rdx
	}
	g.into(d, x)
	g.Alu(op, d, yr)
	g.done(v, d)
}

func (g *generator) mul(v *ir.Value) {
	x, y := v.Args[0], v.Args[1]
	d := g.dst(v)
	if n, ok := small(y); ok {
		xr := g.src(x, d)
		if n > 0 && n&(n-1) == 0 {
			if xr != d {
				g.Mov(d, xr)
			}
			g.ShiftImm(amd64.ShlOp, d, log2(int64(n)))
		} else {
			g.MulImm(d, xr, n)
		}
		g.done(v, d)
		return
	}
	if g.isIn(y, d) {
		x, y = y, x
	}
	yr := g.src(y, rdx)
	if yr == d && !g.isIn(x, d) {
		g.Mov(rdx, yr)
		yr = rdx
	}
	g.into(d, x)
	g.Mul(d, yr)
	g.done(v, d)
}

func log2(n int64) uint8 {
	k := uint8(0)
	for n>>(k+1) > 0 {
		k++
	}
	return k
}

// div divides. The smallest int by -1 would trap: what is divided by -1 is negated.
func (g *generator) div(v *ir.Value) {
	x, y := v.Args[0], v.Args[1]
	if n := int64(y.Bits); y.Op == ir.Const && n != 0 {
		g.divConst(v, x, n)
		return
	}
	yr := g.src(y, rcx)
	if yr != rcx {
		g.Mov(rcx, yr)
	}
	g.into(rax, x)
	g.Test(rcx, rcx)
	g.fault(g.JumpIf(amd64.Equal), &site{kind: exitDivision, at: v.Site})
	g.AluImm(amd64.CmpOp, rcx, -1)
	special := g.JumpIf(amd64.Equal)
	g.Div(rcx)
	back := len(g.Code)
	g.stub(special, func() {
		g.Neg(rax)
		g.Zero(rdx)
		g.Patch(g.Jump(), back)
	})
	if v.Op == ir.Div {
		g.done(v, rax)
	} else {
		g.done(v, rdx)
	}
}

// divConst divides by a constant that is not 0: powers of two by shifts, others by
// the instruction.
func (g *generator) divConst(v, x *ir.Value, n int64) {
	xr := g.src(x, rax)
	switch {
	case n == -1:
		if xr != rax {
			g.Mov(rax, xr)
		}
		if v.Op == ir.Div {
			g.Neg(rax)
		} else {
			g.Zero(rax)
		}
		g.done(v, rax)
	case n > 1 && n&(n-1) == 0:
		k := log2(n)
		if xr != rax {
			g.Mov(rax, xr)
		}
		// Towards zero: n-1 is added to what is negative.
		g.Mov(rdx, rax)
		g.ShiftImm(amd64.SarOp, rdx, 63)
		g.ShiftImm(amd64.ShrOp, rdx, 64-k)
		if v.Op == ir.Div {
			g.Alu(amd64.AddOp, rax, rdx)
			g.ShiftImm(amd64.SarOp, rax, k)
		} else {
			g.Alu(amd64.AddOp, rax, rdx)
			if n-1 == int64(int32(n-1)) {
				g.AluImm(amd64.AndOp, rax, int32(n-1))
			} else {
				g.MovImm(rcx, n-1)
				g.Alu(amd64.AndOp, rax, rcx)
			}
			g.Alu(amd64.SubOp, rax, rdx)
		}
		g.done(v, rax)
	default:
		if xr != rax {
			g.Mov(rax, xr)
		}
		g.MovImm(rcx, n)
		g.Div(rcx)
		if v.Op == ir.Div {
			g.done(v, rax)
		} else {
			g.done(v, rdx)
		}
	}
}

var shiftOps = map[ir.Op]amd64.Shift{ir.Shl: amd64.ShlOp, ir.Shr: amd64.SarOp, ir.Ushr: amd64.ShrOp}

// shift shifts; counts of 64 and more shift everything out.
func (g *generator) shift(v *ir.Value) {
	op, x, y := shiftOps[v.Op], v.Args[0], v.Args[1]
	if n := int64(y.Bits); y.Op == ir.Const && n >= 0 {
		d := g.dst(v)
		switch {
		case n < 64:
			g.into(d, x)
			g.ShiftImm(op, d, uint8(n))
		case v.Op == ir.Shr:
			g.into(d, x)
			g.ShiftImm(op, d, 63)
		default:
			g.MovImm(d, 0)
		}
		g.done(v, d)
		return
	}
	g.into(rcx, y)
	g.into(rax, x)
	g.Test(rcx, rcx)
	g.fault(g.JumpIf(amd64.Sign), &site{kind: exitShift, at: v.Site})
	if v.Op == ir.Shr {
		g.MovImm(rdx, 63)
		g.AluImm(amd64.CmpOp, rcx, 63)
		g.Cmov(amd64.Greater, rcx, rdx)
		g.ShiftCL(op, rax)
	} else {
		g.ShiftCL(op, rax)
		g.AluImm(amd64.CmpOp, rcx, 64)
		g.Alu(amd64.SbbOp, rdx, rdx) // all ones if the count is less
		g.Alu(amd64.AndOp, rax, rdx)
	}
	g.done(v, rax)
}

// fault leaves with an error when the jump at place is taken.
func (g *generator) fault(place int, s *site) { g.stub(place, func() { g.leave(s) }) }

var intConds = map[ir.Op]amd64.Cond{ir.Eq: amd64.Equal, ir.Ne: amd64.NotEqual, ir.Lt: amd64.Less, ir.Le: amd64.LessEq, ir.Gt: amd64.Greater, ir.Ge: amd64.GreaterEq}

// mirrored are conditions with the operands exchanged.
var mirrored = map[amd64.Cond]amd64.Cond{
	amd64.Equal: amd64.Equal, amd64.NotEqual: amd64.NotEqual, amd64.Less: amd64.Greater, amd64.LessEq: amd64.GreaterEq,
	amd64.Greater: amd64.Less, amd64.GreaterEq: amd64.LessEq,
}

// compare sets the flags for a comparison of words and returns the condition.
func (g *generator) compare(v *ir.Value) amd64.Cond {
	x, y, c := v.Args[0], v.Args[1], intConds[v.Op]
	if x.Op == ir.Const && y.Op != ir.Const {
		x, y, c = y, x, mirrored[c]
	}
	n, ok := small(y)
	p := g.at(x)
	_, inCache := g.cached2(x)
	switch {
	case ok && p.kind == inSlot && !inCache:
		g.AluMemImm(amd64.CmpOp, slot(p.n), n)
	case ok:
		xr := g.src(x, rax)
		if n == 0 {
			g.Test(xr, xr)
		} else {
			g.AluImm(amd64.CmpOp, xr, n)
		}
	default:
		xr := g.src(x, rax)
		g.Alu(amd64.CmpOp, xr, g.src(y, rdx))
	}
	return c
}

func (g *generator) cached2(v *ir.Value) (amd64.Reg, bool) {
	if g.folded[v.ID] {
		return 0, false
	}
	return g.cached(v)
}

// branch emits a jump from block b to another if a condition is as wanted.
func (g *generator) branch(b *ir.Block, c *ir.Value, to *ir.Block, want bool) {
	g.before(b, to)
	for g.folded[c.ID] && c.Op == ir.Not {
		c, want = c.Args[0], !want
	}
	if !g.folded[c.ID] || c.IsConst() {
		r := g.src(c, rax)
		g.Test(r, r)
		cond := amd64.NotEqual
		if !want {
			cond = amd64.Equal
		}
		g.jumpIf(b, to, cond)
		return
	}
	if c.Op >= ir.FEq {
		g.branchFloat(b, c, to, want)
		return
	}
	cond := g.compare(c)
	if !want {
		cond = cond.Not()
	}
	g.jumpIf(b, to, cond)
}

// floatCond returns the comparison of floats that is Above or AboveEq, which are
// false if one is no number.
func floatCond(v *ir.Value) (x, y *ir.Value, c amd64.Cond) {
	x, y = v.Args[0], v.Args[1]
	switch v.Op {
	case ir.FLt:
		return y, x, amd64.Above
	case ir.FLe:
		return y, x, amd64.AboveEq
	case ir.FGt:
		return x, y, amd64.Above
	}
	return x, y, amd64.AboveEq
}

// compareFloats sets the flags.
func (g *generator) compareFloats(x, y *ir.Value) {
	xr := g.srcF(x, xmm0)
	if g.folded[y.ID] && y.Bits != 0 {
		g.float(y.Bits, g.CmpFConst(xr))
		return
	}
	g.CmpF(xr, g.srcF(y, xmm1))
}

func (g *generator) branchFloat(b *ir.Block, c *ir.Value, to *ir.Block, want bool) {
	if c.Op != ir.FEq && c.Op != ir.FNe {
		x, y, cond := floatCond(c)
		g.compareFloats(x, y)
		if !want {
			cond = cond.Not()
		}
		g.jumpIf(b, to, cond)
		return
	}
	g.compareFloats(c.Args[0], c.Args[1])
	if (c.Op == ir.FEq) != want { // to be unequal, or no numbers
		g.jumpIf(b, to, amd64.NotEqual)
		g.jumpIf(b, to, amd64.Parity)
		return
	}
	differ := g.JumpIf(amd64.NotEqual)
	g.jumpIf(b, to, amd64.NoParity)
	g.Patch(differ, len(g.Code))
}

// float1 emits the instructions on floats.
func (g *generator) float1(v *ir.Value) {
	switch v.Op {
	case ir.FAdd, ir.FSub, ir.FMul, ir.FDiv:
		g.sse(v)
	case ir.FSqrt:
		d := g.dstF(v)
		g.Sse(amd64.SqrtOp, d, g.srcF(v.Args[0], xmm1))
		g.doneF(v, d)
	case ir.FNeg, ir.FAbs:
		x := g.srcF(v.Args[0], xmm0)
		if v.Op == ir.FNeg {
			g.loadConst(xmm1, 1<<63)
			g.XorF(xmm1, x)
		} else {
			g.loadConst(xmm1, 1<<63-1)
			g.AndF(xmm1, x)
		}
		g.doneF(v, xmm1)
	case ir.FFloor, ir.FCeil, ir.FTrunc:
		mode := map[ir.Op]byte{ir.FFloor: 1, ir.FCeil: 2, ir.FTrunc: 3}[v.Op]
		d := g.dstF(v)
		g.Round(d, g.srcF(v.Args[0], xmm1), mode)
		g.doneF(v, d)
	case ir.FMin, ir.FMax:
		g.minMax(v)
	case ir.FEq, ir.FNe:
		g.compareFloats(v.Args[0], v.Args[1])
		g.MovImm(rax, 0) // keeps the flags
		g.MovImm(rdx, 1)
		g.Cmov(amd64.Equal, rax, rdx)
		g.MovImm(rdx, 0)
		g.Cmov(amd64.Parity, rax, rdx)
		if v.Op == ir.FNe {
			g.AluImm(amd64.XorOp, rax, 1)
		}
		g.done(v, rax)
	case ir.FLt, ir.FLe, ir.FGt, ir.FGe:
		x, y, c := floatCond(v)
		g.compareFloats(x, y)
		d := g.dst(v)
		g.Set(c, d)
		g.done(v, d)
	default:
		panic(fmt.Sprintf("native: instruction %v", v.Op))
	}
}

func (g *generator) sse(v *ir.Value) {
	op, x, y := sseOps[v.Op], v.Args[0], v.Args[1]
	d := g.dstF(v)
	isIn := func(v *ir.Value) bool {
		p := g.at(v)
		return p.kind == inXmm && floatRegs[p.n] == d
	}
	if isIn(y) && !isIn(x) {
		if v.Op == ir.FAdd || v.Op == ir.FMul {
			x, y = y, x
		} else {
			d = xmm0
		}
	}
	if xr := g.srcF(x, d); xr != d {
		g.MovF(d, xr)
	}
	switch p := g.at(y); {
	case p.kind == inXmm:
		g.Sse(op, d, floatRegs[p.n])
	case p.kind == inSlot:
		g.SseMem(op, d, slot(p.n))
	case y.Bits == 0:
		g.Sse(op, d, g.srcF(y, xmm1))
	default:
		g.float(y.Bits, g.SseConst(op, d))
	}
	g.doneF(v, d)
}

// minMax takes the lesser in both orders, since the instruction gives its second
// operand if one is no number, or both are zero; either then has the bits that
// matter. The greater is the lesser of the negated, negated.
func (g *generator) minMax(v *ir.Value) {
	x, y := g.srcF(v.Args[0], xmm0), g.srcF(v.Args[1], xmm1)
	if x != xmm0 {
		g.MovF(xmm0, x)
	}
	if y != xmm1 {
		g.MovF(xmm1, y)
	}
	flip := func(x amd64.Xmm) {
		g.BitsOfF(rax, x)
		g.MovImm(rdx, -1<<63)
		g.Alu(amd64.XorOp, rax, rdx)
		g.BitsToF(x, rax)
	}
	if v.Op == ir.FMax {
		flip(xmm0)
		flip(xmm1)
	}
	g.BitsOfF(rcx, xmm0)
	g.Sse(amd64.MinSd, xmm0, xmm1)
	g.BitsOfF(rax, xmm0) // the lesser, or y
	g.BitsToF(xmm0, rcx)
	g.Sse(amd64.MinSd, xmm1, xmm0) // the lesser, or x
	g.BitsToF(xmm0, rax)
	g.OrF(xmm0, xmm1)
	if v.Op == ir.FMax {
		flip(xmm0)
	}
	g.doneF(v, xmm0)
}

// toInt truncates. The instruction gives 1<<63 for what is out of range, and for
// that number itself.
func (g *generator) toInt(v *ir.Value) {
	x := g.srcF(v.Args[0], xmm0)
	if x != xmm0 {
		g.MovF(xmm0, x)
	}
	g.ToInt(rax, xmm0)
	g.MovImm(rdx, -1<<63)
	g.Alu(amd64.CmpOp, rax, rdx)
	place := g.JumpIf(amd64.Equal)
	back := len(g.Code)
	s := &site{kind: exitToInt, at: v.Site}
	g.stub(place, func() {
		if !g.leaf {
			g.StoreF(field(ctxArgs), xmm0)
		}
		g.loadConst(xmm1, floatBits(-1<<63))
		g.Round(xmm0, xmm0, 3)
		g.CmpF(xmm0, xmm1)
		bad := g.JumpIf(amd64.NotEqual)
		none := g.JumpIf(amd64.Parity)
		g.Patch(g.Jump(), back)
		g.Patch(bad, len(g.Code))
		g.Patch(none, len(g.Code))
		g.leave(s)
	})
	g.done(v, rax)
}

func (g *generator) global(v *ir.Value) {
	m := field(ctxGlobals + int(v.Bits))
	if v.Type == ir.Float {
		d := g.dstF(v)
		g.LoadF(d, m)
		g.doneF(v, d)
		return
	}
	d := g.dst(v)
	g.Load(d, m)
	g.done(v, d)
}

// element returns the place of an element, and sees to it that it is there. RAX and
// RCX are used.
func (g *generator) element(v *ir.Value) amd64.Mem {
	scale := uint8(8)
	if value.Rep(v.Bits&0xff) == value.RepByte {
		scale = 1
	}
	own := 2
	if v.Op == ir.SetIndex {
		own = 3
	}
	i := v.Args[1]
	n, isConst := small(i)
	isConst = isConst && n >= 0 && n < 1<<24
	at := rcx
	if !isConst {
		at = g.src(i, rcx)
	}
	if len(v.Args) > own { // the loop has what is needed of the list
		if !v.Safe {
			length := g.src(v.Args[own+1], rax)
			if isConst {
				g.AluImm(amd64.CmpOp, length, n)
			} else {
				g.Alu(amd64.CmpOp, length, at)
			}
			g.outOfBounds(v, amd64.BelowEq, isConst, n, at, func() { g.Store(field(ctxArgs+1), length) })
		}
		data := g.src(v.Args[own], rax)
		if isConst {
			return amd64.At(data, int(n)*int(scale))
		}
		return amd64.Indexed(data, at, scale)
	}
	list := g.src(v.Args[0], rax)
	if !v.Safe {
		length := amd64.At(list, listLen)
		c := amd64.AboveEq
		if isConst {
			c = amd64.BelowEq
			g.AluMemImm(amd64.CmpOp, length, n)
		} else {
			g.AluMem(amd64.CmpOp, at, length)
		}
		g.outOfBounds(v, c, isConst, n, at, func() {
			g.Load(rdx, length)
			g.Store(field(ctxArgs+1), rdx)
		})
	}
	g.Load(rax, amd64.At(list, listData))
	if isConst {
		return amd64.At(rax, int(n)*int(scale))
	}
	return amd64.Indexed(rax, at, scale)
}

// outOfBounds leaves with an error if a condition holds; length stores the length of
// the list.
func (g *generator) outOfBounds(v *ir.Value, c amd64.Cond, isConst bool, n int32, at amd64.Reg, length func()) {
	place, s := g.JumpIf(c), &site{kind: exitIndex, at: v.Site}
	g.stub(place, func() {
		length()
		if isConst {
			g.StoreImm(field(ctxArgs), n)
		} else {
			g.Store(field(ctxArgs), at)
		}
		g.leave(s)
	})
}

func (g *generator) indexed(v *ir.Value) {
	m := g.element(v)
	if v.Type == ir.Float {
		d := g.dstF(v)
		g.LoadF(d, m)
		g.doneF(v, d)
		return
	}
	d := g.dst(v)
	if value.Rep(v.Bits) == value.RepByte {
		g.LoadByte(d, m)
	} else {
		g.Load(d, m)
	}
	g.done(v, d)
}

func (g *generator) setIndexed(v *ir.Value) {
	m := g.element(v)
	g.put(m, v.Args[2], value.Rep(v.Bits))
}

// put stores an element; RDX is used.
func (g *generator) put(m amd64.Mem, x *ir.Value, rep value.Rep) {
	n, ok := small(x)
	switch {
	case rep == value.RepByte && ok:
		g.StoreByteImm(m, byte(n))
	case rep == value.RepByte:
		g.StoreByte(m, g.src(x, rdx))
	case x.Type == ir.Float:
		g.StoreF(m, g.srcF(x, xmm0))
	case ok:
		g.StoreImm(m, n)
	default:
		g.Store(m, g.src(x, rdx))
	}
}
