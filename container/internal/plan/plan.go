// Package plan compiles a list of system calls into a static program for Linux on
// amd64 that makes them one after the other. It knows no meaning of the calls.
package plan

import (
	"encoding/binary"
	"fmt"
	"syscall"
)

// A Step is a system call.
type Step struct {
	Op, Path string // for messages
	Nr       uintptr
	Args     [6]Arg
	// IgnoreError goes on whatever the call says.
	IgnoreError bool
}

// An Arg is an argument: a number, or one of the data below.
type Arg struct {
	n    uint64
	data []byte   // its address is meant
	list []string // the address of a list of pointers to these is meant
	kind argKind
}

type argKind uint8

const (
	number argKind = iota
	pointer
	stringList
	scratch
)

// Num is a number.
func Num(n uintptr) Arg { return Arg{n: uint64(n)} }

// Int is a number that may be negative.
func Int(n int) Arg { return Arg{n: uint64(int64(n))} }

// Str is the address of a string that ends with a NUL byte.
func Str(s string) Arg { return Arg{kind: pointer, data: append([]byte(s), 0)} }

// Bytes is the address of data.
func Bytes(b []byte) Arg { return Arg{kind: pointer, data: b} }

// Strs is the address of a list of strings that ends with a null pointer, as execve
// takes it.
func Strs(list []string) Arg { return Arg{kind: stringList, list: list} }

// Scratch is the address of memory that may be written, of a page's size.
func Scratch() Arg { return Arg{kind: scratch} }

const (
	// ReportFD is the descriptor to which a step that fails is reported.
	ReportFD = 3

	base        = 0x400000 // of the image
	scratchBase = 0x10000000
	headers     = 64 + 2*56
	entrySize   = 64
)

// code is the program, in which the address of the list is at offset 2:
//
//	      mov  rbx, list
//	loop: mov  rax, [rbx]       ; number, then six arguments
//	      mov  rdi, [rbx+8]
//	      mov  rsi, [rbx+16]
//	      mov  rdx, [rbx+24]
//	      mov  r10, [rbx+32]
//	      mov  r8,  [rbx+40]
//	      mov  r9,  [rbx+48]
//	      syscall
//	      cmp  rax, -4095
//	      jb   next             ; unsigned: no error
//	      test byte [rbx+56], 1 ; errors do not matter
//	      jnz  next
//	      neg  rax
//	      push rax              ; errno
//	      push rbx              ; address of the step
//	      mov  eax, 1           ; write
//	      mov  edi, ReportFD
//	      mov  rsi, rsp
//	      mov  edx, 16
//	      syscall
//	      mov  eax, 231         ; exit_group
//	      mov  edi, 127
//	      syscall
//	next: add  rbx, 64
//	      jmp  loop
func code(list uint64) []byte {
	b := []byte{0x48, 0xbb}
	b = binary.LittleEndian.AppendUint64(b, list)
	return append(b,
		0x48, 0x8b, 0x03,
		0x48, 0x8b, 0x7b, 0x08,
		0x48, 0x8b, 0x73, 0x10,
		0x48, 0x8b, 0x53, 0x18,
		0x4c, 0x8b, 0x53, 0x20,
		0x4c, 0x8b, 0x43, 0x28,
		0x4c, 0x8b, 0x4b, 0x30,
		0x0f, 0x05,
		0x48, 0x3d, 0x01, 0xf0, 0xff, 0xff,
		0x72, 0x2b,
		0xf6, 0x43, 0x38, 0x01,
		0x75, 0x25,
		0x48, 0xf7, 0xd8,
		0x50,
		0x53,
		0xb8, 0x01, 0x00, 0x00, 0x00,
		0xbf, ReportFD, 0x00, 0x00, 0x00,
		0x48, 0x89, 0xe6,
		0xba, 0x10, 0x00, 0x00, 0x00,
		0x0f, 0x05,
		0xb8, 0xe7, 0x00, 0x00, 0x00,
		0xbf, 0x7f, 0x00, 0x00, 0x00,
		0x0f, 0x05,
		0x48, 0x83, 0xc3, 0x40,
		0xeb, 0xaa,
	)
}

