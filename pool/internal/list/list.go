// Package list has a doubly linked list whose nodes are fields of what they
// link: no allocation, and removal from the middle in constant time. It knows
// nothing of what is in it and is not safe for concurrent use.
package list

// A Node links the value that it is a field of; Value must be set to that
// before the first use.
type Node[V any] struct {
	Value      V
	prev, next *Node[V]
	in         *List[V]
}

// In tells whether the node is in a list.
func (n *Node[V]) In() bool { return n.in != nil }

// Next returns the node behind n, or nil.
func (n *Node[V]) Next() *Node[V] { return n.next }

// A List is a sequence of nodes. The zero List is empty.
type List[V any] struct {
	front, back *Node[V]
	n           int
}

// Len returns the number of nodes.
func (l *List[V]) Len() int { return l.n }

// Front returns the first node, or nil.
func (l *List[V]) Front() *Node[V] { return l.front }

// Back returns the last node, or nil.
func (l *List[V]) Back() *Node[V] { return l.back }

// PushBack appends a node that is in no list.
func (l *List[V]) PushBack(n *Node[V]) {
	if n.in != nil {
		panic("list: node is in a list already")
	}
	n.in, n.prev = l, l.back
	if l.back == nil {
		l.front = n
	} else {
		l.back.next = n
	}
	l.back = n
	l.n++
}

// PushFront prepends a node that is in no list.
func (l *List[V]) PushFront(n *Node[V]) {
	if l.front == nil {
		l.PushBack(n)
		return
	}
	if n.in != nil {
		panic("list: node is in a list already")
	}
	n.in, n.next = l, l.front
	l.front.prev = n
	l.front = n
	l.n++
}

// Remove takes a node out of the list it is in.
func (l *List[V]) Remove(n *Node[V]) {
	if n.in != l {
		panic("list: node is not in this list")
	}
	if n.prev == nil {
		l.front = n.next
	} else {
		n.prev.next = n.next
	}
	if n.next == nil {
		l.back = n.prev
	} else {
		n.next.prev = n.prev
	}
	n.prev, n.next, n.in = nil, nil, nil
	l.n--
}
