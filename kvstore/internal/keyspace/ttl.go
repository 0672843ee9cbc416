package keyspace

import "github.com/groundwork-go/groundwork/kvstore/internal/table"

// ttlHeap has the times of expiry, the nearest first, with the hashes of their
// keys, without a pointer. An item whose key has another time now, or is gone, is
// passed over when its time comes.
type ttlHeap []ttlItem

type ttlItem struct {
	at int64
	h  uint64
}

func (q *ttlHeap) push(at int64, h uint64) {
	a := append(*q, ttlItem{})
	i := len(a) - 1
	for i > 0 {
		up := (i - 1) / 4
		if a[up].at <= at {
			break
		}
		a[i] = a[up]
		i = up
	}
	a[i] = ttlItem{at, h}
	*q = a
}

func (q *ttlHeap) pop() ttlItem {
	a := *q
	first := a[0]
	last := a[len(a)-1]
	a = a[:len(a)-1]
	if len(a) > 0 {
		a.sink(0, last)
	}
	*q = a
	if cap(a) > 4096 && len(a) < cap(a)/4 {
		*q = append(make(ttlHeap, 0, cap(a)/2), a...)
	}
	return first
}

// sink puts an item at i or below.
func (q ttlHeap) sink(i int, it ttlItem) {
	for {
		kid := 4*i + 1
		if kid >= len(q) {
			break
		}
		for k := kid + 1; k < min(4*i+5, len(q)); k++ {
			if q[k].at < q[kid].at {
				kid = k
			}
		}
		if it.at <= q[kid].at {
			break
		}
		q[i] = q[kid]
		i = kid
	}
	q[i] = it
}

// rebuildTTL leaves out the items that are of no use any more.
func (s *Shard) rebuildTTL() {
	q := make(ttlHeap, 0, s.expiring+s.expiring/2)
	s.tab.Each(func(r table.Ref) bool {
		if e := (Entry{s, 0, r}); e.meta()&flagTTL != 0 {
			q = append(q, ttlItem{e.ExpireAt(), e.rehash().h})
		}
		return true
	})
	for i := len(q)/4 + 1; i >= 0; i-- {
		if i < len(q) {
			q.sink(i, q[i])
		}
	}
	s.ttl = q
}

// NextExpiry returns the time of the next expiry, 0 if there is none.
func (s *Shard) NextExpiry() int64 {
	if s == nil || len(s.ttl) == 0 {
		return 0
	}
	return s.ttl[0].at
}

// Expired returns an entry that has expired at the time now, for the caller to
// delete, or none.
func (s *Shard) Expired(now int64) Entry {
	for len(s.ttl) > 0 && s.ttl[0].at <= now {
		var found Entry
		h := s.ttl[0].h
		s.tab.FindHash(h, func(r table.Ref) bool {
			e := Entry{s, h, r}
			if at := e.ExpireAt(); at != 0 && at <= now {
				found = e
			}
			return !found.Exists()
		})
		if found.Exists() {
			// The item stays: another key may have the same hash.
			return found
		}
		s.ttl.pop()
	}
	return Entry{}
}
