package native

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/groundwork-go/groundwork/calc/internal/amd64"
	"github.com/groundwork-go/groundwork/calc/internal/ir"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
)

// Registers with a task of their own.
const (
	ctx  = amd64.R15
	fuel = amd64.R14
	rax  = amd64.RAX
	rcx  = amd64.RCX
	rdx  = amd64.RDX
	xmm0 = amd64.Xmm(0)
	xmm1 = amd64.Xmm(1)
)

// The context, in words. entry_amd64.s knows the first five.
const (
	ctxGoSP = iota
	ctxGoBP
	ctxSP
	ctxFuel
	ctxLimit
	ctxResult
	ctxSave    // of the registers, while the code is away between rounds
	ctxArgs    = ctxSave + 26
	ctxGlobals = ctxArgs + 64
)

func field(n int) amd64.Mem { return amd64.At(ctx, 8*n) }

// exitKind is why code has left.
type exitKind uint8

const (
	exitDone exitKind = iota
	exitPoll
	exitOverflow
	exitDivision
	exitShift
	exitIndex // arguments: index, length
	exitToInt // argument: the float
	exitBuiltin
	exitMath
	exitMath2
	exitNewList
	exitPush
	call // no exit: a function was called from here
)

// site is a place in the code from which calls and exits return, known by the
// address behind it.
type site struct {
	kind  exitKind
	fn    *function
	at    *ir.Site
	value *ir.Value
	args  []argument // of a builtin
	refs  []int      // slots of references that are alive
}

// argument is what Go is given: word n of the context, a constant, or the result
// of a builtin that Go does first.
type argument struct {
	n     int
	con   value.Value
	known bool
	inner *typed.Builtin
	args  []argument
	t     *types.Type // of a list
	list  bool
}

// function is a function's code.
type function struct {
	typed *typed.Func
	entry int // for calls from code
	thunk int // for calls from Go
	frame int // bytes
}

// Image is code that is not yet in executable memory.
type Image struct {
	Code     []byte
	prog     *ir.Program
	funcs    []function // by typed.Func.Index
	sites    map[int]*site
	resume   int
	maxFrame int
	lines    []amd64.Line
}

// Print writes the listing.
func (img *Image) Print(w io.Writer) {
	for i, l := range img.lines {
		end := len(img.Code)
		if i+1 < len(img.lines) {
			end = img.lines[i+1].At
		}
		if end == l.At {
			fmt.Fprintln(w, l.Text)
			continue
		}
		fmt.Fprintf(w, "%6x  %-24x %s\n", l.At, img.Code[l.At:min(end, l.At+11)], l.Text)
	}
}

// generator makes the code of all functions.
type generator struct {
	amd64.Assembler
	img    *Image
	exit   int // routines
	poll   int
	calls  []fixup
	consts []constant
	known  map[uint64]int // index in consts

	// leaf tells that the code is a Leaf: it runs on Go's stack without a context.
	leaf  bool
	loops bool // there are

	unlimited bool

	// Of the function that is being made.
	f      *ir.Func
	fn     *function
	lives  *ir.Lives
	folded []bool
	texts  map[*ir.Value]bool
	alloc  *allocation
	labels []int // of blocks, by ID; -1: not yet
	index  []int
	jumps  []jump
	stubs  []stub
	cache  [16]*web // what registers hold that is in the frame
	caches map[*ir.Block][16]*web
}

type fixup struct{ place, fn int }

type jump struct {
	place int
	to    *ir.Block
}

// constant is a float in the code, with the operands that name it.
type constant struct {
	bits   uint64
	places []int
}

// stub is code that is rarely needed, behind the function.
type stub struct {
	place int // of the jump to it
	emit  func()
}

// Options tune Compile.
type Options struct {
	// List makes a listing.
	List bool

	// Unlimited leaves out what ends a run early: the test of the fuel and of the
	// end of the stack. It is there to measure what they cost.
	Unlimited bool
}

