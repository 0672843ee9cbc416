package kvstore

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/groundwork-go/groundwork/kvstore/internal/glob"
	"github.com/groundwork-go/groundwork/kvstore/resp"
)

// command is what the table knows of a command.
type command struct {
	arity int // arguments with the name; negative: at least so many
	write bool
	run   func(c *cmdContext, args [][]byte) Reply
}

// cmdContext is what commands run in; the lock of the DB is held.
type cmdContext struct {
	db        *DB
	write     bool   // the lock is held for writing
	replaying bool   // of the log: time stands still, all removals are in it
	unit      []byte // what goes into the log
	effects   int
}

// get returns the entry of a key that has not expired. A writer removes one that
// has, and logs that, so that a replay never sees it beside what comes after.
func (c *cmdContext) get(key string) *entry {
	e := c.db.data[key]
	if e == nil || c.replaying || e.expireAt == 0 || e.expireAt > c.db.nowMillis() {
		return e
	}
	if c.write {
		c.db.remove(key)
		c.db.stats.Expired++
		c.log("DEL", key)
	}
	return nil
}

// log notes the effect of a command: one that gives the same state at any time
// when it is run again.
func (c *cmdContext) log(args ...string) {
	c.effects++
	if !c.replaying && c.db.log != nil {
		c.unit = resp.AppendCommand(c.unit, args...)
	}
}

func (c *cmdContext) logArgs(args [][]byte) {
	c.effects++
	if !c.replaying && c.db.log != nil {
		c.unit = resp.AppendCommand(c.unit, args...)
	}
}

// run looks a command up and runs it.
func (c *cmdContext) run(args [][]byte) Reply {
	cmd, bad := lookUp(strings.ToUpper(string(args[0])), args)
	if bad.Kind == ErrorReply {
		return bad
	}
	return cmd.run(c, args)
}

func wrongArity(name []byte) Reply {
	return fail("ERR wrong number of arguments for '%s' command", bytes.ToLower(name))
}

func lookUp(name string, args [][]byte) (command, Reply) {
	cmd, ok := commandTable[name]
	if !ok {
		var b strings.Builder
		for _, a := range args[1:min(len(args), 9)] {
			b.WriteString("'" + string(a[:min(len(a), 128)]) + "' ")
		}
		return cmd, fail("ERR unknown command '%.128s', with args beginning with: %s", args[0], b.String())
	}
	if cmd.arity > 0 && len(args) != cmd.arity || cmd.arity < 0 && len(args) < -cmd.arity {
		return cmd, wrongArity(args[0])
	}
	return cmd, Reply{}
}

var commandTable = map[string]command{
	"PING": {-1, false, ping}, "ECHO": {2, false, func(_ *cmdContext, a [][]byte) Reply { return bulk(a[1]) }},
	"GET": {2, false, get}, "SET": {-3, true, set}, "SETNX": {3, true, setNX}, "SETEX": {4, true, setEX}, "PSETEX": {4, true, setEX},
	"GETSET": {3, true, getSet}, "GETDEL": {2, true, getDel}, "MGET": {-2, false, mget}, "MSET": {-3, true, mset}, "MSETNX": {-3, true, mset},
	"APPEND": {3, true, appendCmd}, "STRLEN": {2, false, strLen}, "GETRANGE": {4, false, getRange},
	"INCR": {2, true, incr}, "DECR": {2, true, incr}, "INCRBY": {3, true, incr}, "DECRBY": {3, true, incr}, "INCRBYFLOAT": {3, true, incrByFloat},

	"DEL": {-2, true, del}, "UNLINK": {-2, true, del}, "EXISTS": {-2, false, exists}, "TYPE": {2, false, typeCmd},
	"KEYS": {2, false, keys}, "SCAN": {-2, false, scan}, "RANDOMKEY": {1, false, randomKey}, "DBSIZE": {1, false, dbSize},
	"FLUSHALL": {-1, true, flush}, "FLUSHDB": {-1, true, flush}, "RENAME": {3, true, rename}, "PERSIST": {2, true, persist},
	"EXPIRE": {-3, true, expire}, "PEXPIRE": {-3, true, expire}, "EXPIREAT": {-3, true, expire}, "PEXPIREAT": {-3, true, expire},
	"TTL": {2, false, ttl}, "PTTL": {2, false, ttl}, "EXPIRETIME": {2, false, ttl}, "PEXPIRETIME": {2, false, ttl},

	"HSET": {-4, true, hset}, "HMSET": {-4, true, hset}, "HSETNX": {4, true, hsetNX}, "HGET": {3, false, hget}, "HMGET": {-3, false, hmget},
	"HDEL": {-3, true, hdel}, "HGETALL": {2, false, hgetAll}, "HKEYS": {2, false, hgetAll}, "HVALS": {2, false, hgetAll},
	"HLEN": {2, false, hlen}, "HEXISTS": {3, false, hexists}, "HSTRLEN": {3, false, hstrlen}, "HINCRBY": {4, true, hincrBy},

	"LPUSH": {-3, true, push}, "RPUSH": {-3, true, push}, "LPUSHX": {-3, true, push}, "RPUSHX": {-3, true, push},
	"LPOP": {-2, true, pop}, "RPOP": {-2, true, pop}, "LLEN": {2, false, llen}, "LRANGE": {4, false, lrange},
	"LINDEX": {3, false, lindex}, "LSET": {4, true, lset}, "LREM": {4, true, lrem}, "LTRIM": {4, true, ltrim},

	"PUBLISH": {3, false, publish}, "PUBSUB": {-2, false, pubsub},
}

