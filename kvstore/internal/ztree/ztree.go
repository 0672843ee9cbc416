// Package ztree orders the members of a sorted set by score and then by name: a
// B+ tree whose nodes count what is below them, so that ranks cost as little as
// look-ups. Members are table.Refs; their names stay where they are.
package ztree

import "github.com/groundwork-go/groundwork/kvstore/internal/table"

const (
	fanout = 32
	few    = fanout / 4
)

// A Tree is an ordered set of members. Use New. It is not safe for concurrent use.
type Tree struct {
	root  *node
	name  func(table.Ref) []byte
	bytes int // memory of the nodes
}

// node is a leaf, or has kids: then an entry is the first one of its kid.
type node struct {
	n      int
	size   int // entries of all leaves below
	scores [fanout]float64
	refs   [fanout]table.Ref
	kids   *[fanout]*node
}

// New returns an empty tree; name tells a member's name.
func New(name func(table.Ref) []byte) *Tree {
	return &Tree{root: &node{}, name: name, bytes: (&node{}).bytes()}
}

// Len returns the number of members.
func (t *Tree) Len() int { return t.root.size }

// less tells whether entry i of n is before a member.
func (t *Tree) less(n *node, i int, score float64, name []byte) bool {
	if n.scores[i] != score {
		return n.scores[i] < score
	}
	return string(t.name(n.refs[i])) < string(name)
}

