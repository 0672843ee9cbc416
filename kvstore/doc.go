// Package kvstore is a Redis-compatible store as a library: embedded in a
// program, or served with package server.
//
//	db, err := kvstore.Open("data", nil)
//	if err != nil {
//		return err
//	}
//	defer db.Close()
//	err = db.Set("greeting", []byte("hello"), nil)
//	value, err := db.Get("greeting")
//
// # Guarantees
//
//   - A DB may be used by many goroutines at once. A command, and an Update, is
//     atomic for all others.
//   - Every write is appended to a log in the folder, with a checksum. With
//     [FsyncAlways] a write that returned is on disk; all who write at the same
//     time share one sync. With [FsyncEverySec] a crash of the machine loses at
//     most about a second, a crash of the process nothing that was written out.
//   - After a crash a torn tail of the log is cut off; an Update is there whole or
//     not at all. Damage before valid data is refused with a [*CorruptError]:
//     wrong values are never served.
//   - A folder is open in one process at a time, on Unix; others get [ErrLocked].
//
// # Limits
//
// All data are in memory. Strings, hashes and lists are there, with the Redis
// commands named by COMMAND, in one database. The log grows until [DB.Compact],
// which stops writers while it runs.
package kvstore
