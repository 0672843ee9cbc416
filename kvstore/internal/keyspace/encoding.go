package keyspace

import "github.com/groundwork-go/groundwork/kvstore/internal/listpack"

// embedded is the length up to which Redis keeps a string together with its head.
const embedded = 44

// Encoding returns the name that OBJECT ENCODING answers. Lists are always called
// quicklist, as in Redis 7.0, however they are kept.
func (e Entry) Encoding() string {
	switch e.enc() {
	case encString:
		v := e.payload()
		if e.Raw() {
			return "raw"
		}
		if _, ok := listpack.ParseInt(v); ok && e.meta()&flagText == 0 {
			return "int"
		}
		if len(v) <= embedded {
			return "embstr"
		}
		return "raw"
	case encListPack, encList:
		return "quicklist"
	case encIntset:
		return "intset"
	case encZPack, encHashPack:
		return "listpack"
	case encZSet:
		return "skiplist"
	}
	return "hashtable"
}
