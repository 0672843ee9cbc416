package gosh

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/groundwork-go/groundwork/gosh/internal/pattern"
	"github.com/groundwork-go/groundwork/gosh/syntax"
)

// piece is a run of expanded text. A split piece came from an unquoted expansion
// and is divided at IFS; a quoted one is immune to splitting and globbing. brk
// stands for the boundary between two fields, as "$@" makes them.
type piece struct {
	text   string
	quoted bool
	split  bool
	brk    bool
}

// pieces expands the parts of a word.
func (s *Shell) pieces(ctx context.Context, parts []syntax.Part, quoted bool) ([]piece, *unwinding) {
	var list []piece
	for i, p := range parts {
		switch p := p.(type) {
		case *syntax.Lit:
			text := p.Text
			if i == 0 && !quoted && strings.HasPrefix(text, "~") {
				home, rest := s.tilde(text, len(parts) == 1)
				if home != "" {
					list = append(list, piece{text: home, quoted: true})
					text = rest
				}
			}
			list = append(list, piece{text: text, quoted: quoted})
		case *syntax.Quoted:
			list = append(list, piece{text: p.Text, quoted: true})
		case *syntax.DoubleQuoted:
			inner, u := s.pieces(ctx, p.Parts, true)
			if u != nil {
				return nil, u
			}
			if len(inner) == 0 {
				inner = []piece{{quoted: true}} // "" is a field
			}
			list = append(list, inner...)
		case *syntax.Param:
			inner, u := s.expandParam(ctx, p, quoted)
			if u != nil {
				return nil, u
			}
			list = append(list, inner...)
		case *syntax.CmdSubst:
			out, u := s.substitute(ctx, p.Body)
			if u != nil {
				return nil, u
			}
			list = append(list, piece{text: out, quoted: quoted, split: !quoted})
		case *syntax.Arith:
			expr, u := s.text(ctx, p.Expr)
			if u != nil {
				return nil, u
			}
			n, err := s.arith(expr)
			if err != nil {
				return nil, s.expansionError("%v", err)
			}
			list = append(list, piece{text: strconv.FormatInt(n, 10), quoted: quoted, split: !quoted})
		}
	}
	return list, nil
}

// tilde expands ~ at the start of a word; only the own home is known.
func (s *Shell) tilde(text string, whole bool) (home, rest string) {
	name, rest, slash := strings.Cut(text[1:], "/")
	if name != "" || !slash && !whole {
		return "", text
	}
	home, _ = s.get("HOME")
	if slash {
		rest = "/" + rest
	}
	return home, rest
}

// substitute runs a command substitution.
func (s *Shell) substitute(ctx context.Context, body syntax.List) (string, *unwinding) {
	if u := s.step(ctx); u != nil {
		return "", u
	}
	sub := s.subshell()
	var out lockedBuffer
	sub.fds[1] = stream{w: &out}
	err := sub.run(ctx, body)
	sub.exitTrap(ctx)
	if err != nil && !errors.Is(err, errExit) {
		return "", fatal(err)
	}
	s.status = sub.status
	s.subst = true
	text := bytes.ReplaceAll(out.buf.Bytes(), []byte{0}, nil)
	return strings.TrimRight(string(text), "\n"), nil
}

