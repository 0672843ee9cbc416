package kvstore

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/groundwork-go/groundwork/kvstore/internal/glob"
)

// A Message was published.
type Message struct {
	Channel string
	Pattern string // that matched; empty if the channel was subscribed by name
	Payload []byte // shared with other subscribers: not to be changed
}

// The kinds of subscriptions.
const (
	byName = iota
	byPattern
	byShard
	subKinds
)

// subscriptions are those of one session. Only its owner changes them.
type subscriptions struct {
	names [subKinds]map[string]struct{}
}

func (s *subscriptions) n() int {
	return len(s.names[byName]) + len(s.names[byPattern]) + len(s.names[byShard])
}

// A receiver gets messages. It must not block, and not call the hub.
type receiver interface {
	receive(m Message, kind int, from *Session)
}

// hub knows who subscribes to what.
type hub struct {
	mu       sync.RWMutex
	by       [subKinds]map[string]map[receiver]struct{} // guarded by mu
	embedded map[*Subscription]struct{}                 // guarded by mu
	done     bool                                       // guarded by mu
}

func (h *hub) add(kind int, name string, r receiver) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.by[kind] == nil {
		h.by[kind] = make(map[string]map[receiver]struct{})
	}
	if h.by[kind][name] == nil {
		h.by[kind][name] = make(map[receiver]struct{})
	}
	h.by[kind][name][r] = struct{}{}
}

func (h *hub) remove(kind int, name string, r receiver) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.by[kind][name], r)
	if len(h.by[kind][name]) == 0 {
		delete(h.by[kind], name)
	}
}

// publish sends to all subscribers and returns their number.
func (h *hub) publish(channel string, payload []byte, sharded bool, from *Session) int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	kind := byName
	if sharded {
		kind = byShard
	}
	n := 0
	if len(h.by[kind]) == 0 && (sharded || len(h.by[byPattern]) == 0) {
		return 0
	}
	payload = bytes.Clone(payload)
	for r := range h.by[kind][channel] {
		r.receive(Message{Channel: channel, Payload: payload}, kind, from)
		n++
	}
	if sharded {
		return n
	}
	for p, rs := range h.by[byPattern] {
		if !glob.Match(p, channel) {
			continue
		}
		for r := range rs {
			r.receive(Message{Channel: channel, Pattern: p, Payload: payload}, byPattern, from)
			n++
		}
	}
	return n
}

// receive appends the message to what Resume hands out, or to the reply of the
// session's own command.
func (s *Session) receive(m Message, kind int, from *Session) {
	w := writer{proto: int(s.client.proto.Load())}
	own := from == s
	if own {
		w = s.w
	}
	switch kind {
	case byPattern:
		w.pushHead(4)
		w.str("pmessage")
		w.str(m.Pattern)
	case byShard:
		w.pushHead(3)
		w.str("smessage")
	default:
		w.pushHead(3)
		w.str("message")
	}
	w.str(m.Channel)
	w.bulk(m.Payload)
	if own {
		at := len(s.w.b)
		s.w = w
		s.keepPush(at)
	} else {
		s.deliver(w.b, 0, false)
	}
}

// keepPush keeps what was appended behind a place from CLIENT REPLY OFF, which is not
// about messages.
func (s *Session) keepPush(at int) {
	if s.noReply == replyOff || s.noReply == replySkip {
		s.pushes = append(s.pushes, s.w.b[at:]...)
	}
}

func cmdPublish(s *Session, a [][]byte) {
	s.w.int(int64(s.db.hub.publish(string(a[1]), a[2], is(a[0], "SPUBLISH"), s)))
}

func subKind(c *command) (kind int, word string) {
	switch c.name[0] {
	case 'p':
		return byPattern, "p"
	case 's':
		if c.name[1] == 's' || c.name[1] == 'u' && c.name[2] == 'n' {
			return byShard, "s"
		}
	}
	return byName, ""
}

func (s *Session) confirm(word string, name []byte, kind int) {
	defer s.keepPush(len(s.w.b))
	s.w.pushHead(3)
	s.w.str(word)
	if name == nil {
		s.w.null()
	} else {
		s.w.bulk(name)
	}
	if kind == byShard {
		s.w.count(len(s.subs.names[byShard]))
	} else {
		s.w.count(len(s.subs.names[byName]) + len(s.subs.names[byPattern]))
	}
}

func cmdSubscribe(s *Session, a [][]byte) {
	kind, p := subKind(s.cmd)
	for _, name := range a[1:] {
		if s.subs.names[kind] == nil {
			s.subs.names[kind] = make(map[string]struct{})
		}
		if _, ok := s.subs.names[kind][string(name)]; !ok {
			s.subs.names[kind][string(name)] = struct{}{}
			s.db.hub.add(kind, string(name), s)
		}
		s.confirm(p+"subscribe", name, kind)
	}
	s.client.subscribed(s)
	s.setSpecial()
}

