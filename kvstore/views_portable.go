//go:build !gc || !amd64 || race || kvstore_portable

package kvstore

// A viewFront is empty: sync.Pool does it alone. Build with the tag kvstore_portable to
// have it so.
type viewFront struct{}

func (db *DB) view(key string, f func(v []byte) error) error { return db.viewSlow(key, f) }

func (p *viewFront) take() *viewBuffer { return nil }

func (p *viewFront) hits() int64 { return 0 }