func (s *Shell) expandParam(ctx context.Context, p *syntax.Param, quoted bool) ([]piece, *unwinding) {
	value, set := s.param(p.Name)
	if p.Length {
		if !set && s.opts.nounset {
			return nil, s.unset(p)
		}
		n := utf8.RuneCountInString(value)
		if p.Name == "@" || p.Name == "*" {
			n = len(s.args)
		}
		return []piece{{text: strconv.Itoa(n), quoted: quoted}}, nil
	}
	missing := !set || strings.HasPrefix(p.Op, ":") && value == ""
	switch op := strings.TrimPrefix(p.Op, ":"); op {
	case "":
		if !set && s.opts.nounset && p.Name != "@" && p.Name != "*" {
			return nil, s.unset(p)
		}
	case "-":
		if missing {
			return s.pieces(ctx, p.Arg.Parts, quoted)
		}
	case "+":
		if missing {
			return nil, nil
		}
		return s.pieces(ctx, p.Arg.Parts, quoted)
	case "=":
		if missing {
			if !isName(p.Name) {
				return nil, s.expansionError("%s: cannot be assigned this way", p.Name)
			}
			v, u := s.text(ctx, p.Arg)
			if u != nil {
				return nil, u
			}
			if err := s.set(p.Name, v); err != nil {
				return nil, s.expansionError("%v", err)
			}
			value = v
		}
	case "?":
		if missing {
			msg, u := s.text(ctx, p.Arg)
			if u != nil {
				return nil, u
			}
			if msg == "" {
				msg = "parameter not set"
			}
			return nil, s.expansionError("%s: %s", p.Name, msg)
		}
	default:
		if !set && s.opts.nounset {
			return nil, s.unset(p)
		}
		pat, u := s.pattern(ctx, p.Arg)
		if u != nil {
			return nil, u
		}
		value = trim(value, op, pat)
	}
	if p.Name == "@" || p.Name == "*" {
		return s.expandArgs(p.Name, quoted), nil
	}
	return []piece{{text: value, quoted: quoted, split: !quoted}}, nil
}

func (s *Shell) unset(p *syntax.Param) *unwinding {
	return s.expansionError("%s: parameter not set", p.Name)
}

// expandArgs expands $@ and $*.
func (s *Shell) expandArgs(name string, quoted bool) []piece {
	if name == "*" && quoted {
		sep := " "
		if ifs, set := s.get("IFS"); set {
			if sep = ""; ifs != "" {
				_, size := utf8.DecodeRuneInString(ifs)
				sep = ifs[:size]
			}
		}
		return []piece{{text: strings.Join(s.args, sep), quoted: true}}
	}
	var list []piece
	for i, a := range s.args {
		if i > 0 {
			list = append(list, piece{brk: true})
		}
		list = append(list, piece{text: a, quoted: quoted, split: !quoted})
	}
	if len(list) == 0 && quoted {
		list = []piece{{brk: true, quoted: true}} // "$@" without parameters is no field at all
	}
	return list
}

// trim removes the smallest or largest prefix or suffix that matches.
func trim(value, op, pat string) string {
	var cuts []int
	for i := range value {
		cuts = append(cuts, i)
	}
	cuts = append(cuts, len(value))
	if op == "%" || op == "##" {
		slices.Reverse(cuts)
	}
	for _, i := range cuts {
		if op[0] == '#' && pattern.Match(pat, value[:i]) {
			return value[i:]
		}
		if op[0] == '%' && pattern.Match(pat, value[i:]) {
			return value[:i]
		}
	}
	return value
}

// text expands a word to one string, without splitting or globbing.
func (s *Shell) text(ctx context.Context, w *syntax.Word) (string, *unwinding) {
	list, u := s.pieces(ctx, w.Parts, false)
	if u != nil {
		return "", u
	}
	var b strings.Builder
	for _, p := range list {
		if p.brk && !p.quoted {
			b.WriteByte(' ')
		}
		b.WriteString(p.text)
	}
	return b.String(), nil
}

// pattern expands a word to a pattern, in which quoted text is escaped.
func (s *Shell) pattern(ctx context.Context, w *syntax.Word) (string, *unwinding) {
	list, u := s.pieces(ctx, w.Parts, false)
	if u != nil {
		return "", u
	}
	var b strings.Builder
	for _, p := range list {
		if p.quoted {
			b.WriteString(pattern.Escape(p.text))
		} else {
			b.WriteString(p.text)
		}
	}
	return b.String(), nil
}

// field is one under construction: as text, and as a pattern for globbing.
type field struct {
	text    strings.Builder
	pattern strings.Builder
	some    bool // it exists, though it may be empty
	glob    bool
}

