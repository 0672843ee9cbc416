package vm

import (
	"fmt"
	"math"
	"unicode/utf8"
	"unsafe"

	"github.com/groundwork-go/groundwork/calc/internal/builtin"
	"github.com/groundwork-go/groundwork/calc/internal/value"
)

// objectBytes is what an object takes besides its contents, about.
const objectBytes = 32

// batch is how many calls and rounds of loops go by before the run looks whether it
// has to end.
const batch = 4096

// noDepth stands for no limit of calls.
const noDepth = 1 << 30

// run runs the code at entry in the second window until that returns.
func (m *Machine) run(entry int) error {
	m.start = unsafe.Pointer(&m.code.code[0])
	m.pc = unsafe.Add(m.start, entry*8)
	m.w, m.r = unsafe.Pointer(&m.words[1]), unsafe.Pointer(&m.refs[1])
	m.depth = m.Limits.Depth - 1 // the call that is under way is one
	if m.Limits.Depth == 0 {
		m.depth = noDepth
	}
	spend := m.Allowance(batch)
	m.fuel = spend
	for {
		reason := m.fast()
		switch reason {
		case bySlow:
			ins := *(*uint64)(unsafe.Add(m.pc, -8))
			if op(ins) == opHalt {
				return nil
			}
			if err := m.step(ins); err != nil {
				return err
			}
			continue
		case byOverflow:
			return errOverflow
		case byCall:
			if uintptr(m.w) > m.limit && len(m.words) >= maxWords {
				m.back()
				return errOverflow
			}
			if uintptr(m.w) > m.limit {
				m.grow()
			}
		}
		if m.fuel >= 0 {
			continue
		}
		if err := m.Spend(spend + 1); err != nil {
			if m.atRound = reason == byRound; !m.atRound {
				m.back()
			}
			return err
		}
		spend = m.Allowance(batch)
		m.fuel = spend
	}
}

// back undoes a call that was just made.
func (m *Machine) back() {
	m.pc = unsafe.Add(m.start, *word(m.w, 0)-8)
	ins := *(*uint64)(unsafe.Add(m.pc, -8))
	m.w = unsafe.Add(m.w, -int(ins>>16&0xffff*8))
	m.r = unsafe.Add(m.r, -int(ins>>32&0xffff*refSize))
}

// step does what fast does not: instructions that take memory, call something or
// fail. pc is behind the first word of the instruction.
func (m *Machine) step(ins uint64) error {
	w, r := m.w, m.r
	a, b, c := ins>>16&0xffff, ins>>32&0xffff, ins>>48
	switch op(ins) {
	case opFFloor:
		*float(w, a) = math.Floor(*float(w, b))
	case opFCeil:
		*float(w, a) = math.Ceil(*float(w, b))
	case opFTrunc:
		*float(w, a) = math.Trunc(*float(w, b))
	case opMath:
		*float(w, a) = m.code.maths[c](*float(w, b))
	case opMath2:
		*float(w, a) = m.code.maths2[m.constant()](*float(w, b), *float(w, c))
	case opBox:
		if err := m.Grow(objectBytes); err != nil {
			return err
		}
		*ref(r, a) = value.NewBox(value.Kind(c), *word(w, b))
	case opNewCellW:
		*ref(r, a) = value.NewCell(value.Value{N: *word(w, b)})
	case opNewCellR:
		*ref(r, a) = value.NewCell(value.Value{P: *ref(r, b)})
	case opClosure:
		*ref(r, a) = m.closure(&m.code.closures[ins>>32])
	case opRuntime:
		return m.builtin(&m.code.runtime[ins>>16])
	case opNewList:
		n, rep := int(m.constant()), value.Rep(b)
		if err := m.Grow(int64(n)*int64(rep.Size()) + 2*objectBytes); err != nil {
			return err
		}
		*ref(r, a) = value.NewList(rep, n, n)
	case opNewStruct:
		if err := m.Grow(int64(b+c)*8 + 2*objectBytes); err != nil {
			return err
		}
		*ref(r, a) = value.NewStruct(int(b), int(c))
	case opRuneSize:
		_, n := utf8.DecodeRuneInString((*ref(r, b)).Str()[*word(w, c):])
		*word(w, a) = uint64(n)
	case opRuneAt:
		if err := m.Grow(objectBytes); err != nil {
			return err
		}
		*ref(r, a) = runeAt((*ref(r, b)).Str()[*word(w, c):])
	case opPushW:
		return m.push(value.RepWord, *ref(r, a), value.Value{N: *word(w, b)})
	case opPushB:
		return m.push(value.RepByte, *ref(r, a), value.Value{N: *word(w, b)})
	case opPushR:
		return m.push(value.RepRef, *ref(r, a), value.Value{P: *ref(r, b)})
	default:
		if op(ins) >= opMapGet && op(ins) <= opMapCheck {
			return m.onMap(ins)
		}
		return m.failed(ins)
	}
	return nil
}

