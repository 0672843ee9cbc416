package kvstore

import (
	"errors"
	"iter"
	"strconv"
)

// call runs a command for a method of a collection.
func (db *DB) call(cmd, key string, args ...[]byte) (Reply, error) {
	return db.do(append([][]byte{[]byte(cmd), []byte(key)}, args...)...)
}

// bulk returns the string of a reply, or [ErrNotFound] if that is null.
func bulk(r Reply, err error) ([]byte, error) {
	switch {
	case err != nil:
		return nil, err
	case r.Kind != BulkReply:
		return nil, ErrNotFound
	}
	return r.Bytes, nil
}

// number returns the integer of a reply.
func number(r Reply, err error) (int, error) { return int(r.Int), err }

// bulks returns the strings of a reply.
func bulks(r Reply, err error) ([][]byte, error) {
	if err != nil || len(r.Elems) == 0 {
		return nil, err
	}
	list := make([][]byte, len(r.Elems))
	for i := range r.Elems {
		list[i] = r.Elems[i].Bytes
	}
	return list, nil
}

func byteArgs(list []string) [][]byte {
	args := make([][]byte, len(list))
	for i := range list {
		args[i] = []byte(list[i])
	}
	return args
}

// A List is the list at a key, which need not exist: then it is empty, and the first
// element makes it; without elements it is gone. All methods are atomic, may be called
// concurrently, and fail with [ErrWrongType] if something else is at the key. Bytes
// that go in are copied, those that come out belong to the caller.
type List struct {
	db  *DB
	key string
}

// List returns the list at key.
func (db *DB) List(key string) List { return List{db, key} }

// PushFront puts elements before the first one, one after the other, and returns the
// length.
func (l List) PushFront(v ...[]byte) (int, error) {
	if len(v) == 0 {
		return l.Len()
	}
	return number(l.db.call("LPUSH", l.key, v...))
}

// PushBack puts elements behind the last one and returns the length.
func (l List) PushBack(v ...[]byte) (int, error) {
	if len(v) == 0 {
		return l.Len()
	}
	return number(l.db.call("RPUSH", l.key, v...))
}

// PopFront removes the first element and returns it, or [ErrNotFound].
func (l List) PopFront() ([]byte, error) { return bulk(l.db.call("LPOP", l.key)) }

// PopBack removes the last element and returns it, or [ErrNotFound].
func (l List) PopBack() ([]byte, error) { return bulk(l.db.call("RPOP", l.key)) }

// Len returns the number of elements.
func (l List) Len() (int, error) { return number(l.db.call("LLEN", l.key)) }

// At returns element i, from the end if that is negative, or [ErrNotFound].
func (l List) At(i int) ([]byte, error) {
	return bulk(l.db.call("LINDEX", l.key, itoa(int64(i))))
}

// Set replaces element i, from the end if that is negative. If there is none it fails
// with [ErrNotFound].
func (l List) Set(i int, v []byte) error {
	_, err := l.db.call("LSET", l.key, itoa(int64(i)), v)
	var ce CommandError
	if errors.As(err, &ce) && (ce == msgNoKey || ce == msgRange) {
		return ErrNotFound
	}
	return err
}

// Range returns the elements from one place to another, both included and negative
// from the end, as they are at one moment.
func (l List) Range(from, to int) ([][]byte, error) {
	return bulks(l.db.call("LRANGE", l.key, itoa(int64(from)), itoa(int64(to))))
}

// Trim removes all elements but those from one place to another.
func (l List) Trim(from, to int) error {
	_, err := l.db.call("LTRIM", l.key, itoa(int64(from)), itoa(int64(to)))
	return err
}

// A Hash is the hash at a key: fields and their values. For all else see [List].
type Hash struct {
	db  *DB
	key string
}

// Hash returns the hash at key.
func (db *DB) Hash(key string) Hash { return Hash{db, key} }

// Set sets a field and tells whether it is a new one.
func (h Hash) Set(field string, v []byte) (bool, error) {
	n, err := number(h.db.call("HSET", h.key, []byte(field), v))
	return n == 1, err
}

// Get returns the value of a field, or [ErrNotFound].
func (h Hash) Get(field string) ([]byte, error) {
	return bulk(h.db.call("HGET", h.key, []byte(field)))
}

// Delete removes fields and returns how many there were.
func (h Hash) Delete(fields ...string) (int, error) {
	if len(fields) == 0 {
		return 0, nil
	}
	return number(h.db.call("HDEL", h.key, byteArgs(fields)...))
}

// Incr adds to the integer in a field, 0 if there is none, and returns the sum, or
// [ErrNotInteger].
func (h Hash) Incr(field string, delta int64) (int64, error) {
	r, err := h.db.call("HINCRBY", h.key, []byte(field), itoa(delta))
	return r.Int, notInteger(err)
}

// Len returns the number of fields.
func (h Hash) Len() (int, error) { return number(h.db.call("HLEN", h.key)) }

