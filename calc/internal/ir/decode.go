package ir

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/groundwork-go/groundwork/calc/internal/builtin"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// ErrVersion is the error of Decode for bytes of another version of this package.
var ErrVersion = errors.New("it was made by another version of calc")

// Decode makes a program of what Encode has returned. What is wrong with the bytes is
// an error: nothing is taken for granted of lengths and indices, and each function
// is verified. Its functions have no trees.
func Decode(b []byte) (p *Program, err error) {
	d := &decoder{b: b, size: len(b)}
	defer func() {
		switch r := recover(); {
		case r == nil:
		case r == errDamaged:
			p, err = nil, fmt.Errorf("damaged at byte %d", d.size-len(d.b))
		default: // a combination that no program has
			p, err = nil, fmt.Errorf("damaged before byte %d: %v", d.size-len(d.b), r)
		}
	}()
	if d.int(1<<20) != encodingVersion || d.int(1<<20) != int(numOps) {
		return nil, ErrVersion
	}
	d.readTypes()
	d.program()
	d.check(len(d.b) == 0)
	for _, f := range d.p.Funcs {
		if err := f.Verify(); err != nil {
			return nil, err
		}
	}
	return d.p, nil
}

var errDamaged = errors.New("damaged")

type decoder struct {
	b     []byte
	size  int
	types []*types.Type
	sites []*Site
	p     *Program
	mem   slab
}

// check stops decoding if something is not as it has to be.
func (d *decoder) check(ok bool) {
	if !ok {
		panic(errDamaged)
	}
}

func (d *decoder) uint() uint64 {
	x, n := binary.Uvarint(d.b)
	d.check(n > 0)
	d.b = d.b[n:]
	return x
}

// int reads a number of less than limit.
func (d *decoder) int(limit int) int {
	x := d.uint()
	d.check(x < uint64(max(limit, 0)))
	return int(x)
}

// count reads how many things follow, each of which has a byte at least.
func (d *decoder) count() int { return d.int(len(d.b) + 1) }

func (d *decoder) bool() bool { return d.int(2) == 1 }

