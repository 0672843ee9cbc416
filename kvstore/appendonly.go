package kvstore

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/groundwork-go/groundwork/kvstore/internal/aof"
	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

// errTurnedOff ends the rewriting of a log that is not wanted any more.
var errTurnedOff = errors.New("kvstore: the log is turned off")

// interrupted tells why work in the background is to end before it is done. Close waits
// for a log that is being turned on: there is no other yet.
func (db *DB) interrupted(work *background) error {
	switch {
	case work == &db.rewrites && db.turningOff.Load():
		return errTurnedOff
	case work == &db.saves && db.flushed.Load():
		return errFlushed
	case db.closed.Load() && !(work == &db.rewrites && db.turningOn.Load()):
		return ErrClosed
	}
	return nil
}

// setAppendOnly turns the log on or off, for CONFIG SET appendonly. No stripe is
// locked by the caller.
func (db *DB) setAppendOnly(v string) (string, error) {
	v, err := yesNo(v)
	switch {
	case err != nil || (v == "yes") == (db.log.Load() != nil):
		return v, err
	case v == "no":
		err = db.turnOff()
	default:
		err = db.turnOn()
	}
	if err != nil {
		db.logger.Warn("appendonly cannot be changed", "error", err)
		return "", configError("Unable to turn the log on or off: " + err.Error())
	}
	return v, nil
}

// turnOff ends the log. What was written until now is on disk then.
func (db *DB) turnOff() error {
	db.turningOff.Store(true) // so that nobody has to wait for long
	defer db.turningOff.Store(false)
	db.rewriting.Lock()
	defer db.rewriting.Unlock()
	db.sp.Lock(keyspace.All)
	defer db.sp.Unlock(keyspace.All)
	log := db.log.Load()
	if db.closed.Load() {
		return ErrClosed
	}
	// Nobody finds out later whether a ticket of this log is committed.
	if err := log.Sync(); err != nil {
		return err
	}
	db.lastTicket = log.Added()
	db.log.Store(nil)
	return log.Close()
}

// turnOn begins a log with all that is there. Until that is in the log, by work in the
// background, a log that was there before is what Open would read.
func (db *DB) turnOn() error {
	if db.dir == "" {
		return errors.New("the store has no folder")
	}
	if !db.rewriting.TryLock() {
		return errRewriting
	}
	begun := false
	defer func() {
		if !begun {
			db.rewriting.Unlock()
		}
	}()
	log, r, err := db.newLog(db.conf.policyOfLog())
	if err != nil {
		return err
	}
	db.rewrites.announce(db)
	db.sp.Lock(keyspace.All)
	view := db.sp.OpenLocked()
	r.Switch()
	db.log.Store(log)
	db.sp.Unlock(keyspace.All)
	begun = true
	db.turningOn.Store(true)
	db.wg.Go(func() {
		standBack()
		defer db.rewriting.Unlock()
		defer db.turningOn.Store(false)
		defer view.Close()
		err := db.writeBase(context.Background(), r, view)
		db.rewrites.end(db, err)
		if err != nil {
			log.SetLost() // it is tried again
			db.logger.Warn("the log cannot be begun", "error", err)
		}
	})
	return nil
}

// newLog makes a log in the place of what is in the folder once its first rewriting,
// which it begins, is finished. Called with rewriting held.
func (db *DB) newLog(policy aof.Policy) (*aof.Log, *aof.Rewrite, error) {
	db.saving.Lock()
	err := db.own()
	db.saving.Unlock()
	if err != nil {
		return nil, nil, err
	}
	folder := filepath.Join(db.dir, aof.Dir)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, nil, err
	}
	m, err := aof.ReadManifest(folder)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, nil, err
	}
	log, err := aof.OpenHidden(folder, m, policy, db.lastTicket)
	if err != nil {
		return nil, nil, err
	}
	r, err := log.Rewrite(db.conf.preamble.Load())
	if err != nil {
		return nil, nil, errors.Join(err, log.Close())
	}
	return log, r, nil
}

// export writes a log of what is there now, for BGREWRITEAOF while there is none. Called
// with rewriting held.
func (db *DB) export(ctx context.Context) (err error) {
	db.rewrites.begin(db)
	defer func() { db.rewrites.end(db, err) }()
	log, r, err := db.newLog(aof.Never)
	if err != nil {
		return err
	}
	r.Switch() // nothing is appended
	view := db.sp.Open()
	defer view.Close()
	return errors.Join(db.writeBase(ctx, r, view), log.Close())
}
