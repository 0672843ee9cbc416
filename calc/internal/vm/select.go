package vm

import (
	"fmt"

	"github.com/groundwork-go/groundwork/calc/internal/ir"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
)

// simple are the instructions that are one of the machine's on the registers of
// their arguments.
var simple = [ir.NumOps]op{
	ir.Add: opAdd, ir.Sub: opSub, ir.Mul: opMul, ir.And: opAnd, ir.Or: opOr, ir.Xor: opXor,
	ir.Div: opDiv, ir.Rem: opRem, ir.Shl: opShl, ir.Shr: opShr, ir.Ushr: opUshr,
	ir.Neg: opNeg, ir.Com: opCom, ir.Not: opNot, ir.Min: opMin, ir.Max: opMax, ir.Abs: opAbs,
	ir.Eq: opEq, ir.Ne: opNe, ir.Lt: opLt, ir.Le: opLe,
	ir.FAdd: opFAdd, ir.FSub: opFSub, ir.FMul: opFMul, ir.FDiv: opFDiv, ir.FNeg: opFNeg, ir.FSqrt: opFSqrt,
	ir.FAbs: opFAbs, ir.FFloor: opFFloor, ir.FCeil: opFCeil, ir.FTrunc: opFTrunc, ir.FMin: opFMin, ir.FMax: opFMax,
	ir.FEq: opFEq, ir.FNe: opFNe, ir.FLt: opFLt, ir.FLe: opFLe,
	ir.ToFloat: opToFloat, ir.ToInt: opToInt, ir.IsNil: opIsNil, ir.Same: opSame, ir.Unbox: opUnbox,
	ir.StrLen: opStrLen, ir.StrIndex: opStrIndex, ir.RuneSize: opRuneSize, ir.RuneAt: opRuneAt,
	ir.MapChanges: opMapChanges, ir.MapNext: opMapNext,
}

// swapped are the comparisons that are others with their arguments exchanged.
var swapped = [ir.NumOps]op{ir.Gt: opLt, ir.Ge: opLe, ir.FGt: opFLt, ir.FGe: opFLe}

// immediate are the forms with a small constant as second argument.
var immediate = [ir.NumOps]op{
	ir.Add: opAddI, ir.Mul: opMulI, ir.And: opAndI, ir.Shl: opShlI, ir.Shr: opShrI, ir.Ushr: opUshrI, ir.Div: opDivI, ir.Rem: opRemI,
}

// withConst are the forms with a constant float as second, and as first argument.
var withConst = [ir.NumOps][2]op{
	ir.FAdd: {opFAddK, opFAddK}, ir.FSub: {opFSubK, opFKSub}, ir.FMul: {opFMulK, opFMulK}, ir.FDiv: {opFDivK, opFKDiv},
}

// byType are the instructions with a form for words and one for references, of
// their result or of what they store.
var byType = [ir.NumOps][2]op{
	ir.Cell: {opCellW, opCellR}, ir.MapKey: {opMapKeyW, opMapKeyR}, ir.MapValue: {opMapValueW, opMapValueR},
	ir.Unwrap: {opUnwrapW, opUnwrapR}, ir.NewCell: {opNewCellW, opNewCellR}, ir.SetCell: {opSetCellW, opSetCellR},
}

// byRep are the instructions with a form for each representation of lists.
var byRep = [ir.NumOps][3]op{
	ir.Len: {opLenW, opLenB, opLenR}, ir.Index: {opIndexW, opIndexB, opIndexR},
	ir.SetIndex: {opSetIndexW, opSetIndexB, opSetIndexR}, ir.Push: {opPushW, opPushB, opPushR},
}

// pick returns the form for values of type t.
func pick(forms [2]op, t ir.Type) op {
	if t == ir.Ref {
		return forms[1]
	}
	return forms[0]
}

// value emits an instruction.
func (g *generator) value(v *ir.Value) {
	if v.Op == ir.Param || v.Op == ir.Phi {
		return
	}
	if g.withConstant(v) {
		return
	}
	if v.Op == ir.Known {
		if x := v.Args[0]; g.folded[x.ID] || g.reg(x) != g.reg(v) {
			g.registers(opMovR, v, x)
		}
		return
	}
	if o := simple[v.Op]; o != 0 {
		g.registers(o, v, v.Args...)
		return
	}
	if o := swapped[v.Op]; o != 0 {
		g.registers(o, v, v.Args[1], v.Args[0])
		return
	}
	if forms := byType[v.Op]; forms[0] != 0 {
		t := v.Type
		if v.Op == ir.NewCell || v.Op == ir.SetCell {
			t = v.Args[len(v.Args)-1].Type
		}
		g.registers(pick(forms, t), v, v.Args...)
		return
	}
	if forms := byRep[v.Op]; forms[0] != 0 {
		o := forms[v.Bits&0xff]
		if n, small := 0, false; o == opSetIndexB {
			if n, small = g.small(v.Args[2]); small {
				list, at := g.src(v.Args[0], 0), g.src(v.Args[1], 0)
				g.place(v.Site)
				g.emit(opSetIndexBI, list, at, n)
				return
			}
		}
		g.registers(o, v, v.Args...)
		return
	}
	g.other(v)
}

