package keyspace

import (
	"hash/maphash"
	"math/bits"
	"math/rand/v2"
	"unsafe"
)

// hasher hashes keys, by numbers that nobody can guess who would like to have keys
// with equal hashes. Most keys are short: then a few multiplications do, at the place
// of the call. The others go to maphash.
type hasher struct {
	k0, k1, k2 uint64
	seed       maphash.Seed
}

func newHasher() hasher {
	return hasher{rand.Uint64(), rand.Uint64(), rand.Uint64() | 1, maphash.MakeSeed()}
}

// Hash returns the hash of a key.
func (sp *Space) Hash(key []byte) uint64 {
	return sp.HashString(unsafe.String(unsafe.SliceData(key), len(key)))
}

// HashString is Hash of a string.
func (sp *Space) HashString(key string) uint64 {
	n := len(key)
	p := unsafe.Pointer(unsafe.StringData(key))
	switch {
	case n > 16:
		return maphash.String(sp.hash.seed, key)
	case n >= 8:
		return sp.HashShort(p, n)
	case n >= 4:
		return sp.hash.mix(uint64(*(*uint32)(p)), uint64(*(*uint32)(unsafe.Add(p, n-4))), uint64(n))
	case n > 0:
		return sp.hash.mix(uint64(key[0])|uint64(key[n/2])<<8|uint64(key[n-1])<<16, 0, uint64(n))
	}
	return sp.hash.mix(0, 0, 0)
}

// HashShort is HashString of n bytes at p, 8 to 16, at the place of the call.
func (sp *Space) HashShort(p unsafe.Pointer, n int) uint64 {
	return sp.hash.mix(*(*uint64)(p), *(*uint64)(unsafe.Add(p, n-8)), uint64(n))
}

func (x *hasher) mix(a, b, n uint64) uint64 {
	hi, lo := bits.Mul64(a^x.k0, b^x.k1)
	hi, lo = bits.Mul64(hi^lo^n, x.k2)
	return hi ^ lo
}
