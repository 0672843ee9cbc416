package syntax

// nodes hands out nodes of the most frequent kinds from chunks of them, which grow
// with the source: a tree of many small nodes takes few allocations.
type nodes struct {
	names     chunk[Name]
	ints      chunk[IntLit]
	binaries  chunk[Binary]
	calls     chunk[Call]
	selectors chunk[Selector]
	indexes   chunk[Index]
	assigns   chunk[AssignStmt]
	exprs     chunk[ExprStmt]
	blocks    chunk[Block]
}

// lastChunk bounds the nodes of a chunk, so that a node that is kept does not keep
// many others.
const lastChunk = 64

type chunk[T any] struct {
	left []T
	size int
}

// add returns a pointer to a copy of x.
func (c *chunk[T]) add(x T) *T {
	if len(c.left) == 0 {
		c.size = min(max(2, 2*c.size), lastChunk)
		c.left = make([]T, c.size)
	}
	p := &c.left[0]
	c.left = c.left[1:]
	*p = x
	return p
}
