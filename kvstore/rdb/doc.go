// Package rdb reads and writes Redis's snapshot format: files (RDB) and the
// payloads of DUMP and RESTORE. It streams, in both directions: neither a file nor
// a large collection is ever in memory as a whole, and a key costs no allocation.
//
//	w := rdb.NewWriter(file, nil)
//	w.Aux("redis-ver", "7.0.15")
//	w.Database(0, 1, 0)
//	w.Key(rdb.Key{Name: []byte("greeting")})
//	w.String([]byte("hello"))
//	err := w.Close()
//
//	err = rdb.NewReader(file).Read(handler)
//
// # Versions
//
// Files and payloads of versions 1 to 12 (up to Redis 7.4) are read, with all
// encodings of strings, lists, sets, hashes and sorted sets that they had; what is
// written is version 10, that of Redis 7.0. Streams, values of modules and hashes
// whose fields expire are a [*Error] that wraps [ErrUnsupported]; functions are
// handed over as source text; everything else is skipped.
//
// # Damage
//
// Every length, every packed form and the checksum are verified; damage is a
// [*Error] with the offset. Lengths are not trusted before as many bytes have come.
// Handlers have seen a part of the keys by then, since the checksum is at the end.
//
// The source of the format is the behaviour of Redis 7.0.15 and its file
// descriptions; LZF is that of M. Lehmann's liblzf.
package rdb
