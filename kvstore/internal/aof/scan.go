package aof

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"strconv"
)

// prefix begins an annotation: a line that Redis takes for a comment, with the
// length and the CRC-32C of what is between it and the annotation before it. What
// it speaks of is called a group: whole commands, of whole transactions.
const prefix = "#CRC32C:"

// header begins every file of ours, so that one is known by it.
const header = "#CRC32C:0:00000000\n"

// checksum is CRC-32C. The table is made once, by package crc32.
func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

func appendAnnotation(dst []byte, n int, sum uint32) []byte {
	dst = append(dst, prefix...)
	dst = strconv.AppendInt(dst, int64(n), 10)
	dst = append(dst, ':')
	for i := 28; i >= 0; i -= 4 {
		dst = append(dst, "0123456789abcdef"[sum>>i&15])
	}
	return append(dst, '\n')
}

// annotation parses the line at mark.
func annotation(data []byte, mark int) (length int, sum uint32, end int, ok bool) {
	line := data[mark+len(prefix):]
	n := bytes.IndexByte(line[:min(len(line), 40)], '\n')
	if n < 0 {
		return 0, 0, 0, false
	}
	a, b, found := bytes.Cut(line[:n], []byte(":"))
	length, err1 := strconv.Atoi(string(a))
	s, err2 := strconv.ParseUint(string(b), 16, 32)
	if !found || err1 != nil || err2 != nil || length < 0 || len(b) != 8 {
		return 0, 0, 0, false
	}
	return length, uint32(s), mark + len(prefix) + n + 1, true
}

// A DamageError is damage that is no torn tail.
type DamageError struct {
	Offset int64
	Reason string
}

// Error names the offset.
func (e *DamageError) Error() string { return fmt.Sprintf("%s at offset %d", e.Reason, e.Offset) }

// A Result tells what Scan has found in a file.
type Result struct {
	Good        int64 // bytes of the valid prefix
	Reserved    int64 // bytes of nothing behind it, up to the end, that a crash has left
	Commands    int   // in the prefix
	Checksummed bool  // by us; else only the framing could be judged
}

// A Player is who runs the commands of a file. Arguments are parts of its data.
type Player interface {
	// Ahead is called with some commands before Play is called with each of them.
	Ahead(commands [][][]byte)
	// Play runs a command; at is how far the reading is in the file.
	Play(at int, args [][]byte) error
}

// Scan reads the commands of a file and has p run them, in whole groups: what
// a checksum speaks of is verified before.
//
// A torn tail ends the scan: Good tells where, and Reserved how much is no tail but
// space that was not used. Damage that valid data follow, or
// that is not at the end of a file without checksums, gives a [*DamageError]. An
// error of p is returned as it is.
func Scan(data []byte, p Player) (Result, error) {
	s := scanner{data: data, p: p}
	switch {
	case len(data) == 0:
		return s.Result, nil
	case bytes.HasPrefix(data, []byte(header)) || s.annotated():
		s.Checksummed = true
		return s.groups()
	case bytes.HasPrefix(data, []byte(header[:10])) && s.validAfter(0):
		return s.Result, &DamageError{0, "damage before valid data"}
	case data[0] == '*' || data[0] == '#':
		return s.plain(0)
	case isText(data):
		return s.text()
	}
	if s.validAfter(0) || len(data) > maxGarbage {
		return s.Result, &DamageError{0, "not a log"}
	}
	return s.Result, nil
}

// maxGarbage is how much of no known form a torn tail may be without checksums.
const maxGarbage = 64 << 10

// most is how many commands are parsed before they are run: enough for Ahead.
const most = 16

type scanner struct {
	Result
	data []byte
	p    Player

	// Commands that were parsed, and are to be run.
	args  [][]byte
	list  []parsed
	views [][][]byte // scratch
}

// A parsed command has its arguments in scanner.args up to end, those of the one before
// excluded. What is before the offset good in the file is valid when it has run; 0 says
// nothing.
type parsed struct{ end, good int }

