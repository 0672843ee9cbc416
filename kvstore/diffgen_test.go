package kvstore_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// A generator makes random commands from templates. In a template, words in
// capitals stand for themselves; $-words for random arguments (see arg); [a b] may
// be left out; (a|b c|d) is one of several; a word that ends in + comes one to
// four times, [..]+ likewise.
type generator struct {
	r *rand.Rand
}

// keys have a type by their first letter, most of the time.
const keyKinds = "slezh"

// Those that begin with y are sorted sets whose scores are all 0, for commands by
// name: what these do otherwise depends on the levels of Redis's skip list. Only
// they are sorted by SORT, which changes the encoding in Redis.
func (g *generator) key(kind byte) string {
	if kind != 'y' && g.r.IntN(25) == 0 {
		kind = keyKinds[g.r.IntN(len(keyKinds))]
	}
	return fmt.Sprintf("%c%d", kind, g.r.IntN(6))
}

func (g *generator) pick(list ...string) string { return list[g.r.IntN(len(list))] }

func (g *generator) value() string {
	switch g.r.IntN(16) {
	case 0:
		return ""
	case 1:
		return strings.Repeat("x", 30+g.r.IntN(60))
	case 2:
		return strings.Repeat("y", g.r.IntN(300))
	case 3:
		return "\xff\r\n" + strconv.Itoa(g.r.IntN(10)) + "\x00" // the zero last: SORT ALPHA sees no further
	case 4:
		return g.number()
	case 5, 6, 7:
		return g.pick("foo", "bar", "FooBar", "hello world", "10.5", "-3.0e2", "0x1F", " 1", "1 ", "+5", "007", "-0")
	case 8:
		return g.float()
	}
	return strconv.Itoa(g.r.IntN(200) - 50)
}

func (g *generator) number() string {
	switch g.r.IntN(12) {
	case 0:
		return g.pick("9223372036854775807", "-9223372036854775808", "9223372036854775808", "4294967296", "2147483648", "-2147483649")
	case 1:
		return g.pick("x", "", "1.5", "+1", " 1", "01", "-0", "--1", "1e3", "99999999999999999999")
	case 2, 3:
		return strconv.Itoa(g.r.IntN(100000) - 50000)
	}
	return strconv.Itoa(g.r.IntN(12) - 4)
}

func (g *generator) float() string {
	switch g.r.IntN(12) {
	case 0:
		return g.pick("inf", "-inf", "+inf", "nan", "Infinity", "1e308", "-1e308", "1e400", "1e-400", "x", "", "0x10", "1_0", "-0")
	case 1, 2, 3:
		return strconv.FormatFloat(g.r.NormFloat64()*100, 'g', 1+g.r.IntN(17), 64)
	case 4:
		return g.pick("0.1", "3.2", "1.1", "0.3", "1e20", "1e21", "1.5e-7", "123456789012345678")
	}
	return strconv.Itoa(g.r.IntN(20) - 5)
}

func (g *generator) member() string {
	switch g.r.IntN(12) {
	case 0:
		return g.value()
	case 1:
		return strings.Repeat("m", 60+g.r.IntN(10))
	}
	if g.r.IntN(2) == 0 {
		return strconv.Itoa(g.r.IntN(40))
	}
	return "m" + strconv.Itoa(g.r.IntN(40))
}

