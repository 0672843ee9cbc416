package ir

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
)

// The encoded form of a program is a list of numbers, of variable length, and of texts
// behind their lengths: a version, the types, and then the program, in which things
// are mentioned by their index; where there may be nothing, by 1 + their index.

// encodingVersion changes with the form and with what instructions mean.
const encodingVersion = 1

// Encode returns the program as bytes, from which [Decode] makes it again. It is for
// programs that know no host, before code has been generated from them.
func (p *Program) Encode() ([]byte, error) {
	e := &encoder{types: make(map[*types.Type]int), structs: make(map[*types.Struct]int), sites: make(map[*Site]int)}
	e.program(p)
	if e.err != nil {
		return nil, e.err
	}
	head := &encoder{types: e.types, structs: e.structs, list: e.list}
	for i := 0; i < len(head.list); i++ { // which grows by the parts of types
		head.parts(head.list[i])
	}
	var out encoder
	out.int(encodingVersion)
	out.int(int(numOps))
	out.int(len(head.list))
	return slices.Concat(out.b, head.b, e.b), nil
}

type encoder struct {
	b       []byte
	types   map[*types.Type]int
	structs map[*types.Struct]int
	list    []*types.Type
	sites   map[*Site]int
	err     error
}

func (e *encoder) uint(x uint64) { e.b = binary.AppendUvarint(e.b, x) }

func (e *encoder) int(x int) { e.uint(uint64(x)) }

func (e *encoder) text(s string) {
	e.int(len(s))
	e.b = append(e.b, s...)
}

func (e *encoder) bool(b bool) {
	if b {
		e.int(1)
	} else {
		e.int(0)
	}
}

func (e *encoder) typ(t *types.Type) { e.int(e.index(t)) }

func (e *encoder) index(t *types.Type) int {
	t = t.Decided()
	if i, ok := e.types[t]; ok {
		return i
	}
	i := len(e.list)
	if t.Kind == types.KStruct { // one type for each struct
		if i, ok := e.structs[t.Struct]; ok {
			return i
		}
		e.structs[t.Struct] = i
	}
	e.types[t] = i
	e.list = append(e.list, t)
	return i
}

// parts writes a type.
func (e *encoder) parts(t *types.Type) {
	e.int(int(t.Kind))
	switch t.Kind {
	case types.KList, types.KOption:
		e.typ(t.Elem)
	case types.KMap:
		e.typ(t.Key)
		e.typ(t.Elem)
	case types.KFunc:
		e.int(len(t.Params))
		for _, p := range t.Params {
			e.typ(p)
		}
		e.typ(t.Result)
	case types.KStruct:
		e.text(t.Struct.Name)
		e.int(t.Struct.ID)
		e.int(len(t.Struct.Fields))
		for _, f := range t.Struct.Fields {
			e.text(f.Name)
			e.typ(f.Type)
		}
	}
}

func (e *encoder) program(p *Program) {
	prog := p.Typed
	e.int(len(prog.Funcs))
	for _, f := range prog.Funcs {
		e.text(f.Name)
		e.text(f.File)
		e.bool(f.Hidden)
		e.typ(f.Result)
		e.vars(f.Params)
		e.vars(f.Captures)
	}
	e.int(len(prog.Mains))
	for _, f := range prog.Mains {
		e.int(f.Index)
	}
	e.vars(prog.Globals)
	if prog.Args == nil {
		e.int(0)
	} else {
		e.int(prog.Args.Index + 1)
	}
	e.typ(prog.Result)
	e.int(len(prog.Exports))
	for _, name := range slices.Sorted(maps.Keys(prog.Exports)) {
		e.text(name)
		e.int(prog.Exports[name].Index)
	}
	var sites []*Site
	for _, f := range p.Funcs {
		for _, b := range f.Blocks {
			sites = e.site(b.Site, sites)
			for _, v := range b.Values {
				sites = e.site(v.Site, sites)
			}
		}
	}
	e.int(len(sites))
	for _, s := range sites {
		e.int(int(s.Pos.Offset))
		e.int(int(s.Pos.Line))
		e.int(int(s.Pos.Col))
		e.int(s.Func.Index)
		e.siteIndex(s.Parent)
	}
	for _, f := range p.Funcs {
		e.function(f)
	}
}

// site numbers a place behind those it mentions.
func (e *encoder) site(s *Site, list []*Site) []*Site {
	if s == nil || e.sites[s] != 0 {
		return list
	}
	list = append(e.site(s.Parent, list), s)
	e.sites[s] = len(list)
	return list
}

func (e *encoder) siteIndex(s *Site) { e.int(e.sites[s]) } // 0 for nil

func (e *encoder) vars(list []*typed.Var) {
	e.int(len(list))
	for _, v := range list {
		e.text(v.Name)
		e.typ(v.Type)
		e.bool(v.Assigned)
		e.bool(v.Captured)
	}
}

func (e *encoder) function(f *Func) {
	values, blocks := make(map[*Value]int), make(map[*Block]int)
	for i, b := range f.Blocks {
		blocks[b] = i
		for _, v := range b.Values {
			values[v] = len(values)
		}
	}
	e.int(len(f.Blocks))
	e.int(len(values))
	list := func(of []*Block) {
		e.int(len(of))
		for _, b := range of {
			e.int(blocks[b])
		}
	}
	for _, b := range f.Blocks {
		e.int(int(b.Kind))
		if b.Control == nil {
			e.int(0)
		} else {
			e.int(values[b.Control] + 1)
		}
		e.siteIndex(b.Site)
		list(b.Preds)
		list(b.Succs)
		e.int(len(b.Values))
		for _, v := range b.Values {
			e.value(v, values)
		}
	}
}

func (e *encoder) value(v *Value, values map[*Value]int) {
	e.int(int(v.Op))
	e.int(int(v.Type))
	e.bool(v.Safe)
	e.uint(v.Bits)
	e.siteIndex(v.Site)
	e.int(len(v.Args))
	for _, a := range v.Args {
		e.int(values[a])
	}
	switch v.Op {
	case Object:
		p, _ := v.Aux.(*value.Obj)
		e.bool(p != nil)
		switch {
		case p == nil:
		case p.Kind == value.KStr:
			e.text(p.Str())
		default:
			e.err = fmt.Errorf("a constant of kind %d", p.Kind)
		}
	case Builtin, Math, Math2:
		r := &v.Aux.(*typed.Builtin).Recipe
		e.int(int(r.Kind))
		e.text(r.Name)
		e.int(r.N)
		e.int(len(r.Types))
		for _, t := range r.Types {
			e.typ(t)
		}
	case Closure:
		if f, _ := v.Aux.(*Func); f != nil {
			e.int(f.Typed.Index + 1)
		} else {
			e.int(0)
		}
	case Call:
		e.int(v.Aux.(*Func).Typed.Index)
	case MapGet:
		e.typ(v.Aux.(*types.Type))
	case NewStruct:
		e.int(v.Aux.(int))
	}
}
