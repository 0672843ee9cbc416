package pool_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/groundwork-go/groundwork/pool"
)

// step is one operation of a random history. n picks the holder, the waiter or
// the size that it is about.
type step struct {
	op string
	n  int
}

var stepOps = []string{"get", "get", "get", "get", "try", "release", "release", "release", "destroy", "hijack", "cancel", "resize", "reset", "fail", "panic", "work", "all", "close"}

// model is what a pool should do, where the factory returns at once.
type model struct {
	max     int
	idle    int
	lent    []int        // the Gets whose resource is out, in order
	stale   map[int]bool // of those, the ones from before a Reset
	queue   []int
	results map[int]string // of the Gets that are over: "got" or an error
	broken  string         // what becomes of a creation; empty is well
	made    int
	alive   int
	closed  bool
}

func (m *model) total() int { return m.idle + len(m.lent) }

func (m *model) serve(id int) {
	m.results[id] = "got"
	m.lent = append(m.lent, id)
}

// create makes a resource for a Get.
func (m *model) create(id int) {
	if m.broken != "" {
		m.results[id] = m.broken
		return
	}
	m.made++
	m.alive++
	m.serve(id)
}

func (m *model) get(id int) {
	switch {
	case m.closed:
		m.results[id] = "closed"
	case m.idle > 0:
		m.idle--
		m.serve(id)
	case m.total() < m.max:
		m.create(id)
	default:
		m.queue = append(m.queue, id)
	}
}

// room lets the queue move after something has gone.
func (m *model) room() {
	for !m.closed && len(m.queue) > 0 && m.total() < m.max {
		id := m.queue[0]
		m.queue = m.queue[1:]
		m.create(id)
	}
}

// take ends the loan of a Get.
func (m *model) take(id int) (stale bool) {
	m.lent = slices.DeleteFunc(m.lent, func(x int) bool { return x == id })
	stale = m.stale[id]
	delete(m.stale, id)
	return stale
}

func (m *model) release(id int) {
	full := m.total() > m.max
	stale := m.take(id)
	switch {
	case m.closed || stale || full:
		m.alive--
		m.room()
	case len(m.queue) > 0:
		next := m.queue[0]
		m.queue = m.queue[1:]
		m.serve(next)
	default:
		m.idle++
	}
}

func (m *model) resize(n int) {
	m.max = n
	for m.idle > 0 && m.total() > m.max {
		m.idle--
		m.alive--
	}
	m.room()
}

func (m *model) reset() {
	m.alive -= m.idle
	m.idle = 0
	for _, id := range m.lent {
		m.stale[id] = true
	}
	m.room()
}

func (m *model) close() {
	m.closed = true
	m.alive -= m.idle
	m.idle = 0
	for _, id := range m.queue {
		m.results[id] = "closed"
	}
	m.queue = nil
}

// subject runs the steps on a real pool, and the model beside it.
type subject struct {
	model
	p       *pool.Pool[*conn]
	alive   atomic.Int64
	fail    atomic.Value // string
	handles map[int]pool.Resource[*conn]
	cancels map[int]context.CancelFunc
	seen    chan result
	got     map[int]string
}

type result struct {
	id  int
	r   pool.Resource[*conn]
	err error
}

var errModel = errors.New("refused")

func newSubject(size int, debug bool) *subject {
	s := &subject{
		model:   model{max: size, stale: map[int]bool{}, results: map[int]string{}},
		handles: map[int]pool.Resource[*conn]{}, cancels: map[int]context.CancelFunc{},
		seen: make(chan result, 1000), got: map[int]string{},
	}
	s.fail.Store("")
	s.p, _ = pool.Open(&pool.Options[*conn]{
		MaxSize: size, Debug: debug,
		New: func(context.Context) (*conn, error) {
			switch s.fail.Load() {
			case "refused":
				return nil, errModel
			case "panic":
				panic("boom")
			}
			s.alive.Add(1)
			return &conn{}, nil
		},
		Destroy: func(*conn) { s.alive.Add(-1) },
	})
	return s
}

func (s *subject) start(id int) {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancels[id] = cancel
	go func() {
		r, err := s.p.Get(ctx)
		s.seen <- result{id, r, err}
	}()
}