func (g *generator) arg(kind string) string {
	switch kind {
	case "k":
		return g.key(keyKinds[g.r.IntN(len(keyKinds))])
	case "s", "l", "e", "z", "h", "y":
		return g.key(kind[0])
	case "ez":
		return g.key("eezzz"[g.r.IntN(5)])
	case "w": // a key of any type
		return fmt.Sprint("w", g.r.IntN(4))
	case "x":
		return fmt.Sprint("x", g.r.IntN(2))
	case "d":
		return strconv.Itoa(g.r.IntN(2))
	case "v":
		return g.value()
	case "n":
		return g.number()
	case "c": // a count
		if g.r.IntN(10) == 0 {
			return g.number()
		}
		return strconv.Itoa(g.r.IntN(6))
	case "rc": // a count of what comes by chance: Redis answers all that a large negative one asks for
		if n := g.arg("c"); !strings.HasPrefix(n, "-") || len(n) < 6 || len(n) > 17 {
			return n
		}
		return strconv.Itoa(-g.r.IntN(1000))
	case "f":
		return g.float()
	case "m":
		return g.member()
	case "by":
		return g.pick("w*", "s*", "h*->m1", "nosort", "*", "h*->*", "s*->x")
	case "get":
		return g.pick("#", "s*", "h*->m1", "w*", "nokey", "h*->")
	case "score":
		return g.pick("", "(") + g.pick(g.float(), "-inf", "+inf", "0", "5", "10")
	case "lex":
		return g.pick("-", "+", "[m", "(m", "[m2", "(m30", "[", "x", "[zz", "[1", "")
	case "ttl":
		if g.r.IntN(8) == 0 {
			return g.pick("-1", "0", "x", "9223372036854775807", "9223372036854775", "-9223372036854775808")
		}
		return strconv.Itoa(1000 + g.r.IntN(100000))
	case "at":
		if g.r.IntN(8) == 0 {
			return g.pick("1", "0", "x", "-5", "9223372036854775807")
		}
		return strconv.FormatInt(4_000_000_000+g.r.Int64N(1000), 10)
	case "atms":
		return strconv.FormatInt(4_000_000_000_000+g.r.Int64N(1000), 10)
	case "bit":
		return g.pick("0", "1", "0", "1", "2", "x")
	case "off":
		if g.r.IntN(20) == 0 {
			return g.pick("-1", "4294967296", "x", "99999999999")
		}
		return strconv.Itoa(g.r.IntN(300))
	case "type":
		return g.pick("u8", "i8", "u1", "i16", "u63", "i64", "i5", "u64", "i65", "x3", "u0", "i1")
	case "foff":
		return g.pick("", "#") + strconv.Itoa(g.r.IntN(40))
	case "glob":
		return g.pick("*", "m*", "?1", "[a-m]*", "m[^1]*", "s?", "\\*", "*[", "z*", "**2")
	case "db":
		return g.pick("0", "1", "1", "2", "x", "-1", "99")
	case "junk":
		return g.pick("x", "FOO", "", "WITHSCORES", "LIMIT", "0", "BY", "EX", "COUNT")
	}
	panic("unknown argument $" + kind)
}

// expand makes the arguments of a template.
func (g *generator) expand(t string) []string {
	var out []string
	for len(t) > 0 {
		t = strings.TrimLeft(t, " ")
		if t == "" {
			break
		}
		var item, rest string
		switch t[0] {
		case '[', '(':
			item, rest = bracket(t)
		default:
			item, rest, _ = strings.Cut(t, " ")
			if strings.HasSuffix(item, "+") && len(item) > 1 {
				item, rest = item[:len(item)-1], "+"+rest
			}
		}
		times := 1
		if strings.HasPrefix(rest, "+") {
			rest = rest[1:]
			times = 1 + g.r.IntN(4)
			if g.r.IntN(100) == 0 {
				times = 150
			}
		}
		if item[0] == '[' && times == 1 && g.r.IntN(2) == 0 {
			t = rest
			continue
		}
		for range times {
			switch item[0] {
			case '[':
				out = append(out, g.expand(item[1:len(item)-1])...)
			case '(':
				out = append(out, g.expand(g.pick(choices(item[1:len(item)-1])...))...)
			case '$':
				out = append(out, g.arg(item[1:]))
			default:
				out = append(out, item)
			}
		}
		t = rest
	}
	return out
}

// bracket cuts a template behind the bracket that it begins with.
func bracket(t string) (item, rest string) {
	depth := 0
	for i := range len(t) {
		switch t[i] {
		case '[', '(':
			depth++
		case ']', ')':
			if depth--; depth == 0 {
				return t[:i+1], t[i+1:]
			}
		}
	}
	panic("unbalanced template " + t)
}