func (d *decoder) text() string {
	n := d.count()
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

func (d *decoder) typ() *types.Type { return d.types[d.int(len(d.types))] }

// basic are the types without parts.
var basic = [...]*types.Type{
	types.KNone: types.None, types.KNever: types.Never, types.KInt: types.Int, types.KFloat: types.Float, types.KBool: types.Bool,
	types.KString: types.String, types.KAny: types.Any,
}

func (d *decoder) readTypes() {
	n := d.count()
	d.types = make([]*types.Type, n)
	room := make([]types.Type, n)
	for i := range room {
		d.types[i] = &room[i]
	}
	for i := range n {
		t := &room[i]
		t.Kind = types.Kind(d.int(256))
		switch t.Kind {
		case types.KList, types.KOption:
			t.Elem = d.typ()
		case types.KMap:
			t.Key, t.Elem = d.typ(), d.typ()
		case types.KFunc:
			t.Params = make([]*types.Type, d.count())
			for j := range t.Params {
				t.Params[j] = d.typ()
			}
			t.Result = d.typ()
		case types.KStruct:
			t.Struct = &types.Struct{Name: d.text(), ID: d.int(math.MaxInt32)}
			t.Struct.Fields = make([]types.Field, d.count())
			for j := range t.Struct.Fields {
				t.Struct.Fields[j] = types.Field{Name: d.text(), Type: d.typ()}
			}
		default:
			d.check(int(t.Kind) < len(basic) && basic[t.Kind] != nil)
			d.types[i] = basic[t.Kind]
		}
	}
	d.acyclic()
}

// acyclic sees to it that a type is part of itself only by way of a struct.
func (d *decoder) acyclic() {
	state := make(map[*types.Type]int) // 1: on the way, 2: done
	var visit func(t *types.Type)
	visit = func(t *types.Type) {
		if t == nil || state[t] == 2 {
			return
		}
		d.check(state[t] == 0)
		state[t] = 1
		visit(t.Elem)
		visit(t.Key)
		visit(t.Result)
		for _, p := range t.Params {
			visit(p)
		}
		state[t] = 2
	}
	for _, t := range d.types {
		visit(t)
	}
}

func (d *decoder) vars() []*typed.Var {
	n := d.count()
	if n == 0 {
		return nil
	}
	list, room := make([]*typed.Var, n), make([]typed.Var, n)
	for i := range room {
		room[i] = typed.Var{Name: d.text(), Type: d.typ(), Index: i, Assigned: d.bool(), Captured: d.bool()}
		list[i] = &room[i]
	}
	return list
}

func (d *decoder) program() {
	prog := &typed.Program{Funcs: make([]*typed.Func, d.count())}
	d.p = &Program{Typed: prog, Funcs: make([]*Func, len(prog.Funcs))}
	for i := range prog.Funcs {
		f := &typed.Func{Index: i, Name: d.text(), File: d.text(), Hidden: d.bool(), Result: d.typ()}
		f.Params = d.vars()
		f.Captures = d.vars()
		for _, v := range f.Params {
			v.Func = f
		}
		prog.Funcs[i] = f
		d.p.Funcs[i] = &Func{Typed: f, Result: TypeOf(f.Result), mem: &d.mem}
	}
	fn := func() *typed.Func { return prog.Funcs[d.int(len(prog.Funcs))] }
	for n := d.count(); n > 0; n-- {
		prog.Mains = append(prog.Mains, fn())
	}
	d.check(len(prog.Mains) > 0)
	prog.Globals = d.vars()
	if i := d.int(len(prog.Globals) + 1); i > 0 {
		prog.Args = prog.Globals[i-1]
	}
	prog.Result = d.typ()
	prog.Exports = make(map[string]*typed.Func)
	for n := d.count(); n > 0; n-- {
		name := d.text()
		prog.Exports[name] = fn()
	}
	d.sites = make([]*Site, 1, d.count()+1) // the first is nil
	for len(d.sites) < cap(d.sites) {
		pos := syntax.Pos{Offset: int32(d.int(math.MaxInt32)), Line: int32(d.int(math.MaxInt32)), Col: int32(d.int(math.MaxInt32))}
		d.sites = append(d.sites, &Site{Pos: pos, Func: fn(), Parent: d.site()})
	}
	for _, f := range d.p.Funcs {
		d.function(f)
	}
}

func (d *decoder) site() *Site { return d.sites[d.int(len(d.sites))] }

func (d *decoder) function(f *Func) {
	blocks := make([]*Block, d.count())
	values := make([]*Value, d.count())
	d.check(len(blocks) > 0)
	for i := range blocks {
		blocks[i] = f.newBlock()
	}
	for i := range values {
		values[i] = f.newValue(nil, Invalid, None)
	}
	refer := func() (list []*Block) {
		for n := d.count(); n > 0; n-- {
			list = append(list, blocks[d.int(len(blocks))])
		}
		return list
	}
	next := 0
	for _, b := range blocks {
		b.Kind = Kind(d.int(int(Return) + 1))
		if i := d.int(len(values) + 1); i > 0 {
			b.Control = values[i-1]
		}
		d.check(b.Kind != If || b.Control != nil)
		b.Site = d.site()
		b.Preds, b.Succs = refer(), refer()
		n := d.count()
		d.check(n <= len(values)-next)
		for _, v := range values[next : next+n] {
			v.Block = b
			d.value(f, v, values)
			f.push(b, v)
		}
		next += n
	}
	d.check(next == len(values))
	d.edges(f)
	d.params(f)
}

// edges sees to it that blocks agree on which leads to which, and how often.
func (d *decoder) edges(f *Func) {
	count := make(map[[2]*Block]int)
	for _, b := range f.Blocks {
		for _, s := range b.Succs {
			count[[2]*Block{b, s}]++
		}
	}
	for _, b := range f.Blocks {
		for _, p := range b.Preds {
			count[[2]*Block{p, b}]--
		}
	}
	for _, n := range count {
		d.check(n == 0)
	}
	d.check(len(f.Blocks[0].Preds) == 0)
}

// params finds the parameters of a function, which stand in its first block.
func (d *decoder) params(f *Func) {
	for _, v := range f.Blocks[0].Values {
		if v.Op == Param {
			d.check(v.Bits == uint64(len(f.Params)))
			f.Params = append(f.Params, v)
		}
	}
	want := len(f.Typed.Params)
	if len(f.Typed.Captures) > 0 {
		want++
	}
	d.check(len(f.Params) == want)
}

func (d *decoder) value(f *Func, v *Value, values []*Value) {
	v.Op, v.Type, v.Safe, v.Bits, v.Site = Op(d.int(int(numOps))), Type(d.int(int(Ref)+1)), d.bool(), d.uint(), d.site()
	d.check(v.Op != Invalid && v.Op != Copy && v.Op != Data && (v.Op != Param || v.Block == f.Blocks[0]))
	n := d.count()
	v.Args = d.mem.list(n)
	for range n {
		v.Args = append(v.Args, values[d.int(len(values))])
	}
	d.check(v.Op == Phi || arguments[v.Op] == 0 || len(v.Args) == int(arguments[v.Op])-1)
	switch v.Op {
	case Object:
		if d.bool() {
			v.Aux = value.NewStr(d.text())
		}
	case Builtin, Math, Math2:
		r := typed.Recipe{Kind: uint8(d.int(256)), Name: d.text(), N: d.int(1 << 20)}
		for n := d.count(); n > 0; n-- {
			r.Types = append(r.Types, d.typ())
		}
		b, err := builtin.Make(r)
		d.check(err == nil && (v.Op != Math || b.F1 != nil) && (v.Op != Math2 || b.F2 != nil))
		d.check(v.Op != Builtin || len(v.Args) == len(b.Params))
		v.Aux = b
	case Global, SetGlobal:
		d.check(v.Bits < uint64(len(d.p.Typed.Globals)))
		v.Aux = d.p.Typed.Globals[v.Bits]
	case Closure:
		if i := d.int(len(d.p.Funcs) + 1); i > 0 {
			v.Aux = d.p.Funcs[i-1]
			d.check(len(v.Args) == len(d.p.Funcs[i-1].Typed.Captures))
		}
	case Call:
		callee := d.p.Funcs[d.int(len(d.p.Funcs))]
		v.Aux = callee
		want := len(callee.Typed.Params)
		if len(callee.Typed.Captures) > 0 {
			want++
		}
		d.check(len(v.Args) == want)
	case MapGet:
		v.Aux = d.typ()
	case NewStruct:
		v.Aux = d.int(1 << 20)
	case CallValue:
		d.check(n > 0)
	}
}

// arguments is 1 + how many arguments instructions have; 0 for those that differ.
var arguments = [numOps]uint8{
	Const: 1, Object: 1, Param: 1,
	Add: 3, Sub: 3, Mul: 3, Div: 3, Rem: 3, And: 3, Or: 3, Xor: 3, Shl: 3, Shr: 3, Ushr: 3, Neg: 2, Com: 2, Min: 3, Max: 3, Abs: 2,
	Eq: 3, Ne: 3, Lt: 3, Le: 3, Gt: 3, Ge: 3,
	FAdd: 3, FSub: 3, FMul: 3, FDiv: 3, FNeg: 2, FSqrt: 2, FAbs: 2, FFloor: 2, FCeil: 2, FTrunc: 2, FMin: 3, FMax: 3,
	FEq: 3, FNe: 3, FLt: 3, FLe: 3, FGt: 3, FGe: 3, Math: 2, Math2: 3,
	Not: 2, ToFloat: 2, ToInt: 2, IsNil: 2, Same: 3, Box: 2, Unbox: 2, Unwrap: 2, Known: 2,
	Global: 1, SetGlobal: 2, NewCell: 2, Cell: 2, SetCell: 3, Capture: 2,
	Len: 2, Index: 3, SetIndex: 4, Push: 3, NewList: 1, StrLen: 2, StrIndex: 3, RuneSize: 3, RuneAt: 3,
	Field: 2, SetField: 3, NewStruct: 1,
	MapGet: 3, MapSet: 4, NewMap: 1, MapChanges: 2, MapNext: 3, MapKey: 3, MapValue: 3, MapCheck: 3,
}