// constant returns the word behind an instruction and passes it.
func (m *Machine) constant() uint64 {
	k := *(*uint64)(m.pc)
	m.pc = unsafe.Add(m.pc, 8)
	return k
}

func (m *Machine) push(rep value.Rep, list *value.Obj, v value.Value) error {
	if err := m.Grow(int64(value.Len(rep, list)+8) * int64(rep.Size())); err != nil {
		return err
	}
	value.Push(rep, list, v)
	return nil
}

// failed returns the error of an instruction that has failed.
func (m *Machine) failed(ins uint64) error {
	w, r := m.w, m.r
	a, b, c := ins>>16&0xffff, ins>>32&0xffff, ins>>48
	at := func(rep value.Rep, list, i uint64) error {
		return builtin.OutOfRange(int64(*word(w, i)), value.Len(rep, *ref(r, list)))
	}
	switch op(ins) {
	case opDiv, opRem:
		return errDivision
	case opShl, opShr, opUshr:
		return errShift
	case opUnwrapW, opUnwrapR:
		return errNil
	case opToInt:
		return fmt.Errorf("int out of range: %s", value.AppendFloat(nil, *float(w, b)))
	case opIndexW:
		return at(value.RepWord, b, c)
	case opIndexB:
		return at(value.RepByte, b, c)
	case opIndexR:
		return at(value.RepRef, b, c)
	case opSetIndexW:
		return at(value.RepWord, a, b)
	case opSetIndexB, opSetIndexBI:
		return at(value.RepByte, a, b)
	case opSetIndexR:
		return at(value.RepRef, a, b)
	case opStrIndex:
		return builtin.OutOfRange(int64(*word(w, c)), len((*ref(r, b)).Str()))
	}
	panic(fmt.Sprintf("vm: instruction %d", ins&0xffff))
}

// runeAt returns the first character of s, which is not empty.
func runeAt(s string) *value.Obj {
	c, size := utf8.DecodeRuneInString(s)
	if c == utf8.RuneError {
		return value.NewStr("\ufffd")
	}
	return value.NewStr(s[:size])
}

// onMap does the instructions on maps.
func (m *Machine) onMap(ins uint64) error {
	w, r := m.w, m.r
	a, b, c := ins>>16&0xffff, ins>>32&0xffff, ins>>48
	entry := func() (k, v value.Value) { return (*ref(r, b)).Map().Entry(int(*word(w, c))) }
	switch op(ins) {
	case opMapGet:
		k := m.constant()
		key := m.value(k&refKey != 0, c)
		v, ok := (*ref(r, b)).Map().Get(key)
		if !ok {
			m.pc = unsafe.Add(m.pc, -8)
			return builtin.KeyError(m.code.keys[k>>8], key)
		}
		if k&refValue != 0 {
			*ref(r, a) = v.P
		} else {
			*word(w, a) = v.N
		}
	case opMapSet:
		k := m.constant()
		mp := (*ref(r, a)).Map()
		if n := mp.Growth(); n > 0 {
			if err := m.Grow(int64(n)); err != nil {
				m.pc = unsafe.Add(m.pc, -8)
				return err
			}
		}
		mp.Set(m.value(k&refKey != 0, b), m.value(k&refValue != 0, c))
	case opNewMap:
		if err := m.Grow(3 * objectBytes); err != nil {
			return err
		}
		*ref(r, a) = value.NewMap(b != 0)
	case opMapChanges:
		*word(w, a) = (*ref(r, b)).Map().Changes
	case opMapNext:
		*word(w, a) = uint64((*ref(r, b)).Map().Next(int(*word(w, c))))
	case opMapKeyW:
		k, _ := entry()
		*word(w, a) = k.N
	case opMapKeyR:
		k, _ := entry()
		*ref(r, a) = k.P
	case opMapValueW:
		_, v := entry()
		*word(w, a) = v.N
	case opMapValueR:
		_, v := entry()
		*ref(r, a) = v.P
	case opMapCheck:
		if (*ref(r, a)).Map().Changes != *word(w, b) {
			return errMapChanged
		}
	}
	return nil
}

// value returns what a register of one of the two files holds.
func (m *Machine) value(inRefs bool, reg uint64) value.Value {
	if inRefs {
		return value.Value{P: *ref(m.r, reg)}
	}
	return value.Value{N: *word(m.w, reg)}
}
