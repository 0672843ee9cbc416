package vm

import (
	"errors"
	"maps"
	"slices"

	"github.com/groundwork-go/groundwork/calc/internal/ir"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
)

// Code is a program ready to run by any number of machines at once.
type Code struct {
	prog     *typed.Program
	code     []uint64
	funcs    []function // by typed.Func.Index
	objects  []*value.Obj
	closures []closure
	runtime  []runtimeCall
	maths    []func(float64) float64
	maths2   []func(x, y float64) float64
	keys     []*types.Type // of maps, for errors
	sites    []site        // by pc
	rounds   map[int]*ir.Site
	refs     bool // some function has registers of references
	window   int  // the largest window, what calls are given included
}

// function is where a function's code is.
type function struct {
	typed       *typed.Func
	entry, end  int
	words, refs int
	result      ir.Type
}

type closure struct {
	fn       int // -1: never called
	captures []operand
}

// runtimeCall is a call of a builtin.
type runtimeCall struct {
	call   func(m typed.Machine, args []value.Value) (value.Value, error)
	args   []operand
	result operand
}

// operand is a register or a constant.
type operand struct {
	kind operandKind
	reg  int
	con  value.Value
}

type operandKind uint8

const (
	nowhere operandKind = iota
	inWord
	inRef
	constant
)

type site struct {
	pc int
	at *ir.Site
}

var errLarge = errors.New("function is too large for the virtual machine")

// Compile makes code of a program. before, if not nil, is the code of the inputs of
// a session before this one.
func Compile(p *ir.Program, before *Code) (code *Code, err error) {
	c := &Code{prog: p.Typed}
	first := 0
	if before != nil {
		*c = *before
		c.prog = p.Typed
		// Machines may still run the code before: what is added must not show in it.
		c.code, c.funcs, c.objects, c.closures = slices.Clip(c.code), slices.Clip(c.funcs), slices.Clip(c.objects), slices.Clip(c.closures)
		c.runtime, c.sites, c.keys = slices.Clip(c.runtime), slices.Clip(c.sites), slices.Clip(c.keys)
		c.maths, c.maths2 = slices.Clip(c.maths), slices.Clip(c.maths2)
		c.code = c.code[:len(c.code)-1]
		c.rounds = maps.Clone(c.rounds)
		first = len(c.funcs)
	} else {
		// What calls from Go return to: the call that a return looks at, and the end.
		c.code = append(make([]uint64, 0, 32), encode(opCall, 1, 1, 0), 0, uint64(opHalt))
	}
	g := &generator{c: c}
	defer func() {
		if r := recover(); r != nil {
			if r != errLarge {
				panic(g.f.Located(r))
			}
			code, err = nil, errLarge
		}
	}()
	c.funcs = append(c.funcs, make([]function, len(p.Funcs)-first)...)
	for _, f := range p.Funcs[first:] {
		g.generate(f)
	}
	for _, f := range g.calls {
		c.code[f.pc] = uint64(c.funcs[f.fn].entry) * 8
	}
	// Instructions are read ahead of their place: there is always a next one.
	c.code = append(c.code, uint64(opHalt))
	return c, nil
}

type fixup struct{ pc, fn int }

// generator makes the code of one function.
type generator struct {
	c      *Code
	f      *ir.Func
	lives  *ir.Lives
	folded []bool
	uses   []int32
	regs   registers
	words  int // of the window, with scratch registers
	refs   int
	outW   int // where the next window begins
	outR   int
	long   bool  // branches may not reach
	starts []int // of blocks, by ID; -1: not yet
	index  []int // of blocks in the order, by ID
	jumps  []jump
	calls  []fixup // of all functions
	list   []move  // room for moves
	left   []move
}

type jump struct {
	pc   int
	to   *ir.Block
	wide bool
}

const scratch = 3

func (g *generator) generate(f *ir.Func) {
	*g = generator{c: g.c, f: f, jumps: g.jumps[:0], calls: g.calls, list: g.list, left: g.left}
	order := f.Layout()
	g.fold(order)
	g.lives = g.f.Live(order, g.folded)
	g.regs = allocate(g.f, g.lives, g.folded)
	g.words, g.refs = g.regs.words+scratch, g.regs.refs+1
	g.c.refs = g.c.refs || g.regs.refs > 0
	g.outR = g.refs
	g.outW = max(g.words, g.outR)
	size := 0
	args := 0
	for _, b := range order {
		size += 4 + 4*len(b.Values)
		for _, v := range b.Values {
			if v.Op == ir.Call || v.Op == ir.CallValue {
				args = max(args, len(v.Args)+2)
			}
		}
	}
	if g.outW+args >= 0xfff0 {
		panic(errLarge)
	}
	g.c.window = max(g.c.window, g.outW+args+8)
	g.long = size > 30000
	fn := &g.c.funcs[g.f.Typed.Index]
	*fn = function{typed: g.f.Typed, entry: len(g.c.code), words: g.outW, refs: g.refs, result: g.f.Result}
	n := g.f.NumBlocks()
	ints := make([]int, 2*n)
	g.starts, g.index = ints[:n:n], ints[n:]
	for i, b := range order {
		g.starts[b.ID], g.index[b.ID] = -1, i
	}
	g.clearRefs()
	for i, b := range order {
		g.starts[b.ID] = len(g.c.code)
		for _, v := range b.Values {
			if !g.folded[v.ID] {
				g.value(v)
			}
		}
		var next *ir.Block
		if i+1 < len(order) {
			next = order[i+1]
		}
		g.end(b, next)
	}
	g.patch()
	fn.end = len(g.c.code)
}

