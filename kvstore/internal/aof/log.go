// Package aof keeps a store's log in Redis 7's layout: a folder with a manifest, a
// base file and incremental files of commands. After each group of commands stands
// a checksum in a line that Redis takes for a comment, so that both can read it.
// It knows nothing of what the commands do.
package aof

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Policy says when the log is synced.
type Policy int32

// The policies.
const (
	EverySec Policy = iota // once a second
	Always                 // before Commit returns; all who wait share one sync
	Never                  // left to the system
)

// ErrClosed is returned after Close.
var ErrClosed = errors.New("aof: closed")

// groupSize is the length from which a group is ended before it is written, and
// maxGroup the same where it is synced as one.
const (
	groupSize = 32 << 10
	maxGroup  = 1 << 20
)

// A Log is open for appending. All methods may be called concurrently.
type Log struct {
	dir    string
	policy atomic.Int32
	failed atomic.Bool // err is not nil

	manifestMu sync.Mutex // taken after mu, never before
	manifest   *Manifest  // guarded by manifestMu
	hidden     bool       // guarded by manifestMu; it is not on disk yet

	mu       sync.Mutex
	change   *sync.Cond
	seg      segment    // guarded by mu; of the leader while there is one
	total    int64      // guarded by mu; bytes of all files, what is pending included
	baseSize int64      // guarded by mu; of it when the log was last rewritten
	pending  []byte     // guarded by mu
	group    int        // guarded by mu; where the last group begins in pending
	spare    []byte     // guarded by mu
	queue    []rotation // guarded by mu; further files
	db       int        // guarded by mu; the database that the last command is for
	added    uint64     // guarded by mu; number of the last unit
	written  uint64     // guarded by mu; units up to here are in the file
	onDisk   uint64     // guarded by mu; units up to here are synced
	leader   bool       // guarded by mu; somebody writes
	err      error      // guarded by mu; why nothing can be written
	newFile  bool       // guarded by mu; the file is not to be trusted: its sync failed
	lost     bool       // guarded by mu; something may be missing in the files
	startDB  int        // guarded by mu; the database in force where pending begins
	closed   bool       // guarded by mu
	waiters  []waiter   // guarded by mu; of CommitAsync
	busy     bool       // guarded by mu; somebody answers waiters

	stop chan struct{}
	wg   sync.WaitGroup
}

// rotation is a file that follows after what is pending before it.
type rotation struct {
	before []byte // to be written to the file before
	units  uint64 // number of the last unit in it
	start  int    // the database in force where it begins
	seg    segment
	r      *Rewrite
}

type waiter struct {
	unit uint64
	done func(error)
}

// Open opens the log of a folder for appending, in a new incremental file unless
// the last one is ours and good is its length. The manifest is nil if there is no
// log yet.
func Open(dir string, m *Manifest, policy Policy, appendTo bool, total int64) (*Log, error) {
	if m == nil {
		m = &Manifest{}
	}
	l := &Log{dir: dir, manifest: m, db: -1, startDB: -1, total: total, baseSize: total, stop: make(chan struct{})}
	return l, l.begin(policy, appendTo)
}

// OpenHidden opens a log in the place of what is in the folder, which is what is read
// there until a rewriting of this one is finished. Units are numbered from a number on.
func OpenHidden(dir string, m *Manifest, policy Policy, units uint64) (*Log, error) {
	if m == nil {
		m = &Manifest{}
	}
	l := &Log{dir: dir, manifest: m, hidden: true, db: -1, startDB: -1, added: units, written: units, onDisk: units, stop: make(chan struct{})}
	return l, l.begin(policy, false)
}

// begin opens the file that is appended to.
func (l *Log) begin(policy Policy, appendTo bool) error {
	l.policy.Store(int32(policy))
	l.change = sync.NewCond(&l.mu)
	var err error
	if appendTo {
		f := l.manifest.Files[len(l.manifest.Files)-1]
		if l.seg.file, err = os.OpenFile(filepath.Join(l.dir, f.Name), os.O_WRONLY, 0); err != nil {
			return err
		}
		if l.seg.size, err = l.seg.file.Seek(0, 2); err != nil {
			_ = l.seg.file.Close() // the first error counts
			return err
		}
		l.seg.synced = l.seg.size
	} else if l.seg, _, err = l.create(); err != nil {
		return err
	} else {
		l.total += l.seg.size
	}
	l.wg.Go(l.ticks)
	return nil
}

// Added returns the number of the last unit.
func (l *Log) Added() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.added
}

