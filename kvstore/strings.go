package kvstore

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"
)

func (c *cmdContext) setString(key, value []byte, expireAt int64) {
	c.put(key, &entry{kind: kindString, str: bytes.Clone(value), expireAt: expireAt})
	if expireAt != 0 {
		c.log("SET", string(key), string(value), "PXAT", strconv.FormatInt(expireAt, 10))
	} else {
		c.log("SET", string(key), string(value))
	}
}

// expiryArg turns the argument of EX, PX, EXAT or PXAT into Unix milliseconds.
func (c *cmdContext) expiryArg(unit string, arg []byte, name []byte) (int64, Reply) {
	n, ok := parseInt(arg)
	if !ok {
		return 0, fail(msgNotInt)
	}
	bad := fail("ERR invalid expire time in '%s' command", bytes.ToLower(name))
	if strings.HasPrefix(unit, "E") {
		if n > math.MaxInt64/1000 || n < math.MinInt64/1000 {
			return 0, bad
		}
		n *= 1000
	}
	if !strings.HasSuffix(unit, "AT") {
		now := c.db.nowMillis()
		if n > math.MaxInt64-now {
			return 0, bad
		}
		n += now
	}
	return n, Reply{}
}

func set(c *cmdContext, a [][]byte) Reply {
	var nx, xx, keep, returnOld bool
	var expireAt int64
	for i := 3; i < len(a); i++ {
		switch opt := strings.ToUpper(string(a[i])); opt {
		case "NX":
			nx = true
		case "XX":
			xx = true
		case "GET":
			returnOld = true
		case "KEEPTTL":
			keep = true
		case "EX", "PX", "EXAT", "PXAT":
			if i++; i == len(a) || expireAt != 0 {
				return fail(msgSyntax)
			}
			at, bad := c.expiryArg(opt, a[i], a[0])
			if bad.Kind == ErrorReply {
				return bad
			}
			if n, _ := parseInt(a[i]); n <= 0 { // it was parsed just now
				return fail("ERR invalid expire time in 'set' command")
			}
			expireAt = at
		default:
			return fail(msgSyntax)
		}
	}
	if nx && xx || keep && expireAt != 0 {
		return fail(msgSyntax)
	}
	old := c.get(string(a[1]))
	var answer Reply
	if returnOld {
		if old != nil && old.kind != kindString {
			return fail(msgWrongType)
		}
		if old != nil {
			answer = bulk(old.str)
		}
	}
	if nx && old != nil || xx && old == nil {
		return answer
	}
	if keep && old != nil {
		expireAt = old.expireAt
	}
	c.setString(a[1], a[2], expireAt)
	if returnOld {
		return answer
	}
	return status("OK")
}

func setNX(c *cmdContext, a [][]byte) Reply {
	if c.get(string(a[1])) != nil {
		return integer(0)
	}
	c.setString(a[1], a[2], 0)
	return integer(1)
}

func setEX(c *cmdContext, a [][]byte) Reply {
	unit := "EX"
	if a[0][0]|0x20 == 'p' {
		unit = "PX"
	}
	return set(c, [][]byte{a[0], a[1], a[3], []byte(unit), a[2]})
}

func getSet(c *cmdContext, a [][]byte) Reply {
	old := get(c, a[:2])
	if old.Kind != ErrorReply {
		c.setString(a[1], a[2], 0)
	}
	return old
}

func getDel(c *cmdContext, a [][]byte) Reply {
	old := get(c, a)
	if old.Kind == BulkReply {
		del(c, a)
	}
	return old
}

func mget(c *cmdContext, a [][]byte) Reply {
	r := array(make([]Reply, 0, len(a)-1))
	for _, k := range a[1:] {
		if e := c.get(string(k)); e != nil && e.kind == kindString {
			r.Elems = append(r.Elems, bulk(e.str))
		} else {
			r.Elems = append(r.Elems, Reply{})
		}
	}
	return r
}