// place returns the number of entries of n that are before a member.
func (t *Tree) place(n *node, score float64, name []byte) int {
	lo, hi := 0, n.n
	for lo < hi {
		mid := (lo + hi) / 2
		if t.less(n, mid, score, name) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// kid returns the number of the kid that a member belongs to.
func (t *Tree) kid(n *node, score float64, ref table.Ref, name []byte) int {
	i := t.place(n, score, name)
	if i < n.n && n.refs[i] == ref && n.scores[i] == score {
		return i
	}
	return max(i-1, 0)
}

// Insert adds a member that is not in the tree.
func (t *Tree) Insert(score float64, ref table.Ref) {
	if split := t.insert(t.root, score, ref, t.name(ref)); split != nil {
		root := &node{kids: new([fanout]*node)}
		root.put(0, 0, 0, t.root)
		root.put(1, 0, 0, split)
		root.refresh(0)
		root.refresh(1)
		root.size = t.root.size + split.size
		t.root = root
		t.bytes += root.bytes()
	}
}

func (t *Tree) insert(n *node, score float64, ref table.Ref, name []byte) *node {
	n.size++
	if n.kids == nil {
		i := t.place(n, score, name)
		if n.n < fanout {
			n.put(i, score, ref, nil)
			return nil
		}
		right := n.split(i)
		t.bytes += right.bytes()
		if i <= n.n {
			n.put(i, score, ref, nil)
		} else {
			right.put(i-n.n, score, ref, nil)
		}
		n.size, right.size = n.n, right.n
		return right
	}
	i := t.kid(n, score, ref, name)
	split := t.insert(n.kids[i], score, ref, name)
	n.refresh(i)
	if split == nil {
		return nil
	}
	if n.n < fanout {
		n.put(i+1, split.scores[0], split.refs[0], split)
		return nil
	}
	right := n.split(i + 1)
	t.bytes += right.bytes()
	if i+1 <= n.n {
		n.put(i+1, split.scores[0], split.refs[0], split)
	} else {
		right.put(i+1-n.n, split.scores[0], split.refs[0], split)
	}
	n.count()
	right.count()
	return right
}

// split moves the upper half of a full node to a new one; at is where the next
// entry goes: at the end, all but a little stays, for members often come in order.
func (n *node) split(at int) *node {
	half := fanout / 2
	if at == fanout {
		half = fanout - 2
	}
	right := &node{n: fanout - half}
	copy(right.scores[:], n.scores[half:])
	copy(right.refs[:], n.refs[half:])
	if n.kids != nil {
		right.kids = new([fanout]*node)
		copy(right.kids[:], n.kids[half:])
		clear(n.kids[half:])
	}
	n.n = half
	return right
}

func (n *node) count() {
	n.size = 0
	for _, k := range n.kids[:n.n] {
		n.size += k.size
	}
}

func (n *node) put(i int, score float64, ref table.Ref, kid *node) {
	copy(n.scores[i+1:n.n+1], n.scores[i:n.n])
	copy(n.refs[i+1:n.n+1], n.refs[i:n.n])
	n.scores[i], n.refs[i] = score, ref
	if n.kids != nil {
		copy(n.kids[i+1:n.n+1], n.kids[i:n.n])
		n.kids[i] = kid
	}
	n.n++
}

func (n *node) take(i int) {
	n.n--
	copy(n.scores[i:n.n], n.scores[i+1:n.n+1])
	copy(n.refs[i:n.n], n.refs[i+1:n.n+1])
	if n.kids != nil {
		copy(n.kids[i:n.n], n.kids[i+1:n.n+1])
		n.kids[n.n] = nil
	}
}

// refresh takes over the first entry of a kid.
func (n *node) refresh(i int) {
	n.scores[i], n.refs[i] = n.kids[i].scores[0], n.kids[i].refs[0]
}

// Delete removes a member, whose score is given and whose name is still known.
func (t *Tree) Delete(score float64, ref table.Ref) {
	t.remove(t.root, score, ref, t.name(ref))
	for t.root.kids != nil && t.root.n == 1 {
		t.bytes -= t.root.bytes()
		t.root = t.root.kids[0]
	}
}

func (t *Tree) remove(n *node, score float64, ref table.Ref, name []byte) {
	n.size--
	if n.kids == nil {
		n.take(t.place(n, score, name))
		return
	}
	i := t.kid(n, score, ref, name)
	kid := n.kids[i]
	t.remove(kid, score, ref, name)
	if kid.n > 0 {
		n.refresh(i)
	}
	if kid.n < few {
		t.bytes -= n.join(i)
	}
}

// join puts kid i together with a neighbour, if they fit into one, and returns the
// memory that is free by that.
func (n *node) join(i int) int {
	if kid := n.kids[i]; kid.n == 0 {
		n.take(i)
		return kid.bytes()
	}
	if i == n.n-1 {
		i--
	}
	if i < 0 {
		return 0
	}
	a, b := n.kids[i], n.kids[i+1]
	if a.n+b.n > fanout*3/4 {
		return 0
	}
	copy(a.scores[a.n:], b.scores[:b.n])
	copy(a.refs[a.n:], b.refs[:b.n])
	if a.kids != nil {
		copy(a.kids[a.n:], b.kids[:b.n])
	}
	a.n += b.n
	a.size += b.size
	n.take(i + 1)
	return b.bytes()
}

// Rank returns how many members are before one that is in the tree.
func (t *Tree) Rank(score float64, ref table.Ref) int {
	name, rank, n := t.name(ref), 0, t.root
	for n.kids != nil {
		i := t.kid(n, score, ref, name)
		for _, k := range n.kids[:i] {
			rank += k.size
		}
		n = n.kids[i]
	}
	return rank + t.place(n, score, name)
}

// Search returns how many members are before the first one for which at is true;
// it must be so for all that follow.
func (t *Tree) Search(at func(score float64, ref table.Ref) bool) int {
	rank, n := 0, t.root
	for {
		lo, hi := 0, n.n
		for lo < hi {
			mid := (lo + hi) / 2
			if at(n.scores[mid], n.refs[mid]) {
				hi = mid
			} else {
				lo = mid + 1
			}
		}
		if n.kids == nil {
			return rank + lo
		}
		lo = max(lo-1, 0)
		if n.n == 0 {
			return rank
		}
		for _, k := range n.kids[:lo] {
			rank += k.size
		}
		n = n.kids[lo]
	}
}

// Walk calls f for the members from a rank on, or from it down, until f returns
// false. f must not change the tree.
func (t *Tree) Walk(rank int, down bool, f func(score float64, ref table.Ref) bool) {
	if rank < 0 || rank >= t.Len() {
		return
	}
	if down {
		t.root.walkDown(rank, f)
	} else {
		t.root.walkUp(rank, f)
	}
}

func (n *node) walkUp(skip int, f func(float64, table.Ref) bool) bool {
	if n.kids == nil {
		for i := skip; i < n.n; i++ {
			if !f(n.scores[i], n.refs[i]) {
				return false
			}
		}
		return true
	}
	for _, k := range n.kids[:n.n] {
		if skip >= k.size {
			skip -= k.size
			continue
		}
		if !k.walkUp(skip, f) {
			return false
		}
		skip = 0
	}
	return true
}

// walkDown begins at the entry of the given rank below n.
func (n *node) walkDown(rank int, f func(float64, table.Ref) bool) bool {
	if n.kids == nil {
		for i := min(rank, n.n-1); i >= 0; i-- {
			if !f(n.scores[i], n.refs[i]) {
				return false
			}
		}
		return true
	}
	before := n.size
	for i := n.n - 1; i >= 0; i-- {
		k := n.kids[i]
		if before -= k.size; before > rank {
			continue
		}
		if !k.walkDown(rank-before, f) {
			return false
		}
		rank = before - 1
	}
	return true
}

// Bytes returns the memory that the tree uses.
func (t *Tree) Bytes() int { return t.bytes }

// bytes is the memory of the node alone.
func (n *node) bytes() int {
	size := 24 + fanout*12
	if n.kids != nil {
		size += fanout * 8
	}
	return size
}
