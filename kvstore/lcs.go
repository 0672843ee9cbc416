package kvstore

import (
	"bytes"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

// lcsMatch is a piece that two strings have in common.
type lcsMatch struct{ a0, a1, b0, b1 int }

func cmdLcs(s *Session, a [][]byte) {
	var v [2][]byte
	for i := range v {
		if e := s.read(a[1+i]); e.Exists() {
			if e.Type() != keyspace.String {
				s.fail("ERR The specified keys must contain string values")
				return
			}
			v[i] = bytes.Clone(e.Str())
		}
	}
	var getLen, getIdx, withLen bool
	minLen := int64(0)
	for i := 3; i < len(a); i++ {
		switch {
		case is(a[i], "IDX"):
			getIdx = true
		case is(a[i], "LEN"):
			getLen = true
		case is(a[i], "WITHMATCHLEN"):
			withLen = true
		case is(a[i], "MINMATCHLEN") && i+1 < len(a):
			n, ok := s.intArg(a[i+1])
			if !ok {
				return
			}
			minLen = max(n, 0)
			i++
		default:
			s.fail(msgSyntax)
			return
		}
	}
	if getIdx && getLen {
		s.fail("ERR If you want both the length and indexes, please just use IDX.")
		return
	}
	if int64(len(v[0])+1)*int64(len(v[1])+1)*4 > maxString {
		s.fail("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
		return
	}
	matches, text := lcs(v[0], v[1], getLen)
	switch {
	case getLen:
		s.w.count(len(text))
	case !getIdx:
		s.w.bulk(text)
	default:
		s.lcsReply(matches, len(text), int(minLen), withLen)
	}
}

func (s *Session) lcsReply(matches []lcsMatch, total, minLen int, withLen bool) {
	s.w.mapHead(2)
	s.w.str("matches")
	at, n := len(s.w.b), 0
	for _, m := range matches {
		if m.a1-m.a0+1 < minLen {
			continue
		}
		n++
		if withLen {
			s.w.array(3)
		} else {
			s.w.array(2)
		}
		for _, p := range [2][2]int{{m.a0, m.a1}, {m.b0, m.b1}} {
			s.w.array(2)
			s.w.count(p[0])
			s.w.count(p[1])
		}
		if withLen {
			s.w.count(m.a1 - m.a0 + 1)
		}
	}
	s.w.arrayAt(at, n)
	s.w.str("len")
	s.w.count(total)
}

// lcs returns the longest common subsequence and its pieces, the last one first.
func lcs(a, b []byte, _ bool) ([]lcsMatch, []byte) {
	w := len(b) + 1
	t := make([]uint32, (len(a)+1)*w)
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			if a[i-1] == b[j-1] {
				t[i*w+j] = t[(i-1)*w+j-1] + 1
			} else {
				t[i*w+j] = max(t[(i-1)*w+j], t[i*w+j-1])
			}
		}
	}
	left := int(t[len(a)*w+len(b)])
	text := make([]byte, left)
	var matches []lcsMatch
	open := false
	var m lcsMatch
	for i, j := len(a), len(b); i > 0 && j > 0; {
		if a[i-1] == b[j-1] {
			left--
			text[left] = a[i-1]
			switch {
			case open && m.a0 == i && m.b0 == j:
				m.a0, m.b0 = i-1, j-1
			default:
				if open {
					matches = append(matches, m)
				}
				m, open = lcsMatch{i - 1, i - 1, j - 1, j - 1}, true
			}
			i--
			j--
			continue
		}
		if t[(i-1)*w+j] > t[i*w+j-1] {
			i--
		} else {
			j--
		}
	}
	if open {
		matches = append(matches, m)
	}
	return matches, text
}
