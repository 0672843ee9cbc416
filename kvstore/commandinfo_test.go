package kvstore_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// canonical is a reply with everything in order that may come in any, and without the
// notes of key specifications, which are prose.
func canonical(raw []byte) string {
	if !strings.ContainsRune("*~%", rune(raw[0])) {
		return string(raw)
	}
	head, parts := split(raw)
	var list []string
	switch raw[0] {
	case '%':
		for i := 0; i+1 < len(parts); i += 2 {
			if name := canonical(parts[i]); !strings.Contains(name, "notes") {
				list = append(list, name+canonical(parts[i+1]))
			}
		}
		slices.Sort(list)
		return "%" + strings.Join(list, "")
	case '~':
		for _, p := range parts {
			list = append(list, canonical(p))
		}
		slices.Sort(list)
	default:
		subs := len(parts) > 0
		for _, p := range parts {
			list = append(list, canonical(p))
			subs = subs && p[0] == '*'
		}
		if subs { // subcommands
			slices.Sort(list)
		}
	}
	return head + strings.Join(list, "")
}

// TestCommandInfoAgainstRedis compares what is told of each command: arity, flags,
// places of keys, categories, tips, key specifications and subcommands.
func TestCommandInfoAgainstRedis(t *testing.T) {
	t.Parallel()
	d := newDiff(t, open(t, "", nil), startRedis(t))
	d.ask("HELLO", "3")
	_, names := split(d.exec([]string{"COMMAND", "LIST"}))
	require.Greater(t, len(names), 200)
	for _, raw := range names {
		name := string(bytes.Split(raw, []byte("\r\n"))[1])
		ours, theirs := d.ask("COMMAND", "INFO", name)
		switch name {
		case "client", "command", "config", "memory", "object", "pubsub", "slowlog":
			// Subcommands that are not here are not compared.
			_, ours, theirs = onlyShared(ours, theirs)
		}
		require.Equal(t, canonical(theirs), canonical(ours), name)
	}
	ours, theirs := d.ask("COMMAND", "INFO", "nosuch", "get|x")
	require.Equal(t, string(theirs), string(ours))
}

// onlyShared leaves those subcommands out of Redis's description of a command that
// ours does not have, and returns their number.
func onlyShared(ours, theirs []byte) (int, []byte, []byte) {
	subs := func(raw []byte) (before []byte, list map[string][]byte) {
		_, one := split(raw)
		_, fields := split(one[0])
		list = make(map[string][]byte)
		last := len(fields) - 1
		_, parts := split(fields[last])
		for _, p := range parts {
			_, f := split(p)
			list[string(f[0])] = p
		}
		return bytes.Join(fields[:last], nil), list
	}
	a, mine := subs(ours)
	b, all := subs(theirs)
	left := 0
	var x, y []string
	for name, p := range all {
		if q := mine[name]; q == nil {
			left++
		} else {
			x, y = append(x, canonical(q)), append(y, canonical(p))
		}
	}
	slices.Sort(x)
	slices.Sort(y)
	return left, append(a, strings.Join(x, "")...), append(b, strings.Join(y, "")...)
}

// TestGetkeysAgainstRedis asks which arguments of random commands are keys.
func TestGetkeysAgainstRedis(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Log("seed", seed)
	g := &generator{rand.New(rand.NewPCG(seed, 0))}
	d := newDiff(t, open(t, "", nil), startRedis(t))
	n := 4000
	if testing.Short() {
		n = 1000
	}
	for range n {
		args := g.command()
		for _, sub := range []string{"GETKEYS", "GETKEYSANDFLAGS"} {
			cmd := append([]string{"COMMAND", sub}, args...)
			ours, theirs := d.ask(cmd...)
			require.Equal(t, string(theirs), string(ours), "%q", cmd)
		}
	}
}
