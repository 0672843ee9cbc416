package alloc

import (
	"fmt"
	"math"
	"os"
	"unsafe"

	"github.com/groundwork-go/groundwork/alloc/internal/sysmem"
)

// guard maps each block on its own, its end against a page that cannot be
// accessed, with another such page before it.
type guard struct {
	limit    int64 // 0: none
	reserved int64
}

// guarded is the mapping of a block.
type guarded struct {
	region sysmem.Region
	mine   []byte // what is accessible while the block is live
}

// record maps a block. Up to the alignment, bytes behind it are not protected; they
// are a redzone.
func (g *guard) record(n, align int) *record {
	page := os.Getpagesize()
	if n > math.MaxInt/4 || align > math.MaxInt/4 {
		return nil
	}
	room := (n + align - 1) &^ (align - 1)
	mine := sysmem.RoundUp(room)
	whole := mine + 2*page
	if g.limit > 0 && int64(whole) > g.limit-g.reserved {
		return nil
	}
	// Where align is beyond a page, the block's end is aligned if the mapping's is.
	lead := page
	if align > page {
		lead, whole = align, align+mine+page
	}
	region, err := sysmem.MapReal(whole, max(align, page))
	if err != nil {
		return nil // the contract of Alloc has no room for the system's reason
	}
	in := region.Mem[lead : lead+mine]
	if sysmem.Protect(region.Mem[:lead], false) != nil || sysmem.Protect(region.Mem[lead+mine:], false) != nil {
		unmapGuarded(region)
		return nil
	}
	g.reserved += int64(whole)
	at := mine - room
	if align > page {
		at = 0
	}
	return &record{p: uintptr(unsafe.Pointer(&in[at])), n: n, whole: in, guard: guarded{region, in}}
}

// protect makes a freed block inaccessible.
func (g *guard) protect(r *record) {
	if err := sysmem.Protect(r.guard.mine, false); err != nil {
		// The block stays readable then; only a lack of kernel memory does this.
		fill(r.whole, fillFreed)
	}
}

func (g *guard) unmap(r *record) {
	g.reserved -= int64(len(r.guard.region.Mem))
	unmapGuarded(r.guard.region)
}

func unmapGuarded(r sysmem.Region) {
	if err := r.Unmap(); err != nil {
		panic(fmt.Sprintf("alloc: %v", err)) // only a bug of this package makes the system refuse
	}
}
