// Package quicklist keeps long lists: a sequence of nodes, each with some
// kilobytes of entries in the form of package listpack and room at both ends, so
// that pushing and popping touch a few bytes at either end.
package quicklist

import (
	"slices"

	"github.com/groundwork-go/groundwork/kvstore/internal/listpack"
)

// A List is a list. Use New. It is not safe for concurrent use.
type List struct {
	nodes []*node
	front int // places of nodes that are free before the first one
	count int
	limit int // bytes of a node's entries, if they are more than one
	most  int // entries of a node
	bytes int // memory of the nodes
}

type node struct {
	buf        []byte
	start, end int // of the entries in buf
	n          int
}

// New returns an empty list with nodes of at most so many bytes and entries; an
// entry that is longer has a node of its own.
func New(maxBytes, maxEntries int) *List { return &List{limit: maxBytes, most: maxEntries} }

// Len returns the number of entries.
func (l *List) Len() int { return l.count }

// Bytes returns the memory in use.
func (l *List) Bytes() int { return cap(l.nodes)*8 + l.bytes }

const nodeSize = 56

// newNode returns a node with entries.
func (l *List) newNode(entries []byte, n int) *node {
	l.bytes += nodeSize + cap(entries)
	return &node{buf: entries, end: len(entries), n: n}
}

// setBuf gives a node another buffer.
func (l *List) setBuf(d *node, buf []byte, start, end int) {
	l.bytes += cap(buf) - cap(d.buf)
	d.buf, d.start, d.end = buf, start, end
}

func (l *List) live() []*node { return l.nodes[l.front:] }

// entries returns the packed entries of a node.
func (d *node) entries() []byte { return d.buf[d.start:d.end] }

// room makes room for n bytes at one of the ends.
func (l *List) room(d *node, n int, front bool) {
	if front && d.start >= n || !front && len(d.buf)-d.end >= n {
		return
	}
	used := d.end - d.start
	grown := make([]byte, max(64, used+n+used/2))
	at := 0
	if front {
		at = len(grown) - used
	}
	copy(grown[at:], d.entries())
	l.setBuf(d, grown, at, at+used)
}

func (l *List) fits(d *node, n int) bool {
	return d.n == 0 || d.end-d.start+n <= l.limit && d.n < l.most
}

// PushBack adds v at the end.
func (l *List) PushBack(v []byte) {
	var scratch [64]byte
	l.pushEntry(listpack.AppendEntry(scratch[:0], v))
}

func (l *List) pushEntry(e []byte) {
	l.count++
	if len(l.live()) == 0 || !l.fits(l.nodes[len(l.nodes)-1], len(e)) {
		l.nodes = append(l.nodes, l.newNode(nil, 0))
	}
	d := l.nodes[len(l.nodes)-1]
	l.room(d, len(e), false)
	d.end += copy(d.buf[d.end:], e)
	d.n++
}

// PushFront adds v at the beginning.
func (l *List) PushFront(v []byte) {
	var scratch [64]byte
	e := listpack.AppendEntry(scratch[:0], v)
	l.count++
	if len(l.live()) == 0 || !l.fits(l.nodes[l.front], len(e)) {
		if l.front == 0 {
			more := len(l.nodes)/2 + 4
			l.nodes = slices.Insert(l.nodes, 0, make([]*node, more)...)
			l.front = more
		}
		l.front--
		l.nodes[l.front] = l.newNode(nil, 0)
	}
	d := l.nodes[l.front]
	l.room(d, len(e), true)
	d.start -= len(e)
	copy(d.buf[d.start:], e)
	d.n++
}

// PopFront removes the first entry and appends it to dst. The list must have one.
func (l *List) PopFront(dst []byte) []byte {
	d := l.nodes[l.front]
	dst = appendText(dst, d.entries())
	d.start += listpack.Skip(d.entries())
	l.took(l.front, 1)
	return dst
}

// PopBack removes the last entry and appends it to dst. The list must have one.
func (l *List) PopBack(dst []byte) []byte {
	d := l.nodes[len(l.nodes)-1]
	size := listpack.SkipBack(d.entries())
	dst = appendText(dst, d.buf[d.end-size:d.end])
	d.end -= size
	l.took(len(l.nodes)-1, 1)
	return dst
}

func appendText(dst, entry []byte) []byte {
	var scratch [24]byte
	return append(dst, listpack.Text(entry, scratch[:0])...)
}

// took counts n entries less in a node and drops it if it is empty.
func (l *List) took(i, n int) {
	d := l.nodes[i]
	d.n -= n
	l.count -= n
	switch {
	case d.n > 0:
		if used := d.end - d.start; len(d.buf) > 512 && used < len(d.buf)/8 {
			l.setBuf(d, slices.Clone(d.entries()), 0, used)
		}
	case i == l.front:
		l.bytes -= nodeSize + cap(d.buf)
		l.nodes[i] = nil
		l.front++
		if l.front > 16 && l.front > len(l.nodes)/2 {
			l.nodes = slices.Clone(l.live())
			l.front = 0
		}
	default:
		l.bytes -= nodeSize + cap(d.buf)
		l.nodes = slices.Delete(l.nodes, i, i+1)
	}
}

