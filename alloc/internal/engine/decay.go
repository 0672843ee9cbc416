package engine

import (
	"time"
	"unsafe"
)

// Trim gives all memory without blocks back to the system and returns how many
// bytes that were.
func (e *Engine) Trim() int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return 0
	}
	before := e.pages.reserved
	e.flush(nil)
	e.releaseSpares()
	e.unmapEmpty()
	for _, s := range e.pages.segments {
		if s != nil {
			e.pages.purge(s, s.dirty&^s.used)
		}
	}
	return before - e.pages.reserved
}

// arm makes the timer fire. e.mu is held.
func (e *Engine) arm() {
	if e.armed || e.config.Decay < 0 {
		return
	}
	e.armed = true
	if e.timer == nil {
		e.timer = time.AfterFunc(e.config.Decay, e.tick)
	} else {
		e.timer.Reset(e.config.Decay)
	}
}

// tick gives back what was free at the last tick already, and what threads hold
// that did not use the heap since.
func (e *Engine) tick() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.armed = false
	if e.closed {
		return
	}
	e.ticks.Add(1)
	e.flush(e.isUseless)
	e.thin()
	spares := e.releaseOldSpares()
	e.unmapIdle()
	for _, s := range e.pages.segments {
		if s != nil {
			free := s.dirty &^ s.used
			e.pages.purge(s, free&s.old)
			s.old = free
		}
	}
	if e.pages.dirty > 0 || e.threads.joined > 0 || spares > 0 {
		e.arm()
	}
}

// unmapIdle unmaps empty segments if they are many, all of whose memory went back
// at earlier ticks: what is left are their headers.
func (e *Engine) unmapIdle() {
	idle := 0
	for _, s := range e.pages.segments {
		if s != nil && s.used == headerMask && s.dirty == headerMask {
			idle++
		}
	}
	if idle > maxIdle {
		e.unmapEmpty()
	}
}

const maxIdle = 8

// A thread that did not use the heap for idleAfter loses its Local, and sooner if
// that holds more than heldMin free bytes and than this part of the heap: others free
// the blocks of its pages, and cannot use them again. Taking it away stops the world.
const (
	idleAfter = time.Second
	heldMin   = 128 << 10
	heldPart  = 1024
)

// isUseless is called once a tick for each Local of a thread, and tells whether it is
// to be taken away. e.mu is held.
func (e *Engine) isUseless(l *Local) bool {
	if !l.isIdle() {
		l.idle = 0
		return false
	}
	l.idle += e.config.Decay
	return l.idle >= idleAfter || l.held() > max(heldMin, e.pages.reserved/heldPart)
}

// Close unmaps everything and returns what was still allocated. Locals that
// NewLocal made own nothing afterwards; nobody may use them meanwhile.
func (e *Engine) Close() (blocks, bytes int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return 0, 0
	}
	if e.timer != nil {
		e.timer.Stop()
	}
	s := e.statsLocked()
	e.closed = true
	for i := range e.threads.slots {
		e.threads.slots[i].Store(&e.threads.nobody)
	}
	e.grace()
	for c := range e.central {
		e.central[c].mu.Lock()
		e.central[c].pages, e.central[c].spares, e.central[c].closed = pageList{}, pageList{}, true
		e.central[c].mu.Unlock()
	}
	for l := range e.locals {
		l.init(e)
	}
	for _, s := range e.pages.segments {
		if s != nil {
			unmap(s.region)
		}
	}
	for _, r := range e.large.blocks {
		unmap(r)
	}
	unmap(e.pages.knownRegion)
	e.pages = pageHeap{}
	e.large = largeSet{allocs: e.large.allocs}
	e.locals = nil
	return s.Blocks, s.Live
}

// InSegment tells whether p points into memory of small or medium blocks.
func (e *Engine) InSegment(p unsafe.Pointer) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.pages.known.has(uintptr(p))
}
