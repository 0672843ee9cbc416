package native

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"time"
	"unsafe"

	"github.com/groundwork-go/groundwork/calc/internal/builtin"
	"github.com/groundwork-go/groundwork/calc/internal/rt"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
)

// A Machine runs code. It keeps globals and lists from one run to the next; one
// goroutine may use it at a time.
type Machine struct {
	rt.State
	// Stress collects garbage whenever memory is taken.
	Stress bool

	code  *Code
	ctx   []uint64
	stack []byte
	heap  heap
	spend int64     // fuel that was given
	slice int64     // fuel for about half a millisecond
	since time.Time // when it was given
	pins  []uintptr // lists that a builtin works on
}

// New returns a machine for code. Close frees its memory.
func New(code *Code) *Machine {
	m := &Machine{code: code, slice: 20_000}
	m.Live = func() int64 { return m.heap.used }
	m.ctx = make([]uint64, ctxGlobals+len(code.img.prog.Typed.Globals))
	m.heap.roots = m.roots
	m.heap.maps = &mappings{}
	runtime.AddCleanup(m, (*mappings).release, m.heap.maps)
	return m
}

// Close frees the machine's memory, which otherwise goes some time after the
// machine. It may be called again, the machine may not be used.
func (m *Machine) Close() {
	m.heap.maps.release()
	m.heap.mem, m.stack = nil, nil
}

// slack is how far behind its limit the stack is still used: by routines and by
// functions that call none.
const slack = 4096

// maxStack bounds the address space of a stack.
const maxStack = 1 << 30

// prepare makes the stack, which has room for as many of the largest frames as calls
// may be nested; only what is touched takes memory.
func (m *Machine) prepare() error {
	m.heap.limit, m.heap.stress = m.Limits.Memory, m.Stress
	if m.stack != nil {
		return nil
	}
	depth := m.Limits.Depth
	if depth == 0 {
		depth = maxStack
	}
	size := min(maxStack, depth*m.code.img.maxFrame+m.code.img.maxFrame+4*slack)
	size = (size + slack - 1) / slack * slack
	mem, err := reserve(size)
	if err != nil {
		return fmt.Errorf("reserve a stack: %w", err)
	}
	m.stack, m.heap.maps.stack = mem, mem
	low := uintptr(unsafe.Pointer(&mem[0]))
	m.ctx[ctxLimit] = uint64(low) + uint64(2*slack+m.code.img.maxFrame)
	return nil
}

// Run runs the top levels of the program, after giving the host's values to the
// globals of env, and returns the value of the last one.
func (m *Machine) Run(ctx context.Context, env []value.Value) (value.Value, *rt.Fault) {
	prog := m.code.img.prog.Typed
	if err := m.prepare(); err != nil {
		return value.Value{}, m.trace(err)
	}
	for i, v := range prog.Env {
		w, err := m.in(v.Type, env[i])
		if err != nil {
			return value.Value{}, m.trace(err)
		}
		m.ctx[ctxGlobals+v.Index] = w
	}
	var v value.Value
	for _, main := range prog.Mains {
		var err *rt.Fault
		if v, err = m.Call(ctx, main, nil); err != nil {
			return v, err
		}
	}
	return v, nil
}

// Call calls a function.
func (m *Machine) Call(ctx context.Context, fn *typed.Func, args []value.Value) (value.Value, *rt.Fault) {
	defer m.Begin(ctx)()
	err := m.Poll()
	if err == nil {
		err = m.prepare()
	}
	if err != nil {
		return value.Value{}, m.trace(err)
	}
	m.pins = m.pins[:0]
	m.ctx[ctxSP] = 0 // no frames yet
	for i, p := range fn.Params {
		w, err := m.in(p.Type, args[i])
		if err != nil {
			return value.Value{}, m.trace(err)
		}
		m.ctx[ctxArgs+i] = w
		m.pin(p.Type, w)
	}
	m.pins = m.pins[:0]
	if f := m.enter(fn.Index); f != nil {
		return value.Value{}, f
	}
	return m.out(fn.Result, m.ctx[ctxResult]), nil
}

// Words calls a function whose parameters and result are words, outside of any run.
func (m *Machine) Words(fn int, args []uint64) (uint64, *rt.Fault) {
	m.Begin(context.Background())
	if err := m.prepare(); err != nil {
		return 0, m.trace(err)
	}
	copy(m.ctx[ctxArgs:], args)
	f := m.enter(fn)
	return m.ctx[ctxResult], f
}

// enter calls a function whose arguments are in the context.
func (m *Machine) enter(fn int) *rt.Fault {
	m.ctx[ctxSP] = uint64(uintptr(unsafe.Pointer(&m.stack[0]))) + uint64(len(m.stack))
	m.refuel()
	err := m.run(m.code.img.funcs[fn].thunk)
	if err == nil {
		m.ctx[ctxSP] = 0
		return nil
	}
	f := m.trace(err)
	m.ctx[ctxSP] = 0
	return f
}

