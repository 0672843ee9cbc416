// Package alloc manages memory outside of Go's heap: the collector neither scans
// it nor moves it, and it is free for reuse the moment it is freed.
//
//	h, err := alloc.NewHeap(nil)
//	if err != nil {
//		return err
//	}
//	defer h.Close()
//	b := h.Bytes(4096)
//	defer h.FreeBytes(b)
//
// A [Heap] is the general allocator. Two more live in packages of their own:
// alloc/arena frees everything at once, alloc/freelist manages one given buffer.
//
// # Guarantees
//
//   - A Heap may be used by many goroutines at once.
//   - Blocks are aligned to 16 bytes and do not overlap. Memory is not zeroed.
//   - Freeing a pointer that is not the start of a live block of this heap is an
//     error, [ErrForeign] or [ErrDoubleFree], and changes nothing.
//   - Close unmaps everything and reports blocks that are still alive as a
//     [*LeakError].
//
// # Limits
//
// Never store Go pointers (also strings, slices, maps, interfaces) in this
// memory: the collector does not see them. Memory of small blocks is kept for
// reuse by blocks of the same size class until Close.
//
// When not to use it: for ordinary values Go's own heap is safer. This package
// pays where many megabytes of pointer-free data would make the collector work.
package alloc
