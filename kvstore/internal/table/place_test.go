package table

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// checkLines checks that the lines that are taken are those that records have, that the
// others have no keys, and what is known of chunks.
func checkLines(t *testing.T, tab *Table) {
	t.Helper()
	p := &tab.places
	taken := make(map[Ref]bool)
	tab.Each(func(r Ref) bool {
		if r&bigFlag == 0 && p.kind(r) != 0 {
			require.True(t, isLine(tab.Size(r)), "a record of %d bytes in a line", tab.Size(r))
			taken[r] = true
		}
		return true
	})
	all := 0
	for c := 1; c < len(p.chunks); c++ {
		ch := &p.chunks[c]
		free := 0
		require.EqualValues(t, c, p.kinds[ch.id])
		require.Equal(t, unsafe.SliceData(tab.slab.chunks[ch.id]), p.starts[c])
		for line := range lineCount {
			r := tab.lineRef(c, line)
			w, bit := ch.word(line)
			require.Equal(t, taken[r], *w&bit == 0, "line %d of chunk %d", line, c)
			if !taken[r] {
				free++
				require.Zero(t, tab.block(r)[4], "a free line with a key")
			}
			lo, _ := ch.steps(line)
			require.Equal(t, !taken[r], lo&1 != 0, "with step 0 it is the line itself")
		}
		require.Equal(t, free, ch.n)
		require.Equal(t, slices.Contains(p.open, uint16(c)), ch.open)
		all += lineCount - free
	}
	require.Len(t, taken, all)
}

// TestPlaced has a table grow with records of the size of a line, shrink, and grow again:
// nearly all of them are where the hints say, and the chunks are nearly full.
func TestPlaced(t *testing.T) {
	hash := hashes()["good"]
	tab := New(hash, &Pool{})
	tab.Place()
	key := func(i int) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(i)) }
	put := func(i int) {
		k := key(i)
		copy(tab.Value(tab.Insert(hash(k), k, 0, 40)), k)
		tab.Settle(10)
	}
	hinted := func() (n int) {
		l := tab.Layout()
		tab.Each(func(r Ref) bool {
			k := tab.Key(r)
			if rec := l.Guess(hash(k)); rec.Has(unsafe.Pointer(unsafe.SliceData(k)), len(k)) {
				v, size := rec.Value(len(k)), rec.Size()
				require.EqualValues(t, 40, size)
				require.Equal(t, string(k), unsafe.String((*byte)(v), 8))
				n++
			}
			return true
		})
		return n
	}
	const n = 20_000
	for i := range n {
		put(i)
		if i%3000 == 2999 {
			require.Greater(t, hinted(), i*98/100, "of %d", i)
			checkLines(t, tab)
		}
	}
	require.Less(t, tab.Bytes(), n*(64*100/75+8+8), "memory")
	for i := range n - 500 {
		k := key(i)
		tab.Delete(hash(k), tab.Find(hash(k), k))
		tab.Settle(10)
	}
	checkLines(t, tab)
	require.True(t, tab.Wasted())
	tab.Compact()
	require.False(t, tab.Wasted())
	checkLines(t, tab)
	for i := range n - 500 {
		put(i)
	}
	require.Greater(t, hinted(), n*98/100)
	tab.Compact()
	require.Greater(t, hinted(), n*98/100, "after Compact")
	checkLines(t, tab)
}

// TestSettleEndsTheMove stops adding keys while the index moves: Settle goes on, so that
// keys are guessed by the new hints.
func TestSettleEndsTheMove(t *testing.T) {
	hash := hashes()["good"]
	tab := New(hash, &Pool{})
	tab.Place()
	key := func(n uint64) []byte { return binary.LittleEndian.AppendUint64(make([]byte, 0, 16), n) } // Has looks behind it
	n := uint64(0)
	for ; len(tab.old) <= minPlaced || tab.moved < len(tab.old)/2; n++ {
		k := key(n)
		tab.Insert(hash(k), k, 0, 40)
	}
	require.True(t, tab.Unsettled())
	calls := 0
	for tab.Unsettled() {
		tab.Settle(10)
		calls++
	}
	require.Nil(t, tab.old)
	require.Greater(t, calls, int(n/uint64(maxLoad)/10), "each does a bit")
	l, hinted := tab.Layout(), uint64(0)
	for i := range n {
		k := key(i)
		if l.Guess(hash(k)).Has(unsafe.Pointer(unsafe.SliceData(k)), len(k)) {
			hinted++
		}
	}
	require.Greater(t, hinted, n*98/100)
}

// TestSteps checks the rotation against looking at each line.
func TestSteps(t *testing.T) {
	var c lineChunk
	for i := range c.free {
		c.free[i] = [2]uint64{rand.Uint64(), rand.Uint64()}
	}
	for number := range lineCount {
		lo, hi := c.steps(number)
		for step := range 1 << stepBits {
			w, bit := c.word((number + step*8) & lineMask)
			got := bits.RotateLeft64(lo, -step)&1 != 0
			if step >= 64 {
				got = bits.RotateLeft64(hi, -step)&1 != 0
			}
			require.Equal(t, *w&bit != 0, got, "number %d step %d", number, step)
		}
	}
}
