package native

import (
	"github.com/groundwork-go/groundwork/calc/internal/amd64"
	"github.com/groundwork-go/groundwork/calc/internal/ir"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
)

// call calls a function of the program.
func (g *generator) call(v *ir.Value) {
	var list []move
	words, floats := 0, 0
	for _, a := range v.Args {
		m := move{from: g.at(a), bits: a.Bits, float: a.Type == ir.Float}
		if m.from.kind == inSlot {
			if r, ok := g.cached(a); ok {
				m.from = place{inReg, wordIndex(r)}
			}
		}
		if m.float {
			m.to = place{inXmm, floats}
			floats++
		} else {
			m.to = place{inReg, words}
			words++
		}
		list = append(list, m)
	}
	g.moves(list)
	callee := v.Aux.(*ir.Func).Typed.Index
	g.calls = append(g.calls, fixup{g.Call(), callee})
	g.img.sites[len(g.Code)] = &site{kind: call, fn: g.fn, at: v.Site, refs: g.alloc.refsAcross(g.lives.Pos[v.ID])}
	g.cache = [16]*web{}
	switch v.Type {
	case ir.None:
	case ir.Float:
		g.doneF(v, xmm0)
	default:
		g.done(v, rax)
	}
}

func wordIndex(r amd64.Reg) int {
	for i, w := range wordRegs {
		if w == r {
			return i
		}
	}
	return -1
}

// outside has Go do what an instruction says.
func (g *generator) outside(v *ir.Value) {
	s := &site{at: v.Site, value: v, refs: g.alloc.refsAcross(g.lives.Pos[v.ID])}
	n := 0
	switch v.Op {
	case ir.Math:
		s.kind = exitMath
		g.give(&n, v.Args...)
	case ir.Math2:
		s.kind = exitMath2
		g.give(&n, v.Args...)
	case ir.NewList:
		s.kind = exitNewList
	case ir.Builtin:
		s.kind = exitBuiltin
		s.args = g.arguments(v, &n)
	}
	g.leave(s)
	g.result(v)
}

// result takes what Go has left.
func (g *generator) result(v *ir.Value) {
	g.cache = [16]*web{}
	if v.Type == ir.None || g.lives.Uses[v.ID] == 0 {
		return
	}
	if v.Type == ir.Float {
		d := g.dstF(v)
		g.LoadF(d, field(ctxResult))
		g.doneF(v, d)
		return
	}
	d := g.dst(v)
	g.Load(d, field(ctxResult))
	g.done(v, d)
}

// give stores words for Go.
func (g *generator) give(n *int, args ...*ir.Value) {
	for _, a := range args {
		m := field(ctxArgs + *n)
		*n++
		if c, ok := small(a); ok {
			g.StoreImm(m, c)
		} else if a.Type == ir.Float {
			g.StoreF(m, g.srcF(a, xmm0))
		} else {
			g.Store(m, g.src(a, rax))
		}
	}
}

// arguments stores what a builtin is given, and what those are given that Go does
// before it.
func (g *generator) arguments(v *ir.Value, n *int) []argument {
	b := v.Aux.(*typed.Builtin)
	var list []argument
	for i, a := range v.Args {
		var t *types.Type
		if i < len(b.Params) {
			t = b.Params[i].Decided()
		}
		switch {
		case g.texts[a]:
			list = append(list, argument{inner: a.Aux.(*typed.Builtin), args: g.arguments(a, n)})
		case a.Op == ir.Object:
			p, _ := a.Aux.(*value.Obj)
			list = append(list, argument{known: true, con: value.Ref(p)})
		default:
			list = append(list, argument{n: *n, t: t, list: a.Type == ir.Ref})
			g.give(n, a)
		}
	}
	return list
}

// push adds an element where there is room, and has Go make room where there is none.
func (g *generator) push(v *ir.Value) {
	rep := value.Rep(v.Bits)
	g.cache = [16]*web{} // Go does not keep what they hold
	list := g.src(v.Args[0], rax)
	if list != rax {
		g.Mov(rax, list)
	}
	again := len(g.Code)
	g.Load(rcx, amd64.At(rax, listLen))
	g.AluMem(amd64.CmpOp, rcx, amd64.At(rax, listCap))
	full := g.JumpIf(amd64.AboveEq)
	// What is pushed, and lists across this, are in registers of their own or in the
	// frame: Go does not touch them, but for those the context saves.
	g.Load(rdx, amd64.At(rax, listData))
	scale := uint8(8)
	if rep == value.RepByte {
		scale = 1
	}
	m := amd64.Indexed(rdx, rcx, scale)
	x := v.Args[1]
	n, ok := small(x)
	switch {
	case rep == value.RepByte && ok:
		g.StoreByteImm(m, byte(n))
	case x.Type == ir.Float:
		g.StoreF(m, g.srcF(x, xmm0))
	case ok:
		g.StoreImm(m, n)
	default:
		// The address, since the value may need a register too.
		g.Lea(rdx, m)
		r := g.src(x, rcx)
		if rep == value.RepByte {
			g.StoreByte(amd64.At(rdx, 0), r)
		} else {
			g.Store(amd64.At(rdx, 0), r)
		}
	}
	g.AluMemImm(amd64.AddOp, amd64.At(rax, listLen), 1)
	pos := g.lives.Pos[v.ID]
	s := &site{kind: exitPush, at: v.Site, value: v, refs: g.alloc.refsAcross(pos)}
	p := g.at(x)
	bits := x.Bits
	float := x.Type == ir.Float
	g.stub(full, func() {
		// The list and the value are kept in the context.
		g.Store(field(ctxArgs), rax)
		keep := move{from: p, bits: bits, float: float}
		g.keep(keep)
		g.leave(s)
		g.restore(keep)
		g.Load(rax, field(ctxArgs))
		g.Patch(g.Jump(), again)
	})
	g.cache = [16]*web{}
}

// keep stores a value that is in a register where Go does not lose it, restore gets
// it back.
func (g *generator) keep(m move) {
	switch m.from.kind {
	case inReg:
		g.Store(field(ctxArgs+1), wordRegs[m.from.n])
	case inXmm:
		g.StoreF(field(ctxArgs+1), floatRegs[m.from.n])
	}
}

func (g *generator) restore(m move) {
	switch m.from.kind {
	case inReg:
		g.Load(wordRegs[m.from.n], field(ctxArgs+1))
	case inXmm:
		g.LoadF(floatRegs[m.from.n], field(ctxArgs+1))
	}
}