// clearRefs forgets the references of calls before in what is not a parameter.
func (g *generator) clearRefs() {
	params := 0
	for _, p := range g.f.Params {
		if p.Type == ir.Ref {
			params++
		}
	}
	if n := g.refs - 1 - params; n > 0 {
		g.emit(opClear, params, n+1, 0)
	}
}

// fold finds the values that need no instruction of their own: constants, and
// comparisons that a branch makes.
func (g *generator) fold(order []*ir.Block) {
	g.folded, g.uses = make([]bool, g.f.NumValues()), make([]int32, g.f.NumValues())
	for _, b := range order {
		for _, v := range b.Values {
			for _, a := range v.Args {
				g.uses[a.ID]++
			}
		}
		if b.Control != nil {
			g.uses[b.Control.ID]++
		}
	}
	for _, b := range order {
		for _, v := range b.Values {
			g.folded[v.ID] = v.IsConst()
		}
	}
	for _, b := range order {
		for c := b.Control; b.Kind == ir.If && c != nil && g.uses[c.ID] == 1 && branches(c.Op); c = c.Args[0] {
			g.folded[c.ID] = true
			if c.Op != ir.Not {
				break
			}
		}
	}
}

// branches tells whether a branch can compute an instruction.
func branches(o ir.Op) bool {
	switch o {
	case ir.Not, ir.IsNil, ir.Eq, ir.Ne, ir.Lt, ir.Le, ir.Gt, ir.Ge, ir.FEq, ir.FNe, ir.FLt, ir.FLe, ir.FGt, ir.FGe:
		return true
	}
	return false
}

func (g *generator) emit(o op, a, b, c int) { g.c.code = append(g.c.code, encode(o, a, b, c)) }

func (g *generator) word(x uint64) { g.c.code = append(g.c.code, x) }

// place notes where the instruction that comes next is in the source.
func (g *generator) place(s *ir.Site) {
	if s != nil {
		if g.c.sites == nil {
			g.c.sites = make([]site, 0, 8)
		}
		g.c.sites = append(g.c.sites, site{len(g.c.code), s})
	}
}

// reg returns the register of a value that is not folded.
func (g *generator) reg(v *ir.Value) int {
	r := int(g.regs.reg[v.ID])
	if r >= out {
		if v.Type == ir.Ref {
			return g.outR + r - out
		}
		return g.outW + r - out
	}
	return r
}

// src returns a register that holds a value; scratch register n is for a constant.
func (g *generator) src(v *ir.Value, n int) int {
	if !g.folded[v.ID] {
		return g.reg(v)
	}
	r := g.regs.words + n
	if v.Type == ir.Ref {
		r = g.regs.refs
	}
	g.load(r, v)
	return r
}

// load loads a constant.
func (g *generator) load(reg int, v *ir.Value) {
	switch n := int64(v.Bits); {
	case v.Op == ir.Object:
		p, _ := v.Aux.(*value.Obj)
		g.wide(opLoadR, reg, g.object(p))
	case n == int64(int16(n)):
		g.emit(opLoadI, reg, int(n), 0)
	default:
		g.emit(opLoadK, reg, 0, 0)
		g.word(v.Bits)
	}
}

// object puts a constant object into the table; the first is nil.
func (g *generator) object(p *value.Obj) int {
	if len(g.c.objects) == 0 {
		g.c.objects = append(g.c.objects, nil)
	}
	if p == nil {
		return 0
	}
	g.c.objects = append(g.c.objects, p)
	return len(g.c.objects) - 1
}

// wide emits an instruction whose operands b and c are one number.
func (g *generator) wide(o op, a, bc int) { g.emit(o, a, bc&0xffff, bc>>16) }

// small returns a constant that fits an operand.
func (g *generator) small(v *ir.Value) (int, bool) {
	n := int64(v.Bits)
	return int(n), v.Op == ir.Const && n == int64(int16(n))
}

func (g *generator) operand(v *ir.Value) operand {
	switch {
	case g.folded[v.ID] && v.Op == ir.Object:
		p, _ := v.Aux.(*value.Obj)
		return operand{kind: constant, con: value.Ref(p)}
	case g.folded[v.ID]:
		return operand{kind: constant, con: value.Value{N: v.Bits}}
	case v.Type == ir.Ref:
		return operand{kind: inRef, reg: g.reg(v)}
	}
	return operand{kind: inWord, reg: g.reg(v)}
}

