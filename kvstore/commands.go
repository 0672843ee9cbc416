package kvstore

import (
	"slices"
	"strings"

	"github.com/groundwork-go/groundwork/kvstore/internal/glob"
)

// Commands returns the names of all commands that a Session runs, in order.
func Commands() []string {
	var names []string
	for _, c := range commandList() {
		if !strings.Contains(c.name, "|") {
			names = append(names, strings.ToUpper(c.name))
		}
	}
	slices.Sort(names)
	return names
}

func (s *Session) describe(c *command) {
	s.w.array(10)
	s.w.str(c.name)
	s.w.int(int64(c.arity))
	var flags []string
	for i, name := range flagNames {
		if c.flags&(1<<i) != 0 {
			flags = append(flags, name)
		}
	}
	s.w.setHead(len(flags))
	for _, f := range flags {
		s.w.status(f)
	}
	s.w.int(int64(c.first))
	s.w.int(int64(c.last))
	s.w.int(int64(c.step))
	cats := strings.Fields(c.cats)
	s.w.setHead(len(cats))
	for _, f := range cats {
		s.w.status(f)
	}
	tips := strings.Fields(c.tips)
	s.w.setHead(len(tips))
	for _, f := range tips {
		s.w.str(f)
	}
	s.describeKeys(c)
	s.w.setHead(len(c.subs))
	for _, sc := range c.subs {
		s.describe(sc)
	}
}

func (t *commandTable) parents() []*command {
	var list []*command
	for _, c := range t.all {
		if !strings.Contains(c.name, "|") {
			list = append(list, c)
		}
	}
	return list
}

func cmdCommand(s *Session, _ [][]byte) {
	list := s.db.cmds.Load().parents()
	s.w.array(len(list))
	for _, c := range list {
		s.describe(c)
	}
}

// byFullName finds a command, or a subcommand by "parent|name".
func (t *commandTable) byFullName(name []byte) *command {
	for _, c := range t.all {
		if strings.EqualFold(c.name, string(name)) {
			return c
		}
	}
	return nil
}

func cmdCommandInfo(s *Session, a [][]byte) {
	if len(a) == 2 {
		cmdCommand(s, a)
		return
	}
	s.w.array(len(a) - 2)
	for _, name := range a[2:] {
		if c := s.db.cmds.Load().byFullName(name); c != nil {
			s.describe(c)
		} else {
			s.w.nullArray()
		}
	}
}

func cmdCommandList(s *Session, a [][]byte) {
	only := func(*command) bool { return true }
	switch {
	case len(a) == 2:
	case len(a) == 5 && is(a[2], "FILTERBY") && is(a[3], "PATTERN"):
		only = func(c *command) bool { return glob.Match(strings.ToLower(string(a[4])), c.name) }
	case len(a) == 5 && is(a[2], "FILTERBY") && is(a[3], "ACLCAT"):
		only = func(c *command) bool {
			return slices.Contains(strings.Fields(c.cats), "@"+strings.ToLower(string(a[4])))
		}
	case len(a) == 5 && is(a[2], "FILTERBY") && is(a[3], "MODULE"):
		s.w.emptyArray()
		return
	default:
		s.fail(msgSyntax)
		return
	}
	at, n := len(s.w.b), 0
	for _, c := range s.db.cmds.Load().all {
		if only(c) {
			s.w.str(c.name)
			n++
		}
	}
	s.w.setAt(at, n)
}

// keysArg returns the keys of the command in the arguments of COMMAND GETKEYS.
func (s *Session) keysArg(a [][]byte) []keyUse {
	c, msg := s.db.cmds.Load().resolve(a)
	switch {
	case c == nil || strings.HasPrefix(msg, "ERR unknown"):
		s.fail("ERR Invalid command specified")
		return nil
	case c.spec == "":
		s.fail("ERR The command has no key arguments")
		return nil
	case msg != "":
		s.fail("ERR Invalid number of arguments specified for command")
		return nil
	}
	uses := c.keyUses(a)
	if len(uses) == 0 {
		s.fail("ERR Invalid arguments specified for command")
	}
	return uses
}

func cmdCommandGetkeys(s *Session, a [][]byte) {
	uses := s.keysArg(a[2:])
	if len(uses) == 0 {
		return
	}
	s.w.array(len(uses))
	for _, k := range uses {
		s.w.bulk(a[2+k.at])
	}
}

func cmdCommandGetkeysandflags(s *Session, a [][]byte) {
	uses := s.keysArg(a[2:])
	if len(uses) == 0 {
		return
	}
	s.w.array(len(uses))
	for _, k := range uses {
		s.w.array(2)
		s.w.bulk(a[2+k.at])
		s.w.setHead(len(k.flags))
		for _, f := range k.flags {
			s.w.status(f)
		}
	}
}

func cmdCommandCount(s *Session, _ [][]byte) {
	n := 0
	for _, c := range s.db.cmds.Load().all {
		if !strings.Contains(c.name, "|") {
			n++
		}
	}
	s.w.count(n)
}
