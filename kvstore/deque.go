package kvstore

// deque is a list with both ends in constant time: a ring that grows by doubling.
type deque struct {
	ring  [][]byte
	first int
	n     int
}

func (d *deque) at(i int) []byte { return d.ring[(d.first+i)%len(d.ring)] }

func (d *deque) set(i int, v []byte) { d.ring[(d.first+i)%len(d.ring)] = v }

func (d *deque) grow() {
	if d.n < len(d.ring) {
		return
	}
	ring := make([][]byte, max(8, 2*len(d.ring)))
	for i := range d.n {
		ring[i] = d.at(i)
	}
	d.ring, d.first = ring, 0
}

func (d *deque) pushBack(v []byte) {
	d.grow()
	d.n++
	d.set(d.n-1, v)
}

func (d *deque) pushFront(v []byte) {
	d.grow()
	d.first = (d.first - 1 + len(d.ring)) % len(d.ring)
	d.n++
	d.set(0, v)
}

func (d *deque) popFront() []byte {
	v := d.at(0)
	d.set(0, nil)
	d.first = (d.first + 1) % len(d.ring)
	d.n--
	return v
}

func (d *deque) popBack() []byte {
	v := d.at(d.n - 1)
	d.set(d.n-1, nil)
	d.n--
	return v
}

// keep drops all elements for which f is false.
func (d *deque) keep(f func(i int, v []byte) bool) {
	kept := &deque{}
	for i := range d.n {
		if v := d.at(i); f(i, v) {
			kept.pushBack(v)
		}
	}
	*d = *kept
}
