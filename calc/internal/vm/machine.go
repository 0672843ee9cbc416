// Package vm runs programs in the form of package ir as code for a register machine.
//
// Types are static, so that instructions know what their operands are: no value
// carries a tag, and none is in an interface. Words and references have registers of
// their own, in two stacks, so that Go's collector sees each reference as one.
package vm

import (
	"context"
	"errors"
	"sort"
	"unsafe"

	"github.com/groundwork-go/groundwork/calc/internal/ir"
	"github.com/groundwork-go/groundwork/calc/internal/rt"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/value"
)

// A Machine runs code. It keeps the globals from one run to the next; one goroutine
// may use it at a time.
type Machine struct {
	rt.State
	code        *Code
	globalWords []uint64
	globalRefs  []*value.Obj

	words []uint64     // the stack of word windows
	refs  []*value.Obj // of reference windows
	limit uintptr      // a window that begins behind this needs a larger stack

	// The state of the running code, while fast does not hold it.
	start unsafe.Pointer // of all code
	pc    unsafe.Pointer
	w, r  unsafe.Pointer
	fuel  int64 // calls and rounds until something has to be looked at
	depth int   // calls that may still be nested
	// atRound tells that the run has ended between rounds of a loop, at pc.
	atRound bool

	args []value.Value // of a builtin
}

// New returns a machine without globals.
func New() *Machine {
	m := &Machine{}
	m.Live = m.live
	return m
}

