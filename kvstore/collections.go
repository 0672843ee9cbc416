package kvstore

import (
	"bytes"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

func hset(c *cmdContext, a [][]byte) Reply {
	if len(a)%2 != 0 {
		return wrongArity(a[0])
	}
	e, ok := c.make(a[1], kindHash)
	if !ok {
		return fail(msgWrongType)
	}
	var added int64
	for i := 2; i < len(a); i += 2 {
		if _, ok := e.hash[string(a[i])]; !ok {
			added++
		}
		e.hash[string(a[i])] = bytes.Clone(a[i+1])
	}
	c.logArgs(a)
	if len(a[0]) == len("HMSET") {
		return status("OK")
	}
	return integer(added)
}

func hsetNX(c *cmdContext, a [][]byte) Reply {
	e, ok := c.typed(a[1], kindHash)
	switch {
	case !ok:
		return fail(msgWrongType)
	case e != nil:
		if _, ok := e.hash[string(a[2])]; ok {
			return integer(0)
		}
	}
	return hset(c, [][]byte{[]byte("HSET"), a[1], a[2], a[3]})
}

func hget(c *cmdContext, a [][]byte) Reply {
	e, ok := c.typed(a[1], kindHash)
	if !ok {
		return fail(msgWrongType)
	}
	if e == nil {
		return Reply{}
	}
	v, ok := e.hash[string(a[2])]
	if !ok {
		return Reply{}
	}
	return bulk(v)
}

func hmget(c *cmdContext, a [][]byte) Reply {
	r := array([]Reply{})
	for _, f := range a[2:] {
		v := hget(c, [][]byte{a[0], a[1], f})
		if v.Kind == ErrorReply {
			return v
		}
		r.Elems = append(r.Elems, v)
	}
	return r
}

func hdel(c *cmdContext, a [][]byte) Reply {
	e, ok := c.typed(a[1], kindHash)
	if !ok {
		return fail(msgWrongType)
	}
	var n int64
	for _, f := range a[2:] {
		if e == nil {
			break
		}
		if _, ok := e.hash[string(f)]; ok {
			delete(e.hash, string(f))
			n++
		}
	}
	if n > 0 {
		if len(e.hash) == 0 {
			c.db.remove(string(a[1]))
		}
		c.logArgs(a)
	}
	return integer(n)
}

func hgetAll(c *cmdContext, a [][]byte) Reply {
	e, ok := c.typed(a[1], kindHash)
	if !ok {
		return fail(msgWrongType)
	}
	name := strings.ToUpper(string(a[0]))
	r := array([]Reply{})
	if name == "HGETALL" {
		r.Kind = MapReply
	}
	if e == nil {
		return r
	}
	for _, f := range slices.Sorted(maps.Keys(e.hash)) {
		if name != "HVALS" {
			r.Elems = append(r.Elems, text(f))
		}
		if name != "HKEYS" {
			r.Elems = append(r.Elems, bulk(e.hash[f]))
		}
	}
	return r
}

func hlen(c *cmdContext, a [][]byte) Reply {
	e, ok := c.typed(a[1], kindHash)
	switch {
	case !ok:
		return fail(msgWrongType)
	case e == nil:
		return integer(0)
	}
	return integer(int64(len(e.hash)))
}

func hexists(c *cmdContext, a [][]byte) Reply {
	v := hget(c, a)
	if v.Kind == ErrorReply {
		return v
	}
	return boolean(v.Kind == BulkReply)
}

func hstrlen(c *cmdContext, a [][]byte) Reply {
	v := hget(c, a)
	if v.Kind == ErrorReply {
		return v
	}
	return integer(int64(len(v.Bytes)))
}

func hincrBy(c *cmdContext, a [][]byte) Reply {
	delta, ok := parseInt(a[3])
	if !ok {
		return fail(msgNotInt)
	}
	old := hget(c, a[:3])
	if old.Kind == ErrorReply {
		return old
	}
	var n int64
	if old.Kind == BulkReply {
		if n, ok = parseInt(old.Bytes); !ok {
			return fail("ERR hash value is not an integer")
		}
	}
	if delta > 0 && n > math.MaxInt64-delta || delta < 0 && n < math.MinInt64-delta {
		return fail("ERR increment or decrement would overflow")
	}
	n += delta
	hset(c, [][]byte{[]byte("HSET"), a[1], a[2], strconv.AppendInt(nil, n, 10)})
	return integer(n)
}

func push(c *cmdContext, a [][]byte) Reply {
	e, ok := c.typed(a[1], kindList)
	if !ok {
		return fail(msgWrongType)
	}
	if e == nil {
		if len(a[0]) == len("LPUSHX") {
			return integer(0)
		}
		e, _ = c.make(a[1], kindList) // absent, so it is made
	}
	for _, v := range a[2:] {
		if a[0][0]|0x20 == 'l' {
			e.list.pushFront(bytes.Clone(v))
		} else {
			e.list.pushBack(bytes.Clone(v))
		}
	}
	c.logArgs(a)
	return integer(int64(e.list.n))
}

func pop(c *cmdContext, a [][]byte) Reply {
	if len(a) > 3 {
		return wrongArity(a[0])
	}
	count, many := int64(1), len(a) == 3
	if many {
		var ok bool
		if count, ok = parseInt(a[2]); !ok || count < 0 {
			return fail("ERR value is out of range, must be positive")
		}
	}
	e, ok := c.typed(a[1], kindList)
	switch {
	case !ok:
		return fail(msgWrongType)
	case e == nil && many:
		return Reply{Kind: NilArrayReply}
	case e == nil:
		return Reply{}
	}
	r := array([]Reply{})
	for ; count > 0 && e.list.n > 0; count-- {
		if a[0][0]|0x20 == 'l' {
			r.Elems = append(r.Elems, bulk(e.list.popFront()))
		} else {
			r.Elems = append(r.Elems, bulk(e.list.popBack()))
		}
	}
	if e.list.n == 0 {
		c.db.remove(string(a[1]))
	}
	if len(r.Elems) > 0 {
		c.logArgs(a)
	}
	if !many {
		return r.Elems[0]
	}
	return r
}

func llen(c *cmdContext, a [][]byte) Reply {
	e, ok := c.typed(a[1], kindList)
	switch {
	case !ok:
		return fail(msgWrongType)
	case e == nil:
		return integer(0)
	}
	return integer(int64(e.list.n))
}

func lrange(c *cmdContext, a [][]byte) Reply {
	e, ok := c.typed(a[1], kindList)
	if !ok {
		return fail(msgWrongType)
	}
	n := 0
	if e != nil {
		n = e.list.n
	}
	from, to, ok := window(a[2], a[3], n)
	if !ok {
		return fail(msgNotInt)
	}
	r := array([]Reply{})
	for i := from; i < to; i++ {
		r.Elems = append(r.Elems, bulk(e.list.at(i)))
	}
	return r
}

// listIndex finds an element by its index, negative ones from the end.
func (e *entry) listIndex(arg []byte) (i int, valid, inside bool) {
	n, ok := parseInt(arg)
	if !ok {
		return 0, false, false
	}
	if n < 0 {
		n += int64(e.list.n)
	}
	return int(n), true, n >= 0 && n < int64(e.list.n)
}

func lindex(c *cmdContext, a [][]byte) Reply {
	e, ok := c.typed(a[1], kindList)
	switch {
	case !ok:
		return fail(msgWrongType)
	case e == nil:
		return Reply{}
	}
	i, valid, inside := e.listIndex(a[2])
	switch {
	case !valid:
		return fail(msgNotInt)
	case !inside:
		return Reply{}
	}
	return bulk(e.list.at(i))
}

func lset(c *cmdContext, a [][]byte) Reply {
	e, ok := c.typed(a[1], kindList)
	switch {
	case !ok:
		return fail(msgWrongType)
	case e == nil:
		return fail(msgNoKey)
	}
	i, valid, inside := e.listIndex(a[2])
	switch {
	case !valid:
		return fail(msgNotInt)
	case !inside:
		return fail(msgRange)
	}
	e.list.set(i, bytes.Clone(a[3]))
	c.logArgs(a)
	return status("OK")
}

func lrem(c *cmdContext, a [][]byte) Reply {
	count, ok := parseInt(a[2])
	if !ok {
		return fail(msgNotInt)
	}
	e, ok := c.typed(a[1], kindList)
	switch {
	case !ok:
		return fail(msgWrongType)
	case e == nil:
		return integer(0)
	}
	matches := 0
	for i := range e.list.n {
		if bytes.Equal(e.list.at(i), a[3]) {
			matches++
		}
	}
	// Of the matches, in order, those from skip on are removed, at most limit.
	skip, limit := 0, matches
	if count > 0 {
		limit = int(min(count, int64(matches)))
	} else if count < 0 && -count < int64(matches) && count != math.MinInt64 {
		skip = matches + int(count)
	}
	removed, seen := 0, 0
	e.list.keep(func(_ int, v []byte) bool {
		if !bytes.Equal(v, a[3]) {
			return true
		}
		seen++
		if seen <= skip || removed == limit {
			return true
		}
		removed++
		return false
	})
	if removed > 0 {
		if e.list.n == 0 {
			c.db.remove(string(a[1]))
		}
		c.logArgs(a)
	}
	return integer(int64(removed))
}

func ltrim(c *cmdContext, a [][]byte) Reply {
	e, ok := c.typed(a[1], kindList)
	if !ok {
		return fail(msgWrongType)
	}
	n := 0
	if e != nil {
		n = e.list.n
	}
	from, to, ok := window(a[2], a[3], n)
	switch {
	case !ok:
		return fail(msgNotInt)
	case e == nil:
		return status("OK")
	}
	e.list.keep(func(i int, _ []byte) bool { return i >= from && i < to })
	if e.list.n == 0 {
		c.db.remove(string(a[1]))
	}
	c.logArgs(a)
	return status("OK")
}
