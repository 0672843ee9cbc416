package odb

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path/filepath"
	"slices"
)

// entry is an object of a pack that is being indexed.
type entry struct {
	id     OID
	off    int64
	crc    uint32
	kind   byte
	base   int64 // offset, of an offset delta
	baseID OID   // of a ref delta
	data   []byte
	done   bool
}

// ReceivePack reads a pack, checks it, resolves its deltas (those of a thin pack
// with the help of the objects that are there), and stores it with an index. It
// returns the number of its objects. Memory is a small multiple of the pack's
// contents.
func (s *Store) ReceivePack(ctx context.Context, r io.Reader) (int, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxPack+1))
	if err != nil {
		return 0, fmt.Errorf("odb: receive pack: %w", err)
	}
	x := &indexer{s: s, data: data}
	if len(data) > MaxPack {
		return 0, x.corrupt(0, "pack is larger than %d bytes", MaxPack)
	}
	if err := x.scan(ctx); err != nil {
		return 0, err
	}
	if len(x.entries) == 0 {
		return 0, nil
	}
	if err := x.resolve(ctx); err != nil {
		return 0, err
	}
	return len(x.entries), x.store()
}

type indexer struct {
	s       *Store
	data    []byte // with the trailing checksum
	entries []*entry
}

func (x *indexer) corrupt(off int64, format string, args ...any) error {
	return &CorruptError{File: "received pack", Offset: off, Msg: fmt.Sprintf(format, args...)}
}

// scan finds and inflates the entries.
func (x *indexer) scan(ctx context.Context) error {
	d := x.data
	if len(d) < 12+sha1.Size || string(d[:4]) != "PACK" {
		return x.corrupt(0, "not a pack")
	}
	if v := binary.BigEndian.Uint32(d[4:]); v != 2 && v != 3 {
		return x.corrupt(4, "unknown version %d", v)
	}
	end := len(d) - sha1.Size
	if sum := sha1.Sum(d[:end]); !bytes.Equal(sum[:], d[end:]) {
		return x.corrupt(int64(end), "checksum is wrong: the pack was cut or damaged")
	}
	count := binary.BigEndian.Uint32(d[8:])
	off := int64(12)
	for range count {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := parseHead(d[off:end])
		if err != nil {
			return x.corrupt(off, "%v", err)
		}
		e := &entry{off: off, kind: h.kind, baseID: h.base, base: off - h.back}
		if h.kind == typeOfsDelta && e.base < 12 {
			return x.corrupt(off, "base is before the pack")
		}
		r := bytes.NewReader(d[off+int64(h.length) : end])
		if e.data, err = inflate(r, h.size); err != nil {
			return x.corrupt(off, "%v", err)
		}
		next := int64(end - r.Len())
		e.crc = crc32.ChecksumIEEE(d[off:next])
		x.entries = append(x.entries, e)
		off = next
	}
	if off != int64(end) {
		return x.corrupt(off, "data behind the last object")
	}
	return nil
}

// resolve turns deltas into objects, from their bases on, so that each base is held
// only as long as it has children.
func (x *indexer) resolve(ctx context.Context) error {
	byOff := make(map[int64]*entry, len(x.entries))
	ofsChildren := make(map[int64][]*entry)
	refChildren := make(map[OID][]*entry)
	for _, e := range x.entries {
		byOff[e.off] = e
		switch e.kind {
		case typeOfsDelta:
			ofsChildren[e.base] = append(ofsChildren[e.base], e)
		case typeRefDelta:
			refChildren[e.baseID] = append(refChildren[e.baseID], e)
		}
	}
	for base, children := range ofsChildren {
		if byOff[base] == nil {
			return x.corrupt(children[0].off, "no object begins at the base's offset")
		}
	}
	// A stack instead of recursion: chains may be long.
	type ready struct {
		e    *entry
		t    Type
		data []byte
	}
	var stack []ready
	run := func() error {
		for len(stack) > 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			b := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			b.e.id, b.e.done = Hash(b.t, b.data), true
			children := append(ofsChildren[b.e.off], refChildren[b.e.id]...)
			for _, c := range children {
				if c.done {
					continue
				}
				data, err := applyDelta(b.data, c.data)
				if err != nil {
					return x.corrupt(c.off, "%v", err)
				}
				c.done, c.data = true, nil
				stack = append(stack, ready{c, b.t, data})
			}
			b.e.data = nil
		}
		return nil
	}
	for _, e := range x.entries {
		if e.kind != typeOfsDelta && e.kind != typeRefDelta {
			stack = append(stack, ready{e, Type(e.kind), e.data})
			if err := run(); err != nil {
				return err
			}
		}
	}
	// What is left of ref deltas needs objects that we have: a thin pack.
	for id, children := range refChildren {
		if !slices.ContainsFunc(children, func(e *entry) bool { return !e.done }) {
			continue
		}
		t, data, err := x.s.Read(id)
		if errors.Is(err, ErrNotFound) {
			return x.corrupt(children[0].off, "base %v is missing", id)
		}
		if err != nil {
			return err
		}
		stack = append(stack, ready{x.append(t, data), t, data})
		if err := run(); err != nil {
			return err
		}
	}
	for _, e := range x.entries {
		if !e.done {
			return x.corrupt(e.off, "base is missing")
		}
	}
	return nil
}