// registers emits an instruction whose operands are its result, if it has one, and
// its arguments.
func (g *generator) registers(o op, v *ir.Value, args ...*ir.Value) {
	var regs [4]int
	n := 0
	if v.Type != ir.None {
		regs[0] = g.reg(v)
		n = 1
	}
	for i, a := range args {
		regs[n] = g.src(a, i)
		n++
	}
	if v.CanFail() || v.Op == ir.RuneAt || v.Op == ir.Push {
		g.place(v.Site)
	}
	g.emit(o, regs[0], regs[1], regs[2])
}

// withConstant emits an instruction that has a form for its constant argument.
func (g *generator) withConstant(v *ir.Value) bool {
	if len(v.Args) != 2 {
		return false
	}
	x, y := v.Args[0], v.Args[1]
	if forms := withConst[v.Op]; forms[0] != 0 {
		switch {
		case y.Op == ir.Const:
			g.emit(forms[0], g.reg(v), g.src(x, 0), 0)
			g.word(y.Bits)
			return true
		case x.Op == ir.Const:
			g.emit(forms[1], g.reg(v), g.src(y, 0), 0)
			g.word(x.Bits)
			return true
		}
		return false
	}
	o, n := v.Op, int64(y.Bits)
	if y.Op != ir.Const {
		if x.Op != ir.Const || o != ir.Add && o != ir.Mul && o != ir.And {
			return false
		}
		x, y, n = y, x, int64(x.Bits)
	}
	if o == ir.Sub && n != -1<<63 {
		o, n = ir.Add, -n
	}
	form := immediate[o]
	if form == 0 || n != int64(int16(n)) {
		return false
	}
	switch o {
	case ir.Div, ir.Rem:
		if n == 0 {
			return false
		}
	case ir.Shl, ir.Shr, ir.Ushr:
		if n < 0 || n > 63 {
			return false
		}
	}
	g.emit(form, g.reg(v), g.src(x, 0), int(n))
	return true
}

// other emits what has operands of its own kind.
func (g *generator) other(v *ir.Value) {
	switch v.Op {
	case ir.Global:
		g.wide(pick([2]op{opGlobalW, opGlobalR}, v.Type), g.reg(v), int(v.Bits))
	case ir.SetGlobal:
		x := v.Args[0]
		g.wide(pick([2]op{opSetGlobalW, opSetGlobalR}, x.Type), g.src(x, 0), int(v.Bits))
	case ir.Capture:
		g.emit(pick([2]op{opCaptureW, opCaptureR}, v.Type), g.reg(v), g.src(v.Args[0], 0), int(v.Bits))
	case ir.Field:
		g.emit(pick([2]op{opFieldW, opFieldR}, v.Type), g.reg(v), g.src(v.Args[0], 0), int(v.Bits))
	case ir.SetField:
		x := v.Args[1]
		g.bothRefs(v.Args[0], x)
		g.emit(pick([2]op{opSetFieldW, opSetFieldR}, x.Type), g.src(v.Args[0], 0), int(v.Bits), g.src(x, 1))
	case ir.Box:
		g.place(v.Site)
		g.emit(opBox, g.reg(v), g.src(v.Args[0], 0), int(v.Bits))
	case ir.NewStruct:
		refs := v.Aux.(int)
		if v.Bits > 0xffff || refs > 0xffff {
			panic(errLarge)
		}
		g.place(v.Site)
		g.emit(opNewStruct, g.reg(v), int(v.Bits), refs)
	case ir.NewList:
		g.place(v.Site)
		g.emit(opNewList, g.reg(v), int(v.Bits&0xff), 0)
		g.word(v.Bits >> 8)
	case ir.NewMap:
		g.place(v.Site)
		g.emit(opNewMap, g.reg(v), int(v.Bits), 0)
	case ir.MapGet, ir.MapSet:
		g.onMap(v)
	case ir.MapCheck:
		m, n := g.src(v.Args[0], 0), g.src(v.Args[1], 0)
		g.place(v.Site)
		g.emit(opMapCheck, m, n, 0)
	case ir.Math:
		g.c.maths = append(g.c.maths, v.Aux.(*typed.Builtin).F1)
		g.emit(opMath, g.reg(v), g.src(v.Args[0], 0), g.table(len(g.c.maths)-1))
	case ir.Math2:
		g.c.maths2 = append(g.c.maths2, v.Aux.(*typed.Builtin).F2)
		x, y := g.src(v.Args[0], 0), g.src(v.Args[1], 1)
		g.emit(opMath2, g.reg(v), x, y)
		g.word(uint64(len(g.c.maths2) - 1))
	case ir.Closure:
		c := closure{fn: -1}
		if f, ok := v.Aux.(*ir.Func); ok {
			c.fn = f.Typed.Index
		}
		for _, a := range v.Args {
			c.captures = append(c.captures, g.operand(a))
		}
		g.c.closures = append(g.c.closures, c)
		g.wide(opClosure, g.reg(v), len(g.c.closures)-1)
	case ir.Call, ir.CallValue:
		g.call(v)
	case ir.Builtin:
		c := runtimeCall{call: v.Aux.(*typed.Builtin).Call, result: g.result(v), args: make([]operand, 0, len(v.Args))}
		for _, a := range v.Args {
			c.args = append(c.args, g.operand(a))
		}
		g.c.runtime = append(g.c.runtime, c)
		g.place(v.Site)
		n := len(g.c.runtime) - 1
		g.emit(opRuntime, n&0xffff, n>>16, 0)
	default:
		panic(fmt.Sprintf("vm: instruction %v", v.Op))
	}
}