// Run runs the top levels of code, after giving the host's values to the globals of
// env, and returns the value of the last one.
func (m *Machine) Run(ctx context.Context, code *Code, env []value.Value, args []string) (value.Value, *rt.Fault) {
	prog := code.prog
	m.code = code
	if n := len(prog.Globals) - len(m.globalWords); n > 0 {
		m.globalWords = append(m.globalWords, make([]uint64, n)...)
		m.globalRefs = append(m.globalRefs, make([]*value.Obj, n)...)
	}
	for i, v := range prog.Env {
		m.globalWords[v.Index], m.globalRefs[v.Index] = env[i].N, env[i].P
	}
	if a := prog.Args; a != nil && m.globalRefs[a.Index] == nil {
		refs := make([]*value.Obj, len(args))
		for i, s := range args {
			refs[i] = value.NewStr(s)
		}
		m.globalRefs[a.Index] = value.NewRefs(refs)
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

// first is how many words a new stack has besides the largest window.
const first = 128

// Call calls a function.
func (m *Machine) Call(ctx context.Context, fn *typed.Func, args []value.Value) (value.Value, *rt.Fault) {
	defer m.Begin(ctx)()
	if err := m.Poll(); err != nil {
		return value.Value{}, m.trace(err)
	}
	if len(m.words) < first+2*m.code.window {
		m.stacks(first + 2*m.code.window)
	}
	f := &m.code.funcs[fn.Index]
	// The window of the caller is one word and one reference, for the result; this
	// window begins behind it and goes on at the end of the code.
	m.words[0], m.refs[0] = 0, nil
	words, refs := 2, 1
	m.words[1] = 2 * 8
	for i, p := range fn.Params {
		if ir.TypeOf(p.Type) == ir.Ref {
			m.refs[refs] = args[i].P
			refs++
		} else {
			m.words[words] = args[i].N
			words++
		}
	}
	defer m.forget()
	if err := m.run(f.entry); err != nil {
		return value.Value{}, m.trace(err, m.pcs()...)
	}
	if f.result == ir.Ref {
		return value.Ref(m.refs[0]), nil
	}
	return value.Value{N: m.words[0]}, nil
}

// Words calls a function of code whose parameters and result are words, outside of
// any run: without context, and without steps to count.
func (m *Machine) Words(code *Code, fn int, args []uint64) (uint64, *rt.Fault) {
	m.code = code
	m.Begin(context.Background())
	if len(m.words) < first+2*code.window {
		m.stacks(first + 2*code.window)
	}
	m.words[0], m.words[1] = 0, 2*8
	copy(m.words[2:], args)
	if err := m.run(code.funcs[fn].entry); err != nil {
		f := m.trace(err, m.pcs()...)
		m.forget()
		return 0, f
	}
	x := m.words[0]
	if code.refs {
		m.forget()
	}
	return x, nil
}

// stacks makes room for n words and references.
func (m *Machine) stacks(n int) {
	words, refs := make([]uint64, n), make([]*value.Obj, n)
	copy(words, m.words)
	copy(refs, m.refs)
	m.words, m.refs = words, refs
	m.limit = uintptr(unsafe.Pointer(&words[0])) + uintptr(n-m.code.window)*8
}

// maxWords bounds a stack of words.
const maxWords = 16 << 20

// grow makes the stacks larger; the windows move with them.
func (m *Machine) grow() {
	w, r := m.wordAt(m.w), m.refAt(m.r)
	m.stacks(2 * len(m.words))
	m.w, m.r = unsafe.Pointer(&m.words[w]), unsafe.Pointer(&m.refs[r])
}

func (m *Machine) wordAt(w unsafe.Pointer) int {
	return int(uintptr(w)-uintptr(unsafe.Pointer(&m.words[0]))) / 8
}

func (m *Machine) refAt(r unsafe.Pointer) int {
	return int(uintptr(r)-uintptr(unsafe.Pointer(&m.refs[0]))) / refSize
}

func (m *Machine) pcAt(pc unsafe.Pointer) int {
	return int(uintptr(pc)-uintptr(unsafe.Pointer(&m.code.code[0]))) / 8
}

// forget drops the references that a call has left behind.
func (m *Machine) forget() {
	if len(m.refs) > 1<<16 { // a deep recursion is rare
		m.words, m.refs = nil, nil
	} else {
		clear(m.refs)
	}
	m.pc, m.w, m.r = nil, nil, nil
	clear(m.args)
}

var (
	errOverflow   = errors.New("stack overflow")
	errDivision   = errors.New("division by zero")
	errShift      = errors.New("negative shift count")
	errNil        = errors.New("nil value")
	errMapChanged = errors.New("map changed in loop")
)

// pcs returns where the active calls are, the innermost first, as indices of code.
func (m *Machine) pcs() []int {
	list := []int{m.pcAt(m.pc) - 1}
	for w := m.wordAt(m.w); w > 1; {
		ret := int(m.words[w]) / 8
		list = append(list, ret-2)
		w -= int(m.code.code[ret-2] >> 16 & 0xffff)
	}
	return list
}

// trace describes an error with the calls that are active.
func (m *Machine) trace(err error, pcs ...int) *rt.Fault {
	var calls []rt.Activation
	for i, pc := range pcs {
		s := m.code.site(pc)
		if i == 0 && m.atRound {
			s = m.code.rounds[pc+1]
			m.atRound = false
		}
		for ; s != nil; s = s.Parent {
			calls = append(calls, rt.Activation{Func: s.Func, Pos: s.Pos})
		}
	}
	mains := m.code.prog.Mains
	return rt.Trace(err, calls, mains[len(mains)-1].File)
}

// site returns the place of an instruction, or nil.
func (c *Code) site(pc int) *ir.Site {
	i := sort.Search(len(c.sites), func(i int) bool { return c.sites[i].pc >= pc })
	if i < len(c.sites) && c.sites[i].pc == pc {
		return c.sites[i].at
	}
	return nil
}

// live returns the bytes that registers and globals refer to.
func (m *Machine) live() int64 {
	var meter rt.Meter
	for _, p := range m.globalRefs {
		meter.Add(p)
	}
	if m.r == nil {
		return meter.Bytes
	}
	top := m.refAt(m.r) + m.code.window
	if f := m.code.function(m.pcAt(m.pc) - 1); f != nil {
		top = m.refAt(m.r) + f.refs
	}
	top = min(top, len(m.refs))
	for _, p := range m.refs[:top] {
		meter.Add(p)
	}
	clear(m.refs[top:])
	return meter.Bytes
}

// function returns the function that an instruction belongs to.
func (c *Code) function(pc int) *function {
	for i := range c.funcs {
		if f := &c.funcs[i]; f.entry <= pc && pc < f.end {
			return f
		}
	}
	return nil
}

// builtin calls a builtin; its arguments and its result are in registers.
func (m *Machine) builtin(c *runtimeCall) error {
	args := m.args[:0]
	for i := range c.args {
		a := &c.args[i]
		switch a.kind {
		case inWord:
			args = append(args, value.Value{N: *word(m.w, uint64(a.reg))})
		case inRef:
			args = append(args, value.Value{P: *ref(m.r, uint64(a.reg))})
		default:
			args = append(args, a.con)
		}
	}
	m.args = args
	v, err := c.call(m, args)
	if err != nil {
		return err
	}
	if err := m.Poll(); err != nil { // a builtin may take longer than many rounds
		return err
	}
	switch c.result.kind {
	case inWord:
		*word(m.w, uint64(c.result.reg)) = v.N
	case inRef:
		*ref(m.r, uint64(c.result.reg)) = v.P
	}
	return nil
}

// closure makes a function value.
func (m *Machine) closure(c *closure) *value.Obj {
	var env []value.Value
	if len(c.captures) > 0 {
		env = make([]value.Value, len(c.captures))
	}
	for i, a := range c.captures {
		switch a.kind {
		case inWord:
			env[i].N = *word(m.w, uint64(a.reg))
		case inRef:
			env[i].P = *ref(m.r, uint64(a.reg))
		default:
			env[i] = a.con
		}
	}
	return value.NewClosure(c.fn, env)
}

// refSize is what a reference takes, as a constant that fits any type.
const refSize = 4 << (^uintptr(0) >> 63)

// word and ref return registers. The generator has seen to it that they are within
// their windows, and calls that windows are within the stacks.
func word(w unsafe.Pointer, i uint64) *uint64 { return (*uint64)(unsafe.Add(w, i*8)) }

func ref(r unsafe.Pointer, i uint64) **value.Obj { return (**value.Obj)(unsafe.Add(r, i*refSize)) }