// Compile makes the code of a program, or returns an error that wraps ErrSubset.
func Compile(p *ir.Program, o Options) (*Image, error) {
	if err := checkProgram(p); err != nil {
		return nil, err
	}
	img := &Image{prog: p, funcs: make([]function, len(p.Funcs)), sites: make(map[int]*site)}
	g := &generator{img: img, known: make(map[uint64]int)}
	g.List, g.unlimited = o.List, o.Unlimited
	defer func() {
		if r := recover(); r != nil {
			panic(g.f.Located(r))
		}
	}()
	g.routines()
	for i, f := range p.Funcs {
		g.function(f, &img.funcs[i])
	}
	for i, f := range p.Funcs {
		g.thunk(f, &img.funcs[i])
	}
	for _, c := range g.calls {
		g.Patch(c.place, img.funcs[c.fn].entry)
	}
	g.constants()
	img.Code, img.lines = g.Code, g.Lines
	return img, nil
}

// constants appends the constant floats.
func (g *generator) constants() {
	for len(g.Code)%8 != 0 {
		g.Code = append(g.Code, 0xcc)
	}
	for _, c := range g.consts {
		at := len(g.Code)
		g.Code = binary.LittleEndian.AppendUint64(g.Code, c.bits)
		for _, p := range c.places {
			g.Patch(p, at)
		}
	}
}

// routines emits how code leaves and comes back. The address behind the call of exit
// tells Go why.
func (g *generator) routines() {
	g.Note("exit:")
	g.exit = len(g.Code)
	g.Store(field(ctxSP), amd64.RSP)
	g.Store(field(ctxFuel), fuel)
	g.Load(amd64.RSP, field(ctxGoSP))
	g.Load(amd64.RBP, field(ctxGoBP))
	g.Ret()
	g.img.resume = len(g.Code)
	g.Ret()
	g.Note("poll:")
	g.poll = len(g.Code)
	for i, r := range wordRegs {
		g.Store(field(ctxSave+i), r)
	}
	for i, x := range floatRegs {
		g.StoreF(field(ctxSave+len(wordRegs)+i), x)
	}
	g.leave(&site{kind: exitPoll})
	for i, r := range wordRegs {
		g.Load(r, field(ctxSave+i))
	}
	for i, x := range floatRegs {
		g.LoadF(x, field(ctxSave+len(wordRegs)+i))
	}
	g.Ret()
}

// leave emits an exit to Go.
func (g *generator) leave(s *site) {
	if g.leaf {
		g.leaveLeaf(1)
		return
	}
	s.fn = g.fn
	g.Patch(g.Call(), g.exit)
	g.img.sites[len(g.Code)] = s
}

// thunk emits how Go calls a function: with arguments in the context.
func (g *generator) thunk(f *ir.Func, fn *function) {
	g.fn = &function{}
	if g.List {
		g.Note(fmt.Sprintf("%s#%d, from Go:", f.Name(), f.Typed.Index))
	}
	fn.thunk = len(g.Code)
	words, floats := 0, 0
	for i, p := range f.Params {
		if p.Type == ir.Float {
			g.LoadF(floatRegs[floats], field(ctxArgs+i))
			floats++
		} else {
			g.Load(wordRegs[words], field(ctxArgs+i))
			words++
		}
	}
	g.calls = append(g.calls, fixup{g.Call(), f.Typed.Index})
	g.img.sites[len(g.Code)] = &site{kind: exitDone, fn: g.fn}
	switch f.Result {
	case ir.None:
	case ir.Float:
		g.StoreF(field(ctxResult), xmm0)
	default:
		g.Store(field(ctxResult), rax)
	}
	g.leave(&site{kind: exitDone})
	g.Trap()
}