// choices splits at the bars outside of brackets.
func choices(t string) (list []string) {
	depth, from := 0, 0
	for i := range len(t) {
		switch t[i] {
		case '[', '(':
			depth++
		case ']', ')':
			depth--
		case '|':
			if depth == 0 {
				list = append(list, t[from:i])
				from = i + 1
			}
		}
	}
	return append(list, t[from:])
}

// fill makes the arguments of a template, and counts keys.
func (g *generator) fill(template string) []string {
	args := g.expand(template)
	// NUM stands for the number of keys that follow, up to END.
	for i := 0; i < len(args); i++ {
		if args[i] == "NUM" {
			n := 0
			for j := i + 1; j < len(args) && args[j] != "END"; j++ {
				n++
			}
			args[i] = strconv.Itoa(n)
			args = append(args[:i+1+n:i+1+n], args[i+2+n:]...)
			if g.r.IntN(30) == 0 {
				args[i] = g.number()
			}
		}
	}
	return args
}

// command makes a random command.
func (g *generator) command() []string {
	args := g.fill(templates[g.r.IntN(len(templates))])
	faults := g.r.IntN(60)
	if strings.HasSuffix(args[0], "SCAN") || args[0] == "SPOP" {
		faults = -1 // not all at once, the order would show
	}
	switch faults {
	case 0:
		args = args[:1+g.r.IntN(len(args))]
	case 1:
		args = append(args, g.arg("junk"))
	case 2:
		if len(args) > 1 {
			i := 1 + g.r.IntN(len(args)-1)
			args[i] = g.arg("junk")
		}
	}
	boundWait(args)
	if g.r.IntN(10) == 0 {
		args[0] = strings.ToLower(args[0])
	}
	return args
}

// boundWait keeps a command that waits, into which a fault has brought another
// number, from waiting for long, or for ever.
func boundWait(args []string) {
	at := len(args) - 1
	switch args[0] {
	case "BLPOP", "BRPOP", "BLMOVE", "BRPOPLPUSH", "BZPOPMIN", "BZPOPMAX":
	case "BLMPOP", "BZMPOP":
		at = 1
	default:
		return
	}
	if at < 1 || at >= len(args) {
		return
	}
	if f, err := strconv.ParseFloat(args[at], 64); err == nil && (f == 0 || f > 0.001) {
		args[at] = "0.001"
	}
}