// bothRefs refuses two constant references in one instruction, for which there is
// one scratch register; the checker lets no such thing through.
func (g *generator) bothRefs(x, y *ir.Value) {
	if x.Op == ir.Object && y.Op == ir.Object {
		panic(errLarge)
	}
}

func (g *generator) table(n int) int {
	if n > 0xffff {
		panic(errLarge)
	}
	return n
}

func (g *generator) onMap(v *ir.Value) {
	m, k := v.Args[0], v.Args[1]
	flags, key := 0, 0
	t := v.Type
	if v.Op == ir.MapGet {
		key = len(g.c.keys)
		g.c.keys = append(g.c.keys, v.Aux.(*types.Type))
	} else {
		t = v.Args[2].Type
	}
	if k.Type == ir.Ref {
		flags |= refKey
	}
	if t == ir.Ref {
		flags |= refValue
	}
	if v.Op == ir.MapGet {
		mr, kr := g.src(m, 0), g.src(k, 0)
		g.place(v.Site)
		g.emit(opMapGet, g.reg(v), mr, kr)
		g.word(uint64(flags) | uint64(key)<<8)
		return
	}
	mr := g.src(m, 0)
	kr := g.src(k, 0)
	x := v.Args[2]
	if x.Op == ir.Object && k.Op == ir.Object { // one scratch register for both
		g.emitSecond(x)
		g.place(v.Site)
		g.emit(opMapSet, mr, kr, g.outR)
	} else {
		xr := g.src(x, 1)
		g.place(v.Site)
		g.emit(opMapSet, mr, kr, xr)
	}
	g.word(uint64(flags))
}

// emitSecond loads a second constant reference, to where the next window begins.
func (g *generator) emitSecond(x *ir.Value) { g.load(g.outR, x) }

func (g *generator) call(v *ir.Value) {
	args := v.Args
	if v.Op == ir.CallValue {
		args = args[:len(args)-1]
	}
	list := g.list[:0]
	words, refs := g.outW+1, g.outR
	put := func(a *ir.Value) {
		if a.Type == ir.Ref {
			list = append(list, move{refs, true, a})
			refs++
		} else {
			list = append(list, move{words, false, a})
			words++
		}
	}
	for _, a := range args {
		put(a)
	}
	fun := 0
	if v.Op == ir.CallValue {
		f := v.Args[len(v.Args)-1]
		put(f) // as the callee's own closure
		fun = refs - 1
	}
	g.list = list
	g.moves(list)
	result := noResult
	if v.Type != ir.None {
		result = g.reg(v)
	}
	g.place(v.Site)
	if v.Op == ir.CallValue {
		g.emit(opCallValue, g.outW, g.outR, result)
		g.word(uint64(fun))
		return
	}
	g.emit(opCall, g.outW, g.outR, result)
	g.calls = append(g.calls, fixup{len(g.c.code), v.Aux.(*ir.Func).Typed.Index})
	g.word(0)
}

// wordBranch is a comparison of words: forms for registers and for a small constant,
// each if it is to hold and if it is not to.
type wordBranch struct {
	reg, regNot op
	swap        bool // of the register forms
	imm, immNot op
}