// find returns the node and the offset of the i-th entry.
func (l *List) find(i int) (node, at int) {
	if i < l.count/2 {
		for node = l.front; i >= l.nodes[node].n; node++ {
			i -= l.nodes[node].n
		}
	} else {
		i -= l.count
		for node = len(l.nodes) - 1; -i > l.nodes[node].n; node-- {
			i += l.nodes[node].n
		}
		i += l.nodes[node].n
	}
	d := l.nodes[node]
	if i < d.n/2 {
		for at = d.start; i > 0; i-- {
			at += listpack.Skip(d.buf[at:])
		}
		return node, at
	}
	for at, i = d.end, d.n-i; i > 0; i-- {
		at -= listpack.SkipBack(d.buf[d.start:at])
	}
	return node, at
}

// Each calls f for the packed entries from the i-th on, or from it down, until f
// returns false. f must not change the list.
func (l *List) Each(i int, down bool, f func(entry []byte) bool) {
	if i < 0 || i >= l.count {
		return
	}
	n, at := l.find(i)
	for {
		d := l.nodes[n]
		if !f(d.buf[at:d.end]) {
			return
		}
		if !down {
			if at += listpack.Skip(d.buf[at:]); at == d.end {
				if n++; n == len(l.nodes) {
					return
				}
				at = l.nodes[n].start
			}
			continue
		}
		if at == d.start {
			if n--; n < l.front {
				return
			}
			d = l.nodes[n]
			at = d.end
		}
		at -= listpack.SkipBack(d.buf[d.start:at])
	}
}

// Set replaces the i-th entry.
func (l *List) Set(i int, v []byte) {
	n, at := l.find(i)
	d := l.nodes[n]
	size := listpack.Skip(d.buf[at:])
	e := listpack.AppendEntry(nil, v)
	if len(e) == size {
		copy(d.buf[at:], e)
		return
	}
	if d.end-d.start-size+len(e) > l.limit && d.n > 1 {
		l.Delete(i, 1)
		l.Insert(i, v)
		return
	}
	b := slices.Concat(d.buf[d.start:at], e, d.buf[at+size:d.end])
	l.setBuf(d, b, 0, len(b))
}

// Insert adds v before the i-th entry, or at the end.
func (l *List) Insert(i int, v []byte) {
	if i == l.count {
		l.PushBack(v)
		return
	}
	if i == 0 {
		l.PushFront(v)
		return
	}
	e := listpack.AppendEntry(nil, v)
	n, at := l.find(i)
	d := l.nodes[n]
	if !l.fits(d, len(e)) {
		if at == d.start && n > l.front && l.fits(l.nodes[n-1], len(e)) {
			n--
			d = l.nodes[n]
			at = d.end
		} else {
			n, at = l.split(n, at, len(e))
			d = l.nodes[n]
		}
	}
	l.count++
	d.n++
	off := at - d.start
	l.room(d, len(e), false)
	at = d.start + off
	copy(d.buf[at+len(e):d.end+len(e)], d.buf[at:d.end])
	copy(d.buf[at:], e)
	d.end += len(e)
}

// split divides a node at an offset, so that an entry of size bytes has a place
// there, which it returns.
func (l *List) split(n, at, size int) (place, offset int) {
	d := l.nodes[n]
	if at > d.start {
		rest := slices.Clone(d.buf[at:d.end])
		right := l.newNode(rest, listpack.Count(rest))
		d.end = at
		d.n -= right.n
		l.nodes = slices.Insert(l.nodes, n+1, right)
		if l.fits(d, size) {
			return n, at
		}
		n++
		d = right
	}
	if l.fits(d, size) {
		return n, d.start
	}
	l.nodes = slices.Insert(l.nodes, n, l.newNode(nil, 0))
	return n, 0
}

// Delete removes n entries from the i-th on.
func (l *List) Delete(i, n int) {
	for n > 0 {
		at, from := l.find(i)
		d := l.nodes[at]
		to, gone := from, 0
		for to < d.end && gone < n {
			to += listpack.Skip(d.buf[to:])
			gone++
		}
		switch {
		case from == d.start:
			d.start = to
		default:
			d.end = from + copy(d.buf[from:], d.buf[to:d.end])
		}
		n -= gone
		l.took(at, gone)
	}
}

// Remove removes up to most entries that are v, from the beginning or the end,
// and returns how many.
func (l *List) Remove(v []byte, most int, fromEnd bool) int {
	n, isInt := listpack.ParseInt(v)
	var found []int
	i, step := 0, 1
	if fromEnd {
		i, step = l.count-1, -1
	}
	l.Each(i, fromEnd, func(e []byte) bool {
		if listpack.Equal(e, v, n, isInt) {
			found = append(found, i)
		}
		i += step
		return len(found) < most
	})
	if !fromEnd {
		slices.Reverse(found)
	}
	if len(found) > 64 { // one pass is cheaper
		l.without(found)
		return len(found)
	}
	for _, i := range found {
		l.Delete(i, 1)
	}
	return len(found)
}

// without builds the list anew without some entries, given from the last on.
func (l *List) without(gone []int) {
	rest := New(l.limit, l.most)
	i := 0
	l.Each(0, false, func(e []byte) bool {
		if last := len(gone) - 1; last >= 0 && gone[last] == i {
			gone = gone[:last]
		} else {
			rest.pushEntry(e[:listpack.Skip(e)])
		}
		i++
		return true
	})
	*l = *rest
}

// Nodes calls f for the entries of each node and their number.
func (l *List) Nodes(f func(entries []byte, n int)) {
	for _, d := range l.live() {
		f(d.entries(), d.n)
	}
}

// AppendNode adds a node's entries, of which there are n, at the end; they are
// not kept. It is for loading.
func (l *List) AppendNode(entries []byte, n int) {
	l.nodes = append(l.nodes, l.newNode(slices.Clone(entries), n))
	l.count += n
}