func (g *generator) function(f *ir.Func, fn *function) {
	f.Expose()
	order := f.Layout()
	g.f, g.fn = f, fn
	g.texts = foldedTexts(f)
	g.fold(order)
	g.lives = f.Live(order, g.folded)
	var calls []int32
	for _, b := range order {
		for _, v := range b.Values {
			if !g.folded[v.ID] && calling(v) {
				calls = append(calls, g.lives.Pos[v.ID])
			}
		}
	}
	slices.Sort(calls)
	g.alloc = allocate(f, g.lives, g.folded, calls)
	fn.typed, fn.frame, fn.entry = f.Typed, 8*g.alloc.slots, len(g.Code)
	g.img.maxFrame = max(g.img.maxFrame, fn.frame+8)
	g.labels, g.index = make([]int, f.NumBlocks()), make([]int, f.NumBlocks())
	for i, b := range order {
		g.labels[b.ID], g.index[b.ID] = -1, i
	}
	if g.List {
		g.Note(fmt.Sprintf("%s#%d:", f.Name(), f.Typed.Index))
	}
	g.jumps, g.stubs = nil, nil
	g.cache, g.caches = [16]*web{}, make(map[*ir.Block][16]*web)
	g.prologue(calls)
	for i, b := range order {
		g.labels[b.ID] = len(g.Code)
		if i > 0 {
			g.cache = [16]*web{}
			if len(b.Preds) == 1 {
				g.cache = g.caches[b.Preds[0]]
			}
		}
		if g.List {
			g.Note(fmt.Sprintf("b%d:", b.ID))
		}
		for _, v := range b.Values {
			if g.folded[v.ID] {
				continue
			}
			if g.List {
				g.Note("        ; " + v.LongString())
			}
			g.value(v)
		}
		var next *ir.Block
		if i+1 < len(order) {
			next = order[i+1]
		}
		g.end(b, next)
		g.caches[b] = g.cache
	}
	for len(g.stubs) > 0 {
		s := g.stubs[0]
		g.stubs = g.stubs[1:]
		g.Patch(s.place, len(g.Code))
		s.emit()
	}
	for _, j := range g.jumps {
		g.Patch(j.place, g.labels[j.to.ID])
	}
}

// calling tells whether an instruction keeps no register.
func calling(v *ir.Value) bool {
	switch v.Op {
	case ir.Call, ir.Builtin, ir.Math, ir.Math2, ir.NewList, ir.Push:
		return true
	}
	return false
}

// fold finds the values that need no code of their own: constants, comparisons that
// a branch makes, texts that Go makes.
func (g *generator) fold(order []*ir.Block) {
	g.folded = make([]bool, g.f.NumValues())
	uses := make([]int, g.f.NumValues())
	for _, b := range order {
		for _, v := range b.Values {
			g.folded[v.ID] = v.IsConst() || g.texts[v]
			for _, a := range v.Args {
				uses[a.ID]++
			}
		}
		if b.Control != nil {
			uses[b.Control.ID]++
		}
	}
	for _, b := range order {
		for c := b.Control; b.Kind == ir.If && uses[c.ID] == 1 && (c.Op == ir.Not || compares(c.Op)); c = c.Args[0] {
			g.folded[c.ID] = true
			if c.Op != ir.Not {
				break
			}
		}
	}
}

func compares(o ir.Op) bool {
	return o >= ir.Eq && o <= ir.Ge || o >= ir.FEq && o <= ir.FGe
}

// prologue makes the frame, looks for the end of the stack and of the fuel, and puts
// the parameters into their places.
func (g *generator) prologue(calls []int32) {
	if g.fn.frame > 0 {
		g.AluImm(amd64.SubOp, amd64.RSP, int32(g.fn.frame))
	}
	if len(calls) > 0 && !g.unlimited {
		g.AluMem(amd64.CmpOp, amd64.RSP, field(ctxLimit))
		g.stub(g.JumpIf(amd64.Below), func() { g.leave(&site{kind: exitOverflow}) })
		g.round(nil)
	}
	var list []move
	words, floats := 0, 0
	for _, p := range g.f.Params {
		m := move{to: g.alloc.of(p), float: p.Type == ir.Float, from: place{inReg, words}}
		if m.float {
			m.from = place{inXmm, floats}
			floats++
		} else {
			words++
		}
		if g.lives.Uses[p.ID] == 0 {
			continue
		}
		list = append(list, m)
	}
	g.moves(list)
	for i, m := range list {
		if m.to.kind == inSlot && m.from.kind == inReg && !slices.ContainsFunc(list, func(n move) bool { return n.to == m.from }) {
			g.cache[wordRegs[m.from.n]] = g.alloc.webs[g.param(i)]
		}
	}
}