var wordBranches = [ir.NumOps]wordBranch{
	ir.Eq: {opJEq, opJNe, false, opJEqI, opJNeI},
	ir.Ne: {opJNe, opJEq, false, opJNeI, opJEqI},
	ir.Lt: {opJLt, opJLe, false, opJLtI, opJGeI}, // not x < y: y <= x
	ir.Le: {opJLe, opJLt, false, opJLeI, opJGtI},
	ir.Gt: {opJLt, opJLe, true, opJGtI, opJLeI},
	ir.Ge: {opJLe, opJLt, true, opJGeI, opJLtI},
}

// mirrored are the comparisons with their arguments exchanged.
var mirrored = [ir.NumOps]ir.Op{
	ir.Eq: ir.Eq, ir.Ne: ir.Ne, ir.Lt: ir.Gt, ir.Le: ir.Ge, ir.Gt: ir.Lt, ir.Ge: ir.Le,
	ir.FEq: ir.FEq, ir.FNe: ir.FNe, ir.FLt: ir.FGt, ir.FLe: ir.FGe, ir.FGt: ir.FLt, ir.FGe: ir.FLe,
}

// floatBranches are the same for floats, where not x < y is something else.
var floatBranches = [ir.NumOps]wordBranch{
	ir.FEq: {opJFEq, opJFNe, false, 0, 0},
	ir.FNe: {opJFNe, opJFEq, false, 0, 0},
	ir.FLt: {opJFLt, opJFNotLt, false, opJFLtK, opJFNotLtK},
	ir.FLe: {opJFLe, opJFNotLe, false, opJFLeK, opJFNotLeK},
	ir.FGt: {opJFLt, opJFNotLt, true, opJFGtK, opJFNotGtK},
	ir.FGe: {opJFLe, opJFNotLe, true, opJFGeK, opJFNotGeK},
}

// branch emits a jump from block b to another if a condition is as wanted.
func (g *generator) branch(b *ir.Block, c *ir.Value, to *ir.Block, want bool) {
	for g.folded[c.ID] && c.Op == ir.Not {
		c, want = c.Args[0], !want
	}
	if !g.folded[c.ID] || c.IsConst() {
		forms := [2]op{opJFalse, opJTrue}
		g.jumpIf(b, to, forms[bit(want)], g.src(c, 0), 0, nil)
		return
	}
	if c.Op == ir.IsNil {
		forms := [2]op{opJNotNil, opJNil}
		g.jumpIf(b, to, forms[bit(want)], g.src(c.Args[0], 0), 0, nil)
		return
	}
	x, y, o := c.Args[0], c.Args[1], c.Op
	if x.Op == ir.Const && y.Op != ir.Const {
		x, y, o = y, x, mirrored[o]
	}
	if w := floatBranches[o]; w.reg != 0 {
		form := w.imm
		if !want {
			form = w.immNot
		}
		if y.Op == ir.Const && form != 0 && !g.backward(b, g.target(to)) && !g.long {
			k := y.Bits
			g.jumpIf(b, to, form, g.src(x, 0), 0, &k)
			return
		}
		xr, yr := g.src(x, 0), g.src(y, 1)
		if w.swap {
			xr, yr = yr, xr
		}
		if form = w.reg; !want {
			form = w.regNot
		}
		g.jumpIf(b, to, form, xr, yr, nil)
		return
	}
	w := wordBranches[o]
	if n, ok := g.small(y); ok {
		form := w.imm
		if !want {
			form = w.immNot
		}
		g.jumpIf(b, to, form, g.src(x, 0), n, nil)
		return
	}
	xr, yr := g.src(x, 0), g.src(y, 1)
	form, swap := w.reg, w.swap
	if !want {
		form = w.regNot
		if o != ir.Eq && o != ir.Ne {
			swap = !swap
		}
	}
	if swap {
		xr, yr = yr, xr
	}
	g.jumpIf(b, to, form, xr, yr, nil)
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// jumpIf emits a conditional jump. In a function whose jumps may not reach, it jumps
// over one that does.
func (g *generator) jumpIf(from, to *ir.Block, o op, a, b int, k *uint64) {
	to = g.target(to)
	if g.long {
		g.emit(o, a, b, 1)
		g.emit(opJump, 1, 0, 0)
		g.jump(from, to)
		return
	}
	if g.backward(from, to) {
		o++ // the form that counts a round
		g.round(from, to)
	}
	g.jumps = append(g.jumps, jump{len(g.c.code), to, false})
	g.emit(o, a, b, 0)
	if k != nil {
		g.word(*k)
	}
}
