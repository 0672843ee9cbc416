// Package kvstore is a Redis-compatible store as a library: embedded in a program,
// or served with package server.
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
//     atomic for all others: histories pass a check of linearizability. Commands on one
//     key lock one of 64 stripes only; on amd64 reading a string locks nothing.
//   - Every write is appended to a log in the folder, in Redis 7's layout and format
//     with checksums in comments, so that a Redis can be started in the folder. With
//     [FsyncAlways] a write that returned is on disk; all who write at the same time
//     share one sync, and the file is up to 256 KiB longer than what is in it. With [FsyncEverySec] a crash of the machine loses at most about
//     a second, a crash of the process nothing that was answered.
//   - After a crash a torn tail of the log is cut off; an Update is there whole or
//     not at all. Damage before valid data is refused with a [*CorruptError], see
//     [Check] and [Repair]: wrong values are never served. Where Redis has written to
//     the log, without checksums, only the framing of its commands can be judged.
//   - An error of the disk makes writers fail and leaves readers alone; writing goes
//     on by itself when the disk takes it again. What a failed write would have
//     changed may be seen by readers, and is logged later.
//   - A [Snapshot], [DB.Save] and [DB.Compact] see one moment and stop nobody for
//     longer than a few microseconds; what is changed meanwhile is kept in memory for
//     them.
//   - A folder is open in one process at a time, on Unix; others get [ErrLocked].
//
// # Limits
//
// All data are in memory. There are the commands of Redis 7.0 on strings, bitmaps,
// lists, sets, hashes, sorted sets and keys, transactions and pub/sub, as COMMAND
// lists them; no streams, geo, HyperLogLog, scripts, replication, cluster, ACL
// users and client tracking. Eviction knows LRU only.
package kvstore