// param returns the ID of the i-th parameter that is used.
func (g *generator) param(i int) int {
	for _, p := range g.f.Params {
		if g.lives.Uses[p.ID] > 0 {
			if i == 0 {
				return p.ID
			}
			i--
		}
	}
	return -1
}

// stub emits code behind the function for a jump.
func (g *generator) stub(place int, emit func()) { g.stubs = append(g.stubs, stub{place, emit}) }

// round counts a call or a round of a loop; without fuel it comes back to Go.
func (g *generator) round(at *ir.Site) {
	g.loops = true
	if g.unlimited {
		return
	}
	g.AluImm(amd64.SubOp, fuel, 1)
	place := g.JumpIf(amd64.Sign)
	back := len(g.Code)
	g.stub(place, func() {
		g.Patch(g.Call(), g.poll)
		g.img.sites[len(g.Code)] = &site{kind: call, fn: g.fn, at: at}
		g.Patch(g.Jump(), back)
	})
}

// float notes that the operand that ends at place names a constant float.
func (g *generator) float(bits uint64, place int) {
	i, ok := g.known[bits]
	if !ok {
		i = len(g.consts)
		g.known[bits] = i
		g.consts = append(g.consts, constant{bits: bits})
	}
	g.consts[i].places = append(g.consts[i].places, place)
}

func slot(n int) amd64.Mem { return amd64.At(amd64.RSP, 8*n) }

// at returns where a value is; folded ones are nowhere.
func (g *generator) at(v *ir.Value) place {
	if g.folded[v.ID] {
		return place{}
	}
	return g.alloc.of(v)
}

// small returns a constant that fits an operand.
func small(v *ir.Value) (int32, bool) {
	n := int64(v.Bits)
	return int32(n), v.Op == ir.Const && v.Type != ir.Float && n == int64(int32(n))
}

// cached returns a register that holds what is in a slot too.
func (g *generator) cached(v *ir.Value) (amd64.Reg, bool) {
	for r, w := range g.cache {
		if w != nil && w == g.alloc.webs[v.ID] {
			return amd64.Reg(r), true
		}
	}
	return 0, false
}

// src returns a register with a word: its own, or scratch.
func (g *generator) src(v *ir.Value, scratch amd64.Reg) amd64.Reg {
	switch p := g.at(v); p.kind {
	case inReg:
		return wordRegs[p.n]
	case inSlot:
		if r, ok := g.cached(v); ok {
			return r
		}
		g.Load(scratch, slot(p.n))
	default:
		g.MovImm(scratch, int64(v.Bits))
	}
	return scratch
}

// srcF returns a register with a float: its own, or scratch.
func (g *generator) srcF(v *ir.Value, scratch amd64.Xmm) amd64.Xmm {
	switch p := g.at(v); p.kind {
	case inXmm:
		return floatRegs[p.n]
	case inSlot:
		g.LoadF(scratch, slot(p.n))
	default:
		g.loadConst(scratch, v.Bits)
	}
	return scratch
}

func (g *generator) loadConst(x amd64.Xmm, bits uint64) {
	if bits == 0 {
		g.XorF(x, x)
		return
	}
	g.float(bits, g.LoadConst(x))
}

// dst returns the register in which a word is computed; done puts it where it
// belongs.
func (g *generator) dst(v *ir.Value) amd64.Reg {
	if p := g.at(v); p.kind == inReg {
		g.cache[wordRegs[p.n]] = nil
		return wordRegs[p.n]
	}
	return rax
}

