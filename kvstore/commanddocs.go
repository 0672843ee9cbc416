package kvstore

import (
	_ "embed"
	"strconv"
	"strings"
)

//go:embed commanddocs.txt
var commandDocsText string

// A commandDoc is what COMMAND DOCS tells of a command.
type commandDoc struct {
	since, complexity, summary string
	system                     bool        // for the system's own use
	deprecated, instead        string      // since which version, and what to use
	history                    [][2]string // a version, and what was new in it
	args                       []docArg
}

// A docArg is an argument in the documentation of a command.
type docArg struct {
	name, kind        string // kind is Redis's name of a type
	token             string // the word that it is, or that is before it
	key               int    // number of its key specification, -1: none
	since, deprecated string
	optional          bool
	multiple, tokens  bool // it may come several times; with its token each time
	args              []docArg
}

// docKind returns the type that the text gives an argument, or nothing.
func docKind(s string) string {
	switch s {
	case "int":
		return "integer"
	case "time":
		return "unix-time"
	case "double", "pattern", "key":
		return s
	}
	return ""
}

// parseDocs reads the text, which tells its own form. It is our own: a fault in it
// panics, in a test.
func parseDocs(text string) map[string]*commandDoc {
	docs := make(map[string]*commandDoc)
	head := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "", line[0] == '#':
		case line[0] != '\t':
			head = line
		case strings.HasPrefix(line, "\t+ "):
			name, _, _ := strings.Cut(head, " ")
			for change := range strings.SplitSeq(line[3:], " | ") {
				version, what, _ := strings.Cut(change, " ")
				docs[name].history = append(docs[name].history, [2]string{version, what})
			}
		default:
			name, synopsis, _ := strings.Cut(head, " ")
			docs[name] = parseDoc(synopsis, strings.Split(line[1:], " | "))
		}
	}
	return docs
}

func parseDoc(synopsis string, facts []string) *commandDoc {
	p := docParser{left: synopsis}
	d := &commandDoc{since: facts[0], complexity: facts[1], summary: facts[2], args: p.sequence()}
	if p.left != "" {
		panic("kvstore: commanddocs.txt: cannot read " + strconv.Quote(synopsis))
	}
	if d.complexity == "-" {
		d.complexity = ""
	}
	if len(facts) > 3 {
		kind, rest, _ := strings.Cut(facts[3], " ")
		d.system = kind == "system"
		if kind == "deprecated" {
			version, instead, _ := strings.Cut(rest, " ")
			d.deprecated, d.instead = version, inWords(instead)
		}
	}
	return d
}

// inWords says in Redis's way which command to use, and which words with it.
func inWords(instead string) string {
	if instead[0] == '`' {
		return instead
	}
	words := strings.Fields(instead)
	for i, w := range words {
		words[i] = "`" + w + "`"
	}
	switch len(words) {
	case 1:
		return words[0]
	case 2:
		return words[0] + " with the " + words[1] + " argument"
	}
	return words[0] + " with the " + strings.Join(words[1:], " and ") + " arguments"
}

// A docParser reads the arguments of a command.
type docParser struct {
	left string
	keys int // arguments that are keys so far
}

func (p *docParser) next(c byte) bool {
	if p.left == "" || p.left[0] != c {
		return false
	}
	p.left = p.left[1:]
	return true
}

// until cuts the text before the first of some characters.
func (p *docParser) until(chars string) string {
	i := strings.IndexAny(p.left, chars)
	if i < 0 {
		i = len(p.left)
	}
	word := p.left[:i]
	p.left = p.left[i:]
	return word
}

// sequence reads arguments up to a closing bracket, a bar or the end.
func (p *docParser) sequence() (list []docArg) {
	for p.left != "" && !strings.ContainsRune(")]|", rune(p.left[0])) {
		list = append(list, p.arg())
		p.next(' ')
	}
	return list
}

func (p *docParser) arg() docArg {
	if p.next('[') {
		a := p.arg()
		if !p.next(']') {
			panic("kvstore: commanddocs.txt: no ] before " + strconv.Quote(p.left))
		}
		a.optional = true
		return a
	}
	word := p.until(" |()[]")
	token := ""
	if strings.ToUpper(word) == word && p.next(' ') { // it belongs to what follows
		token, word = word, p.until(" |()[]")
	}
	a := docArg{token: token, key: -1}
	if p.next('(') {
		p.group(&a)
		p.suffixes(&a, word, p.until(" |()[]"))
		return a
	}
	name, suffix := word, ""
	if i := strings.IndexAny(word, "@#"); i >= 0 {
		name, suffix = word[:i], word[i:]
	} else if i := strings.Index(word, "..."); i >= 0 {
		i = len(strings.TrimSuffix(word[:i], "+"))
		name, suffix = word[:i], word[i:]
	}
	p.suffixes(&a, name, suffix)
	return a
}