// A Program is a compiled plan.
type Program struct {
	Image []byte // an ELF executable
	steps []Step
	list  uint64 // address of the first step
}

// Compile makes the program. The last step must not return when it succeeds.
func Compile(steps []Step) *Program {
	start := len(code(0)) + headers
	start = (start + 15) &^ 15
	p := &Program{steps: steps, list: base + uint64(start)}
	data := make([]byte, 0, 4096) // behind the list
	dataBase := p.list + uint64(len(steps)*entrySize)
	place := func(b []byte) uint64 {
		for len(data)%8 != 0 {
			data = append(data, 0)
		}
		at := dataBase + uint64(len(data))
		data = append(data, b...)
		return at
	}
	var list []byte
	for _, s := range steps {
		list = binary.LittleEndian.AppendUint64(list, uint64(s.Nr))
		for _, a := range s.Args {
			v := a.n
			switch a.kind {
			case pointer:
				v = place(a.data)
			case scratch:
				v = scratchBase
			case stringList:
				var ptrs []byte
				for _, text := range a.list {
					ptrs = binary.LittleEndian.AppendUint64(ptrs, place(append([]byte(text), 0)))
				}
				v = place(append(ptrs, make([]byte, 8)...))
			}
			list = binary.LittleEndian.AppendUint64(list, v)
		}
		flags := uint64(0)
		if s.IgnoreError {
			flags = 1
		}
		list = binary.LittleEndian.AppendUint64(list, flags)
	}
	image := make([]byte, 0, start+len(list)+len(data))
	image = append(image, elfHeaders(uint64(start+len(list)+len(data)))...)
	image = append(image, code(p.list)...)
	image = append(image, make([]byte, start-len(image))...)
	image = append(image, list...)
	p.Image = append(image, data...)
	return p
}

// elfHeaders makes the file header and two segments: the image, and a page to write
// to. (System V ABI, chapters 4 and 5.)
func elfHeaders(size uint64) []byte {
	le := binary.LittleEndian
	h := []byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	h = le.AppendUint16(h, 2)  // ET_EXEC
	h = le.AppendUint16(h, 62) // EM_X86_64
	h = le.AppendUint32(h, 1)
	h = le.AppendUint64(h, base+headers) // entry
	h = le.AppendUint64(h, 64)           // program headers
	h = le.AppendUint64(h, 0)            // no sections
	h = le.AppendUint32(h, 0)
	for _, v := range []uint16{64, 56, 2, 64, 0, 0} {
		h = le.AppendUint16(h, v)
	}
	segment := func(flags uint32, addr, fileSize, memSize uint64) {
		h = le.AppendUint32(h, 1) // PT_LOAD
		h = le.AppendUint32(h, flags)
		for _, v := range []uint64{0, addr, addr, fileSize, memSize, 4096} {
			h = le.AppendUint64(h, v)
		}
	}
	segment(5, base, size, size)     // read, execute
	segment(6, scratchBase, 0, 4096) // read, write
	return h
}

// Failed finds the step that a report of 16 bytes is about, and its error.
func (p *Program) Failed(report []byte) (index int, step Step, errno syscall.Errno, err error) {
	if len(report) != 16 {
		return 0, Step{}, 0, fmt.Errorf("report has %d bytes", len(report))
	}
	addr := binary.LittleEndian.Uint64(report)
	index = int(addr-p.list) / entrySize
	if addr < p.list || index >= len(p.steps) {
		return 0, Step{}, 0, fmt.Errorf("report names address %#x", addr)
	}
	return index, p.steps[index], syscall.Errno(binary.LittleEndian.Uint64(report[8:])), nil
}