// refuel gives fuel for about half a millisecond.
func (m *Machine) refuel() {
	m.spend = m.Allowance(m.slice)
	m.ctx[ctxFuel] = uint64(m.spend)
	m.since = time.Now()
}

// spent accounts for fuel that is gone. How much lasts half a millisecond is learnt
// from how long this did.
func (m *Machine) spent() error {
	if err := m.Spend(m.spend + 1); err != nil {
		return err
	}
	const want = 500 * time.Microsecond
	if took := time.Since(m.since); took > 0 && m.spend == m.slice {
		m.slice = min(max(int64(float64(m.slice)*float64(want)/float64(took)), 100), 4*m.slice, 50_000_000)
	}
	m.refuel()
	return nil
}

// run enters code and does what it leaves for.
func (m *Machine) run(at int) error {
	img := m.code.img
	for {
		enter(m.code.base+uintptr(at), unsafe.Pointer(&m.ctx[0]))
		s := img.sites[m.returns(m.ctx[ctxSP])]
		at = img.resume
		switch s.kind {
		case exitDone:
			runtime.KeepAlive(m.code)
			return nil
		case exitPoll:
			if err := m.spent(); err != nil {
				return err
			}
		default:
			if err := m.serve(s); err != nil {
				return err
			}
		}
	}
}

// stackWord returns a word of the stack.
func (m *Machine) stackWord(addr uint64) uint64 {
	low := uint64(uintptr(unsafe.Pointer(&m.stack[0])))
	return *(*uint64)(unsafe.Pointer(&m.stack[addr-low]))
}

// returns returns the address in the code that is at a place of the stack.
func (m *Machine) returns(addr uint64) int {
	return int(m.stackWord(addr) - uint64(m.code.base))
}

// frames calls f with the sites of the active calls, the innermost first, and the
// addresses of their frames.
func (m *Machine) frames(f func(s *site, frame uint64)) {
	at := m.ctx[ctxSP]
	if at == 0 {
		return
	}
	for {
		s := m.code.img.sites[m.returns(at)]
		at += 8
		if s.kind == exitDone {
			return
		}
		if s.kind == exitPoll { // the routine has been called from elsewhere
			continue
		}
		f(s, at)
		at += uint64(s.fn.frame)
	}
}

// roots calls f with the lists that can be reached without any other.
func (m *Machine) roots(f func(uintptr)) {
	for _, p := range m.pins {
		f(p)
	}
	for _, v := range m.code.img.prog.Typed.Globals {
		if isList(v.Type) {
			f(uintptr(m.ctx[ctxGlobals+v.Index]))
		}
	}
	m.frames(func(s *site, frame uint64) {
		for _, n := range s.refs {
			f(uintptr(m.stackWord(frame + uint64(8*n))))
		}
	})
}

// trace describes an error with the calls that are active.
func (m *Machine) trace(err error) *rt.Fault {
	var calls []rt.Activation
	m.frames(func(s *site, _ uint64) {
		for at := s.at; at != nil; at = at.Parent {
			calls = append(calls, rt.Activation{Func: at.Func, Pos: at.Pos})
		}
	})
	mains := m.code.img.prog.Typed.Mains
	return rt.Trace(err, calls, mains[len(mains)-1].File)
}

var (
	errOverflow = errors.New("stack overflow")
	errDivision = errors.New("division by zero")
	errShift    = errors.New("negative shift count")
)

func (m *Machine) arg(n int) uint64 { return m.ctx[ctxArgs+n] }

func (m *Machine) float(n int) float64 { return math.Float64frombits(m.arg(n)) }

// serve does what code has left for.
func (m *Machine) serve(s *site) error {
	switch s.kind {
	case exitOverflow:
		return errOverflow
	case exitDivision:
		return errDivision
	case exitShift:
		return errShift
	case exitIndex:
		return builtin.OutOfRange(int64(m.arg(0)), int(m.arg(1)))
	case exitToInt:
		return fmt.Errorf("int out of range: %s", value.AppendFloat(nil, m.float(0)))
	case exitMath:
		m.ctx[ctxResult] = math.Float64bits(s.value.Aux.(*typed.Builtin).F1(m.float(0)))
	case exitMath2:
		m.ctx[ctxResult] = math.Float64bits(s.value.Aux.(*typed.Builtin).F2(m.float(0), m.float(1)))
	case exitNewList:
		list, err := m.heap.list(value.Rep(s.value.Bits&0xff), int(s.value.Bits>>8))
		if err != nil {
			return err
		}
		m.ctx[ctxResult] = uint64(list)
	case exitPush:
		list := uintptr(m.arg(0))
		m.pins = append(m.pins[:0], list)
		err := m.heap.resize(list, int(*m.heap.word(list, 1))*2+4)
		m.pins = m.pins[:0]
		return err
	case exitBuiltin:
		err := m.builtin(s)
		m.pins = m.pins[:0]
		if err != nil {
			return err
		}
		return m.Poll()
	default:
		panic(fmt.Sprintf("native: exit %d", s.kind))
	}
	return nil
}

