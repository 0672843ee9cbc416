package ir

import (
	"fmt"

	"github.com/groundwork-go/groundwork/calc/internal/builtin"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// expr emits a node and returns its value, nil for one without.
func (b *builder) expr(n typed.Node) *Value {
	switch n := n.(type) {
	case *typed.Const:
		if t := TypeOf(n.T); t != Ref {
			return b.word(t, n.V.N)
		}
		return b.object(n.V.P)
	case *typed.Local:
		return b.get(n.Var)
	case *typed.Store:
		b.store(n)
		return nil
	case *typed.Convert:
		return b.convert(n)
	case *typed.Unwrap:
		return b.at(b.emit(Unwrap, TypeOf(n.Type()), b.expr(n.X)), n.Pos)
	case *typed.Cast:
		return b.builtin(builtin.Cast(n.T), syntax.Pos{}, b.expr(n.X))
	case *typed.Concat:
		ts := make([]*types.Type, len(n.Parts))
		for i, p := range n.Parts {
			ts[i] = p.Type().Decided()
		}
		return b.builtin(builtin.Concat(ts), n.Pos, b.exprs(n.Parts)...)
	case *typed.Unary:
		return b.unary(n)
	case *typed.Binary:
		return b.binary(n)
	case *typed.In:
		x := b.expr(n.X)
		return b.builtin(builtin.In(n.X.Type(), n.Y.Type()), n.Pos, x, b.expr(n.Y))
	case *typed.Call:
		return b.call(n)
	case *typed.CallValue:
		f := b.expr(n.Fun)
		return b.at(b.emit(CallValue, TypeOf(n.T), append(b.exprs(n.Args), f)...), n.Pos)
	case *typed.CallBuiltin:
		return b.callBuiltin(n)
	case *typed.Closure:
		return b.closure(n.Func)
	case *typed.Index:
		return b.index(n)
	case *typed.Slice:
		return b.slice(n)
	case *typed.Field:
		return b.field(n)
	case *typed.List:
		return b.list(n)
	case *typed.Map:
		return b.mapLit(n)
	case *typed.Struct:
		return b.structLit(n)
	}
	return b.control(n)
}

func (b *builder) exprs(list []typed.Node) []*Value {
	values := make([]*Value, len(list))
	for i, n := range list {
		values[i] = b.expr(n)
	}
	return values
}

func (b *builder) builtin(f *typed.Builtin, pos syntax.Pos, args ...*Value) *Value {
	x := b.at(b.emit(Builtin, TypeOf(f.Result), args...), pos)
	x.Aux = f
	if f.Result.Is(types.KNever) {
		b.stop()
	}
	return x
}

func (b *builder) store(n *typed.Store) {
	x := b.expr(n.Value)
	if x == nil { // the value is never there
		return
	}
	if b.globals.known(n.Var) != nil && b.globals.local(n.Var) {
		b.write(n.Var, b.cur, x)
		return
	}
	if n.Declare {
		b.declare(n.Var, x)
	} else {
		b.set(n.Var, x)
	}
}

func (b *builder) convert(n *typed.Convert) *Value {
	x := b.expr(n.X)
	from := n.X.Type().Decided()
	switch {
	case x == nil:
		return nil
	case n.T.Is(types.KFloat):
		return b.emit(ToFloat, Float, x)
	case from.IsWord(): // into an option or any
		y := b.at(b.emit(Box, Ref, x), syntax.Pos{})
		y.Bits = uint64(value.BoxKind(from))
		return y
	}
	return x
}

func (b *builder) unary(n *typed.Unary) *Value {
	x := b.expr(n.X)
	switch {
	case n.Op == syntax.Not:
		return b.emit(Not, Bool, x)
	case n.Op == syntax.Xor:
		return b.emit(Com, Int, x)
	case n.X.Type().Is(types.KFloat):
		return b.emit(FNeg, Float, x)
	}
	return b.emit(Neg, Int, x)
}

var intOps = map[typed.Op]Op{
	syntax.Add: Add, syntax.Sub: Sub, syntax.Mul: Mul, syntax.IntDiv: Div, syntax.Rem: Rem,
	syntax.And: And, syntax.Or: Or, syntax.Xor: Xor, syntax.Shl: Shl, syntax.Shr: Shr,
	syntax.Eq: Eq, syntax.Ne: Ne, syntax.Lt: Lt, syntax.Le: Le, syntax.Gt: Gt, syntax.Ge: Ge,
}

var floatOps = map[typed.Op]Op{
	syntax.Add: FAdd, syntax.Sub: FSub, syntax.Mul: FMul, syntax.Div: FDiv,
	syntax.Eq: FEq, syntax.Ne: FNe, syntax.Lt: FLt, syntax.Le: FLe, syntax.Gt: FGt, syntax.Ge: FGe,
}

func (b *builder) binary(n *typed.Binary) *Value {
	x := b.expr(n.X)
	y := b.expr(n.Y)
	t := TypeOf(n.T)
	switch n.Operand.Decided().Kind {
	case types.KInt, types.KBool:
		return b.at(b.emit(intOps[n.Op], t, x, y), n.Pos)
	case types.KFloat:
		if op, ok := floatOps[n.Op]; ok {
			return b.emit(op, t, x, y)
		}
		z := b.emit(Math2, Float, x, y)
		z.Aux = builtin.Mod()
		if n.Op == syntax.Pow {
			z.Aux = builtin.Pow()
		}
		return z
	}
	return b.builtin(builtin.Operator(n.Op, n.Operand, n.T), n.Pos, x, y)
}

func (b *builder) call(n *typed.Call) *Value {
	args := b.exprs(n.Args)
	if len(n.Func.Captures) > 0 {
		args = append(args, b.closure(n.Func))
	}
	f := b.prog.Funcs[n.Func.Index]
	x := b.at(b.emit(Call, f.Result, args...), n.Pos)
	x.Aux = f
	if n.Func.Result.Is(types.KNever) {
		b.stop()
	}
	return x
}

// numberOps are the builtins on numbers that are instructions, by name and by the
// type of the first argument.
var numberOps = map[string][2]Op{ // of ints, of floats
	"abs": {Abs, FAbs}, "min": {Min, FMin}, "max": {Max, FMax}, "ushr": {Ushr, 0}, "sqrt": {0, FSqrt},
	"floor": {0, FFloor}, "ceil": {0, FCeil}, "trunc": {0, FTrunc}, "int": {Copy, ToInt}, "float": {0, Copy},
}

func (b *builder) callBuiltin(n *typed.CallBuiltin) *Value {
	f := n.Func
	args := b.exprs(n.Args)
	if f.Host || len(args) == 0 || args[0] == nil {
		return b.builtin(f, n.Pos, args...)
	}
	first := args[0].Type
	if ops, ok := numberOps[f.Name]; ok && first != Ref {
		op := ops[0]
		if first == Float {
			op = ops[1]
		}
		if op == Copy {
			return args[0]
		}
		x := args[0]
		switch {
		case op == 0:
		case op == Min || op == Max || op == FMin || op == FMax:
			for _, y := range args[1:] {
				x = b.emit(op, TypeOf(f.Result), x, y) // not first: int(b) is b, a bool
			}
			return x
		default:
			return b.at(b.emit(op, TypeOf(f.Result), args...), n.Pos)
		}
	}
	switch {
	case f.Name == "isNaN":
		return b.emit(FNe, Bool, args[0], args[0])
	case f.F1 != nil:
		x := b.emit(Math, Float, args...)
		x.Aux = f
		return x
	case f.F2 != nil:
		x := b.emit(Math2, Float, args...)
		x.Aux = f
		return x
	}
	switch t := f.Params[0].Decided(); {
	case f.Name == "len" && t.Kind == types.KString:
		return b.emit(StrLen, Int, args...)
	case f.Name == "len" && t.Kind == types.KList:
		return b.onList(Len, Int, t, args...)
	case f.Name == "push":
		return b.at(b.onList(Push, None, t, args...), n.Pos)
	case f.Name == "same":
		return b.emit(Same, Bool, args...)
	}
	return b.builtin(f, n.Pos, args...)
}

// onList emits an instruction on a list of type list.
func (b *builder) onList(op Op, t Type, list *types.Type, args ...*Value) *Value {
	x := b.emit(op, t, args...)
	x.Bits = uint64(value.RepOf(list.Decided().Elem))
	return x
}

func (b *builder) index(n *typed.Index) *Value {
	x := b.expr(n.X)
	i := b.expr(n.I)
	t := TypeOf(n.T)
	switch on := n.X.Type().Decided(); on.Kind {
	case types.KString:
		return b.at(b.emit(StrIndex, Int, x, i), n.Pos)
	case types.KMap:
		y := b.at(b.emit(MapGet, t, x, i), n.Pos)
		y.Aux = on.Key
		return y
	case types.KAny:
		return b.builtin(builtin.Element(n.I.Type()), n.Pos, x, i)
	default:
		return b.at(b.onList(Index, t, on, x, i), n.Pos)
	}
}

func (b *builder) slice(n *typed.Slice) *Value {
	args := []*Value{b.expr(n.X)}
	if n.From != nil {
		args = append(args, b.expr(n.From))
	}
	if n.To != nil {
		args = append(args, b.expr(n.To))
	}
	return b.builtin(builtin.Slice(n.X.Type(), n.From != nil, n.To != nil), n.Pos, args...)
}

func (b *builder) field(n *typed.Field) *Value {
	x := b.expr(n.X)
	if n.Index < 0 {
		name := b.object(value.NewStr(n.Name))
		return b.builtin(builtin.Element(types.String), syntax.Pos{}, x, name)
	}
	y := b.emit(Field, TypeOf(n.T), x)
	_, slot := value.Slot(n.X.Type(), n.Index)
	y.Bits = uint64(slot)
	return y
}

// list makes the list first, so that a long literal needs no room for all of its
// elements; nothing can see it yet.
func (b *builder) list(n *typed.List) *Value {
	r := value.RepOf(n.T.Decided().Elem)
	list := b.at(b.emit(NewList, Ref), n.Pos)
	list.Bits = uint64(r) | uint64(len(n.Elems))<<8
	for i, e := range n.Elems {
		x := b.expr(e)
		at := b.word(Int, uint64(i))
		put := b.at(b.emit(SetIndex, None, list, at, x), n.Pos)
		put.Bits, put.Safe = uint64(r), true
	}
	return list
}

func (b *builder) mapLit(n *typed.Map) *Value {
	m := b.at(b.emit(NewMap, Ref), n.Pos)
	if n.T.Decided().Key.Is(types.KString) {
		m.Bits = 1
	}
	for i := range n.Keys {
		k := b.expr(n.Keys[i])
		v := b.expr(n.Values[i])
		b.at(b.emit(MapSet, None, m, k, v), n.Pos)
	}
	return m
}

func (b *builder) structLit(n *typed.Struct) *Value {
	words, refs := 0, 0
	for _, f := range n.T.Decided().Struct.Fields {
		if f.Type.IsWord() {
			words++
		} else {
			refs++
		}
	}
	values := b.exprs(n.Values)
	s := b.at(b.emit(NewStruct, Ref), n.Pos)
	s.Bits, s.Aux = uint64(words), refs
	for i, x := range values {
		b.setSlot(s, n.T, n.Index[i], x)
	}
	return s
}

func (b *builder) setSlot(s *Value, t *types.Type, field int, x *Value) {
	put := b.emit(SetField, None, s, x)
	_, slot := value.Slot(t, field)
	put.Bits = uint64(slot)
}

func (b *builder) setIndex(n *typed.SetIndex) {
	x := b.expr(n.X)
	i := b.expr(n.I)
	v := b.expr(n.Value)
	if n.X.Type().Is(types.KMap) {
		b.at(b.emit(MapSet, None, x, i, v), n.Pos)
		return
	}
	b.at(b.onList(SetIndex, None, n.X.Type(), x, i, v), n.Pos)
}

func (b *builder) setField(n *typed.SetField) {
	x := b.expr(n.X)
	b.setSlot(x, n.X.Type(), n.Index, b.expr(n.Value))
}

// control emits what steers control; it is in build_control.go but for statements.
func (b *builder) control(n typed.Node) *Value {
	switch n := n.(type) {
	case *typed.SetIndex:
		b.setIndex(n)
	case *typed.SetField:
		b.setField(n)
	case *typed.Logic:
		return b.logic(n)
	case *typed.If:
		return b.ifNode(n)
	case *typed.IfLet:
		return b.ifLet(n)
	case *typed.Match:
		return b.match(n)
	case *typed.Block:
		return b.blockNode(n)
	case *typed.Loop:
		b.loop(n)
	case *typed.Count:
		b.count(n)
	case *typed.Each:
		b.each(n)
	case *typed.Return:
		b.returnNode(n)
	case *typed.Branch:
		to := b.loops[len(b.loops)-1]
		if n.Continue {
			b.jump(to.onContinue)
		} else {
			b.jump(to.onBreak)
		}
	default:
		panic(fmt.Sprintf("ir: node %T", n))
	}
	return nil
}
