package kvstore

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/groundwork-go/groundwork/kvstore/internal/glob"
)

// A Message was published.
type Message struct {
	Channel string
	Pattern string // that matched; empty if the channel was subscribed by name
	Payload []byte // shared with other subscribers: not to be changed
}

// hub knows the subscriptions of a DB.
type hub struct {
	mu   sync.RWMutex
	subs map[*Subscription]struct{} // guarded by mu
	done bool                       // guarded by mu
}

// A Subscription receives messages on C. Its methods may be called concurrently.
type Subscription struct {
	// C has the messages. It is closed by Close, by the end of the context, by
	// DB.Close, and when the subscriber falls 1024 messages behind.
	C <-chan Message

	hub  *hub
	c    chan Message
	stop func() bool // of the context

	mu       sync.Mutex
	channels map[string]struct{} // guarded by mu
	patterns map[string]struct{} // guarded by mu
	closed   bool                // guarded by mu
}

const backlog = 1024

// Subscribe returns a subscription to all channels that match a pattern: * ? [a-z]
// and backslash. It ends when ctx does, at the latest.
func (db *DB) Subscribe(ctx context.Context, patterns ...string) *Subscription {
	s := &Subscription{
		hub: &db.hub, c: make(chan Message, backlog),
		channels: make(map[string]struct{}), patterns: make(map[string]struct{}),
	}
	s.C = s.c
	for _, p := range patterns {
		s.patterns[p] = struct{}{}
	}
	s.stop = context.AfterFunc(ctx, s.Close)
	db.hub.mu.Lock()
	done := db.hub.done
	if !done {
		if db.hub.subs == nil {
			db.hub.subs = make(map[*Subscription]struct{})
		}
		db.hub.subs[s] = struct{}{}
	}
	db.hub.mu.Unlock()
	if done {
		s.Close()
	}
	return s
}

// Add subscribes to a channel by its name, or to a pattern.
func (s *Subscription) Add(name string, pattern bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if pattern {
		s.patterns[name] = struct{}{}
	} else {
		s.channels[name] = struct{}{}
	}
}

// Remove ends what Add or Subscribe began.
func (s *Subscription) Remove(name string, pattern bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if pattern {
		delete(s.patterns, name)
	} else {
		delete(s.channels, name)
	}
}

// Has tells whether the subscription that a message was received for is still there.
func (s *Subscription) Has(m Message) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.Pattern != "" {
		_, ok := s.patterns[m.Pattern]
		return ok
	}
	_, ok := s.channels[m.Channel]
	return ok
}

// Names returns the channels and the patterns, each in order.
func (s *Subscription) Names() (channels, patterns []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.channels)), slices.Sorted(maps.Keys(s.patterns))
}

// Close ends the subscription. It may be called twice.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	delete(s.hub.subs, s)
	s.hub.mu.Unlock()
	s.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.c)
	}
}

// deliver sends what matches and returns how many messages that were. A
// subscriber that is too slow loses its subscription rather than messages.
func (s *Subscription) deliver(channel string, payload []byte) (n int, slow bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, false
	}
	send := func(m Message) {
		select {
		case s.c <- m:
			n++
		default:
			slow = true
		}
	}
	if _, ok := s.channels[channel]; ok {
		send(Message{Channel: channel, Payload: payload})
	}
	for p := range s.patterns {
		if glob.Match(p, channel) {
			send(Message{Channel: channel, Pattern: p, Payload: payload})
		}
	}
	return n, slow
}

// publish sends to all subscriptions and returns the number of receivers.
func (h *hub) publish(channel string, payload []byte) int64 {
	var total int64
	var tooSlow []*Subscription
	h.mu.RLock()
	for s := range h.subs {
		n, slow := s.deliver(channel, payload)
		total += int64(n)
		if slow {
			tooSlow = append(tooSlow, s)
		}
	}
	h.mu.RUnlock()
	for _, s := range tooSlow {
		s.Close()
	}
	return total
}

// channels returns the channels that have subscribers by name.
func (h *hub) channels(pattern string) map[string]int64 {
	found := make(map[string]int64)
	h.mu.RLock()
	defer h.mu.RUnlock()
	for s := range h.subs {
		names, _ := s.Names()
		for _, c := range names {
			if pattern == "" || glob.Match(pattern, c) {
				found[strings.Clone(c)]++
			}
		}
	}
	return found
}

func (h *hub) patternCount() int64 {
	var n int64
	h.mu.RLock()
	defer h.mu.RUnlock()
	for s := range h.subs {
		_, patterns := s.Names()
		n += int64(len(patterns))
	}
	return n
}

func (h *hub) close() {
	h.mu.Lock()
	h.done = true
	subs := slices.Collect(maps.Keys(h.subs))
	h.mu.Unlock()
	for _, s := range subs {
		s.Close()
	}
}