// create makes the next incremental file and lists it.
func (l *Log) create() (s segment, name string, err error) {
	l.manifestMu.Lock()
	defer l.manifestMu.Unlock()
	seq := l.manifest.last("ih") + 1
	name = Name + "." + strconv.FormatInt(seq, 10) + ".incr.aof"
	f, err := os.OpenFile(filepath.Join(l.dir, name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return s, "", err
	}
	if _, err = f.WriteString(header); err == nil {
		err = f.Sync()
	}
	if err == nil {
		m := &Manifest{append(l.manifest.Files[:len(l.manifest.Files):len(l.manifest.Files)], File{name, seq, 'i'})}
		if !l.hidden {
			err = m.Write(l.dir)
		}
		if err == nil {
			l.manifest = m
			return segment{file: f, size: int64(len(header)), synced: int64(len(header))}, name, nil
		}
	}
	_ = f.Close() // the first error counts
	return s, "", err
}

// SetPolicy changes the policy.
func (l *Log) SetPolicy(p Policy) { l.policy.Store(int32(p)) }

// Append adds n commands for a database as one unit, of which it keeps nothing, and
// returns its number for Commit.
func (l *Log) Append(db int, commands []byte, n int) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := len(l.pending)
	if db != l.db {
		l.pending = appendSelect(l.pending, db)
		l.db = db
	}
	if n > 1 {
		l.pending = append(l.pending, "*1\r\n$5\r\nMULTI\r\n"...)
	}
	l.pending = append(l.pending, commands...)
	if n > 1 {
		l.pending = append(l.pending, "*1\r\n$4\r\nEXEC\r\n"...)
	}
	if n := len(l.pending) - l.group; n >= groupSize && (n >= maxGroup || Policy(l.policy.Load()) != Always) {
		l.endGroup()
	}
	l.total += int64(len(l.pending) - before)
	l.added++
	return l.added
}

// appendSelect is in lower case for Scan.
func appendSelect(dst []byte, db int) []byte {
	s := strconv.Itoa(db)
	dst = append(dst, "*2\r\n$6\r\nselect\r\n$"...)
	return append(strconv.AppendInt(dst, int64(len(s)), 10), "\r\n"+s+"\r\n"...)
}

// endGroup puts the checksum behind the last group. Called with mu held.
func (l *Log) endGroup() {
	if g := l.pending[l.group:]; len(g) > 0 {
		before := len(l.pending)
		l.pending = appendAnnotation(l.pending, len(g), checksum(g))
		l.total += int64(len(l.pending) - before)
	}
	l.group = len(l.pending)
}