func cmdUnsubscribe(s *Session, a [][]byte) {
	kind, p := subKind(s.cmd)
	names := a[1:]
	if len(names) == 0 {
		for _, n := range slices.Sorted(maps.Keys(s.subs.names[kind])) {
			names = append(names, []byte(n))
		}
	}
	if len(names) == 0 {
		s.confirm(p+"unsubscribe", nil, kind)
	}
	for _, name := range names {
		if _, ok := s.subs.names[kind][string(name)]; ok {
			delete(s.subs.names[kind], string(name))
			s.db.hub.remove(kind, string(name), s)
		}
		s.confirm(p+"unsubscribe", name, kind)
	}
	s.client.subscribed(s)
	s.setSpecial()
}

func (s *Session) unsubscribeAll() {
	for kind := range s.subs.names {
		for name := range s.subs.names[kind] {
			s.db.hub.remove(kind, name, s)
		}
		s.subs.names[kind] = nil
	}
	s.client.subscribed(s)
}

func cmdPubsubChannels(s *Session, a [][]byte) {
	kind := byName
	if s.cmd.upper == "SHARDCHANNELS" {
		kind = byShard
	}
	if len(a) > 3 {
		s.badSubcommand(a)
		return
	}
	h := &s.db.hub
	h.mu.RLock()
	defer h.mu.RUnlock()
	at, n := len(s.w.b), 0
	for name := range h.by[kind] {
		if len(a) < 3 || glob.Match(string(a[2]), name) {
			s.w.str(name)
			n++
		}
	}
	s.w.arrayAt(at, n)
}

func cmdPubsubNumsub(s *Session, a [][]byte) {
	kind := byName
	if s.cmd.upper == "SHARDNUMSUB" {
		kind = byShard
	}
	h := &s.db.hub
	h.mu.RLock()
	defer h.mu.RUnlock()
	s.w.array(2 * (len(a) - 2))
	for _, name := range a[2:] {
		s.w.bulk(name)
		s.w.count(len(h.by[kind][string(name)]))
	}
}

func cmdPubsubNumpat(s *Session, _ [][]byte) {
	h := &s.db.hub
	h.mu.RLock()
	defer h.mu.RUnlock()
	s.w.count(len(h.by[byPattern]))
}

// A Subscription receives messages on C. Its methods may be called concurrently.
type Subscription struct {
	// C has the messages. It is closed by Close, by the end of the context, by
	// DB.Close, and when the subscriber falls 1024 messages behind.
	C <-chan Message

	hub      *hub
	c        chan Message
	patterns []string
	stop     func() bool // of the context

	mu     sync.Mutex
	closed bool // guarded by mu
}

const backlog = 1024

// Subscribe returns a subscription to all channels that match a pattern: * ? [a-z]
// and backslash. It ends when ctx does, at the latest.
func (db *DB) Subscribe(ctx context.Context, patterns ...string) *Subscription {
	s := &Subscription{hub: &db.hub, c: make(chan Message, backlog), patterns: patterns}
	s.C = s.c
	db.hub.mu.Lock()
	done := db.hub.done
	if !done {
		if db.hub.embedded == nil {
			db.hub.embedded = make(map[*Subscription]struct{})
		}
		db.hub.embedded[s] = struct{}{}
	}
	db.hub.mu.Unlock()
	if done {
		s.closed = true
		close(s.c)
		return s
	}
	for _, p := range patterns {
		db.hub.add(byPattern, p, s)
	}
	stop := context.AfterFunc(ctx, s.Close)
	s.mu.Lock()
	s.stop = stop
	s.mu.Unlock()
	return s
}

// receive sends the message, unless the subscriber is too far behind: it loses its
// subscription rather than messages.
func (s *Subscription) receive(m Message, _ int, _ *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	select {
	case s.c <- m:
	default:
		s.closed = true
		close(s.c)
		go s.leave() // the hub is locked
	}
}

// Close ends the subscription. It may be called twice.
func (s *Subscription) Close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.c)
	}
	s.mu.Unlock()
	s.leave()
}

func (s *Subscription) leave() {
	for _, p := range s.patterns {
		s.hub.remove(byPattern, p, s)
	}
	s.hub.mu.Lock()
	delete(s.hub.embedded, s)
	s.hub.mu.Unlock()
	s.mu.Lock()
	stop := s.stop
	s.mu.Unlock()
	if stop != nil {
		stop()
	}
}

func (h *hub) close() {
	h.mu.Lock()
	h.done = true
	subs := slices.Collect(maps.Keys(h.embedded))
	h.mu.Unlock()
	for _, s := range subs {
		s.Close()
	}
}
