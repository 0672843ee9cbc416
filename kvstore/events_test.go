package kvstore_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	eventCommands = flag.Int("events", 2000, "commands of TestEventsAgainstRedis")
	eventSeed     = flag.Uint64("eventseed", 0, "seed of TestEventsAgainstRedis; 0: by chance")
)

var keymiss = regexp.MustCompile(`\*4\r\n\$8\r\npmessage\r\n\$6\r\n__key\*\r\n\$\d+\r\n__keyevent@\d+__:keymiss\r\n\$\d+\r\n.*?\r\n`)

// TestEventsAgainstRedis compares the key events of random commands.
func TestEventsAgainstRedis(t *testing.T) {
	t.Parallel()
	seed := *eventSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	g := &generator{rand.New(rand.NewPCG(seed, 0))}
	p := &player{t: t, waiting: make(map[string]int), muted: make(map[string]bool), tapped: "s"}
	p.sides[0], p.sides[1] = newSide(serve(t)), newSide(startRedis(t, "--maxmemory", "4gb"))
	p.step("s PSUBSCRIBE __key*")
	p.step("admin CONFIG SET notify-keyspace-events Eg$lshzemn") // all but expired, which come when they are found
	var log []string
	for i := range *eventCommands {
		args := g.command()
		name := strings.ToUpper(args[0])
		switch name {
		case "PUBLISH", "RESET", "HELLO", "NOPE":
			continue
		case "SORT", "SORT_RO": // keymiss of what BY and GET look for
			args = append(args[:min(len(args), 2):2], "ALPHA")
		}
		if i%500 == 0 {
			args = []string{"FLUSHALL"}
		}
		failed := false
		for _, s := range p.sides {
			s.send(t, "a", args)
			raw := s.read(t, "a") // TestAgainstRedis compares the replies
			failed = raw[0] == '-' || strings.Contains(raw, "\r\n-")
		}
		log = append(log, fmt.Sprintf("%q", args))
		heard := p.heard()
		if failed { // some look at keys before they see what is wrong
			heard[0], heard[1] = keymiss.ReplaceAllString(heard[0], ""), keymiss.ReplaceAllString(heard[1], "")
		}
		require.Equal(t, heard[1], heard[0], "%s", strings.Join(log[max(0, len(log)-50):], "\n"))
	}
}