func (s *subject) do(id int, st step) {
	lent := func() int { return s.lent[st.n%len(s.lent)] }
	switch {
	case st.op == "get":
		s.get(id)
		s.start(id)
	case st.op == "try":
		r, ok := s.p.TryGet()
		if ok {
			s.seen <- result{id, r, nil}
		}
		if !s.closed && s.idle > 0 {
			s.get(id)
		}
	case st.op == "cancel" && len(s.queue) > 0:
		i := st.n % len(s.queue)
		w := s.queue[i]
		s.queue = slices.Delete(s.queue, i, i+1)
		s.results[w] = "cancelled"
		s.cancels[w]()
	case st.op == "release" && len(s.lent) > 0:
		w := lent()
		s.release(w)
		s.handles[w].Release()
	case st.op == "destroy" && len(s.lent) > 0:
		w := lent()
		s.take(w)
		s.model.alive--
		s.room()
		s.handles[w].Destroy()
	case st.op == "hijack" && len(s.lent) > 0:
		w := lent()
		s.take(w)
		s.room()
		s.handles[w].Hijack()
	case st.op == "resize" && !s.closed:
		s.resize(1 + st.n%6)
		if err := s.p.Resize(1 + st.n%6); err != nil {
			panic(err)
		}
	case st.op == "reset":
		s.reset()
		s.p.Reset()
	case st.op == "all":
		for _, r := range s.p.AcquireAllIdle() {
			r.Release()
		}
	case st.op == "fail":
		s.broken = "refused"
		s.fail.Store(s.broken)
	case st.op == "panic":
		s.broken = "panic"
		s.fail.Store(s.broken)
	case st.op == "work":
		s.broken = ""
		s.fail.Store("")
	case st.op == "close" && st.n > 50:
		s.close()
		s.p.Drain()
	}
}

// differs compares the pool with the model.
func (s *subject) differs() error {
	for len(s.seen) > 0 {
		r := <-s.seen
		var pe *pool.PanicError
		switch {
		case r.err == nil:
			s.got[r.id] = "got"
			s.handles[r.id] = r.r
		case errors.Is(r.err, pool.ErrClosed):
			s.got[r.id] = "closed"
		case errors.Is(r.err, context.Canceled):
			s.got[r.id] = "cancelled"
		case errors.Is(r.err, errModel):
			s.got[r.id] = "refused"
		case errors.As(r.err, &pe):
			s.got[r.id] = "panic"
		}
	}
	if fmt.Sprint(s.got) != fmt.Sprint(s.results) {
		return fmt.Errorf("Gets ended as %v, want %v", s.got, s.results)
	}
	st := s.p.Stats()
	have := []int{st.MaxSize, st.Total, st.InUse, st.Idle, st.Waiting, st.Creating, st.Held, int(st.Created), int(s.alive.Load())}
	want := []int{s.max, s.total(), len(s.lent), s.idle, len(s.queue), 0, 0, s.made, s.model.alive}
	if !slices.Equal(have, want) {
		return fmt.Errorf("max, total, in use, idle, waiting, creating, held, made, alive are %v, want %v", have, want)
	}
	return nil
}

func (s *subject) end() {
	s.p.Drain()
	for _, cancel := range s.cancels {
		cancel()
	}
}

func TestPoolBehavesLikeTheModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		size := rapid.IntRange(1, 4).Draw(rt, "size")
		debug := rapid.Bool().Draw(rt, "debug") // takes the path through the lock
		steps := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) step {
			return step{rapid.SampledFrom(stepOps).Draw(rt, "op"), rapid.IntRange(0, 99).Draw(rt, "n")}
		}), 1, 80).Draw(rt, "steps")
		var failure error
		synctest.Test(t, func(t *testing.T) {
			s := newSubject(size, debug)
			defer s.end()
			for i, st := range steps {
				s.do(i, st)
				synctest.Wait()
				if err := s.differs(); err != nil {
					failure = fmt.Errorf("after step %d, %v: %w", i, st, err)
					return
				}
			}
		})
		if failure != nil {
			rt.Fatal(failure)
		}
	})
}
