package alloc

import (
	"fmt"
	"runtime"
	"strings"
)

// A FaultKind is a way to misuse memory.
type FaultKind int

// The kinds of faults that HeapOptions.Debug finds.
const (
	DoubleFree     FaultKind = iota + 1 // freed again
	InteriorFree                        // freed by a pointer into a block
	ForeignFree                         // freed by a pointer that is no block's
	Overrun                             // written behind the end of a block
	Underrun                            // written before the start of a block
	WriteAfterFree                      // written after it was freed
)

// String returns a phrase, such as "double free".
func (k FaultKind) String() string {
	switch k {
	case DoubleFree:
		return "double free"
	case InteriorFree:
		return "free of a pointer into a block"
	case ForeignFree:
		return "free of a pointer that is no block's"
	case Overrun:
		return "write behind the end of a block"
	case Underrun:
		return "write before the start of a block"
	case WriteAfterFree:
		return "write after free"
	}
	return "no fault"
}

// A Fault is what HeapOptions.Debug found wrong. Calls with an error result return
// it; Realloc panics with it. It unwraps to [ErrDoubleFree], [ErrForeign] or
// [ErrCorrupt].
type Fault struct {
	Kind   FaultKind
	Addr   uintptr // of the block, or what was freed if that is none
	Size   int     // of the block, as it was asked for
	Offset int     // of the first wrong byte, or of the pointer that was freed, from Addr

	// Program counters, as runtime.Callers gives them; nil where there is none.
	Alloc, Free []uintptr // of the block
	Found       []uintptr // of the call that found the fault
}

// Unwrap returns the sentinel error of the kind.
func (f *Fault) Unwrap() error {
	switch f.Kind {
	case DoubleFree:
		return ErrDoubleFree
	case InteriorFree, ForeignFree:
		return ErrForeign
	}
	return ErrCorrupt
}

// Error tells what happened, to which block, and where.
func (f *Fault) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "alloc: %s", f.Kind)
	switch f.Kind {
	case ForeignFree:
		fmt.Fprintf(&b, " at %#x", f.Addr)
	case DoubleFree:
		fmt.Fprintf(&b, ": %d bytes at %#x", f.Size, f.Addr)
	default:
		fmt.Fprintf(&b, ": %d bytes at %#x, byte %d", f.Size, f.Addr, f.Offset)
	}
	for _, s := range []struct {
		what string
		pcs  []uintptr
	}{{"allocated by", f.Alloc}, {"freed by", f.Free}, {"found by", f.Found}} {
		if len(s.pcs) > 0 {
			fmt.Fprintf(&b, "; %s %s", s.what, siteOf(s.pcs))
		}
	}
	return b.String()
}

// isOurs tells whether a function is of this package or its engine, whose calls are
// left out of sites.
func isOurs(function string) bool {
	rest, ok := strings.CutPrefix(function, "github.com/groundwork-go/groundwork/alloc")
	return ok && (strings.HasPrefix(rest, ".") || strings.HasPrefix(rest, "/internal/engine."))
}

// siteOf returns the place of the innermost call that is not this package's.
func siteOf(pcs []uintptr) string {
	frames := runtime.CallersFrames(pcs)
	var last runtime.Frame
	for {
		f, more := frames.Next()
		if f.Function != "" {
			last = f
		}
		if !isOurs(f.Function) || !more {
			break
		}
	}
	return fmt.Sprintf("%s (%s:%d)", last.Function, last.File, last.Line)
}

// callers returns the call stack above the caller of its caller.
func callers() []uintptr {
	var pcs [32]uintptr
	n := runtime.Callers(3, pcs[:])
	return append([]uintptr(nil), pcs[:n]...)
}