// templates are the commands that are compared. Blocking ones are here with keys
// that are there most of the time, or in transactions.
var templates = []string{
	"SET $s $v", "SET $s $v", "SET $s $v [(NX|XX)] [GET] [(EX $ttl|PX $ttl|KEEPTTL|EXAT $at|PXAT $atms)]", "SET $k $v",
	"GET $s", "GET $k", "GETDEL $s", "GETSET $s $v", "GETEX $s [(EX $ttl|PX $ttl|EXAT $at|PXAT $atms|PERSIST)]", "SETNX $s $v",
	"SETEX $s $ttl $v", "PSETEX $s $ttl $v", "MGET $k+", "MSET [$s $v]+", "MSETNX [$s $v]+", "APPEND $s $v", "STRLEN $s", "STRLEN $k",
	"GETRANGE $s $n $n", "SUBSTR $s $n $n", "SETRANGE $s $off $v", "INCR $s", "DECR $s", "INCRBY $s $n", "DECRBY $s $n", "INCRBYFLOAT $s $f",
	"LCS $s $s [(LEN|IDX [MINMATCHLEN $c] [WITHMATCHLEN])]",
	"SETBIT $s $off $bit", "GETBIT $s $off", "BITCOUNT $s [$n $n [(BYTE|BIT)]]", "BITPOS $s $bit [$n [$n [(BYTE|BIT)]]]",
	"BITOP (AND|OR|XOR) $s $s+", "BITOP NOT $s $s", "BITFIELD $s [(GET $type $foff|SET $type $foff $n|INCRBY $type $foff $n|OVERFLOW (WRAP|SAT|FAIL))]+", "BITFIELD_RO $s [GET $type $foff]+",

	"LPUSH $l $v+", "RPUSH $l $v+", "LPUSH $l $m+", "RPUSH $l $m+", "LPUSHX $l $v", "RPUSHX $l $v+", "LPOP $l [$c]", "RPOP $l [$c]", "LLEN $l", "LLEN $k",
	"LRANGE $l $n $n", "LRANGE $l 0 -1", "LINDEX $l $n", "LSET $l $n $v", "LINSERT $l (BEFORE|AFTER) $m $v", "LREM $l $n $m", "LTRIM $l $n $n",
	"LPOS $l $m [RANK $n] [COUNT $c] [MAXLEN $c]", "LMOVE $l $l (LEFT|RIGHT) (LEFT|RIGHT)", "RPOPLPUSH $l $l", "LMPOP NUM $l+ END (LEFT|RIGHT) [COUNT $c]",

	"SADD $e $m+", "SADD $e $m+", "SADD $e $c+", "SREM $e $m+", "SCARD $e", "SCARD $k", "SISMEMBER $e $m", "SMISMEMBER $e $m+", "SMEMBERS $e", "SMOVE $e $e $m",
	"SPOP $e 1000", "SRANDMEMBER $e [$rc]", "SINTER $e+", "SUNION $e+", "SDIFF $e+", "SINTERSTORE $e $e+", "SUNIONSTORE $e $e+", "SDIFFSTORE $e $e+",
	"SINTERCARD NUM $e+ END [LIMIT $c]", "SSCAN $e 0 [MATCH $glob] COUNT 1000000",

	"HSET $h [$m $v]+", "HSET $h [$m $v]+", "HMSET $h [$m $v]+", "HSETNX $h $m $v", "HGET $h $m", "HMGET $h $m+", "HDEL $h $m+", "HGETALL $h", "HKEYS $h", "HVALS $h",
	"HLEN $h", "HLEN $k", "HEXISTS $h $m", "HSTRLEN $h $m", "HINCRBY $h $m $n", "HINCRBYFLOAT $h $m $f", "HRANDFIELD $h [$rc [WITHVALUES]]", "HSCAN $h 0 [MATCH $glob] COUNT 1000000",

	"ZADD $z [(NX|XX)] [(GT|LT)] [CH] [INCR] [$f $m]+", "ZADD $z [$f $m]+", "ZADD $z [$f $m]+", "ZINCRBY $z $f $m", "ZREM $z $m+", "ZCARD $z", "ZCARD $k", "ZSCORE $z $m", "ZMSCORE $z $m+",
	"ZRANK $z $m", "ZREVRANK $z $m", "ZCOUNT $z $score $score", "ZADD $y [0 $m]+", "ZADD $y [0 $m]+", "ZREM $y $m", "ZLEXCOUNT $y $lex $lex", "ZRANGE $z $n $n [REV] [WITHSCORES]", "ZRANGE $z 0 -1 WITHSCORES",
	"ZRANGE $z $score $score BYSCORE [REV] [LIMIT $n $n] [WITHSCORES]", "ZRANGE $y $lex $lex BYLEX [REV] [LIMIT $n $n] [WITHSCORES]", "ZREVRANGE $z $n $n [WITHSCORES]",
	"ZRANGEBYSCORE $z $score $score [WITHSCORES] [LIMIT $n $n]", "ZREVRANGEBYSCORE $z $score $score [WITHSCORES] [LIMIT $n $n]", "ZRANGEBYLEX $y $lex $lex [LIMIT $n $n]", "ZREVRANGEBYLEX $y $lex $lex [LIMIT $n $n]",
	"ZRANGESTORE $z $z $n $n [REV]", "ZRANGESTORE $z $z $score $score BYSCORE [REV] [LIMIT $n $n]", "ZREMRANGEBYRANK $z $n $n", "ZREMRANGEBYSCORE $z $score $score", "ZREMRANGEBYLEX $y $lex $lex",
	"ZPOPMIN $z [$c]", "ZPOPMAX $z [$c]", "ZMPOP NUM $z+ END (MIN|MAX) [COUNT $c]", "ZRANDMEMBER $z [$rc [WITHSCORES]]", "ZSCAN $z 0 [MATCH $glob] COUNT 1000000",
	"ZUNION NUM $ez+ END [WEIGHTS $f $f] [AGGREGATE (SUM|MIN|MAX)] [WITHSCORES]", "ZINTER NUM $ez+ END [WEIGHTS $f $f] [AGGREGATE (SUM|MIN|MAX)] [WITHSCORES]", "ZDIFF NUM $ez+ END [WITHSCORES]",
	"ZUNIONSTORE $z NUM $ez+ END [WEIGHTS $f $f] [AGGREGATE (SUM|MIN|MAX)]", "ZINTERSTORE $z NUM $ez+ END [WEIGHTS $f $f] [AGGREGATE (SUM|MIN|MAX)]", "ZDIFFSTORE $z NUM $ez+ END", "ZINTERCARD NUM $ez+ END [LIMIT $c]",

	"DEL $k+", "UNLINK $k", "EXISTS $k+", "TOUCH $k+", "TYPE $k", "RENAME $k $k", "RENAMENX $k $k", "COPY $k $k [DB $db] [REPLACE]", "MOVE $k $db",
	"EXPIRE $k $ttl [(NX|XX|GT|LT)] [(NX|XX|GT|LT)]", "PEXPIRE $k $ttl", "EXPIREAT $k $at [(NX|XX|GT|LT)]", "PEXPIREAT $k $atms", "PERSIST $k", "TTL $k", "PTTL $k", "EXPIRETIME $k", "PEXPIRETIME $k",
	"KEYS $glob", "SCAN 0 COUNT 1000000 [MATCH $glob] [TYPE (string|list|set|zset|hash|x)]", "RANDOMKEY", "DBSIZE", "SELECT $db", "SELECT 0", "OBJECT ENCODING $k", "OBJECT ENCODING $k", "OBJECT FOO $k",
	"SORT $l [BY $by] [LIMIT $n $n] [GET $get] [(ASC|DESC)] [STORE $l]", "SORT $l [BY $by] [LIMIT $n $n] GET $get [GET $get] [(ASC|DESC)] [STORE $s]", "SORT $l ALPHA [LIMIT $n $n] [GET $get] [(ASC|DESC)] [STORE $l]", "SORT $l BY $by ALPHA", "SORT $e ALPHA [LIMIT $n $n] [(ASC|DESC)]", "SORT_RO $y [BY $by] [(ASC|DESC)]", "SORT_RO $y [ALPHA] [(ASC|DESC)]", "SORT $l", "SORT $s", "SWAPDB 1 2", "SWAPDB $db $db",
	"PING", "PING $v", "ECHO $v", "NOPE $v", "MULTI", "EXEC", "EXEC", "DISCARD", "WATCH $k+", "UNWATCH", "PUBLISH c $v", "PUBSUB NUMPAT", "PUBSUB NUMSUB c", "COMMAND GETKEYS SET $k $v", "CLIENT FOO", "CLIENT SETNAME x", "CLIENT GETNAME", "RESET", "HELLO 3", "HELLO 2", "CONFIG SET hash-max-listpack-entries (4|512)", "CONFIG SET zset-max-listpack-entries (4|128)", "CONFIG SET set-max-intset-entries (4|512)", "CONFIG GET set-max-intset-entries",
	"CONFIG SET set-max-intset-entries $n", "MEMORY USAGE nokey", "FLUSHDB", "OBJECT IDLETIME nokey",
	// Redis looks at timeouts ten times a second: these are rare.
	"(BLPOP $l+ 0.001|BRPOP $l 0.001|BLMOVE $l $l (LEFT|RIGHT) (LEFT|RIGHT) 0.001|BRPOPLPUSH $l $l 0.001|BLMPOP 0.001 NUM $l+ END (LEFT|RIGHT) [COUNT $c]|BZPOPMIN $z+ 0.001|BZPOPMAX $z 0.001|BZMPOP 0.001 NUM $z+ END (MIN|MAX) [COUNT $c])",
	"BLPOP $l x", "BLPOP $l -1",
}