func (g *generator) done(v *ir.Value, r amd64.Reg) {
	switch p := g.at(v); p.kind {
	case inReg:
		if wordRegs[p.n] != r {
			g.cache[wordRegs[p.n]] = nil
			g.Mov(wordRegs[p.n], r)
		}
	case inSlot:
		g.forget(v)
		g.Store(slot(p.n), r)
	}
}

// forget drops what registers mirror of a value's place.
func (g *generator) forget(v *ir.Value) {
	for r, w := range g.cache {
		if w != nil && w.at == g.alloc.of(v) {
			g.cache[r] = nil
		}
	}
}

func (g *generator) dstF(v *ir.Value) amd64.Xmm {
	if p := g.at(v); p.kind == inXmm {
		return floatRegs[p.n]
	}
	return xmm0
}

func (g *generator) doneF(v *ir.Value, x amd64.Xmm) {
	switch p := g.at(v); p.kind {
	case inXmm:
		if floatRegs[p.n] != x {
			g.MovF(floatRegs[p.n], x)
		}
	case inSlot:
		g.StoreF(slot(p.n), x)
	}
}

// move is one of several moves that happen at once; from is nowhere for a constant.
type move struct {
	to    place
	from  place
	bits  uint64
	float bool
}

// moves makes moves as if all sources were read first.
func (g *generator) moves(list []move) {
	var pending []move
	for _, m := range list {
		if m.to.kind != nowhere && m.to != m.from {
			pending = append(pending, m)
		}
	}
	for len(pending) > 0 {
		done := false
		for i, m := range pending {
			if slices.ContainsFunc(pending, func(n move) bool { return n.from == m.to }) {
				continue
			}
			g.move(m)
			pending = slices.Delete(pending, i, i+1)
			done = true
			break
		}
		if done {
			continue
		}
		// A circle: its first source is put aside, where nothing else is.
		m := &pending[0]
		from := m.from
		aside := place{scratchWord, 0}
		if m.float {
			aside = place{scratchFloat, 0}
		}
		g.move(move{to: aside, from: from, float: m.float})
		for i := range pending {
			if pending[i].from == from {
				pending[i].from = aside
			}
		}
	}
}

// Places that only moves know: RDX and XMM1.
const (
	scratchWord placeKind = iota + 10
	scratchFloat
)

func (g *generator) move(m move) {
	if m.float {
		g.moveFloat(m)
		return
	}
	reg := func(p place) (amd64.Reg, bool) {
		switch p.kind {
		case inReg:
			return wordRegs[p.n], true
		case scratchWord:
			return rdx, true
		}
		return rax, false
	}
	from, fromReg := reg(m.from)
	to, toReg := reg(m.to)
	if toReg {
		g.cache[to] = nil
	}
	switch {
	case m.from.kind == nowhere && toReg:
		g.MovImm(to, int64(m.bits))
	case m.from.kind == nowhere && int64(m.bits) == int64(int32(m.bits)):
		g.StoreImm(slot(m.to.n), int32(m.bits))
	case m.from.kind == nowhere:
		g.MovImm(rax, int64(m.bits))
		g.Store(slot(m.to.n), rax)
	case fromReg && toReg:
		g.Mov(to, from)
	case fromReg:
		g.Store(slot(m.to.n), from)
	case toReg:
		g.Load(to, slot(m.from.n))
	default:
		g.Load(rax, slot(m.from.n))
		g.Store(slot(m.to.n), rax)
	}
	if m.to.kind == inSlot {
		for r, w := range g.cache {
			if w != nil && w.at == m.to {
				g.cache[r] = nil
			}
		}
	}
}

