package resp

import "bytes"

// A Parser finds commands in a buffer that the caller fills, without copying them.
// The zero Parser is ready for the beginning of a stream; it is for one goroutine at
// a time.
type Parser struct {
	// MaxBulk bounds the bytes of one argument. Zero means 512 MiB.
	MaxBulk int64

	// Restricted bounds commands to 10 arguments of 16 KiB, as Redis does for
	// clients that have not given a password.
	Restricted bool

	args [][]byte // of the command, found since the call began
	old  []span   // the arguments before those, found by earlier calls
	left int      // arguments that are not found yet; zero: the command has not begun
	bulk int      // length of the next argument plus one; zero: not known yet
	at   int      // position up to which the buffer is parsed
	need int      // length of the buffer below which there is nothing to find
}

// A span is an argument by its position relative to the command.
type span struct{ from, to int }

const (
	maxHead       = 64 << 10 // of a line that tells a length, and of an inline command
	maxArgs       = 1<<31 - 1
	restrictArgs  = 10
	restrictBytes = 16 << 10
	defaultBulk   = 512 << 20
)

// Next returns the first command in b, and the number of bytes up to its end,
// which the caller takes away before the next call. Without a command args is nil:
// n bytes are to be taken away all the same, and more is to be read behind what
// remains, which must not change; it may move. Empty commands are passed over. The
// arguments are parts of b, and args is valid until the next call. The error is a
// [*ProtocolError], after which nothing more can be found.
//
// The arguments of an inline command are copies.
func (p *Parser) Next(b []byte) (args [][]byte, n int, err error) {
	if len(b) < p.need {
		return nil, 0, nil
	}
	if p.left == 0 {
		args, n, err = p.begin(b)
		if args != nil || err != nil || p.left == 0 {
			return args, n, err
		}
	}
	args, used, err := p.multibulk(b[n:])
	if args != nil {
		n += used
	}
	return args, n, err
}

// Reset forgets the beginning of a command that was found: the next call is for the
// beginning of another one.
func (p *Parser) Reset() {
	p.args, p.old = p.args[:0], p.old[:0]
	p.left, p.bulk, p.at, p.need = 0, 0, 0, 0
}

// Need returns the length that the buffer must have for the rest of a long
// argument, as far as that is known, else zero. The length is what the client says.
func (p *Parser) Need() int { return p.need }

// begin finds the beginning of the next command. It returns the number of bytes
// that are done with, and an inline command.
func (p *Parser) begin(b []byte) (args [][]byte, n int, err error) {
	for {
		rest := b[n:]
		if len(rest) == 0 {
			return nil, n, nil
		}
		if rest[0] != '*' {
			end := bytes.IndexByte(rest, '\n')
			if end < 0 {
				if len(rest) > maxHead {
					return nil, n, &ProtocolError{"too big inline request"}
				}
				return nil, n, nil
			}
			n += end + 1
			line := rest[:end]
			if end > 0 && line[end-1] == '\r' {
				line = line[:end-1]
			}
			args, err = splitInline(line)
			if err != nil || len(args) > 0 {
				return args, n, err
			}
			continue
		}
		count, size, ok := head(rest[1:])
		switch {
		case size == 0 && len(rest) > maxHead:
			return nil, n, &ProtocolError{"too big mbulk count string"}
		case size == 0:
			return nil, n, nil
		case !ok || count > maxArgs:
			return nil, n, &ProtocolError{"invalid multibulk length"}
		case count > restrictArgs && p.Restricted:
			return nil, n, &ProtocolError{"unauthenticated multibulk length"}
		case count <= 0:
			n += 1 + size
			continue
		}
		p.left, p.at = int(count), 1+size
		p.args, p.old = p.args[:0], p.old[:0]
		return nil, n, nil
	}
}

// multibulk finds the arguments of the command at the beginning of b.
func (p *Parser) multibulk(b []byte) ([][]byte, int, error) {
	for p.left > 0 {
		if p.bulk == 0 {
			if p.at >= len(b) {
				return nil, 0, p.pause(b)
			}
			if b[p.at] != '$' {
				switch _, size, _ := head(b[p.at:]); {
				case size > 0:
					return nil, 0, &ProtocolError{"expected '$', got '" + string(printable(b[p.at:p.at+1])) + "'"}
				case len(b)-p.at > maxHead:
					return nil, 0, &ProtocolError{"too big bulk count string"}
				}
				return nil, 0, p.pause(b)
			}
			n, size, ok := head(b[p.at+1:])
			most := p.MaxBulk
			if most == 0 {
				most = defaultBulk
			}
			switch {
			case size == 0 && len(b)-p.at > maxHead:
				return nil, 0, &ProtocolError{"too big bulk count string"}
			case size == 0:
				return nil, 0, p.pause(b)
			case !ok || n < 0 || n > most:
				return nil, 0, &ProtocolError{"invalid bulk length"}
			case n > restrictBytes && p.Restricted:
				return nil, 0, &ProtocolError{"unauthenticated bulk length"}
			}
			p.at += 1 + size
			p.bulk = int(n) + 1
		}
		end := p.at + p.bulk - 1
		if len(b) < end+2 {
			p.need = end + 2
			return nil, 0, p.pause(b)
		}
		p.args = append(p.args, b[p.at:end])
		p.at = end + 2 // what stands there is not looked at, as in Redis
		p.bulk = 0
		p.left--
	}
	p.need = 0
	if len(p.old) == 0 {
		return p.args, p.at, nil
	}
	all := make([][]byte, 0, len(p.old)+len(p.args))
	for _, s := range p.old {
		all = append(all, b[s.from:s.to])
	}
	p.old = p.old[:0]
	p.args = append(all, p.args...)
	return p.args, p.at, nil
}

// pause remembers the arguments found so far by their positions, since b may move.
func (p *Parser) pause(b []byte) error {
	for _, a := range p.args {
		from := cap(b) - cap(a)
		p.old = append(p.old, span{from, from + len(a)})
	}
	p.args = p.args[:0]
	return nil
}

// head reads a decimal number and the line end behind it. size is the number of
// bytes of both, zero if the line has not ended. The number must be written as
// Redis would write it.
func head(b []byte) (n int64, size int, ok bool) {
	i, negative := 0, false
	if len(b) > 0 && b[0] == '-' {
		negative = true
		i++
	}
	start := i
	for i < len(b) && b[i]-'0' < 10 && i-start < 19 {
		n = n*10 + int64(b[i]-'0')
		i++
	}
	if i+1 < len(b) && b[i] == '\r' {
		digits := i - start
		ok = digits > 0 && digits < 19 && (b[start] != '0' || digits == 1 && !negative)
		if negative {
			n = -n
		}
		return n, i + 2, ok
	}
	if i == len(b) || i+1 == len(b) && b[i] == '\r' {
		return 0, 0, false
	}
	end := bytes.IndexByte(b, '\r')
	if end < 0 || end+1 == len(b) {
		return 0, 0, false
	}
	return 0, end + 2, false
}