// append completes a thin pack by a base.
func (x *indexer) append(t Type, data []byte) *entry {
	body := x.data[:len(x.data)-sha1.Size]
	e := &entry{off: int64(len(body)), kind: byte(t)}
	body = appendObject(body, t, data)
	e.crc = crc32.ChecksumIEEE(body[e.off:])
	x.entries = append(x.entries, e)
	binary.BigEndian.PutUint32(body[8:], uint32(len(x.entries)))
	sum := sha1.Sum(body)
	x.data = append(body, sum[:]...)
	return e
}

// appendObject appends an object as packs hold it, undeltified.
func appendObject(dst []byte, t Type, data []byte) []byte {
	size := len(data)
	c := byte(t)<<4 | byte(size&15)
	for size >>= 4; size > 0; size >>= 7 {
		dst = append(dst, c|0x80)
		c = byte(size & 0x7f)
	}
	buf := bytes.NewBuffer(append(dst, c))
	z := zlib.NewWriter(buf)
	_, _ = z.Write(data) // into memory
	_ = z.Close()
	return buf.Bytes()
}

// store writes the pack and its index.
func (x *indexer) store() error {
	slices.SortFunc(x.entries, func(a, b *entry) int { return a.id.Compare(b.id) })
	trailer := x.data[len(x.data)-sha1.Size:]
	idx := []byte("\xfftOc\x00\x00\x00\x02")
	n := 0
	for first := range 256 {
		for n < len(x.entries) && int(x.entries[n].id.b[0]) == first {
			n++
		}
		idx = binary.BigEndian.AppendUint32(idx, uint32(n))
	}
	for _, e := range x.entries {
		idx = append(idx, e.id.b[:sha1.Size]...)
	}
	for _, e := range x.entries {
		idx = binary.BigEndian.AppendUint32(idx, e.crc)
	}
	for _, e := range x.entries {
		idx = binary.BigEndian.AppendUint32(idx, uint32(e.off)) // MaxPack is below 2 GiB
	}
	idx = append(idx, trailer...)
	sum := sha1.Sum(idx)
	idx = append(idx, sum[:]...)
	base := filepath.Join(x.s.dir, "pack", fmt.Sprintf("pack-%x", trailer))
	if err := writeFile(base+".pack", x.data); err != nil {
		return fmt.Errorf("odb: write pack: %w", err)
	}
	if err := writeFile(base+".idx", idx); err != nil {
		return fmt.Errorf("odb: write index: %w", err)
	}
	return x.s.refresh()
}

// WritePack writes a pack of objects, undeltified, to w.
func (s *Store) WritePack(ctx context.Context, w io.Writer, ids []OID) error {
	h := sha1.New()
	out := io.MultiWriter(w, h)
	header := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(len(ids)))
	if _, err := out.Write(header); err != nil {
		return err
	}
	var buf []byte
	for _, id := range ids {
		if err := ctx.Err(); err != nil {
			return err
		}
		t, data, err := s.Read(id)
		if err != nil {
			return err
		}
		buf = appendObject(buf[:0], t, data)
		if _, err := out.Write(buf); err != nil {
			return err
		}
	}
	_, err := w.Write(h.Sum(nil))
	return err
}