// Err returns why nothing can be written, nil if it can.
func (l *Log) Err() error {
	if !l.failed.Load() {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Size returns the length of all files, what is pending included, and what it was
// when the log was last rewritten.
func (l *Log) Size() (now, base int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total, l.baseSize
}

// Commit returns when the unit is as safe as the policy promises. Who comes first
// does the work for all who have come when it begins.
func (l *Log) Commit(unit uint64) error { return l.reach(unit, Policy(l.policy.Load()) == Always) }

// Sync returns when all units that were added are on disk.
func (l *Log) Sync() error {
	l.mu.Lock()
	unit := l.added
	l.mu.Unlock()
	return l.reach(unit, true)
}

func (l *Log) reach(unit uint64, sync bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for gathered := !sync; ; {
		switch {
		case sync && l.onDisk >= unit && len(l.queue) == 0, !sync && l.written >= unit:
			return nil
		case l.err != nil:
			return l.err
		case l.closed:
			return ErrClosed
		case l.leader:
			l.change.Wait()
		case !gathered:
			// Those who waited with us for the sync before have something new at once:
			// it should not have to wait for a sync of our unit alone.
			gathered = true
			l.mu.Unlock()
			runtime.Gosched()
			l.mu.Lock()
		default:
			l.write(sync)
		}
	}
}

// CommitAsync calls done, from another goroutine, when Commit would return.
func (l *Log) CommitAsync(unit uint64, done func(error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiters = append(l.waiters, waiter{unit, done})
	if !l.busy {
		l.busy = true
		l.wg.Go(l.answer)
	}
}

// answer commits for those who wait, until there are none.
func (l *Log) answer() {
	for {
		l.mu.Lock()
		list := l.waiters
		l.waiters = nil
		if len(list) == 0 {
			l.busy = false
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		last := uint64(0)
		for _, w := range list {
			last = max(last, w.unit)
		}
		err := l.Commit(last)
		for _, w := range list {
			w.done(err)
		}
	}
}

// write writes what is pending, and syncs it if asked to. Called with mu held, which
// it gives back meanwhile; there must be no leader.
func (l *Log) write(sync bool) {
	l.leader = true
	single := l.group == 0
	l.endGroup()
	if l.newFile && len(l.queue) > 0 {
		l.unrotate()
		single = false
	}
	batch, unit, start := l.pending, l.added, l.startDB
	var next *rotation
	if len(l.queue) > 0 { // the rest of the file before comes first
		next = &l.queue[0]
		batch, unit, start = next.before, next.units, next.start
	} else {
		l.pending, l.group, l.spare = l.spare[:0], 0, nil
		l.startDB = l.db
	}
	seg, replace := l.seg, l.newFile
	sync = sync || next != nil
	reserve := sync && single && next == nil && len(batch) > 0 && Policy(l.policy.Load()) == Always
	l.mu.Unlock()

	var err error
	syncFailed := false
	if replace {
		var fresh segment
		if fresh, err = l.replace(&seg, start); err == nil {
			seg, replace = fresh, false
		}
	}
	before := len(batch)
	if err == nil {
		if reserve && (seg.size+int64(len(batch)))%2 != 0 {
			batch = otherParity(batch)
		}
		syncFailed, err = seg.write(batch, sync, reserve)
	}

	l.mu.Lock()
	l.leader = false
	l.change.Broadcast()
	l.seg = seg
	l.newFile = replace || syncFailed
	l.total += int64(len(batch) - before)
	if err != nil {
		l.err = fmt.Errorf("write %s: %w", seg.file.Name(), err)
		l.failed.Store(true)
		l.lost = l.lost || syncFailed && !sync || syncFailed && Policy(l.policy.Load()) != Always
		if next == nil { // it is tried again
			l.pending = append(batch[:len(batch):len(batch)], l.pending...)
			l.group += len(batch)
			l.startDB = start
		}
		return
	}
	l.err = nil
	l.failed.Store(false)
	l.written = unit
	if sync {
		l.onDisk = unit
	}
	switch {
	case next != nil:
		_ = l.seg.close() // it is synced
		l.seg = next.seg
		l.queue = l.queue[1:]
	case cap(batch) <= 1<<20:
		l.spare = batch[:0]
	}
}

// replace returns a new file in the place of one that is not trusted, which is cut
// where it is known to be on disk. What was written behind that and is not in the
// batch is lost: Lost tells.
func (l *Log) replace(old *segment, db int) (s segment, err error) {
	old.size = old.synced
	if err = old.reset(); err != nil {
		return s, err
	}
	if s, _, err = l.create(); err != nil {
		return s, err
	}
	if db > 0 { // readers begin each file with 0
		sel := appendSelect(nil, db)
		if _, err = s.write(appendAnnotation(sel, len(sel), checksum(sel)), false, false); err != nil {
			_ = s.file.Close() // the first error counts
			return s, err
		}
	}
	_ = old.file.Close() // it is not used any more
	return s, nil
}

// unrotate gives up a rewriting, because the file before it is not trusted: what
// was to be written there goes to the next file. Called with mu held.
func (l *Log) unrotate() {
	q := l.queue[0]
	q.r.void = true
	l.queue = l.queue[1:]
	l.pending = append(q.before, l.pending...)
	l.group = len(l.pending)
	l.startDB = q.start
	_ = q.seg.file.Close() // it stays in the manifest, empty
}

// ticks syncs once a second, and tries again after an error.
func (l *Log) ticks() {
	t := time.NewTicker(time.Second / 5)
	defer t.Stop()
	for i := 1; ; i++ {
		select {
		case <-l.stop:
			return
		case <-t.C:
		}
		l.mu.Lock()
		policy := Policy(l.policy.Load())
		dirty := l.onDisk < l.added
		if !l.leader && (l.err != nil && dirty || l.err == nil && dirty && policy == EverySec && i%5 == 0 || l.written < l.added && l.err == nil) {
			l.write(policy == Always || policy == EverySec && i%5 == 0 || l.newFile)
		}
		l.mu.Unlock()
	}
}

// Lost tells whether an error has left the files without something that only the
// memory has: they should be rewritten.
func (l *Log) Lost() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost && l.err == nil
}

// SetLost says so.
func (l *Log) SetLost() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = true
}

// Close writes and syncs what is pending. A second Close does nothing.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	for l.leader {
		l.change.Wait()
	}
	for len(l.queue) > 0 && l.err == nil {
		l.write(true)
	}
	l.write(true)
	l.closed = true
	l.change.Broadcast()
	err := l.err
	l.mu.Unlock()
	close(l.stop)
	l.wg.Wait()
	if closeErr := l.seg.close(); err == nil {
		err = closeErr
	}
	return err
}
