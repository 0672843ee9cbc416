package ir

import (
	"github.com/groundwork-go/groundwork/calc/internal/builtin"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

func (b *builder) blockNode(n *typed.Block) *Value {
	var x *Value
	for _, c := range n.Nodes {
		x = b.expr(c)
	}
	if TypeOf(n.T) == None {
		return nil
	}
	return x
}

// merge collects the values of branches in a variable of its own.
type merge struct {
	b    *builder
	v    *typed.Var // nil if there is no value
	done *Block
}

func (b *builder) merge(t *types.Type) merge {
	m := merge{b: b, done: b.block()}
	if TypeOf(t) != None {
		m.v = b.variable(t)
	}
	return m
}

// branch emits a branch in blk; a nil node is one without value.
func (m *merge) branch(blk *Block, n typed.Node) {
	m.b.start(blk)
	var x *Value
	if n != nil {
		x = m.b.expr(n)
	}
	m.end(x)
}

func (m *merge) end(x *Value) {
	if m.v != nil && x != nil {
		m.b.write(m.v, m.b.cur, x)
	}
	if m.b.dead {
		return
	}
	m.b.jump(m.done)
}

// value seals the end and returns the value.
func (m *merge) value() *Value {
	m.b.seal(m.done)
	m.b.start(m.done)
	m.b.dead = len(m.done.Preds) == 0
	if m.v == nil {
		return nil
	}
	return m.b.read(m.v, m.done)
}

// cond emits a condition that leads to one of two blocks.
func (b *builder) cond(n typed.Node, yes, no *Block) {
	switch n := n.(type) {
	case *typed.Logic:
		next := b.block()
		if n.And {
			b.cond(n.X, next, no)
		} else {
			b.cond(n.X, yes, next)
		}
		b.seal(next)
		b.start(next)
		b.cond(n.Y, yes, no)
		return
	case *typed.Unary:
		if n.Op == syntax.Not {
			b.cond(n.X, no, yes)
			return
		}
	case *typed.Block:
		if len(n.Nodes) == 1 && TypeOf(n.T) == Bool {
			b.cond(n.Nodes[0], yes, no)
			return
		}
	}
	x := b.expr(n)
	if x == nil || b.dead {
		return
	}
	b.branch(x, yes, no)
}

// logic emits an operator whose value is asked for. What is known of it goes with
// control to the end.
func (b *builder) logic(n *typed.Logic) *Value {
	m := b.merge(types.Bool)
	var y typed.Node = n
	for {
		n, ok := y.(*typed.Logic)
		if !ok || b.dead {
			break
		}
		next := b.block()
		if n.And {
			b.write(m.v, b.cur, b.word(Bool, 0))
			b.cond(n.X, next, m.done)
		} else {
			b.write(m.v, b.cur, b.word(Bool, 1))
			b.cond(n.X, m.done, next)
		}
		b.seal(next)
		b.start(next)
		b.dead = len(next.Preds) == 0
		y = n.Y
	}
	m.end(b.expr(y))
	return m.value()
}

func (b *builder) ifNode(n *typed.If) *Value {
	yes, no := b.block(), b.block()
	b.cond(n.Cond, yes, no)
	b.seal(yes)
	b.seal(no)
	m := b.merge(n.T)
	m.branch(yes, n.Then)
	m.branch(no, n.Else)
	return m.value()
}

func (b *builder) ifLet(n *typed.IfLet) *Value {
	x := b.expr(n.X)
	yes, no := b.block(), b.block()
	b.branch(b.emit(IsNil, Bool, x), no, yes)
	b.seal(yes)
	b.seal(no)
	m := b.merge(n.T)
	b.start(yes)
	held := Known
	if n.Var.Type.IsWord() {
		held = Unbox
	}
	b.declare(n.Var, b.emit(held, TypeOf(n.Var.Type), x))
	m.end(b.expr(n.Then))
	m.branch(no, n.Else)
	return m.value()
}

func (b *builder) match(n *typed.Match) *Value {
	x := b.expr(n.X)
	m := b.merge(n.T)
	for _, a := range n.Arms {
		body, next := b.block(), (*Block)(nil)
		for _, p := range a.Patterns {
			next = b.block()
			b.pattern(x, n.X.Type().Decided(), p, body, next)
			b.seal(next)
			b.start(next)
		}
		b.seal(body)
		m.branch(body, a.Body)
		b.start(next)
	}
	if n.Default != nil {
		m.end(b.expr(n.Default))
	} else {
		m.end(nil)
	}
	return m.value()
}

// pattern leads to yes if x, of type t, is p.
func (b *builder) pattern(x *Value, t *types.Type, p *typed.Const, yes, no *Block) {
	if p.T.Is(types.KOption) { // the pattern nil
		b.branch(b.emit(IsNil, Bool, x), yes, no)
		return
	}
	if t.Kind == types.KOption {
		held := b.block()
		b.branch(b.emit(IsNil, Bool, x), no, held)
		b.seal(held)
		b.start(held)
		if p.T.IsWord() {
			x = b.emit(Unbox, TypeOf(p.T), x)
		}
	}
	if p.T.Is(types.KString) {
		same := builtin.Operator(syntax.Eq, types.String, types.Bool)
		b.branch(b.builtin(same, syntax.Pos{}, x, b.object(p.V.P)), yes, no)
		return
	}
	b.branch(b.emit(Eq, Bool, x, b.word(TypeOf(p.T), p.V.N)), yes, no)
}

func (b *builder) returnNode(n *typed.Return) {
	var x *Value
	if n.Value != nil {
		x = b.expr(n.Value)
	}
	if b.fn.Result == None {
		x = nil
	}
	if !b.dead {
		b.ret(x)
	}
}

// header begins a loop: a block that its rounds come back to.
func (b *builder) header(pos syntax.Pos) *Block {
	h := b.block()
	h.Site = b.site(pos)
	b.jump(h)
	b.start(h)
	return h
}

// body emits the rounds of a loop. next is where continue leads, behind what is
// done after each round.
func (b *builder) body(n typed.Node, next, done *Block) {
	b.loops = append(b.loops, loopTargets{onBreak: done, onContinue: next})
	b.expr(n)
	b.loops = b.loops[:len(b.loops)-1]
	if !b.dead {
		b.jump(next)
	}
}

func (b *builder) finish(done *Block) {
	b.seal(done)
	b.start(done)
	b.dead = len(done.Preds) == 0
}

func (b *builder) loop(n *typed.Loop) {
	h := b.header(n.Pos)
	body, done := b.block(), b.block()
	if n.Cond != nil {
		b.cond(n.Cond, body, done)
	} else {
		b.jump(body)
	}
	b.seal(body)
	b.start(body)
	b.body(n.Body, h, done)
	b.seal(h)
	b.finish(done)
}

func (b *builder) count(n *typed.Count) {
	from := b.expr(n.From)
	to := b.expr(n.To)
	if n.Step != nil {
		b.countSteps(n, from, to, b.expr(n.Step))
		return
	}
	if b.dead {
		return
	}
	i := b.variable(types.Int) // the variable itself is new in each round
	b.write(i, b.cur, from)
	body, next, done := b.block(), b.block(), b.block()
	var h *Block
	if n.Inclusive {
		// The number behind the last may not exist: the test comes after the round.
		first := b.block()
		b.branch(b.at(b.emit(Le, Bool, from, to), n.Pos), first, done)
		b.seal(first)
		b.start(first)
		h = b.header(n.Pos)
		b.jump(body)
	} else {
		h = b.header(n.Pos)
		b.branch(b.emit(Lt, Bool, b.read(i, h), to), body, done)
	}
	b.seal(body)
	b.start(body)
	b.declare(n.Var, b.read(i, body))
	b.body(n.Body, next, done)
	b.seal(next)
	b.start(next)
	x := b.read(i, next)
	if n.Inclusive {
		again := b.block()
		b.branch(b.emit(Lt, Bool, x, to), again, done)
		b.seal(again)
		b.start(again)
	}
	b.write(i, b.cur, b.emit(Add, Int, x, b.word(Int, 1)))
	b.jump(h)
	b.seal(h)
	b.finish(done)
}

// countSteps counts the rounds that are left.
func (b *builder) countSteps(n *typed.Count, from, to, step *Value) {
	rounds := b.builtin(builtin.CountRounds(), n.Pos, from, to, step)
	if b.dead {
		return
	}
	i, left := b.variable(types.Int), b.variable(types.Int)
	b.write(i, b.cur, from)
	b.write(left, b.cur, rounds)
	h := b.header(n.Pos)
	body, next, done := b.block(), b.block(), b.block()
	b.branch(b.emit(Ne, Bool, b.read(left, h), b.word(Int, 0)), body, done)
	b.seal(body)
	b.start(body)
	b.declare(n.Var, b.read(i, body))
	b.body(n.Body, next, done)
	b.seal(next)
	b.start(next)
	b.write(i, next, b.emit(Add, Int, b.read(i, next), step))
	b.write(left, next, b.emit(Sub, Int, b.read(left, next), b.word(Int, 1)))
	b.jump(h)
	b.seal(h)
	b.finish(done)
}

func (b *builder) each(n *typed.Each) {
	x := b.expr(n.X)
	if b.dead {
		return
	}
	i := b.variable(types.Int)
	h0 := b.cur
	var changes *Value
	first := b.word(Int, 0)
	t := n.X.Type().Decided()
	if t.Kind == types.KMap {
		changes = b.emit(MapChanges, Int, x)
		first = b.emit(MapNext, Int, x, first)
	}
	b.write(i, h0, first)
	h := b.header(n.Pos)
	body, next, done := b.block(), b.block(), b.block()
	at := b.read(i, h)
	switch t.Kind {
	case types.KList:
		b.branch(b.emit(Lt, Bool, at, b.onList(Len, Int, t, x)), body, done)
	case types.KMap:
		b.branch(b.emit(Ge, Bool, at, b.word(Int, 0)), body, done)
	default:
		b.branch(b.emit(Lt, Bool, at, b.emit(StrLen, Int, x)), body, done)
	}
	b.seal(body)
	b.start(body)
	b.element(n, t, x, at)
	b.body(n.Body, next, done)
	b.seal(next)
	b.start(next)
	var then *Value
	switch t.Kind {
	case types.KList:
		then = b.emit(Add, Int, at, b.word(Int, 1))
	case types.KMap:
		b.at(b.emit(MapCheck, None, x, changes), n.Pos)
		then = b.emit(MapNext, Int, x, b.emit(Add, Int, at, b.word(Int, 1)))
	default:
		then = b.emit(Add, Int, at, b.emit(RuneSize, Int, x, at))
	}
	b.write(i, next, then)
	b.jump(h)
	b.seal(h)
	b.finish(done)
}

// element gives the variables of a round their values.
func (b *builder) element(n *typed.Each, t *types.Type, x, at *Value) {
	switch t.Kind {
	case types.KList:
		if n.Key != nil {
			b.declare(n.Key, at)
		}
		if n.Value != nil {
			e := b.at(b.onList(Index, TypeOf(t.Elem), t, x, at), n.Pos)
			e.Safe = true
			b.declare(n.Value, e)
		}
	case types.KMap:
		if n.Key != nil {
			b.declare(n.Key, b.emit(MapKey, TypeOf(t.Key), x, at))
		}
		if n.Value != nil {
			b.declare(n.Value, b.emit(MapValue, TypeOf(t.Elem), x, at))
		}
	default:
		if n.Key != nil {
			b.declare(n.Key, at)
		}
		if n.Value != nil {
			b.declare(n.Value, b.at(b.emit(RuneAt, Ref, x, at), n.Pos))
		}
	}
}
