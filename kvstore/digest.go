package kvstore

import (
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

// A digest is that of Redis's DEBUG DIGEST: the same for the same data, wherever
// they came from and in whatever order sets and hashes keep them.
type digest [sha1.Size]byte

// String is its form in a reply.
func (d *digest) String() string { return hex.EncodeToString(d[:]) }

// xor adds what has no order.
func (d *digest) xor(data []byte) {
	sum := sha1.Sum(data)
	for i := range d {
		d[i] ^= sum[i]
	}
}

// mix adds what comes next.
func (d *digest) mix(data []byte) {
	d.xor(data)
	*d = sha1.Sum(d[:])
}

func (d *digest) mixNumber(n int) {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(n))
	d.mix(b[:])
}

// digest is that of all databases. All stripes are locked.
func (s *Session) digest() *digest {
	var all digest
	for dbi := range s.db.sp.DBs() {
		begun := false
		for i := range keyspace.Stripes {
			s.db.sp.ShardAt(dbi, i).Each(func(e keyspace.Entry) bool {
				if !begun {
					all.mixNumber(dbi)
					begun = true
				}
				var d digest
				d.mix(e.Key())
				d.value(e)
				all.xor(d[:])
				return true
			})
		}
	}
	return &all
}

// digestTypes are Redis's numbers of the types.
var digestTypes = [...]int{keyspace.String: 0, keyspace.List: 1, keyspace.Set: 2, keyspace.ZSet: 3, keyspace.Hash: 4}

// value adds an entry's value, and whether it will expire.
func (d *digest) value(e keyspace.Entry) {
	v := e.Freeze()
	d.mixNumber(digestTypes[v.Type])
	if v.Type == keyspace.String {
		d.mix(v.Str())
	} else {
		v.Each(func(a, b []byte, score float64) bool {
			switch v.Type {
			case keyspace.List:
				d.mix(a)
			case keyspace.Set:
				d.xor(a)
			default:
				if v.Type == keyspace.ZSet {
					b = appendFloat(nil, score)
				}
				var pair digest
				pair.mix(a)
				pair.mix(b)
				d.xor(pair[:])
			}
			return true
		})
	}
	if e.ExpireAt() != 0 {
		d.xor([]byte("!!expire!!"))
	}
}
