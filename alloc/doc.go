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
// A [Heap] is the general allocator, a [Cache] a faster way into it for one
// goroutine. [New], [MakeSlice] and [NewRef] are for values of types without
// pointers. More allocators live in packages of their own: alloc/arena frees
// everything at once, alloc/slab keeps objects constructed, alloc/freelist, alloc/buddy
// and alloc/tlsf manage one given buffer. alloc/replay compares them all on one trace.
//
// # How a Heap works
//
// Memory comes from the system in segments of 4 MiB, which are cut into pages of
// 64 KiB or more that hold blocks of one of 96 size classes. Each thread that runs Go
// code has a cache of pages; allocating from it and freeing into it take no lock and
// no atomic operation. A bit in the page's header tells that a block is free: freeing
// does not touch the block. A block of a page that another thread's cache owns is
// freed by one compare-and-swap in that header, which the owner looks at when the page
// has nothing else. A page that is full has no owner: who frees a block of it first
// becomes its owner. Blocks above 32 KiB are pages of their own, those above 2 MiB
// mappings of their own. (Under the race detector and on 32-bit systems these sizes
// are smaller.) Much of the design is mimalloc's.
//
// # Guarantees
//
//   - A Heap may be used by many goroutines at once.
//   - Blocks are aligned to 16 bytes and do not overlap. Memory is not zeroed, except
//     by HeapOptions.Zero, [Heap.Calloc] and the typed functions.
//   - Freeing a pointer that is not the start of a block of this heap is
//     [ErrForeign] and changes nothing. Freeing a block twice is [ErrDoubleFree] as
//     long as the block was not handed out again in between; it may go unnoticed if
//     the second free is on another thread. With HeapOptions.Debug neither does.
//   - Free memory goes back to the system after HeapOptions.Decay, or on
//     [Heap.Trim].
//   - Close unmaps everything and reports blocks that are still alive as a
//     [*LeakError]. After it, calls return nil or [ErrClosed].
//
// # Limits
//
// Never store Go pointers (also strings, slices, maps, interfaces) in this
// memory: the collector does not see them. A pointer that is used after its block
// was freed, or its heap closed, reads another's memory or ends the program:
// HeapOptions.Debug and PageGuard find such uses, [Ref] excludes them.
//
// The threads' caches rest on runtime.getm and runtime.procPin, which the linker
// lets packages use, and on functions marked nosplit not being preempted. The build
// tag alloc_nolinkname replaces them by caches with locks, at several times the cost.
//
// When not to use it: for ordinary values Go's own heap is safer. This package
// pays where many megabytes of pointer-free data would make the collector work.
package alloc