// annotated tells whether the first annotation of the data is a right one.
func (s *scanner) annotated() bool {
	i := bytes.Index(s.data, []byte(prefix))
	if i < 0 {
		return false
	}
	n, sum, _, ok := annotation(s.data, i)
	return ok && n == i && checksum(s.data[:i]) == sum
}

// validAfter tells whether a group that a checksum speaks of is behind an offset.
func (s *scanner) validAfter(from int) bool {
	for scan := from; ; {
		i := bytes.Index(s.data[scan:], []byte(prefix))
		if i < 0 {
			return false
		}
		mark := scan + i
		n, sum, _, ok := annotation(s.data, mark)
		if ok && n > 0 && n <= mark && mark-n > from && checksum(s.data[mark-n:mark]) == sum {
			return true
		}
		scan = mark + 1
	}
}

// groups reads a file with checksums.
func (s *scanner) groups() (Result, error) {
	start := 0
	for start < len(s.data) {
		n := len(s.list)
		end, ok := s.group(start)
		if !ok {
			s.forget(n)
			if err := s.run(start); err != nil {
				return s.Result, err
			}
			if s.validAfter(start) {
				return s.Result, &DamageError{int64(start), "damage before valid data"}
			}
			rest := blanksEnd(s.data, start)
			if bytes.HasPrefix(s.data[rest:], []byte(redisSelect)) {
				s.Checksummed = false
				return s.plain(rest)
			}
			if rest == len(s.data) {
				s.Reserved = int64(rest - start)
			}
			return s.Result, nil
		}
		start = end
		if err := s.valid(end); err != nil {
			return s.Result, err
		}
	}
	err := s.run(start)
	return s.Result, err
}

// valid is called when what is before an offset can be run.
func (s *scanner) valid(at int) error {
	n := len(s.list)
	if n == 0 {
		s.Good = int64(at)
		return nil
	}
	s.list[n-1].good = at
	if n < most {
		return nil
	}
	return s.run(at)
}

// forget leaves out the commands from number n on.
func (s *scanner) forget(n int) {
	args := 0
	if s.list = s.list[:n]; n > 0 {
		args = s.list[n-1].end
	}
	s.args = s.args[:args]
}

// redisSelect is what Redis writes first when it goes on with a file. Ours is in
// lower case, so that what Redis wrote is no torn tail.
const redisSelect = "*2\r\n$6\r\nSELECT\r\n"

// group parses the group at an offset and checks it.
func (s *scanner) group(start int) (end int, ok bool) {
	for at := start; ; {
		if bytes.HasPrefix(s.data[at:], []byte(prefix)) {
			n, sum, end, ok := annotation(s.data, at)
			return end, ok && n == at-start && checksum(s.data[start:at]) == sum
		}
		if at, ok = s.command(at); !ok {
			return 0, false
		}
	}
}

// command parses the command at an offset.
func (s *scanner) command(at int) (end int, ok bool) {
	n, at, ok := number(s.data, at, '*')
	if !ok || n <= 0 || n > 1<<20 {
		return 0, false
	}
	for range n {
		var size int
		if size, at, ok = number(s.data, at, '$'); !ok || size < 0 || size > len(s.data)-at-2 {
			return 0, false
		}
		if s.data[at+size] != '\r' || s.data[at+size+1] != '\n' {
			return 0, false
		}
		s.args = append(s.args, s.data[at:at+size:at+size])
		at += size + 2
	}
	s.list = append(s.list, parsed{end: len(s.args)})
	return at, true
}

// number parses a kind, a number and a line end.
func number(data []byte, at int, kind byte) (n, end int, ok bool) {
	if at >= len(data) || data[at] != kind {
		return 0, 0, false
	}
	for i := at + 1; i < len(data) && i < at+14; i++ {
		switch c := data[i]; {
		case c >= '0' && c <= '9':
			n = n*10 + int(c-'0')
		case c == '\r' && i > at+1 && i+1 < len(data) && data[i+1] == '\n':
			return n, i + 2, true
		default:
			return 0, 0, false
		}
	}
	return 0, 0, false
}

