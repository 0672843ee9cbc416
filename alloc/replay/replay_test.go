package replay_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/alloc"
	"github.com/groundwork-go/groundwork/alloc/arena"
	"github.com/groundwork-go/groundwork/alloc/buddy"
	"github.com/groundwork-go/groundwork/alloc/freelist"
	"github.com/groundwork-go/groundwork/alloc/replay"
	"github.com/groundwork-go/groundwork/alloc/tlsf"
)

// workloads are traces of all generators.
func workloads(ops int) map[string]*replay.Trace {
	return map[string]*replay.Trace{
		"larson": replay.Larson(1, 3, ops), "producer-consumer": replay.ProducerConsumer(2, 100, ops),
		"sh6": replay.Sh6(3, ops), "churn": replay.Churn(4, 1<<20, ops),
	}
}

// allocators returns one of every kind that is not on Go's heap for itself alone.
func allocators(t *testing.T) map[string]alloc.Allocator {
	t.Helper()
	h, err := alloc.NewHeap(nil)
	require.NoError(t, err)
	c := h.Cache()
	slabs, err := replay.Slabs(h)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, slabs.(io.Closer).Close())
		require.NoError(t, c.Close())
		require.NoError(t, h.Close())
	})
	const size = 4 << 20
	all := map[string]alloc.Allocator{
		"heap": h, "cache": c, "slabs": slabs, "arena": replay.Arena(arena.NewArena(size)),
		"growing arena": replay.Arena(arena.NewGrowing(0)),
	}
	for name, fit := range map[string]freelist.Fit{"first": freelist.FirstFit, "next": freelist.NextFit, "best": freelist.BestFit, "worst": freelist.WorstFit} {
		all[name], err = freelist.New(make([]byte, size), fit)
		require.NoError(t, err)
	}
	all["buddy"], err = buddy.New(make([]byte, size), 0)
	require.NoError(t, err)
	all["tlsf"], err = tlsf.New(make([]byte, size))
	require.NoError(t, err)
	return all
}

func TestEveryWorkloadOnEveryAllocator(t *testing.T) {
	for workload, trace := range workloads(6000) {
		for name, a := range allocators(t) {
			before := a.Stats()
			r, err := replay.Run(t.Context(), trace, a, nil)
			require.NoError(t, err, "%s on %s", workload, name)
			require.EqualValues(t, trace.Blocks, r.Allocs+r.Failed)
			require.Equal(t, r.Allocs, r.Frees)
			require.Positive(t, r.PeakLive)
			require.Positive(t, r.Time)
			if name == "heap" || name == "growing arena" {
				require.Zero(t, r.Failed)
			}
			require.Equal(t, before.Blocks, a.Stats().Blocks)
		}
	}
}

func TestParallelReplay(t *testing.T) {
	h, err := alloc.NewHeap(nil)
	require.NoError(t, err)
	l, err := freelist.New(make([]byte, 100_000), freelist.BestFit)
	require.NoError(t, err)
	for _, trace := range []*replay.Trace{replay.Larson(1, 4, 30_000), replay.ProducerConsumer(2, 100, 30_000)} {
		for _, a := range []alloc.Allocator{h, alloc.NewLocked(l)} {
			_, err := replay.Run(t.Context(), trace, a, &replay.Options{Parallel: true})
			require.NoError(t, err)
			require.Zero(t, a.Stats().Blocks)
		}
	}
	require.NoError(t, h.Close())
}

func TestTracesSurviveAFile(t *testing.T) {
	for name, trace := range workloads(5000) {
		var file bytes.Buffer
		require.NoError(t, trace.Save(&file))
		require.Less(t, file.Len(), 4*len(trace.Events), "%s is compact", name)
		got, err := replay.Load(&file)
		require.NoError(t, err)
		require.Equal(t, trace, got)
	}
}

func TestRecorderWritesDownWhatHappens(t *testing.T) {
	h, err := alloc.NewHeap(&alloc.HeapOptions{Limit: 8 << 20})
	require.NoError(t, err)
	var file bytes.Buffer
	rec := replay.NewRecorder(h, &file)
	want := replay.Sh6(9, 2000)
	_, err = replay.Run(t.Context(), want, rec, nil)
	require.NoError(t, err)
	require.Nil(t, rec.Alloc(9<<20))
	require.NoError(t, rec.Free(nil))
	require.ErrorIs(t, rec.Free(unsafe.Pointer(&want)), alloc.ErrForeign)
	require.Zero(t, rec.Stats().Blocks)
	require.NoError(t, rec.Close())
	require.NoError(t, rec.Close())
	p := rec.Alloc(10)
	require.NoError(t, rec.Free(p))
	got, err := replay.Load(&file)
	require.NoError(t, err)
	require.Equal(t, 2*want.Blocks, got.Blocks, "Run replays twice")
	require.Equal(t, want.Events, got.Events[:len(want.Events)])
	require.NoError(t, h.Close())
}

// overlapping hands out the same memory to all.
type overlapping struct{ alloc.Allocator }

func (o overlapping) Alloc(int) unsafe.Pointer { return unsafe.Pointer(&shared) }

