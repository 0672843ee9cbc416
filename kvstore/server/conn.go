package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/groundwork-go/groundwork/kvstore"
	"github.com/groundwork-go/groundwork/kvstore/resp"
)

// client is one RESP connection.
type client struct {
	srv     *Server
	conn    net.Conn
	session *kvstore.Session
	id      int64
	name    string

	// All but push, which sends messages, runs on the goroutine that reads.
	out  []byte // replies that are not sent yet
	subs int    // channels and patterns
	quit bool

	mu      sync.Mutex            // serialises writing to conn
	version int                   // of the protocol; written with mu held
	sub     *kvstore.Subscription // nil before the first SUBSCRIBE; written with mu held
}

const flushAt = 64 << 10

// Read sends what is to be sent before it waits for more input.
func (c *client) Read(b []byte) (int, error) {
	if err := c.flush(); err != nil {
		return 0, err
	}
	if c.srv.o.IdleTimeout > 0 && c.subs == 0 {
		if err := c.conn.SetReadDeadline(time.Now().Add(c.srv.o.IdleTimeout)); err != nil {
			return 0, err
		}
		if c.srv.isClosing() { // whose deadline this may have replaced
			return 0, ErrServerClosed
		}
	}
	return c.conn.Read(b)
}

func (s *Server) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// flush makes the writes safe and then sends their replies.
func (c *client) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.flushLocked()
}

func (c *client) flushLocked() error {
	if len(c.out) == 0 {
		return nil
	}
	if err := c.session.Flush(); err != nil {
		// None of these replies may be believed.
		_, _ = c.conn.Write(resp.AppendError(nil, "MISCONF "+err.Error()))
		return err
	}
	_, err := c.conn.Write(c.out)
	if c.out = c.out[:0]; cap(c.out) > 1<<20 {
		c.out = nil
	}
	return err
}

func (s *Server) handleRESP(conn net.Conn) {
	c := &client{srv: s, conn: conn, session: s.db.Session(), id: s.next.Add(1), version: 2}
	defer c.endSubscription()
	r := resp.NewReader(c, nil)
	for !c.quit {
		args, err := r.ReadCommand()
		if err != nil {
			var pe *resp.ProtocolError
			if errors.As(err, &pe) {
				c.write(func(b []byte, _ int) []byte { return resp.AppendError(b, "ERR "+pe.Error()) })
				_ = c.flush() // the connection ends in any case
			}
			return
		}
		c.command(args)
		if len(c.out) >= flushAt && c.flush() != nil {
			return
		}
	}
	_ = c.flush() // the connection ends in any case
}

// write appends to what will be sent.
func (c *client) write(f func(b []byte, version int) []byte) { c.out = f(c.out, c.version) }

func (c *client) reply(r kvstore.Reply) {
	c.write(func(b []byte, version int) []byte { return appendReply(b, r, version) })
}

func (c *client) status(s string) {
	c.write(func(b []byte, _ int) []byte { return resp.AppendSimple(b, s) })
}

func (c *client) fail(format string, args ...any) {
	c.write(func(b []byte, _ int) []byte { return resp.AppendError(b, fmt.Sprintf(format, args...)) })
}

func appendReply(b []byte, r kvstore.Reply, version int) []byte {
	switch r.Kind {
	case kvstore.StatusReply:
		return resp.AppendSimple(b, r.Text)
	case kvstore.ErrorReply:
		return resp.AppendError(b, r.Text)
	case kvstore.IntReply:
		return resp.AppendInt(b, r.Int)
	case kvstore.BulkReply:
		return resp.AppendBulk(b, r.Bytes)
	case kvstore.NilArrayReply:
		return resp.AppendNilArray(b, version)
	case kvstore.ArrayReply:
		b = resp.AppendArray(b, len(r.Elems))
	case kvstore.MapReply:
		b = resp.AppendMap(b, len(r.Elems)/2, version)
	default:
		return resp.AppendNil(b, version)
	}
	for _, e := range r.Elems {
		b = appendReply(b, e, version)
	}
	return b
}

