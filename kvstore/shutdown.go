package kvstore

import (
	"context"
	"time"
)

// shutdownPause is for how long writers wait at most for a shutdown that does not come.
const shutdownPause = time.Minute

// PrepareShutdown makes safe what is stored, before a program that serves the store
// ends: from now on sessions that would write wait, and the snapshot is written if there
// are save points or o.Save says so, and o.NoSave does not. After an error everything
// goes on as before; with o.Force errors are only logged. SHUTDOWN does it by itself.
func (db *DB) PrepareShutdown(o ShutdownOptions) error {
	paused := db.pause.active()
	db.pause.set(db, shutdownPause, true)
	if db.loading.active.Load() {
		return nil // nothing can have changed
	}
	err := db.Sync()
	if err == nil && db.dir != "" && !o.NoSave && (o.Save || len(*db.conf.savePoints.Load()) > 0) {
		db.saving.Lock()
		err = db.saveFile(context.Background())
		db.saving.Unlock()
	}
	if err == nil {
		return nil
	}
	db.logger.Error("Error trying to save the DB", "error", err, "forced", o.Force)
	if o.Force {
		return nil
	}
	if !paused {
		db.pause.end(db)
	}
	return err
}

func cmdShutdown(s *Session, a [][]byte) {
	var o ShutdownOptions
	for _, arg := range a[1:] {
		switch {
		case is(arg, "NOSAVE"):
			o.NoSave = true
		case is(arg, "SAVE"):
			o.Save = true
		case is(arg, "NOW"):
			o.Now = true
		case is(arg, "FORCE"):
			o.Force = true
		case is(arg, "ABORT"):
			o.Abort = true
		default:
			s.fail(msgSyntax)
			return
		}
	}
	switch {
	case o.Abort && len(a) > 2 || o.Save && o.NoSave:
		s.fail(msgSyntax)
	case o.Abort:
		s.fail("ERR No shutdown in progress.")
	case s.o.Shutdown == nil:
		s.fail("ERR Errors trying to SHUTDOWN. Check logs.")
	case s.db.PrepareShutdown(o) != nil:
		s.fail("ERR Errors trying to SHUTDOWN. Check logs.")
	default:
		s.closing = true
		s.o.Shutdown(o)
	}
}