var shared [64]byte

// failing cannot free.
type failing struct{ alloc.Allocator }

func (f failing) Free(unsafe.Pointer) error { return alloc.ErrForeign }

func TestBadAllocatorsAreFoundOut(t *testing.T) {
	l, err := freelist.New(make([]byte, 4096), freelist.FirstFit)
	require.NoError(t, err)
	trace := replay.ProducerConsumer(1, 60, 100)
	_, err = replay.Run(t.Context(), trace, overlapping{l}, nil)
	var content *replay.ContentError
	require.ErrorAs(t, err, &content)
	require.Contains(t, err.Error(), "byte 0 of block 0")
	_, err = replay.Run(t.Context(), trace, failing{l}, nil)
	require.ErrorIs(t, err, alloc.ErrForeign)
}

func TestLimitAndContext(t *testing.T) {
	a := replay.Arena(arena.NewGrowing(0))
	last := alloc.Stats{}
	r, err := replay.Run(t.Context(), replay.Churn(1, 1<<20, 5000), a, &replay.Options{MaxLive: 1 << 18, AtPeak: func() { last = a.Stats() }})
	require.NoError(t, err)
	require.Positive(t, r.Failed)
	require.LessOrEqual(t, r.PeakLive, int64(1<<18))
	require.Greater(t, last.Live, r.PeakLive*63/64)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = replay.Run(ctx, replay.Sh6(1, 100), a, nil)
	require.ErrorIs(t, err, context.Canceled)
}

// file makes a trace of records, with a right end unless it is to be wrong.
func file(end bool, records ...uint64) []byte {
	b := []byte("gwalloc1")
	for _, v := range records {
		b = binary.AppendUvarint(b, v)
	}
	if end {
		b = binary.AppendUvarint(b, uint64(len(records))<<2|3)
		b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	}
	return b
}

func TestDamagedTraces(t *testing.T) {
	good := file(true, 100<<2, 1<<2|2, 50<<2, 2<<2|1)
	trace, err := replay.Load(bytes.NewReader(good))
	require.NoError(t, err)
	require.Equal(t, []replay.Event{{100, 0, 0}, {50, 1, 1}, {0, 0, 1}}, trace.Events)
	require.Equal(t, 2, trace.Workers)
	for n := range good {
		_, err := replay.Load(bytes.NewReader(good[:n]))
		require.ErrorIs(t, err, replay.ErrTrace, "cut at %d", n)
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		_, err := replay.Load(bytes.NewReader(bad))
		require.ErrorIs(t, err, replay.ErrTrace, "bit of byte %d", i)
	}
	for name, b := range map[string][]byte{
		"size 0": file(true, 0), "size too large": file(true, math.MaxUint64&^3), "free of nothing": file(true, 1<<2|1),
		"free of the next": file(true, 8<<2, 0<<2|1), "freed twice": file(true, 8<<2, 1<<2|1, 1<<2|1),
		"worker": file(true, 1<<20|2), "count": append(file(false, 8<<2), 0x0b), "varint": append(file(false), bytes.Repeat([]byte{0xff}, 11)...),
	} {
		_, err := replay.Load(bytes.NewReader(b))
		require.ErrorIs(t, err, replay.ErrTrace, name)
		require.ErrorContains(t, err, "byte", name)
	}
	_, err = replay.Load(io.MultiReader(bytes.NewReader(good[:9]), failingReader{}))
	require.ErrorIs(t, err, os.ErrPermission)
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, os.ErrPermission }

func FuzzLoad(f *testing.F) {
	f.Add(file(true, 100<<2, 1<<2|2, 50<<2, 2<<2|1))
	f.Add(file(true))
	f.Add([]byte("gwalloc"))
	f.Fuzz(func(t *testing.T, b []byte) {
		trace, err := replay.Load(bytes.NewReader(b))
		if err != nil {
			require.ErrorIs(t, err, replay.ErrTrace)
			return
		}
		var again bytes.Buffer
		require.NoError(t, trace.Save(&again))
		same, err := replay.Load(&again)
		require.NoError(t, err)
		require.Equal(t, trace.Events, same.Events)
		l, err := freelist.New(make([]byte, 1<<16), freelist.BestFit)
		require.NoError(t, err)
		_, err = replay.Run(t.Context(), trace, alloc.NewLocked(l), &replay.Options{Parallel: true})
		require.NoError(t, err)
	})
}

func Example() {
	l, err := freelist.New(make([]byte, 1<<16), freelist.BestFit)
	if err != nil {
		fmt.Println(err)
		return
	}
	var file bytes.Buffer
	rec := replay.NewRecorder(l, &file)
	p, q := rec.Alloc(1000), rec.Alloc(500)
	fmt.Println(rec.Free(p), rec.Free(q), rec.Close())

	trace, err := replay.Load(&file)
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := replay.Run(context.Background(), trace, replay.Arena(arena.NewArena(4096)), nil)
	fmt.Println(r.Allocs, r.PeakLive, r.PeakReserved, err)
	// Output:
	// <nil> <nil> <nil>
	// 2 1500 4096 <nil>
}
