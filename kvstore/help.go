package kvstore

import "strings"

// cmdHelp answers the subcommands of a command: how each is used, and what it does.
func cmdHelp(s *Session, a [][]byte) {
	parent := s.db.cmds.Load().find(a[0])
	lines := []string{parent.upper + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"}
	for _, c := range parent.subs {
		if c.upper == "HELP" { // the last
			continue
		}
		d := s.db.docs()[c.name]
		lines = append(lines, strings.TrimSpace(c.upper+" "+usage(d.args)), "    "+d.summary+".")
	}
	s.help(append(lines, "HELP", "    "+s.db.docs()[parent.name+"|help"].summary+"."))
}

func (s *Session) help(lines []string) {
	s.w.array(len(lines))
	for _, l := range lines {
		s.w.status(l)
	}
}

// usage is a synopsis of arguments, as people are used to it.
func usage(args []docArg) string {
	parts := make([]string, len(args))
	for i := range args {
		parts[i] = args[i].usage()
	}
	return strings.Join(parts, " ")
}

func (a *docArg) usage() string {
	var text string
	switch a.kind {
	case "pure-token":
		text = a.token
	case "oneof":
		parts := make([]string, len(a.args))
		for i := range a.args {
			parts[i] = a.args[i].usage()
		}
		text = strings.Join(parts, "|")
		if !a.optional {
			text = "(" + text + ")"
		}
	case "block":
		text = usage(a.args)
	default:
		text = "<" + a.name + ">"
	}
	if a.token != "" && a.kind != "pure-token" {
		if a.kind == "oneof" && a.optional {
			text = "(" + text + ")"
		}
		text = a.token + " " + text
	}
	switch {
	case a.multiple && a.tokens, a.multiple && a.kind == "block":
		text += " [" + text + " ...]"
	case a.multiple:
		text += " ..."
	}
	if a.optional {
		return "[" + text + "]"
	}
	return text
}