// All yields the fields and their values as they were at the moment when the
// iteration began, in no order. After an error it yields nothing more.
func (h Hash) All() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		r, err := h.db.call("HGETALL", h.key)
		if err != nil {
			return
		}
		for i := 0; i+1 < len(r.Elems); i += 2 {
			if !yield(string(r.Elems[i].Bytes), r.Elems[i+1].Bytes) {
				return
			}
		}
	}
}

// Members are the set at a key. For all else see [List].
type Members struct {
	db  *DB
	key string
}

// Members returns the set at key.
func (db *DB) Members(key string) Members { return Members{db, key} }

// Add adds members and returns how many are new.
func (m Members) Add(members ...string) (int, error) {
	if len(members) == 0 {
		return 0, nil
	}
	return number(m.db.call("SADD", m.key, byteArgs(members)...))
}

// Remove removes members and returns how many there were.
func (m Members) Remove(members ...string) (int, error) {
	if len(members) == 0 {
		return 0, nil
	}
	return number(m.db.call("SREM", m.key, byteArgs(members)...))
}

// Has tells whether there is a member.
func (m Members) Has(member string) (bool, error) {
	n, err := number(m.db.call("SISMEMBER", m.key, []byte(member)))
	return n == 1, err
}

// Len returns the number of members.
func (m Members) Len() (int, error) { return number(m.db.call("SCARD", m.key)) }

// All yields the members as they were at the moment when the iteration began, in no
// order. After an error it yields nothing.
func (m Members) All() iter.Seq[string] {
	return func(yield func(string) bool) {
		list, err := bulks(m.db.call("SMEMBERS", m.key))
		if err != nil {
			return
		}
		for _, b := range list {
			if !yield(string(b)) {
				return
			}
		}
	}
}

// A SortedSet is the sorted set at a key: members in the order of their scores, and
// where these are equal, of their bytes. For all else see [List].
type SortedSet struct {
	db  *DB
	key string
}

// SortedSet returns the sorted set at key.
func (db *DB) SortedSet(key string) SortedSet { return SortedSet{db, key} }

// Scored is a member of a sorted set.
type Scored struct {
	Member string
	Score  float64
}

// Set sets the score of a member and tells whether that is a new one.
func (z SortedSet) Set(member string, score float64) (bool, error) {
	n, err := number(z.db.call("ZADD", z.key, appendFloat(nil, score), []byte(member)))
	return n == 1, err
}

// Score returns the score of a member, or [ErrNotFound].
func (z SortedSet) Score(member string) (float64, error) { return z.score("ZSCORE", []byte(member)) }

// Add adds to the score of a member, 0 if there is none, and returns the sum.
func (z SortedSet) Add(member string, delta float64) (float64, error) {
	return z.score("ZINCRBY", appendFloat(nil, delta), []byte(member))
}

func (z SortedSet) score(cmd string, args ...[]byte) (float64, error) {
	r, err := z.db.call(cmd, z.key, args...)
	switch {
	case err != nil:
		return 0, err
	case r.Kind == DoubleReply:
		return r.Float, nil
	case r.Kind == BulkReply:
		return strconv.ParseFloat(string(r.Bytes), 64)
	}
	return 0, ErrNotFound
}

// Rank returns the place of a member, from 0, or [ErrNotFound].
func (z SortedSet) Rank(member string) (int, error) {
	r, err := z.db.call("ZRANK", z.key, []byte(member))
	if err == nil && r.Kind != IntReply {
		err = ErrNotFound
	}
	return int(r.Int), err
}

// Remove removes members and returns how many there were.
func (z SortedSet) Remove(members ...string) (int, error) {
	if len(members) == 0 {
		return 0, nil
	}
	return number(z.db.call("ZREM", z.key, byteArgs(members)...))
}

// Len returns the number of members.
func (z SortedSet) Len() (int, error) { return number(z.db.call("ZCARD", z.key)) }

// Range returns the members from one place to another in their order, both included
// and negative from the end, as they are at one moment.
func (z SortedSet) Range(from, to int) ([]Scored, error) {
	return z.scored("ZRANGE", itoa(int64(from)), itoa(int64(to)))
}

// RangeByScore returns the members whose scores are from one to another, both
// included, in their order.
func (z SortedSet) RangeByScore(from, to float64) ([]Scored, error) {
	return z.scored("ZRANGEBYSCORE", appendFloat(nil, from), appendFloat(nil, to))
}

func (z SortedSet) scored(cmd string, from, to []byte) ([]Scored, error) {
	r, err := z.db.call(cmd, z.key, from, to, []byte("WITHSCORES"))
	if err != nil {
		return nil, err
	}
	var list []Scored
	for i := range r.Elems {
		// Sessions of the program itself speak RESP3: a member and its score are a pair.
		pair := r.Elems[i].Elems
		list = append(list, Scored{string(pair[0].Bytes), pair[1].Float})
	}
	return list, nil
}
