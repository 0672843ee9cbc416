package vm

import (
	"math"
	"unsafe"
)

func float(w unsafe.Pointer, i uint64) *float64 { return (*float64)(unsafe.Add(w, i*8)) }

// flag returns a bool as a word.
func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// why fast has come back.
type why int

const (
	bySlow     why = iota // an instruction is for step
	byOverflow            // a call is too deep; pc is behind its first word
	byCall                // a function was entered; the stacks may be full, or the run may have to end
	byRound               // the run may have to end; pc is where the next round begins
)

// fast runs code from the machine's state on until there is something to do that
// it has no instruction for. It calls nothing: a call would make Go's compiler
// save every variable at each instruction, which took half of the time. Nor are
// operands, the bits of an instruction from 16, from 32 and from 48 on, taken out
// ahead.
func (m *Machine) fast() (reason why) {
	pc, w, r, fuel, depth := m.pc, m.w, m.r, m.fuel, m.depth
	for {
		ins := *(*uint64)(pc)
		pc = unsafe.Add(pc, 8)
		switch op(ins) {
		case opMov:
			*word(w, ins>>16&0xffff) = *word(w, ins>>32&0xffff)
		case opLoadI:
			*word(w, ins>>16&0xffff) = uint64(int64(int16(ins >> 32)))
		case opLoadK:
			*word(w, ins>>16&0xffff) = *(*uint64)(pc)
			pc = unsafe.Add(pc, 8)
		case opMovR:
			*ref(r, ins>>16&0xffff) = *ref(r, ins>>32&0xffff)
		case opLoadR:
			*ref(r, ins>>16&0xffff) = m.code.objects[ins>>32]
		case opClear:
			i := ins >> 16 & 0xffff
			for n := ins >> 32 & 0xffff; n > 0; n-- {
				*ref(r, i) = nil
				i++
			}
		case opAdd:
			*word(w, ins>>16&0xffff) = *word(w, ins>>32&0xffff) + *word(w, ins>>48)
		case opSub:
			*word(w, ins>>16&0xffff) = *word(w, ins>>32&0xffff) - *word(w, ins>>48)
		case opMul:
			*word(w, ins>>16&0xffff) = *word(w, ins>>32&0xffff) * *word(w, ins>>48)
		case opAnd:
			*word(w, ins>>16&0xffff) = *word(w, ins>>32&0xffff) & *word(w, ins>>48)
		case opOr:
			*word(w, ins>>16&0xffff) = *word(w, ins>>32&0xffff) | *word(w, ins>>48)
		case opXor:
			*word(w, ins>>16&0xffff) = *word(w, ins>>32&0xffff) ^ *word(w, ins>>48)
		case opAddI:
			*word(w, ins>>16&0xffff) = *word(w, ins>>32&0xffff) + uint64(int64(ins)>>48)
		case opMulI:
			*word(w, ins>>16&0xffff) = *word(w, ins>>32&0xffff) * uint64(int64(ins)>>48)
		case opAndI:
			*word(w, ins>>16&0xffff) = *word(w, ins>>32&0xffff) & uint64(int64(ins)>>48)
		case opShlI:
			*word(w, ins>>16&0xffff) = *word(w, ins>>32&0xffff) << (ins >> 48 & 63)
		case opShrI:
			*word(w, ins>>16&0xffff) = uint64(int64(*word(w, ins>>32&0xffff)) >> (ins >> 48 & 63))
		case opUshrI:
			*word(w, ins>>16&0xffff) = *word(w, ins>>32&0xffff) >> (ins >> 48 & 63)
		case opDiv:
			y := int64(*word(w, ins>>48))
			if y == 0 {
				goto exit
			}
			*word(w, ins>>16&0xffff) = uint64(int64(*word(w, ins>>32&0xffff)) / y)
		case opRem:
			y := int64(*word(w, ins>>48))
			if y == 0 {
				goto exit
			}
			*word(w, ins>>16&0xffff) = uint64(int64(*word(w, ins>>32&0xffff)) % y)
		case opDivI:
			if y := int64(ins) >> 48; y != 0 { // which spares Go its own test
				*word(w, ins>>16&0xffff) = uint64(int64(*word(w, ins>>32&0xffff)) / y)
			}
		case opRemI:
			if y := int64(ins) >> 48; y != 0 { // which spares Go its own test
				*word(w, ins>>16&0xffff) = uint64(int64(*word(w, ins>>32&0xffff)) % y)
			}
		case opShl:
			y := *word(w, ins>>48)
			if int64(y) < 0 {
				goto exit
			}
			*word(w, ins>>16&0xffff) = *word(w, ins>>32&0xffff) << y
		case opShr:
			y := *word(w, ins>>48)
			if int64(y) < 0 {
				goto exit
			}
			*word(w, ins>>16&0xffff) = uint64(int64(*word(w, ins>>32&0xffff)) >> y)
		case opUshr:
			y := *word(w, ins>>48)
			if int64(y) < 0 {
				goto exit
			}
			*word(w, ins>>16&0xffff) = *word(w, ins>>32&0xffff) >> y
		case opNeg:
			*word(w, ins>>16&0xffff) = -*word(w, ins>>32&0xffff)
		case opCom:
			*word(w, ins>>16&0xffff) = ^*word(w, ins>>32&0xffff)
		case opNot:
			*word(w, ins>>16&0xffff) = *word(w, ins>>32&0xffff) ^ 1
		case opMin:
			*word(w, ins>>16&0xffff) = uint64(min(int64(*word(w, ins>>32&0xffff)), int64(*word(w, ins>>48))))
		case opMax:
			*word(w, ins>>16&0xffff) = uint64(max(int64(*word(w, ins>>32&0xffff)), int64(*word(w, ins>>48))))
		case opAbs:
			x := int64(*word(w, ins>>32&0xffff))
			*word(w, ins>>16&0xffff) = uint64(max(x, -x))
		case opEq:
			*word(w, ins>>16&0xffff) = flag(int64(*word(w, ins>>32&0xffff)) == int64(*word(w, ins>>48)))
		case opNe:
			*word(w, ins>>16&0xffff) = flag(int64(*word(w, ins>>32&0xffff)) != int64(*word(w, ins>>48)))
		case opLt:
			*word(w, ins>>16&0xffff) = flag(int64(*word(w, ins>>32&0xffff)) < int64(*word(w, ins>>48)))
		case opLe:
			*word(w, ins>>16&0xffff) = flag(int64(*word(w, ins>>32&0xffff)) <= int64(*word(w, ins>>48)))
		case opFAdd:
			*float(w, ins>>16&0xffff) = *float(w, ins>>32&0xffff) + *float(w, ins>>48)
		case opFSub:
			*float(w, ins>>16&0xffff) = *float(w, ins>>32&0xffff) - *float(w, ins>>48)
		case opFMul:
			*float(w, ins>>16&0xffff) = *float(w, ins>>32&0xffff) * *float(w, ins>>48)
		case opFDiv:
			*float(w, ins>>16&0xffff) = *float(w, ins>>32&0xffff) / *float(w, ins>>48)
		case opFAddK:
			*float(w, ins>>16&0xffff) = *float(w, ins>>32&0xffff) + *(*float64)(pc)
			pc = unsafe.Add(pc, 8)
		case opFSubK:
			*float(w, ins>>16&0xffff) = *float(w, ins>>32&0xffff) - *(*float64)(pc)
			pc = unsafe.Add(pc, 8)
		case opFMulK:
			*float(w, ins>>16&0xffff) = *float(w, ins>>32&0xffff) * *(*float64)(pc)
			pc = unsafe.Add(pc, 8)
		case opFDivK:
			*float(w, ins>>16&0xffff) = *float(w, ins>>32&0xffff) / *(*float64)(pc)
			pc = unsafe.Add(pc, 8)
		case opFKSub:
			*float(w, ins>>16&0xffff) = *(*float64)(pc) - *float(w, ins>>32&0xffff)
			pc = unsafe.Add(pc, 8)
		case opFKDiv:
			*float(w, ins>>16&0xffff) = *(*float64)(pc) / *float(w, ins>>32&0xffff)
			pc = unsafe.Add(pc, 8)
		case opFNeg:
			*float(w, ins>>16&0xffff) = -*float(w, ins>>32&0xffff)
		case opFSqrt:
			*float(w, ins>>16&0xffff) = math.Sqrt(*float(w, ins>>32&0xffff))
		case opFAbs:
			*float(w, ins>>16&0xffff) = math.Abs(*float(w, ins>>32&0xffff))
		case opFMin:
			*float(w, ins>>16&0xffff) = min(*float(w, ins>>32&0xffff), *float(w, ins>>48))
		case opFMax:
			*float(w, ins>>16&0xffff) = max(*float(w, ins>>32&0xffff), *float(w, ins>>48))
		case opFEq:
			*word(w, ins>>16&0xffff) = flag(*float(w, ins>>32&0xffff) == *float(w, ins>>48))
		case opFNe:
			*word(w, ins>>16&0xffff) = flag(*float(w, ins>>32&0xffff) != *float(w, ins>>48))
		case opFLt:
			*word(w, ins>>16&0xffff) = flag(*float(w, ins>>32&0xffff) < *float(w, ins>>48))
		case opFLe:
			*word(w, ins>>16&0xffff) = flag(*float(w, ins>>32&0xffff) <= *float(w, ins>>48))
		case opToFloat:
			*float(w, ins>>16&0xffff) = float64(int64(*word(w, ins>>32&0xffff)))
		case opToInt:
			x := *float(w, ins>>32&0xffff)
			if !(x >= -1<<63 && x < 1<<63) {
				goto exit
			}
			*word(w, ins>>16&0xffff) = uint64(int64(x))
		case opIsNil:
			*word(w, ins>>16&0xffff) = flag(*ref(r, ins>>32&0xffff) == nil)
		case opSame:
			*word(w, ins>>16&0xffff) = flag(*ref(r, ins>>32&0xffff) == *ref(r, ins>>48))
		case opUnbox:
			*word(w, ins>>16&0xffff) = (*ref(r, ins>>32&0xffff)).Box().N
		case opUnwrapW:
			p := *ref(r, ins>>32&0xffff)
			if p == nil {
				goto exit
			}
			*word(w, ins>>16&0xffff) = p.Box().N
		case opUnwrapR:
			p := *ref(r, ins>>32&0xffff)
			if p == nil {
				goto exit
			}
			*ref(r, ins>>16&0xffff) = p
		case opGlobalW:
			*word(w, ins>>16&0xffff) = m.globalWords[ins>>32]
		case opGlobalR:
			*ref(r, ins>>16&0xffff) = m.globalRefs[ins>>32]
		case opSetGlobalW:
			m.globalWords[ins>>32] = *word(w, ins>>16&0xffff)
		case opSetGlobalR:
			m.globalRefs[ins>>32] = *ref(r, ins>>16&0xffff)
		case opCellW:
			*word(w, ins>>16&0xffff) = (*ref(r, ins>>32&0xffff)).Cell().V.N
		case opCellR:
			*ref(r, ins>>16&0xffff) = (*ref(r, ins>>32&0xffff)).Cell().V.P
		case opSetCellW:
			(*ref(r, ins>>16&0xffff)).Cell().V.N = *word(w, ins>>32&0xffff)
		case opSetCellR:
			(*ref(r, ins>>16&0xffff)).Cell().V.P = *ref(r, ins>>32&0xffff)
		case opCaptureW:
			*word(w, ins>>16&0xffff) = (*ref(r, ins>>32&0xffff)).Closure().Env[ins>>48].N
		case opCaptureR:
			*ref(r, ins>>16&0xffff) = (*ref(r, ins>>32&0xffff)).Closure().Env[ins>>48].P
		case opCall:
			target := *(*uint64)(pc)
			pc = unsafe.Add(pc, 8)
			if depth--; depth < 0 {
				goto overflow
			}
			w = unsafe.Add(w, ins>>16&0xffff*8)
			r = unsafe.Add(r, ins>>32&0xffff*refSize)
			*word(w, 0) = uint64(uintptr(pc) - uintptr(m.start))
			pc = unsafe.Add(m.start, target)
			fuel--
			if uintptr(w) > m.limit || fuel < 0 {
				goto entered
			}
		case opCallValue:
			c := (*ref(r, *(*uint64)(pc))).Closure()
			pc = unsafe.Add(pc, 8)
			if depth--; depth < 0 {
				goto overflow
			}
			w = unsafe.Add(w, ins>>16&0xffff*8)
			r = unsafe.Add(r, ins>>32&0xffff*refSize)
			*word(w, 0) = uint64(uintptr(pc) - uintptr(m.start))
			pc = unsafe.Add(m.start, m.code.funcs[c.Func].entry*8)
			fuel--
			if uintptr(w) > m.limit || fuel < 0 {
				goto entered
			}
		case opRet:
			pc = unsafe.Add(m.start, *word(w, 0))
			ins = *(*uint64)(unsafe.Add(pc, -16))
			w = unsafe.Add(w, -int(ins>>16&0xffff*8))
			r = unsafe.Add(r, -int(ins>>32&0xffff*refSize))
			depth++
		case opRetW:
			x := *word(w, ins>>16&0xffff)
			pc = unsafe.Add(m.start, *word(w, 0))
			ins = *(*uint64)(unsafe.Add(pc, -16))
			w = unsafe.Add(w, -int(ins>>16&0xffff*8))
			r = unsafe.Add(r, -int(ins>>32&0xffff*refSize))
			depth++
			if ins>>48 != noResult {
				*word(w, ins>>48) = x
			}
		case opRetI:
			x := uint64(int64(int16(ins >> 16)))
			pc = unsafe.Add(m.start, *word(w, 0))
			ins = *(*uint64)(unsafe.Add(pc, -16))
			w = unsafe.Add(w, -int(ins>>16&0xffff*8))
			r = unsafe.Add(r, -int(ins>>32&0xffff*refSize))
			depth++
			if ins>>48 != noResult {
				*word(w, ins>>48) = x
			}
		case opRetR:
			x := *ref(r, ins>>16&0xffff)
			pc = unsafe.Add(m.start, *word(w, 0))
			ins = *(*uint64)(unsafe.Add(pc, -16))
			w = unsafe.Add(w, -int(ins>>16&0xffff*8))
			r = unsafe.Add(r, -int(ins>>32&0xffff*refSize))
			depth++
			if ins>>48 != noResult {
				*ref(r, ins>>48) = x
			}
		case opLenW:
			*word(w, ins>>16&0xffff) = uint64(len((*ref(r, ins>>32&0xffff)).Words().A))
		case opLenB:
			*word(w, ins>>16&0xffff) = uint64(len((*ref(r, ins>>32&0xffff)).Bytes().A))
		case opLenR:
			*word(w, ins>>16&0xffff) = uint64(len((*ref(r, ins>>32&0xffff)).Refs().A))
		case opIndexW:
			list, i := (*ref(r, ins>>32&0xffff)).Words().A, *word(w, ins>>48)
			if i >= uint64(len(list)) {
				goto exit
			}
			*word(w, ins>>16&0xffff) = list[i]
		case opIndexB:
			list, i := (*ref(r, ins>>32&0xffff)).Bytes().A, *word(w, ins>>48)
			if i >= uint64(len(list)) {
				goto exit
			}
			*word(w, ins>>16&0xffff) = uint64(list[i])
		case opIndexR:
			list, i := (*ref(r, ins>>32&0xffff)).Refs().A, *word(w, ins>>48)
			if i >= uint64(len(list)) {
				goto exit
			}
			*ref(r, ins>>16&0xffff) = list[i]
		case opSetIndexW:
			list, i := (*ref(r, ins>>16&0xffff)).Words().A, *word(w, ins>>32&0xffff)
			if i >= uint64(len(list)) {
				goto exit
			}
			list[i] = *word(w, ins>>48)
		case opSetIndexB:
			list, i := (*ref(r, ins>>16&0xffff)).Bytes().A, *word(w, ins>>32&0xffff)
			if i >= uint64(len(list)) {
				goto exit
			}
			list[i] = byte(*word(w, ins>>48))
		case opSetIndexBI:
			list, i := (*ref(r, ins>>16&0xffff)).Bytes().A, *word(w, ins>>32&0xffff)
			if i >= uint64(len(list)) {
				goto exit
			}
			list[i] = byte(ins >> 48)
		case opSetIndexR:
			list, i := (*ref(r, ins>>16&0xffff)).Refs().A, *word(w, ins>>32&0xffff)
			if i >= uint64(len(list)) {
				goto exit
			}
			list[i] = *ref(r, ins>>48)
		case opPushW:
			list := (*ref(r, ins>>16&0xffff)).Words()
			if len(list.A) == cap(list.A) {
				goto exit
			}
			list.A = list.A[:len(list.A)+1]
			list.A[len(list.A)-1] = *word(w, ins>>32&0xffff)
		case opPushB:
			list := (*ref(r, ins>>16&0xffff)).Bytes()
			if len(list.A) == cap(list.A) {
				goto exit
			}
			list.A = list.A[:len(list.A)+1]
			list.A[len(list.A)-1] = byte(*word(w, ins>>32&0xffff))
		case opPushR:
			list := (*ref(r, ins>>16&0xffff)).Refs()
			if len(list.A) == cap(list.A) {
				goto exit
			}
			list.A = list.A[:len(list.A)+1]
			list.A[len(list.A)-1] = *ref(r, ins>>32&0xffff)
		case opStrLen:
			*word(w, ins>>16&0xffff) = uint64(len((*ref(r, ins>>32&0xffff)).Str()))
		case opStrIndex:
			s, i := (*ref(r, ins>>32&0xffff)).Str(), *word(w, ins>>48)
			if i >= uint64(len(s)) {
				goto exit
			}
			*word(w, ins>>16&0xffff) = uint64(s[i])
		case opFieldW:
			*word(w, ins>>16&0xffff) = (*ref(r, ins>>32&0xffff)).Struct().N[ins>>48]
		case opFieldR:
			*ref(r, ins>>16&0xffff) = (*ref(r, ins>>32&0xffff)).Struct().P[ins>>48]
		case opSetFieldW:
			(*ref(r, ins>>16&0xffff)).Struct().N[ins>>32&0xffff] = *word(w, ins>>48)
		case opSetFieldR:
			(*ref(r, ins>>16&0xffff)).Struct().P[ins>>32&0xffff] = *ref(r, ins>>48)
		case opJump:
			pc = unsafe.Add(pc, int64(ins)>>16*8)
		case opJumpB:
			pc = unsafe.Add(pc, int64(ins)>>16*8)
			if fuel--; fuel < 0 {
				goto poll
			}
		case opJTrue:
			if *word(w, ins>>16&0xffff) != 0 {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			}
		case opJTrueB:
			if *word(w, ins>>16&0xffff) != 0 {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
				if fuel--; fuel < 0 {
					goto poll
				}
			}
		case opJFalse:
			if *word(w, ins>>16&0xffff) == 0 {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			}
		case opJFalseB:
			if *word(w, ins>>16&0xffff) == 0 {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
				if fuel--; fuel < 0 {
					goto poll
				}
			}
		case opJNil:
			if *ref(r, ins>>16&0xffff) == nil {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			}
		case opJNilB:
			if *ref(r, ins>>16&0xffff) == nil {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
				if fuel--; fuel < 0 {
					goto poll
				}
			}
		case opJNotNil:
			if *ref(r, ins>>16&0xffff) != nil {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			}
		case opJNotNilB:
			if *ref(r, ins>>16&0xffff) != nil {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
				if fuel--; fuel < 0 {
					goto poll
				}
			}
		case opJEq:
			if int64(*word(w, ins>>16&0xffff)) == int64(*word(w, ins>>32&0xffff)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			}
		case opJEqB:
			if int64(*word(w, ins>>16&0xffff)) == int64(*word(w, ins>>32&0xffff)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
				if fuel--; fuel < 0 {
					goto poll
				}
			}
		case opJNe:
			if int64(*word(w, ins>>16&0xffff)) != int64(*word(w, ins>>32&0xffff)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			}
		case opJNeB:
			if int64(*word(w, ins>>16&0xffff)) != int64(*word(w, ins>>32&0xffff)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
				if fuel--; fuel < 0 {
					goto poll
				}
			}
		case opJLt:
			if int64(*word(w, ins>>16&0xffff)) < int64(*word(w, ins>>32&0xffff)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			}
		case opJLtB:
			if int64(*word(w, ins>>16&0xffff)) < int64(*word(w, ins>>32&0xffff)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
				if fuel--; fuel < 0 {
					goto poll
				}
			}
		case opJLe:
			if int64(*word(w, ins>>16&0xffff)) <= int64(*word(w, ins>>32&0xffff)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			}
		case opJLeB:
			if int64(*word(w, ins>>16&0xffff)) <= int64(*word(w, ins>>32&0xffff)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
				if fuel--; fuel < 0 {
					goto poll
				}
			}
		case opJEqI:
			if int64(*word(w, ins>>16&0xffff)) == int64(int16(ins>>32)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			}
		case opJEqIB:
			if int64(*word(w, ins>>16&0xffff)) == int64(int16(ins>>32)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
				if fuel--; fuel < 0 {
					goto poll
				}
			}
		case opJNeI:
			if int64(*word(w, ins>>16&0xffff)) != int64(int16(ins>>32)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			}
		case opJNeIB:
			if int64(*word(w, ins>>16&0xffff)) != int64(int16(ins>>32)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
				if fuel--; fuel < 0 {
					goto poll
				}
			}
		case opJLtI:
			if int64(*word(w, ins>>16&0xffff)) < int64(int16(ins>>32)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			}
		case opJLtIB:
			if int64(*word(w, ins>>16&0xffff)) < int64(int16(ins>>32)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
				if fuel--; fuel < 0 {
					goto poll
				}
			}
		case opJLeI:
			if int64(*word(w, ins>>16&0xffff)) <= int64(int16(ins>>32)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			}
		case opJLeIB:
			if int64(*word(w, ins>>16&0xffff)) <= int64(int16(ins>>32)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
				if fuel--; fuel < 0 {
					goto poll
				}
			}
		case opJGtI:
			if int64(*word(w, ins>>16&0xffff)) > int64(int16(ins>>32)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			}
		case opJGtIB:
			if int64(*word(w, ins>>16&0xffff)) > int64(int16(ins>>32)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
				if fuel--; fuel < 0 {
					goto poll
				}
			}
		case opJGeI:
			if int64(*word(w, ins>>16&0xffff)) >= int64(int16(ins>>32)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			}
		case opJGeIB:
			if int64(*word(w, ins>>16&0xffff)) >= int64(int16(ins>>32)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
				if fuel--; fuel < 0 {
					goto poll
				}
			}
		case opJFEq:
			if *float(w, ins>>16&0xffff) == *float(w, ins>>32&0xffff) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			}
		case opJFEqB:
			if *float(w, ins>>16&0xffff) == *float(w, ins>>32&0xffff) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
				if fuel--; fuel < 0 {
					goto poll
				}
			}
		case opJFNe:
			if *float(w, ins>>16&0xffff) != *float(w, ins>>32&0xffff) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			}
		case opJFNeB:
			if *float(w, ins>>16&0xffff) != *float(w, ins>>32&0xffff) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
				if fuel--; fuel < 0 {
					goto poll
				}
			}
		case opJFLt:
			if *float(w, ins>>16&0xffff) < *float(w, ins>>32&0xffff) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			}
		case opJFLtB:
			if *float(w, ins>>16&0xffff) < *float(w, ins>>32&0xffff) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
				if fuel--; fuel < 0 {
					goto poll
				}
			}
		case opJFLe:
			if *float(w, ins>>16&0xffff) <= *float(w, ins>>32&0xffff) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			}
		case opJFLeB:
			if *float(w, ins>>16&0xffff) <= *float(w, ins>>32&0xffff) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
				if fuel--; fuel < 0 {
					goto poll
				}
			}
		case opJFNotLt:
			if !(*float(w, ins>>16&0xffff) < *float(w, ins>>32&0xffff)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			}
		case opJFNotLtB:
			if !(*float(w, ins>>16&0xffff) < *float(w, ins>>32&0xffff)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
				if fuel--; fuel < 0 {
					goto poll
				}
			}
		case opJFNotLe:
			if !(*float(w, ins>>16&0xffff) <= *float(w, ins>>32&0xffff)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			}
		case opJFNotLeB:
			if !(*float(w, ins>>16&0xffff) <= *float(w, ins>>32&0xffff)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
				if fuel--; fuel < 0 {
					goto poll
				}
			}
		case opJFLtK:
			if *float(w, ins>>16&0xffff) < *(*float64)(pc) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			} else {
				pc = unsafe.Add(pc, 8)
			}
		case opJFLeK:
			if *float(w, ins>>16&0xffff) <= *(*float64)(pc) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			} else {
				pc = unsafe.Add(pc, 8)
			}
		case opJFGtK:
			if *float(w, ins>>16&0xffff) > *(*float64)(pc) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			} else {
				pc = unsafe.Add(pc, 8)
			}
		case opJFGeK:
			if *float(w, ins>>16&0xffff) >= *(*float64)(pc) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			} else {
				pc = unsafe.Add(pc, 8)
			}
		case opJFNotLtK:
			if !(*float(w, ins>>16&0xffff) < *(*float64)(pc)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			} else {
				pc = unsafe.Add(pc, 8)
			}
		case opJFNotLeK:
			if !(*float(w, ins>>16&0xffff) <= *(*float64)(pc)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			} else {
				pc = unsafe.Add(pc, 8)
			}
		case opJFNotGtK:
			if !(*float(w, ins>>16&0xffff) > *(*float64)(pc)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			} else {
				pc = unsafe.Add(pc, 8)
			}
		case opJFNotGeK:
			if !(*float(w, ins>>16&0xffff) >= *(*float64)(pc)) {
				pc = unsafe.Add(pc, int64(ins)>>48*8)
			} else {
				pc = unsafe.Add(pc, 8)
			}
		// What step does, and what is no instruction: with all values of a byte in
		// the switch no comparison stands before its jump.
		case opHalt, opFFloor, opFCeil, opFTrunc, opMath, opMath2, opBox, opNewCellW, opNewCellR, opClosure, opRuntime, opNewList,
			opRuneSize, opRuneAt, opNewStruct, opMapGet, opMapSet, opNewMap, opMapChanges, opMapNext, opMapKeyW, opMapKeyR,
			opMapValueW, opMapValueR, opMapCheck,
			numOps, numOps + 1, numOps + 2, numOps + 3, numOps + 4, numOps + 5, numOps + 6, numOps + 7, numOps + 8, numOps + 9, numOps + 10, numOps + 11, numOps + 12, numOps + 13, numOps + 14, numOps + 15, numOps + 16, numOps + 17, numOps + 18, numOps + 19, numOps + 20, numOps + 21, numOps + 22, numOps + 23, numOps + 24, numOps + 25, numOps + 26, numOps + 27, numOps + 28, numOps + 29, numOps + 30, numOps + 31, numOps + 32, numOps + 33, numOps + 34, numOps + 35, numOps + 36, numOps + 37, numOps + 38, numOps + 39, numOps + 40, numOps + 41, numOps + 42, numOps + 43, numOps + 44, numOps + 45, numOps + 46, numOps + 47, numOps + 48, numOps + 49, numOps + 50, numOps + 51, numOps + 52, numOps + 53, numOps + 54, numOps + 55, numOps + 56, numOps + 57, numOps + 58, numOps + 59, numOps + 60, numOps + 61, numOps + 62, numOps + 63, numOps + 64, numOps + 65, numOps + 66, numOps + 67, numOps + 68, numOps + 69, numOps + 70, numOps + 71, numOps + 72, numOps + 73, numOps + 74, numOps + 75, numOps + 76, numOps + 77, numOps + 78, numOps + 79, numOps + 80, numOps + 81, numOps + 82, numOps + 83, numOps + 84:
			goto exit
		}
		continue

	overflow:
		reason = byOverflow
		goto leave
	entered:
		reason = byCall
		goto leave
	poll:
		reason = byRound
		goto leave
	exit:
		reason = bySlow
	leave:
		m.pc, m.w, m.r, m.fuel, m.depth = pc, w, r, fuel, depth
		return reason
	}
}