// given is a list that a builtin is given, as it sees it.
type given struct {
	head uintptr
	obj  *value.Obj
}

// builtin calls a builtin, which works on lists of Go's that have the memory of
// those here, and then takes over what has become of them.
func (m *Machine) builtin(s *site) error {
	b := s.value.Aux.(*typed.Builtin)
	if b.Name == "list" {
		return m.repeat(b)
	}
	var lists []given
	args, err := m.arguments(s.args, &lists)
	if err != nil {
		return err
	}
	v, err := b.Call(m, args)
	if err != nil {
		return err
	}
	for _, g := range lists {
		if err := m.takeOver(g); err != nil {
			return err
		}
	}
	if b.Result.IsValue() {
		w, err := m.in(b.Result, v)
		if err != nil {
			return err
		}
		m.ctx[ctxResult] = w
	}
	return nil
}

func (m *Machine) arguments(list []argument, lists *[]given) ([]value.Value, error) {
	args := make([]value.Value, len(list))
	for i, a := range list {
		switch {
		case a.inner != nil:
			inner, err := m.arguments(a.args, lists)
			if err != nil {
				return nil, err
			}
			if args[i], err = a.inner.Call(m, inner); err != nil {
				return nil, err
			}
		case a.known:
			args[i] = a.con
		case a.list:
			head := uintptr(m.arg(a.n))
			m.pins = append(m.pins, head)
			args[i].P = m.wrap(head)
			*lists = append(*lists, given{head, args[i].P})
		default:
			args[i].N = m.arg(a.n)
		}
	}
	return args, nil
}

// wrap returns a list of Go's with the memory of one here. It has no room to spare,
// so that what makes it longer moves it.
func (m *Machine) wrap(head uintptr) *value.Obj {
	if m.heap.rep(head) == value.RepByte {
		return value.NewBytes(m.heap.bytes(head))
	}
	return value.NewWords(m.heap.words(head))
}

// takeOver makes a list what a builtin has made of it.
func (m *Machine) takeOver(g given) error {
	rep := m.heap.rep(g.head)
	n := value.Len(rep, g.obj)
	if err := m.heap.resize(g.head, n); err != nil {
		return err
	}
	*m.heap.word(g.head, 1) = uint64(n)
	m.fill(g.head, g.obj)
	return nil
}

func (m *Machine) fill(head uintptr, from *value.Obj) {
	if from.Kind == value.KBytes {
		copy(m.heap.bytes(head), from.Bytes().A)
	} else {
		copy(m.heap.words(head), from.Words().A)
	}
}

// repeat is list(n, v).
func (m *Machine) repeat(b *typed.Builtin) error {
	n, v, rep := int64(m.arg(0)), m.arg(1), value.RepOf(b.Result.Decided().Elem)
	if n < 0 {
		return errors.New("negative count")
	}
	if n > 1<<40 {
		return rt.MemoryError(m.Limits.Memory)
	}
	list, err := m.heap.list(rep, int(n))
	if err != nil {
		return err
	}
	if rep == value.RepByte {
		repeat(m.heap.bytes(list), byte(v))
	} else {
		repeat(m.heap.words(list), v)
	}
	m.ctx[ctxResult] = uint64(list)
	return nil
}

// repeat fills a list, copying what is filled already.
func repeat[T any](list []T, v T) {
	if len(list) == 0 {
		return
	}
	list[0] = v
	for n := 1; n < len(list); n *= 2 {
		copy(list[n:], list[:min(n, 4096)])
		if n >= 4096 {
			for ; n < len(list); n += 4096 {
				copy(list[n:], list[:4096])
			}
			return
		}
	}
}

// in makes a word of a value of Go's side; lists are copied.
func (m *Machine) in(t *types.Type, v value.Value) (uint64, error) {
	if !isList(t) {
		return v.N, nil
	}
	rep := value.RepOf(t.Decided().Elem)
	list, err := m.heap.list(rep, value.Len(rep, v.P))
	if err != nil {
		return 0, err
	}
	m.fill(list, v.P)
	return uint64(list), nil
}

// out makes a value of Go's side; lists are copied.
func (m *Machine) out(t *types.Type, w uint64) value.Value {
	if !isList(t) {
		return value.Value{N: w}
	}
	rep := value.RepOf(t.Decided().Elem)
	return value.Ref(value.Sub(rep, m.wrap(uintptr(w)), 0, int(*m.heap.word(uintptr(w), 1))))
}

func (m *Machine) pin(t *types.Type, w uint64) {
	if isList(t) {
		m.pins = append(m.pins, uintptr(w))
	}
}
