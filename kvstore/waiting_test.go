package kvstore_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	waitingSteps = flag.Int("waiting", 600, "commands of TestWaitingAgainstRedis")
	waitingSeed  = flag.Uint64("waitingseed", 0, "seed of TestWaitingAgainstRedis; 0: by chance")
)

// waitingTemplates are commands of several connections, some of which wait without a
// timeout. SWAPDB is left out: in which order it serves keys is by chance.
var waitingTemplates = []string{
	"BLPOP $w+ 0", "BRPOP $w+ 0", "BLMOVE $w $w (LEFT|RIGHT) (LEFT|RIGHT) 0", "BRPOPLPUSH $w $w 0",
	"BLMPOP 0 NUM $w+ END (LEFT|RIGHT) [COUNT $c]", "BZPOPMIN $w+ 0", "BZPOPMAX $w 0", "BZMPOP 0 NUM $w+ END (MIN|MAX) [COUNT $c]",
	"RPUSH $w $c+", "LPUSH $w $c+", "RPUSH $w $c", "LPUSH $w $c", "ZADD $w [$c $m]+", "ZADD $w [$c $m]+", "LPOP $w", "ZPOPMIN $w", "LMOVE $w $w LEFT RIGHT",
	"DEL $w", "DEL $w+", "SET $w v", "RENAME $w $w", "COPY $w $w REPLACE", "SORT $w STORE $x", "ZUNIONSTORE $x NUM $w+ END", "ZRANGESTORE $x $w 0 -1", "SORT $w STORE $w", "ZUNIONSTORE $w NUM $w+ END", "ZRANGESTORE $w $w 0 -1", "ZINTERSTORE $w NUM $w+ END", "RENAME $x $w", "COPY $x $w REPLACE",
	"LINSERT $w BEFORE 1 2", "LREM $w 0 1", "LTRIM $w 1 2", "MOVE $w $d", "SELECT $d", "SELECT 0", "FLUSHDB", "LLEN $w", "ZCARD $w", "EXISTS $w+",
	"MULTI", "MULTI", "EXEC", "EXEC", "EXEC", "DISCARD", "WATCH $w", "PEXPIRE $w -1", "EXPIRE $w 1000", "PERSIST $w", "LRANGE $w 0 -1", "ZRANGE $w 0 -1 WITHSCORES",
}

// A crowd is several connections to one server, every other one with version 3 of the
// protocol, and an admin who looks at them.
type crowd struct {
	t       *testing.T
	s       *side
	ids     []string // by number of the connection
	replies []chan string
}

func newCrowd(t *testing.T, sock string, n int) *crowd {
	c := &crowd{t: t, s: newSide(sock)}
	for i := range n {
		name := fmt.Sprint("c", i)
		c.s.send(t, name, []string{"CLIENT", "ID"})
		c.ids = append(c.ids, strings.TrimSpace(c.s.read(t, name)[1:]))
		if i%2 == 1 {
			c.s.send(t, name, []string{"HELLO", "3"})
			c.s.read(t, name)
		}
		replies := make(chan string, 100)
		c.replies = append(c.replies, replies)
		r := c.s.conn(t, name).Reader
		go func() { // ends with the connection
			defer close(replies)
			for {
				raw, err := readRaw(r, nil)
				switch {
				case err == nil:
					replies <- string(raw)
				case !errors.Is(err, os.ErrDeadlineExceeded): // nothing has come for some time
					return
				}
			}
		}()
	}
	return c
}

var waits = regexp.MustCompile(`(?m)^id=(\d+) .* flags=[^ ]*b`)

// blocked returns which connections wait.
func (c *crowd) blocked() (list []int) {
	c.s.send(c.t, "admin", []string{"CLIENT", "LIST"})
	for _, m := range waits.FindAllStringSubmatch(c.s.read(c.t, "admin"), -1) {
		list = append(list, slices.Index(c.ids, m[1]))
	}
	slices.Sort(list)
	return list
}

// settle returns the reply to what connection i was sent, empty if it waits.
func (c *crowd) settle(i int) string {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		select {
		case reply := <-c.replies[i]:
			return reply
		case <-time.After(200 * time.Microsecond):
		}
		if slices.Contains(c.blocked(), i) {
			return ""
		}
	}
	c.t.Fatalf("connection %d neither answers nor waits", i)
	return ""
}

// TestWaitingAgainstRedis has connections wait for keys while others make, move and
// remove them, and compares who is served when, with what.
func TestWaitingAgainstRedis(t *testing.T) {
	t.Parallel()
	seed := *waitingSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	g := &generator{rand.New(rand.NewPCG(seed, 0))}
	const n = 6
	ours, theirs := newCrowd(t, serve(t), n), newCrowd(t, startRedis(t), n)
	var waiting []int
	var log []string
	same := func(want, got any, what string) {
		if !reflect.DeepEqual(want, got) {
			t.Fatalf("%s: %q, want %q; the last commands:\n%s", what, got, want, strings.Join(log[max(0, len(log)-300):], "\n"))
		}
	}
	for range *waitingSteps {
		if len(waiting) == n {
			i := waiting[g.r.IntN(n)]
			for _, c := range []*crowd{ours, theirs} {
				c.s.send(t, "admin", []string{"CLIENT", "UNBLOCK", c.ids[i]})
				require.Equal(t, ":1\r\n", c.s.read(t, "admin"))
			}
			log = append(log, fmt.Sprintf("unblock %d", i))
			same(theirs.next(i), ours.next(i), "who was unblocked")
			waiting = slices.DeleteFunc(waiting, func(j int) bool { return j == i })
		}
		i := g.r.IntN(n)
		for slices.Contains(waiting, i) {
			i = g.r.IntN(n)
		}
		args := g.fill(waitingTemplates[g.r.IntN(len(waitingTemplates))])
		log = append(log, fmt.Sprintf("%d: %q", i, args))
		for _, c := range []*crowd{ours, theirs} {
			c.s.send(t, fmt.Sprint("c", i), args)
		}
		same(theirs.settle(i), ours.settle(i), "the reply")
		now := theirs.blocked()
		same(now, ours.blocked(), "those who wait")
		for _, j := range waiting {
			if !slices.Contains(now, j) {
				same(theirs.next(j), ours.next(j), fmt.Sprintf("what %d has waited for", j))
			}
		}
		waiting = now
	}
}

// next is what a connection is answered that waits no more.
func (c *crowd) next(i int) string {
	select {
	case reply := <-c.replies[i]:
		return reply
	case <-time.After(10 * time.Second):
		c.t.Fatalf("no reply for connection %d", i)
		return ""
	}
}
