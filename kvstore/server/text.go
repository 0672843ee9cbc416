package server

import (
	"bufio"
	"bytes"
	"errors"
	"net"

	"github.com/groundwork-go/groundwork/kvstore"
)

// maxLine bounds a line of the text protocol in bytes.
const maxLine = 512 << 20

// handleText serves SET key value, GET key and DEL key.
func (s *Server) handleText(conn net.Conn) {
	c := &textClient{db: s.db, conn: conn, session: s.db.NewSession(nil)}
	defer c.session.Close()
	r := bufio.NewReaderSize(c, 16<<10)
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if line = append(line, part...); len(line) > maxLine {
			c.out = append(c.out, "-ERR line too long\n"...)
			_ = c.flush() // the connection ends in any case
			return
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if len(line) > 0 {
			c.line(bytes.Fields(line))
		}
		if err != nil {
			_ = c.flush() // the connection ends in any case
			return
		}
		if line = line[:0]; cap(line) > 1<<20 {
			line = nil
		}
	}
}

type textClient struct {
	db      *kvstore.DB
	conn    net.Conn
	session *kvstore.Session
	out     []byte
	reply   []byte
}

// Read sends what is to be sent before it waits for more input.
func (c *textClient) Read(b []byte) (int, error) {
	if err := c.flush(); err != nil {
		return 0, err
	}
	return c.conn.Read(b)
}

func (c *textClient) flush() error {
	if err := c.db.Commit(c.session.EndBatch()); err != nil {
		_, _ = c.conn.Write([]byte("-ERR " + err.Error() + "\n"))
		return err
	}
	out := c.out
	c.out = c.out[:0]
	if len(out) == 0 {
		return nil
	}
	_, err := c.conn.Write(out)
	return err
}

func (c *textClient) line(words [][]byte) {
	if len(words) == 0 {
		return
	}
	name := string(bytes.ToUpper(words[0]))
	switch {
	case name == "SET" && len(words) < 3:
		c.out = append(c.out, "-ERR usage: SET key value\n"...)
	case name == "GET" && len(words) < 2:
		c.out = append(c.out, "-ERR usage: GET key\n"...)
	case name == "DEL" && len(words) < 2:
		c.out = append(c.out, "-ERR usage: DEL key\n"...)
	case name == "SET":
		c.answer([]byte("SET"), words[1], bytes.Join(words[2:], []byte(" ")))
	case name == "GET":
		c.answer([]byte("GET"), words[1])
	case name == "DEL":
		if c.reply = c.session.Exec(c.reply[:0], [][]byte{[]byte("DEL"), words[1]}); c.reply[0] != '-' {
			c.reply = append(c.reply[:0], "+OK\r\n"...)
		}
		c.translate()
	default:
		c.out = append(c.out, "-ERR unknown command\n"...)
	}
}

func (c *textClient) answer(args ...[]byte) {
	c.reply = c.session.Exec(c.reply[:0], args)
	c.translate()
}

// translate turns a reply into a line.
func (c *textClient) translate() {
	head, body, _ := bytes.Cut(c.reply, []byte("\r\n"))
	switch head[0] {
	case '$':
		c.out = append(append(append(c.out, '+'), bytes.TrimSuffix(body, []byte("\r\n"))...), '\n')
	case '_':
		c.out = append(c.out, "-ERR not found\n"...)
	default:
		c.out = append(append(c.out, head...), '\n')
	}
}