// command runs one command: those about the connection here, the others in the
// session.
func (c *client) command(args [][]byte) {
	name := strings.ToUpper(string(args[0]))
	if c.subs > 0 && c.version < 3 {
		switch name {
		case "SUBSCRIBE", "PSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "QUIT", "RESET":
		case "PING":
			payload := ""
			if len(args) > 1 {
				payload = string(args[1])
			}
			c.write(func(b []byte, _ int) []byte { return resp.AppendCommand(b, "pong", payload) })
			return
		default:
			c.fail("ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context", strings.ToLower(name))
			return
		}
	}
	switch name {
	case "QUIT":
		c.status("OK")
		c.quit = true
	case "POST", "HOST:":
		// A browser was made to talk to us. Redis drops such connections too.
		c.quit = true
	case "HELLO":
		c.hello(args)
	case "RESET":
		c.reset()
	case "SELECT":
		switch {
		case len(args) != 2:
			c.fail("ERR wrong number of arguments for 'select' command")
		case string(args[1]) != "0":
			c.fail("ERR DB index is out of range")
		default:
			c.status("OK")
		}
	case "CLIENT":
		c.clientCommand(args)
	case "COMMAND":
		c.commandCommand(args)
	case "CONFIG":
		c.config(args)
	case "INFO":
		c.info()
	case "SUBSCRIBE", "PSUBSCRIBE":
		if len(args) < 2 {
			c.fail("ERR wrong number of arguments for '%s' command", strings.ToLower(name))
			return
		}
		c.subscribe(args[1:], name[0] == 'P')
	case "UNSUBSCRIBE", "PUNSUBSCRIBE":
		c.unsubscribe(args[1:], name[0] == 'P')
	default:
		c.reply(c.session.Do(args))
	}
}