// group reads what is in parentheses.
func (p *docParser) group(a *docArg) {
	a.kind = "block"
	a.args = p.sequence()
	for p.next('|') {
		a.kind = "oneof"
		a.args = append(a.args, p.sequence()...)
	}
	if !p.next(')') {
		panic("kvstore: commanddocs.txt: no ) before " + strconv.Quote(p.left))
	}
}

// suffixes takes the name of an argument, and what is behind it, apart.
func (p *docParser) suffixes(a *docArg, name, suffix string) {
	if a.kind == "" {
		a.kind = "string"
		before, kind, _ := strings.Cut(name, ":")
		switch {
		case docKind(kind) != "":
			name, a.kind = before, docKind(kind)
		case name == "key":
			a.kind = "key"
		case strings.ToUpper(name) == name:
			a.kind, a.token, name = "pure-token", name, strings.ToLower(name)
		case strings.Contains(name, "="):
			a.kind = "pure-token"
			name, a.token, _ = strings.Cut(name, "=")
		}
	}
	a.name = name
	if before, ok := strings.CutSuffix(suffix, "..."); ok {
		a.multiple = true
		suffix, a.tokens = strings.CutSuffix(before, "+")
	}
	if before, version, ok := strings.Cut(suffix, "@"); ok {
		suffix = before
		if older, ok := strings.CutPrefix(version, "-"); ok {
			a.deprecated = older
		} else {
			a.since = version
		}
	}
	if a.kind == "key" {
		a.key = p.keys
		p.keys++
	}
	if suffix != "" {
		n, err := strconv.Atoi(suffix[1:])
		if err != nil || suffix[0] != '#' {
			panic("kvstore: commanddocs.txt: what is " + strconv.Quote(suffix))
		}
		a.key = n
	}
}

func cmdCommandDocs(s *Session, a [][]byte) {
	var list []*command
	if len(a) == 2 {
		list = s.db.cmds.Load().parents()
	}
	for _, name := range a[2:] {
		if c := s.db.cmds.Load().byFullName(name); c != nil {
			list = append(list, c)
		}
	}
	s.w.mapHead(len(list))
	for _, c := range list {
		s.document(c)
	}
}

// document appends the name of a command, and what is told of it.
func (s *Session) document(c *command) {
	s.w.str(c.name)
	d := s.db.docs()[c.name]
	if d == nil { // of Handle
		s.w.mapHead(1)
		s.w.str("group")
		s.w.str(c.group)
		return
	}
	m := s.w.openMap()
	m.text("summary", d.summary)
	m.text("since", d.since)
	m.text("group", c.group)
	m.text("complexity", d.complexity)
	if d.system || d.deprecated != "" {
		m.name("doc_flags")
		s.w.setHead(1)
		if d.system {
			s.w.status("syscmd")
		} else {
			s.w.status("deprecated")
		}
	}
	m.text("deprecated_since", d.deprecated)
	m.text("replaced_by", d.instead)
	if len(d.history) > 0 {
		m.name("history")
		s.w.setHead(len(d.history))
		for _, change := range d.history {
			s.w.array(2)
			s.w.str(change[0])
			s.w.str(change[1])
		}
	}
	if len(d.args) > 0 {
		m.name("arguments")
		s.documentArgs(d.args)
	}
	if len(c.subs) > 0 {
		m.name("subcommands")
		s.w.mapHead(len(c.subs))
		for _, sc := range c.subs {
			s.document(sc)
		}
	}
	m.end()
}

func (s *Session) documentArgs(args []docArg) {
	s.w.array(len(args))
	for i := range args {
		a := &args[i]
		m := s.w.openMap()
		m.text("name", a.name)
		m.text("type", a.kind)
		if a.key >= 0 {
			m.name("key_spec_index")
			s.w.count(a.key)
		}
		m.text("token", a.token)
		m.text("since", a.since)
		m.text("deprecated_since", a.deprecated)
		if a.optional || a.multiple {
			m.name("flags")
			s.documentFlags(a)
		}
		if len(a.args) > 0 {
			m.name("arguments")
			s.documentArgs(a.args)
		}
		m.end()
	}
}

func (s *Session) documentFlags(a *docArg) {
	at, n := len(s.w.b), 0
	for _, f := range []struct {
		name string
		set  bool
	}{{"optional", a.optional}, {"multiple", a.multiple}, {"multiple_token", a.tokens}} {
		if f.set {
			s.w.status(f.name)
			n++
		}
	}
	s.w.setAt(at, n)
}