func (g *generator) moveFloat(m move) {
	reg := func(p place) (amd64.Xmm, bool) {
		switch p.kind {
		case inXmm:
			return floatRegs[p.n], true
		case scratchFloat:
			return xmm1, true
		}
		return xmm0, false
	}
	from, fromReg := reg(m.from)
	to, toReg := reg(m.to)
	switch {
	case m.from.kind == nowhere:
		g.loadConst(to, m.bits)
	case fromReg && toReg:
		g.MovF(to, from)
	case fromReg:
		to = from
	default:
		g.LoadF(to, slot(m.from.n))
	}
	if !toReg {
		g.StoreF(slot(m.to.n), to)
	}
}

// end emits how a block ends; next follows it.
func (g *generator) end(b, next *ir.Block) {
	switch b.Kind {
	case ir.Jump:
		g.phis(b)
		if b.Succs[0] != next || g.backward(b, b.Succs[0]) {
			g.jump(b, b.Succs[0])
		}
	case ir.If:
		yes, no := b.Succs[0], b.Succs[1]
		switch {
		case yes == next:
			g.branch(b, b.Control, no, false)
		case no == next:
			g.branch(b, b.Control, yes, true)
		default:
			g.branch(b, b.Control, yes, true)
			g.jump(b, no)
		}
	case ir.Return:
		g.ret(b.Control)
	case ir.Stop:
		g.Trap()
	}
}

// phis moves what the block's successor joins.
func (g *generator) phis(b *ir.Block) {
	s := b.Succs[0]
	i := slices.Index(s.Preds, b)
	var list []move
	for _, phi := range s.Phis() {
		arg := phi.Args[i]
		list = append(list, move{to: g.at(phi), from: g.at(arg), bits: arg.Bits, float: phi.Type == ir.Float})
	}
	g.moves(list)
}

func (g *generator) ret(v *ir.Value) {
	if v != nil {
		if v.Type == ir.Float {
			if x := g.srcF(v, xmm0); x != xmm0 {
				g.MovF(xmm0, x)
			}
		} else if r := g.src(v, rax); r != rax {
			g.Mov(rax, r)
		}
	}
	if g.leaf {
		if v != nil && v.Type == ir.Float {
			g.BitsOfF(rax, xmm0)
		}
		g.leaveLeaf(0)
		return
	}
	if g.fn.frame > 0 {
		g.AluImm(amd64.AddOp, amd64.RSP, int32(g.fn.frame))
	}
	g.Ret()
}

func (g *generator) backward(from, to *ir.Block) bool { return g.index[to.ID] <= g.index[from.ID] }

// target is where a jump to a block leads: empty blocks are passed over.
func (g *generator) target(b *ir.Block) *ir.Block {
	for n := 0; n < 100 && b.Kind == ir.Jump && g.empty(b); n++ {
		b = b.Succs[0]
	}
	return b
}

func (g *generator) empty(b *ir.Block) bool {
	for _, v := range b.Values {
		if !g.folded[v.ID] {
			return false
		}
	}
	i := slices.Index(b.Succs[0].Preds, b)
	for _, phi := range b.Succs[0].Phis() {
		if arg := phi.Args[i]; g.folded[arg.ID] || g.at(arg) != g.at(phi) {
			return false
		}
	}
	return true
}

func (g *generator) loopSite(from, to *ir.Block) *ir.Site {
	if s := from.LoopSite(); s != nil {
		return s
	}
	return to.LoopSite()
}

func (g *generator) jump(from, to *ir.Block) {
	to = g.target(to)
	if g.backward(from, to) {
		g.round(g.loopSite(from, to))
	}
	g.jumps = append(g.jumps, jump{g.Jump(), to})
}

// jumpIf emits a conditional jump. A way back counts a round where it is taken: so
// it goes over code of its own, unless that comes before the test.
func (g *generator) jumpIf(from, to *ir.Block, c amd64.Cond) {
	to = g.target(to)
	g.jumps = append(g.jumps, jump{g.JumpIf(c), to})
}

// before counts a round ahead of a test that may lead back.
func (g *generator) before(from, to *ir.Block) {
	if to = g.target(to); g.backward(from, to) {
		g.round(g.loopSite(from, to))
	}
}

func floatBits(x float64) uint64 { return math.Float64bits(x) }
