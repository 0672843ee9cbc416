package rdb

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/groundwork-go/groundwork/kvstore/internal/intset"
	"github.com/groundwork-go/groundwork/kvstore/internal/listpack"
)

// value reads a value and hands it over as that of r.key.
func (r *Reader) value(typ byte, h Handler) error {
	switch typ {
	case typeString:
		v, err := r.s.string(&r.text)
		if err != nil {
			return err
		}
		return h.String(&r.key, v)
	case typeSetIntset:
		b, err := r.s.string(&r.text)
		if err != nil {
			return err
		}
		if err := intset.Validate(b); err != nil {
			return err
		}
		if intset.Len(b) == 0 {
			return errEmpty
		}
		return h.IntSet(&r.key, b)
	case typeSetListpack:
		return r.pack(1, h.SetPack)
	case typeHashListpack:
		return r.pack(2, h.HashPack)
	case typeZSetListpack:
		return r.pack(2, h.ZSetPack)
	case typeList, typeListZiplist, typeListQuicklist, typeListQuick2:
		return r.list(typ, h)
	case typeSet:
		return r.collection(h, h.Set, func() error {
			m, err := r.s.string(&r.text)
			if err != nil {
				return err
			}
			return h.Member(m)
		})
	case typeHash:
		return r.collection(h, h.Hash, func() error {
			f, v, err := r.two()
			if err != nil {
				return err
			}
			return h.Pair(f, v)
		})
	case typeZSet, typeZSet2:
		return r.collection(h, h.ZSet, func() error {
			m, score, err := r.member(typ)
			if err != nil {
				return err
			}
			return h.Score(m, score)
		})
	case typeHashZiplist, typeZSetZiplist, typeHashZipmap:
		return r.oldPairs(typ, h)
	case typeStream, typeStream2, typeStream3:
		return fmt.Errorf("streams are %w", ErrUnsupported)
	case typeModule, typeModule2:
		return fmt.Errorf("values of modules are %w", ErrUnsupported)
	case typeHashExpiring0, typeHashExpiringL, typeHashExpiring, typeHashExpListp:
		return fmt.Errorf("hashes whose fields expire are %w", ErrUnsupported)
	}
	return fmt.Errorf("unknown type %d", typ)
}

// pack reads a listpack whose entries come in groups.
func (r *Reader) pack(group int, hand func(*Key, []byte) error) error {
	b, err := r.s.string(&r.text)
	if err != nil {
		return err
	}
	n, err := listpack.Validate(b)
	if err != nil {
		return err
	}
	if n == 0 {
		return errEmpty
	}
	if n%group != 0 {
		return errors.New("an odd number of entries")
	}
	return hand(&r.key, b)
}

// collection reads the number of elements and then each.
func (r *Reader) collection(h Handler, begin func(*Key, int) error, element func() error) error {
	n, err := r.s.count()
	if err != nil {
		return err
	}
	if n == 0 {
		return errEmpty
	}
	if err := begin(&r.key, n); err != nil {
		return err
	}
	for range n {
		if err := element(); err != nil {
			return err
		}
	}
	return h.End()
}

// two reads two strings.
func (r *Reader) two() (a, b []byte, err error) {
	if a, err = r.s.string(&r.text); err != nil {
		return nil, nil, err
	}
	r.field = append(r.field[:0], a...)
	b, err = r.s.string(&r.text)
	return r.field, b, err
}

// member reads a member of a sorted set and its score.
func (r *Reader) member(typ byte) ([]byte, float64, error) {
	m, err := r.s.string(&r.text)
	if err != nil {
		return nil, 0, err
	}
	r.field = append(r.field[:0], m...)
	var score float64
	if typ == typeZSet2 {
		bits, err := r.s.uint64()
		if err != nil {
			return nil, 0, err
		}
		score = math.Float64frombits(bits)
	} else if score, err = r.textScore(); err != nil {
		return nil, 0, err
	}
	if math.IsNaN(score) {
		return nil, 0, errNaN
	}
	return r.field, score, nil
}

var errNaN = errors.New("a score is not a number")

// textScore reads a score of version 7 and before.
func (r *Reader) textScore() (float64, error) {
	n, err := r.s.byte()
	if err != nil {
		return 0, err
	}
	switch n {
	case 253:
		return 0, errNaN
	case 254:
		return math.Inf(1), nil
	case 255:
		return math.Inf(-1), nil
	}
	b, err := r.s.take(int(n))
	if err != nil {
		return 0, err
	}
	return parseScore(b)
}

func parseScore(b []byte) (float64, error) {
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || math.IsNaN(f) {
		return 0, errNaN
	}
	return f, nil
}

// list reads a list of any form. The handler hears of it with the first element:
// there may be none in all its nodes.
func (r *Reader) list(typ byte, h Handler) error {
	n := 1
	if typ != typeListZiplist {
		var err error
		if n, err = r.s.count(); err != nil {
			return err
		}
	}
	begun := false
	begin := func() error {
		if begun {
			return nil
		}
		begun = true
		return h.List(&r.key, n)
	}
	item := func(v []byte) error {
		if err := begin(); err != nil {
			return err
		}
		return h.ListItem(v)
	}
	for range n {
		packed := typ == typeListQuick2
		if packed {
			kind, err := r.s.plainLength()
			if err != nil {
				return err
			}
			if kind != nodePlain && kind != nodePacked {
				return fmt.Errorf("unknown kind %d of a node", kind)
			}
			packed = kind == nodePacked
		}
		b, err := r.s.string(&r.text)
		if err != nil {
			return err
		}
		switch {
		case packed:
			var entries int
			if entries, err = listpack.Validate(b); err != nil || entries == 0 {
				break
			}
			if err = begin(); err == nil {
				err = h.ListPack(b)
			}
		case typ == typeListZiplist || typ == typeListQuicklist:
			err = r.ziplist(b, item)
		case typ == typeListQuick2 && len(b) == 0:
			err = errors.New("an empty node") // plain nodes are for long elements
		default:
			err = item(b)
		}
		if err != nil {
			return err
		}
	}
	if !begun {
		return errEmpty
	}
	return h.End()
}

// oldPairs reads a packed hash or sorted set of version 9 and before.
func (r *Reader) oldPairs(typ byte, h Handler) error {
	b, err := r.s.string(&r.text)
	if err != nil {
		return err
	}
	odd := false
	begun := false
	each := func(v []byte) error {
		if odd = !odd; odd {
			r.field = append(r.field[:0], v...)
			return nil
		}
		begin, score := h.Hash, 0.0
		if typ == typeZSetZiplist {
			begin = h.ZSet
			if score, err = parseScore(v); err != nil {
				return err
			}
		}
		if !begun {
			begun = true
			if err := begin(&r.key, len(b)/4); err != nil {
				return err
			}
		}
		if typ == typeZSetZiplist {
			return h.Score(r.field, score)
		}
		return h.Pair(r.field, v)
	}
	if typ == typeHashZipmap {
		err = zipmap(b, each)
	} else {
		err = r.ziplist(b, each)
	}
	switch {
	case err != nil:
		return err
	case odd:
		return errors.New("an odd number of entries")
	case !begun:
		return errEmpty
	}
	return h.End()
}