// run has the parsed commands run.
func (s *scanner) run(at int) error {
	from := 0
	for list := s.list; len(list) > 0; {
		n := min(most, len(list))
		s.views = s.views[:0]
		for _, c := range list[:n] {
			s.views = append(s.views, s.args[from:c.end])
			from = c.end
		}
		s.p.Ahead(s.views)
		for i, c := range list[:n] {
			if err := s.p.Play(at, s.views[i]); err != nil {
				return err
			}
			s.Commands++
			s.Good = max(s.Good, int64(c.good))
		}
		list = list[n:]
	}
	s.args, s.list = s.args[:0], s.list[:0]
	return nil
}

// plain reads what Redis has written, from an offset on. Its end may be torn: then it is cut behind the
// last command, or before the transaction that is not whole.
func (s *scanner) plain(from int) (Result, error) {
	multi := -1 // the number of MULTI, or there is none
	at := from
	for at < len(s.data) {
		if s.data[at] == '#' {
			n := bytes.IndexByte(s.data[at:], '\n')
			if n < 0 {
				break
			}
			at += n + 1
		} else {
			n := len(s.list)
			end, ok := s.command(at)
			if !ok {
				s.forget(n)
				break
			}
			at = end
			first := 0
			if n > 0 {
				first = s.list[n-1].end
			}
			switch args := s.args[first:]; {
			case multi < 0 && len(args) == 1 && bytes.EqualFold(args[0], []byte("MULTI")):
				multi = n
			case len(args) == 1 && bytes.EqualFold(args[0], []byte("EXEC")):
				multi = -1
			}
		}
		if multi < 0 {
			if err := s.valid(at); err != nil {
				return s.Result, err
			}
		}
	}
	if multi >= 0 {
		s.forget(multi)
	}
	if err := s.run(at); err != nil {
		return s.Result, err
	}
	if at < len(s.data) && s.data[at] != '#' && !s.torn(at) {
		return s.Result, &DamageError{int64(at), "bad format"}
	}
	return s.Result, nil
}

// torn tells whether what is at an offset, which is no command, looks like the
// beginning of one, or like the zeros that a file system leaves.
func (s *scanner) torn(at int) bool {
	rest := s.data[at:]
	if len(rest) <= maxGarbage && len(bytes.Trim(rest, "\x00")) == 0 {
		return true
	}
	// A beginning: everything is right up to the end of the data.
	n, at, ok := number(s.data, at, '*')
	if !ok {
		return len(rest) < 16 && rest[0] == '*' && onlyNumber(rest[1:])
	}
	for range n {
		size, next, ok := number(s.data, at, '$')
		if !ok {
			tail := s.data[min(at, len(s.data)):]
			return len(tail) == 0 || len(tail) < 16 && tail[0] == '$' && onlyNumber(tail[1:])
		}
		if size+2 > len(s.data)-next {
			return true
		}
		at = next + size + 2
		if string(s.data[at-2:at]) != "\r\n" {
			return false
		}
	}
	return false
}

func onlyNumber(b []byte) bool {
	b = bytes.TrimSuffix(b, []byte("\r"))
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// isText tells whether the data are lines of SET key value and DEL key.
func isText(data []byte) bool {
	return bytes.HasPrefix(data, []byte("SET ")) || bytes.HasPrefix(data, []byte("DEL "))
}

// text reads lines of SET key value, where the value goes up to the end of the
// line, and DEL key.
func (s *scanner) text() (Result, error) {
	for at := 0; at < len(s.data); {
		n := bytes.IndexByte(s.data[at:], '\n')
		if n < 0 {
			break // the last line was cut
		}
		line := bytes.TrimSuffix(s.data[at:at+n], []byte("\r"))
		args := bytes.SplitN(line, []byte(" "), 3)
		switch {
		case len(line) == 0:
		case string(args[0]) == "SET" && len(args) == 3, string(args[0]) == "DEL" && len(args) == 2:
			if err := s.p.Play(at, args); err != nil {
				return s.Result, err
			}
			s.Commands++
		default:
			return s.Result, &DamageError{int64(at), "neither SET nor DEL"}
		}
		at += n + 1
		s.Good = int64(at)
	}
	return s.Result, nil
}