// Commands returns the names of all commands that a Session runs, in order.
func Commands() []string {
	names := slices.Collect(maps.Keys(commandTable))
	names = append(names, "MULTI", "EXEC", "DISCARD")
	slices.Sort(names)
	return names
}

// parseInt reads an integer as strictly as Redis: no sign +, no leading zeros, no
// spaces.
func parseInt(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 20 || b[0] == '+' {
		return 0, false
	}
	digits := bytes.TrimPrefix(b, []byte("-"))
	if len(digits) > 1 && digits[0] == '0' || len(digits) == 1 && digits[0] == '0' && len(b) == 2 {
		return 0, false
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	return n, err == nil
}

func ping(_ *cmdContext, a [][]byte) Reply {
	switch len(a) {
	case 1:
		return status("PONG")
	case 2:
		return bulk(a[1])
	}
	return wrongArity(a[0])
}

// typed returns the entry of a key if it has the kind, nil if there is none.
func (c *cmdContext) typed(key []byte, k kind) (*entry, bool) {
	e := c.get(string(key))
	if e == nil {
		return nil, true
	}
	return e, e.kind == k
}

// put makes a fresh entry for a key, in place of any old one.
func (c *cmdContext) put(key []byte, e *entry) {
	k := string(key)
	c.db.data[k] = e
	if e.expireAt != 0 {
		c.db.expires[k] = struct{}{}
	} else {
		delete(c.db.expires, k)
	}
}

// make returns the entry of a key of that kind, making it if there is none.
func (c *cmdContext) make(key []byte, k kind) (*entry, bool) {
	e, ok := c.typed(key, k)
	if e == nil && ok {
		e = &entry{kind: k}
		switch k {
		case kindHash:
			e.hash = make(map[string][]byte)
		case kindList:
			e.list = &deque{}
		}
		c.put(key, e)
	}
	return e, ok
}

func get(c *cmdContext, a [][]byte) Reply {
	e, ok := c.typed(a[1], kindString)
	switch {
	case !ok:
		return fail(msgWrongType)
	case e == nil:
		return Reply{}
	}
	return bulk(e.str)
}

func del(c *cmdContext, a [][]byte) Reply {
	var n int64
	for _, k := range a[1:] {
		if c.get(string(k)) == nil {
			continue
		}
		c.db.remove(string(k))
		c.log("DEL", string(k))
		n++
	}
	return integer(n)
}

func exists(c *cmdContext, a [][]byte) Reply {
	var n int64
	for _, k := range a[1:] {
		if c.get(string(k)) != nil {
			n++
		}
	}
	return integer(n)
}

func typeCmd(c *cmdContext, a [][]byte) Reply {
	if e := c.get(string(a[1])); e != nil {
		return status(e.kind.String())
	}
	return status("none")
}

func keys(c *cmdContext, a [][]byte) Reply {
	r := array([]Reply{})
	for k := range c.db.data {
		if c.get(k) != nil && glob.Match(string(a[1]), k) {
			r.Elems = append(r.Elems, text(k))
		}
	}
	return r
}

// scan answers everything at once: a legal, if generous, iteration.
func scan(c *cmdContext, a [][]byte) Reply {
	if n, err := strconv.ParseUint(string(a[1]), 10, 64); err != nil {
		return fail("ERR invalid cursor")
	} else if n != 0 {
		return array([]Reply{text("0"), array([]Reply{})})
	}
	pattern, wantType := "*", ""
	for i := 2; i < len(a); i += 2 {
		if i+1 == len(a) {
			return fail(msgSyntax)
		}
		switch strings.ToUpper(string(a[i])) {
		case "MATCH":
			pattern = string(a[i+1])
		case "COUNT":
			if n, ok := parseInt(a[i+1]); !ok {
				return fail(msgNotInt)
			} else if n < 1 {
				return fail(msgSyntax)
			}
		case "TYPE":
			wantType = strings.ToLower(string(a[i+1]))
		default:
			return fail(msgSyntax)
		}
	}
	found := []Reply{}
	for k := range c.db.data {
		if e := c.get(k); e != nil && glob.Match(pattern, k) && (wantType == "" || wantType == e.kind.String()) {
			found = append(found, text(k))
		}
	}
	return array([]Reply{text("0"), array(found)})
}

func randomKey(c *cmdContext, _ [][]byte) Reply {
	for k := range c.db.data {
		if c.get(k) != nil {
			return text(k)
		}
	}
	return Reply{}
}

func dbSize(c *cmdContext, _ [][]byte) Reply { return integer(int64(len(c.db.data))) }

func flush(c *cmdContext, a [][]byte) Reply {
	if len(a) > 2 || len(a) == 2 && !strings.EqualFold(string(a[1]), "SYNC") && !strings.EqualFold(string(a[1]), "ASYNC") {
		return fail(msgSyntax)
	}
	clear(c.db.data)
	clear(c.db.expires)
	c.log("FLUSHALL")
	return status("OK")
}

func rename(c *cmdContext, a [][]byte) Reply {
	e := c.get(string(a[1]))
	if e == nil {
		return fail(msgNoKey)
	}
	c.db.remove(string(a[1]))
	c.put(a[2], e)
	c.logArgs(a)
	return status("OK")
}

func persist(c *cmdContext, a [][]byte) Reply {
	e := c.get(string(a[1]))
	if e == nil || e.expireAt == 0 {
		return integer(0)
	}
	e.expireAt = 0
	delete(c.db.expires, string(a[1]))
	c.logArgs(a)
	return integer(1)
}

func expire(c *cmdContext, a [][]byte) Reply {
	name := strings.ToUpper(string(a[0]))
	unit := "E"
	if name[0] == 'P' {
		unit = "P"
	}
	if strings.HasSuffix(name, "AT") {
		unit += "AT"
	}
	at, bad := c.expiryArg(unit, a[2], a[0])
	if bad.Kind == ErrorReply {
		return bad
	}
	var nx, xx, gt, lt bool
	for _, opt := range a[3:] {
		switch strings.ToUpper(string(opt)) {
		case "NX":
			nx = true
		case "XX":
			xx = true
		case "GT":
			gt = true
		case "LT":
			lt = true
		default:
			return fail("ERR Unsupported option %s", opt)
		}
	}
	if nx && (xx || gt || lt) {
		return fail("ERR NX and XX, GT or LT options at the same time are not compatible")
	}
	if gt && lt {
		return fail("ERR GT and LT options at the same time are not compatible")
	}
	e := c.get(string(a[1]))
	if e == nil || nx && e.expireAt != 0 || xx && e.expireAt == 0 ||
		gt && (e.expireAt == 0 || at <= e.expireAt) || lt && e.expireAt != 0 && at >= e.expireAt {
		return integer(0)
	}
	if at <= c.db.nowMillis() && !c.replaying {
		return del(c, a[:2])
	}
	e.expireAt = at
	c.db.expires[string(a[1])] = struct{}{}
	c.log("PEXPIREAT", string(a[1]), strconv.FormatInt(at, 10))
	return integer(1)
}

func ttl(c *cmdContext, a [][]byte) Reply {
	e := c.get(string(a[1]))
	switch {
	case e == nil:
		return integer(-2)
	case e.expireAt == 0:
		return integer(-1)
	}
	n := e.expireAt
	name := strings.ToUpper(string(a[0]))
	if !strings.Contains(name, "EXPIRE") {
		n -= c.db.nowMillis()
	}
	if name[0] != 'P' {
		n = (n + 500) / 1000
	}
	return integer(n)
}

func publish(c *cmdContext, a [][]byte) Reply {
	return integer(c.db.hub.publish(string(a[1]), bytes.Clone(a[2])))
}

func pubsub(c *cmdContext, a [][]byte) Reply {
	switch sub := strings.ToUpper(string(a[1])); {
	case sub == "CHANNELS" && len(a) <= 3:
		pattern := ""
		if len(a) == 3 {
			pattern = string(a[2])
		}
		r := array([]Reply{})
		for _, ch := range slices.Sorted(maps.Keys(c.db.hub.channels(pattern))) {
			r.Elems = append(r.Elems, text(ch))
		}
		return r
	case sub == "NUMSUB":
		counts := c.db.hub.channels("")
		r := array([]Reply{})
		for _, ch := range a[2:] {
			r.Elems = append(r.Elems, bulk(ch), integer(counts[string(ch)]))
		}
		return r
	case sub == "NUMPAT" && len(a) == 2:
		return integer(c.db.hub.patternCount())
	}
	return fail("ERR unknown subcommand or wrong number of arguments for '%.128s'. Try PUBSUB HELP.", a[1])
}