func (g *generator) result(v *ir.Value) operand {
	switch {
	case v.Type == ir.None:
		return operand{}
	case v.Type == ir.Ref:
		return operand{kind: inRef, reg: g.reg(v)}
	}
	return operand{kind: inWord, reg: g.reg(v)}
}

// move is one of several moves that happen at once.
type move struct {
	to   int
	ref  bool
	from *ir.Value
}

// moves makes moves as if all sources were read first.
func (g *generator) moves(list []move) {
	pending := g.left[:0]
	for _, m := range list {
		if g.folded[m.from.ID] || g.reg(m.from) != m.to {
			pending = append(pending, m)
		}
	}
	g.left = pending
	var saved map[move]int // sources that were put aside
	from := func(m move) int {
		if r, ok := saved[m]; ok {
			return r
		}
		return g.reg(m.from)
	}
	for len(pending) > 0 {
		done := false
		for i, m := range pending {
			blocked := false
			for j, n := range pending {
				blocked = blocked || j != i && n.ref == m.ref && !g.folded[n.from.ID] && from(n) == m.to
			}
			if blocked {
				continue
			}
			switch {
			case g.folded[m.from.ID]:
				g.load(m.to, m.from)
			case m.ref:
				g.emit(opMovR, m.to, from(m), 0)
			default:
				g.emit(opMov, m.to, from(m), 0)
			}
			pending = slices.Delete(pending, i, i+1)
			done = true
			break
		}
		if !done { // a circle: put one source aside
			m := pending[0]
			if saved == nil {
				saved = make(map[move]int)
			}
			if m.ref {
				g.emit(opMovR, g.regs.refs, from(m), 0)
				saved[m] = g.regs.refs
			} else {
				g.emit(opMov, g.regs.words, from(m), 0)
				saved[m] = g.regs.words
			}
		}
	}
}

// end emits how a block ends; next follows it.
func (g *generator) end(b, next *ir.Block) {
	switch b.Kind {
	case ir.Jump:
		s := b.Succs[0]
		i := slices.Index(s.Preds, b)
		list := g.list[:0]
		for _, phi := range s.Phis() {
			list = append(list, move{g.reg(phi), phi.Type == ir.Ref, phi.Args[i]})
		}
		g.list = list
		g.moves(list)
		if s != next {
			g.jump(b, s)
		}
	case ir.If:
		yes, no := b.Succs[0], b.Succs[1]
		if yes == next {
			g.branch(b, b.Control, no, false)
			return
		}
		g.branch(b, b.Control, yes, true)
		if no != next {
			g.jump(b, no)
		}
	case ir.Return:
		g.ret(b.Control)
	}
}

func (g *generator) ret(v *ir.Value) {
	switch {
	case v == nil:
		g.emit(opRet, 0, 0, 0)
	case v.Type == ir.Ref:
		g.emit(opRetR, g.src(v, 0), 0, 0)
	default:
		if n, ok := g.small(v); ok {
			g.emit(opRetI, n, 0, 0)
			return
		}
		g.emit(opRetW, g.src(v, 0), 0, 0)
	}
}

// target is where a jump to a block leads: empty blocks are passed over.
func (g *generator) target(b *ir.Block) *ir.Block {
	for n := 0; n < 100 && b.Kind == ir.Jump && g.empty(b); n++ {
		b = b.Succs[0]
	}
	return b
}

// empty tells whether a block that ends in a jump has no code but that jump.
func (g *generator) empty(b *ir.Block) bool {
	for _, v := range b.Values {
		if !g.folded[v.ID] {
			return false
		}
	}
	i := slices.Index(b.Succs[0].Preds, b)
	for _, phi := range b.Succs[0].Phis() {
		if arg := phi.Args[i]; g.folded[arg.ID] || g.reg(arg) != g.reg(phi) {
			return false
		}
	}
	return true
}

func (g *generator) backward(from, to *ir.Block) bool { return g.index[to.ID] <= g.index[from.ID] }

func (g *generator) jump(from, to *ir.Block) {
	to = g.target(to)
	o := opJump
	if g.backward(from, to) {
		o = opJumpB
		g.round(from, to)
	}
	g.jumps = append(g.jumps, jump{len(g.c.code), to, true})
	g.emit(o, 0, 0, 0)
}

// round notes the loop that a way back belongs to.
func (g *generator) round(from, to *ir.Block) {
	s := from.LoopSite()
	if s == nil {
		s = to.LoopSite()
	}
	if g.c.rounds == nil {
		g.c.rounds = make(map[int]*ir.Site)
	}
	g.c.rounds[g.starts[to.ID]] = s
}

func (g *generator) patch() {
	for _, j := range g.jumps {
		off := g.starts[j.to.ID] - (j.pc + 1)
		if j.wide {
			g.c.code[j.pc] |= uint64(off) << 16
			continue
		}
		if off != int(int16(off)) {
			panic(errLarge)
		}
		g.c.code[j.pc] |= uint64(uint16(off)) << 48
	}
}
