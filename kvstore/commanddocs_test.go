package kvstore_test

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/kvstore"
)

// docsOf is what COMMAND DOCS tells of commands, without the order of subcommands and
// what is prose in Redis: summary, complexity, and in the history all but the versions.
func docsOf(t *testing.T, raw []byte) string {
	t.Helper()
	require.Contains(t, "*%", string(raw[:1]))
	head, parts := split(raw)
	var list []string
	for i := 0; i+1 < len(parts); i += 2 {
		_, fields := split(parts[i+1])
		one := string(parts[i+1][:1]) + string(parts[i])
		for j := 0; j+1 < len(fields); j += 2 {
			switch name := string(bytes.Split(fields[j], []byte("\r\n"))[1]); name {
			case "summary", "complexity":
				one += name // it must be there, in this place
			case "history":
				head, changes := split(fields[j+1])
				one += name + head
				for _, change := range changes {
					pair, words := split(change)
					one += pair + string(words[0])
				}
			case "subcommands":
				one += name + docsOf(t, fields[j+1])
			default:
				one += string(fields[j]) + string(fields[j+1])
			}
		}
		list = append(list, one)
	}
	slices.Sort(list)
	return head + strings.Join(list, "")
}

// withoutSubs leaves out what has subcommands: those are compared one by one.
func withoutSubs(text string) string {
	before, _, _ := strings.Cut(text, "subcommands")
	return before
}

// TestCommandDocsAgainstRedis compares the documentation of each command in both
// versions of the protocol: what is there, in which order, and all arguments.
func TestCommandDocsAgainstRedis(t *testing.T) {
	t.Parallel()
	d := newDiff(t, open(t, "", nil), startRedis(t))
	for _, proto := range []string{"2", "3"} {
		d.ask("HELLO", proto)
		_, names := split(d.exec([]string{"COMMAND", "LIST"}))
		require.Greater(t, len(names), 200)
		for _, raw := range names {
			name := string(bytes.Split(raw, []byte("\r\n"))[1])
			ours, theirs := d.ask("COMMAND", "DOCS", name)
			require.Equal(t, withoutSubs(docsOf(t, theirs)), withoutSubs(docsOf(t, ours)), name)
			require.Equal(t, bytes.Contains(theirs, []byte("subcommands")), bytes.Contains(ours, []byte("subcommands")), name)
		}
		ours, theirs := d.ask("COMMAND", "DOCS", "nosuch", "gEt", "slowlog", "get|x", "config|GET", "get")
		require.Equal(t, docsOf(t, theirs), docsOf(t, ours))
	}
	head, list := split(d.exec([]string{"COMMAND", "DOCS"}))
	_, count := split(d.exec([]string{"COMMAND", "LIST", "FILTERBY", "PATTERN", "*"}))
	require.Greater(t, len(count), len(list)/2, "subcommands are inside of their commands")
	require.Equal(t, "%"+strconv.Itoa(len(list)/2)+"\r\n", head)
}

// TestEveryCommandIsDocumented also finds texts of commands that are not here.
func TestEveryCommandIsDocumented(t *testing.T) {
	s := open(t, "", nil).NewSession(nil)
	_, names := split(s.Exec(nil, [][]byte{[]byte("COMMAND"), []byte("LIST")}))
	docs := kvstore.DocNames()
	require.Len(t, docs, len(names))
	for _, raw := range names {
		require.Contains(t, docs, string(bytes.Split(raw, []byte("\r\n"))[1]))
	}
}

func TestHelp(t *testing.T) {
	db := open(t, "", nil)
	lines := func(cmd string) (list []string) {
		for _, e := range do(t, db, cmd).Elems {
			list = append(list, e.Text)
		}
		return list
	}
	require.Equal(t, []string{
		"SLOWLOG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
		"GET [<count>]", "    Return the newest entries of the list of slow commands.",
		"LEN", "    Count the entries of the list of slow commands.",
		"RESET", "    Empty the list of slow commands.",
		"HELP", "    List the subcommands.",
	}, lines("SLOWLOG HELP"))
	require.Contains(t, lines("CLIENT HELP"), "PAUSE <timeout> [WRITE|ALL]")
	require.Contains(t, lines("CLIENT HELP"), "UNBLOCK <client-id> [TIMEOUT|ERROR]")
	require.Contains(t, lines("CONFIG HELP"), "SET <parameter> <value> [<parameter> <value> ...]")
	require.Contains(t, lines("COMMAND HELP"), "LIST [FILTERBY (MODULE <module-name>|ACLCAT <category>|PATTERN <pattern>)]")
	require.Contains(t, lines("DEBUG HELP"), "OBJECT <key>")
	for _, parent := range []string{"CLIENT", "COMMAND", "CONFIG", "MEMORY", "OBJECT", "PUBSUB", "SLOWLOG"} {
		require.Greater(t, len(lines(parent+" HELP")), 4)
	}
}