// fields expands words to arguments.
func (s *Shell) fields(ctx context.Context, words []*syntax.Word) ([]string, *unwinding) {
	var out []string
	for _, w := range words {
		list, u := s.pieces(ctx, w.Parts, false)
		if u != nil {
			return nil, u
		}
		for _, f := range s.split(list) {
			out = append(out, s.glob(f)...)
		}
	}
	return out, nil
}

// split divides expanded text into fields.
func (s *Shell) split(list []piece) []*field {
	ifs, set := s.get("IFS")
	if !set {
		ifs = " \t\n"
	}
	var done []*field
	f := &field{}
	end := func() {
		if f.some {
			done = append(done, f)
		}
		f = &field{}
	}
	for _, p := range list {
		switch {
		case p.brk:
			if !p.quoted {
				end()
			}
		case p.quoted:
			f.some = true
			f.text.WriteString(p.text)
			f.pattern.WriteString(pattern.Escape(p.text))
		case !p.split:
			f.add(p.text)
		default:
			s.splitText(p.text, ifs, &f, end)
		}
	}
	end()
	return done
}

// splitText divides text at IFS: blanks of IFS count together, other characters of
// it each end a field.
func (s *Shell) splitText(text, ifs string, f **field, end func()) {
	absorb := false // blanks have ended a field; a separator behind them is part of that
	for i, r := range text {
		switch {
		case !strings.ContainsRune(ifs, r):
			(*f).add(text[i : i+runeLen(text[i:])])
			absorb = false
		case strings.ContainsRune(" \t\n", r):
			if (*f).some {
				end()
				absorb = true
			}
		case absorb:
			absorb = false
		default:
			(*f).some = true
			end()
		}
	}
}

func runeLen(s string) int {
	_, size := utf8.DecodeRuneInString(s)
	return size
}

// add appends unquoted text.
func (f *field) add(text string) {
	if text == "" {
		return
	}
	f.some = true
	f.text.WriteString(text)
	f.pattern.WriteString(text)
	f.glob = f.glob || strings.ContainsAny(text, "*?[")
}

// glob expands a field to the names that it matches; if there are none, to itself.
func (s *Shell) glob(f *field) []string {
	if !f.glob || s.opts.noglob {
		return []string{f.text.String()}
	}
	pat := f.pattern.String()
	prefix := ""
	if strings.HasPrefix(pat, "/") {
		prefix = "/"
	}
	matches := []string{prefix}
	for _, part := range strings.Split(strings.Trim(pat, "/"), "/") {
		if part == "" {
			continue
		}
		var next []string
		for _, base := range matches {
			next = append(next, s.globIn(base, part)...)
		}
		matches = next
	}
	if len(matches) == 0 || len(matches) == 1 && matches[0] == prefix {
		return []string{f.text.String()}
	}
	if strings.HasSuffix(pat, "/") {
		matches = slices.DeleteFunc(matches, func(m string) bool {
			info, err := os.Stat(s.abs(m))
			return err != nil || !info.IsDir()
		})
		for i := range matches {
			matches[i] += "/"
		}
	}
	return matches
}

// globIn matches one element of a path in a folder.
func (s *Shell) globIn(base, part string) []string {
	join := func(name string) string {
		if base == "" || strings.HasSuffix(base, "/") {
			return base + name
		}
		return base + "/" + name
	}
	if !pattern.HasMeta(part) {
		name := join(pattern.Unescape(part))
		if _, err := os.Lstat(s.abs(name)); err != nil {
			return nil
		}
		return []string{name}
	}
	entries, err := os.ReadDir(filepath.Clean(s.abs(base)))
	if err != nil {
		return nil // a folder that cannot be read matches nothing
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") && !strings.HasPrefix(part, ".") && !strings.HasPrefix(part, `\.`) {
			continue
		}
		if pattern.Match(part, e.Name()) {
			names = append(names, join(e.Name()))
		}
	}
	return names
}