func mset(c *cmdContext, a [][]byte) Reply {
	if len(a)%2 == 0 {
		return wrongArity(a[0])
	}
	nx := len(a[0]) == 6
	for i := 1; nx && i < len(a); i += 2 {
		if c.get(string(a[i])) != nil {
			return integer(0)
		}
	}
	for i := 1; i < len(a); i += 2 {
		c.setString(a[i], a[i+1], 0)
	}
	if nx {
		return integer(1)
	}
	return status("OK")
}

func appendCmd(c *cmdContext, a [][]byte) Reply {
	e, ok := c.make(a[1], kindString)
	if !ok {
		return fail(msgWrongType)
	}
	if len(e.str)+len(a[2]) > 512<<20 {
		return fail("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
	}
	e.str = slices.Concat(e.str, a[2])
	c.logArgs(a)
	return integer(int64(len(e.str)))
}

func strLen(c *cmdContext, a [][]byte) Reply {
	e, ok := c.typed(a[1], kindString)
	switch {
	case !ok:
		return fail(msgWrongType)
	case e == nil:
		return integer(0)
	}
	return integer(int64(len(e.str)))
}

// window turns two indexes, negative ones from the end, into a range of n.
func window(a, b []byte, n int) (from, to int, ok bool) {
	i, ok1 := parseInt(a)
	j, ok2 := parseInt(b)
	if !ok1 || !ok2 {
		return 0, 0, false
	}
	if i < 0 {
		i = max(i+int64(n), 0)
	}
	if j < 0 {
		j += int64(n)
	}
	j = min(j, int64(n)-1)
	if i > j {
		return 0, 0, true
	}
	return int(i), int(j) + 1, true
}

func getRange(c *cmdContext, a [][]byte) Reply {
	e, ok := c.typed(a[1], kindString)
	if !ok {
		return fail(msgWrongType)
	}
	var s []byte
	if e != nil {
		s = e.str
	}
	from, to, ok := window(a[2], a[3], len(s))
	if !ok {
		return fail(msgNotInt)
	}
	return bulk(s[from:to])
}

func incr(c *cmdContext, a [][]byte) Reply {
	delta, ok := int64(1), true
	if len(a) == 3 {
		if delta, ok = parseInt(a[2]); !ok {
			return fail(msgNotInt)
		}
	}
	if a[0][0]|0x20 == 'd' {
		if delta == math.MinInt64 {
			return fail("ERR decrement would overflow")
		}
		delta = -delta
	}
	e, ok := c.typed(a[1], kindString)
	if !ok {
		return fail(msgWrongType)
	}
	var n, expireAt int64
	if e != nil {
		if n, ok = parseInt(e.str); !ok {
			return fail(msgNotInt)
		}
		expireAt = e.expireAt
	}
	if delta > 0 && n > math.MaxInt64-delta || delta < 0 && n < math.MinInt64-delta {
		return fail("ERR increment or decrement would overflow")
	}
	n += delta
	c.setString(a[1], strconv.AppendInt(nil, n, 10), expireAt)
	return integer(n)
}

func incrByFloat(c *cmdContext, a [][]byte) Reply {
	e, ok := c.typed(a[1], kindString)
	if !ok {
		return fail(msgWrongType)
	}
	var f float64
	var expireAt int64
	var err error
	if e != nil {
		if f, err = strconv.ParseFloat(string(e.str), 64); err != nil {
			return fail(msgNotFloat)
		}
		expireAt = e.expireAt
	}
	delta, err := strconv.ParseFloat(string(a[2]), 64)
	if err != nil || math.IsNaN(delta) {
		return fail(msgNotFloat)
	}
	if f += delta; math.IsNaN(f) || math.IsInf(f, 0) {
		return fail("ERR increment would produce NaN or Infinity")
	}
	v := strconv.AppendFloat(nil, f, 'f', -1, 64)
	c.setString(a[1], v, expireAt)
	return bulk(v)
}