func (c *client) hello(args [][]byte) {
	version := c.version
	name := c.name
	if len(args) > 1 {
		n, err := strconv.Atoi(string(args[1]))
		if err != nil {
			c.fail("ERR Protocol version is not an integer or out of range")
			return
		}
		if n != 2 && n != 3 {
			c.fail("NOPROTO unsupported protocol version")
			return
		}
		version = n
	}
	for i := 2; i < len(args); i++ {
		switch opt := strings.ToUpper(string(args[i])); {
		case opt == "SETNAME" && i+1 < len(args):
			i++
			name = string(args[i])
		case opt == "AUTH" && i+2 < len(args):
			c.fail("ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
			return
		default:
			c.fail("ERR Syntax error in HELLO option '%s'", args[i])
			return
		}
	}
	c.name = name
	c.mu.Lock()
	c.version = version
	c.mu.Unlock()
	c.write(func(b []byte, v int) []byte {
		b = resp.AppendMap(b, 7, v)
		b = resp.AppendBulk(resp.AppendBulk(b, "server"), "redis")
		b = resp.AppendBulk(resp.AppendBulk(b, "version"), redisVersion)
		b = resp.AppendInt(resp.AppendBulk(b, "proto"), int64(v))
		b = resp.AppendInt(resp.AppendBulk(b, "id"), c.id)
		b = resp.AppendBulk(resp.AppendBulk(b, "mode"), "standalone")
		b = resp.AppendBulk(resp.AppendBulk(b, "role"), "master")
		return resp.AppendArray(resp.AppendBulk(b, "modules"), 0)
	})
}

// redisVersion is that of the Redis whose commands and texts are followed; clients
// choose by it what they send.
const redisVersion = "7.0.15"

func (c *client) reset() {
	c.endSubscription()
	c.session = c.srv.db.Session()
	c.name = ""
	c.mu.Lock()
	c.version = 2
	c.mu.Unlock()
	c.status("RESET")
}

func (c *client) clientCommand(args [][]byte) {
	sub := ""
	if len(args) > 1 {
		sub = strings.ToUpper(string(args[1]))
	}
	switch {
	case sub == "SETNAME" && len(args) == 3:
		c.name = string(args[2])
		c.status("OK")
	case sub == "GETNAME" && len(args) == 2:
		c.reply(kvstore.Reply{Kind: kvstore.BulkReply, Bytes: []byte(c.name)})
	case sub == "ID" && len(args) == 2:
		c.reply(kvstore.Reply{Kind: kvstore.IntReply, Int: c.id})
	case sub == "NO-EVICT" && len(args) == 3:
		c.status("OK")
	case sub == "INFO" && len(args) == 2:
		c.reply(kvstore.Reply{Kind: kvstore.BulkReply, Bytes: fmt.Appendf(nil, "id=%d addr=%s name=%s resp=%d\n", c.id, c.conn.RemoteAddr(), c.name, c.version)})
	default:
		c.fail("ERR unknown subcommand or wrong number of arguments for '%.128s'. Try CLIENT HELP.", strings.ToLower(sub))
	}
}

func (c *client) commandCommand(args [][]byte) {
	names := kvstore.Commands()
	switch {
	case len(args) == 2 && strings.EqualFold(string(args[1]), "COUNT"):
		c.reply(kvstore.Reply{Kind: kvstore.IntReply, Int: int64(len(names))})
	case len(args) == 2 && strings.EqualFold(string(args[1]), "LIST"):
		c.write(func(b []byte, _ int) []byte { return resp.AppendCommand(b, names...) })
	case len(args) >= 2 && strings.EqualFold(string(args[1]), "DOCS"):
		c.reply(kvstore.Reply{Kind: kvstore.MapReply})
	default:
		c.reply(kvstore.Reply{Kind: kvstore.ArrayReply})
	}
}

// config answers what redis-benchmark asks before it starts.
func (c *client) config(args [][]byte) {
	if len(args) < 3 || !strings.EqualFold(string(args[1]), "GET") {
		c.fail("ERR unknown subcommand or wrong number of arguments for 'config'. Try CONFIG HELP.")
		return
	}
	appendOnly := map[bool]string{true: "yes", false: "no"}[c.srv.db.Stats().OnDisk]
	known := map[string]string{"save": "", "appendonly": appendOnly, "maxclients": strconv.Itoa(c.srv.o.MaxClients), "databases": "1"}
	r := kvstore.Reply{Kind: kvstore.MapReply}
	for _, a := range args[2:] {
		name := strings.ToLower(string(a))
		if v, ok := known[name]; ok {
			for _, s := range []string{name, v} {
				r.Elems = append(r.Elems, kvstore.Reply{Kind: kvstore.BulkReply, Bytes: []byte(s)})
			}
		}
	}
	c.reply(r)
}

func (c *client) info() {
	st := c.srv.db.Stats()
	c.reply(kvstore.Reply{Kind: kvstore.BulkReply, Bytes: fmt.Appendf(nil,
		"# Server\r\nredis_version:%s\r\nredis_mode:standalone\r\n# Clients\r\nconnected_clients:%d\r\n"+
			"# Stats\r\ntotal_commands_processed:%d\r\nexpired_keys:%d\r\n# Persistence\r\naof_current_size:%d\r\n"+
			"# Keyspace\r\ndb0:keys=%d,expires=%d\r\n",
		redisVersion, c.srv.clients(), st.Commands, st.Expired, st.LogSize, st.Keys, st.Expiring)})
}

func (c *client) subscribe(names [][]byte, pattern bool) {
	// Messages wait for mu, so that none is sent before it is confirmed.
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sub == nil {
		c.sub = c.srv.db.Subscribe(context.Background())
		c.srv.wg.Add(1)
		go c.push(c.sub)
		if c.srv.o.IdleTimeout > 0 {
			_ = c.conn.SetReadDeadline(time.Time{}) // a broken connection shows at the next read
		}
	}
	kind := "subscribe"
	if pattern {
		kind = "psubscribe"
	}
	for _, n := range names {
		c.sub.Add(string(n), pattern)
		c.confirm(kind, n)
	}
	if c.flushLocked() != nil {
		c.quit = true
	}
}

// endSubscription unsubscribes from everything.
func (c *client) endSubscription() {
	c.mu.Lock()
	sub := c.sub
	c.sub, c.subs = nil, 0
	c.mu.Unlock()
	if sub != nil {
		sub.Close()
	}
}

func (c *client) unsubscribe(names [][]byte, pattern bool) {
	kind := "unsubscribe"
	if pattern {
		kind = "punsubscribe"
	}
	if len(names) == 0 && c.sub != nil {
		channels, patterns := c.sub.Names()
		if pattern {
			channels = patterns
		}
		for _, ch := range channels {
			names = append(names, []byte(ch))
		}
	}
	if len(names) == 0 {
		c.confirm(kind, nil)
	}
	c.mu.Lock() // behind the confirmation no message may be sent
	defer c.mu.Unlock()
	for _, n := range names {
		if c.sub != nil {
			c.sub.Remove(string(n), pattern)
		}
		c.confirm(kind, n)
	}
}

// confirm answers for one channel; nil stands for none.
func (c *client) confirm(kind string, name []byte) {
	c.subs = 0
	if c.sub != nil {
		channels, patterns := c.sub.Names()
		c.subs = len(channels) + len(patterns)
	}
	c.write(func(b []byte, version int) []byte {
		b = resp.AppendBulk(resp.AppendPush(b, 3, version), kind)
		if name == nil {
			b = resp.AppendNil(b, version)
		} else {
			b = resp.AppendBulk(b, name)
		}
		return resp.AppendInt(b, int64(c.subs))
	})
}

// push sends messages until the subscription ends; if that was because the client
// is too slow, its connection ends too.
func (c *client) push(sub *kvstore.Subscription) {
	defer c.srv.wg.Done()
	for m := range sub.C {
		c.mu.Lock()
		if !sub.Has(m) { // it was on its way when the client unsubscribed
			c.mu.Unlock()
			continue
		}
		var b []byte
		if m.Pattern != "" {
			b = resp.AppendPush(nil, 4, c.version)
			b = resp.AppendBulk(resp.AppendBulk(b, "pmessage"), m.Pattern)
		} else {
			b = resp.AppendBulk(resp.AppendPush(nil, 3, c.version), "message")
		}
		b = resp.AppendBulk(resp.AppendBulk(b, m.Channel), m.Payload)
		_, err := c.conn.Write(b)
		c.mu.Unlock()
		if err != nil {
			break
		}
	}
	c.mu.Lock()
	lost := c.sub == sub
	c.mu.Unlock()
	if lost {
		_ = c.conn.Close() // the reading goroutine sees it
	}
}
