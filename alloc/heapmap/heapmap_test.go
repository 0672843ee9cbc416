package heapmap_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/alloc/heapmap"
)

func TestOfBlocks(t *testing.T) {
	var buf [64]byte
	base := unsafe.Pointer(&buf)
	m := heapmap.Of("a buffer", base, slices.Values([]heapmap.Block{{Offset: 16, Size: 32, Used: true}, {Offset: 48, Size: 16}}))
	start := uint64(uintptr(base))
	require.Equal(t, heapmap.Map{Title: "a buffer", Regions: []heapmap.Region{
		{Start: start + 16, Size: 32, Used: 32, Kind: heapmap.Used},
		{Start: start + 48, Size: 16},
	}}, m)
}

func TestWritersCopeWithAnyMap(t *testing.T) {
	many := heapmap.Map{Title: "many <regions> & more"}
	for i := range 5000 {
		many.Regions = append(many.Regions, heapmap.Region{
			Start: uint64(i), Size: int64(i % 7 * 1000), Used: int64(i % 11 * 700), Kind: heapmap.Kind(i % 3), Label: `"<b>"`,
		})
	}
	for name, m := range map[string]heapmap.Map{
		"empty": {}, "many": many,
		"nonsense": {Regions: []heapmap.Region{{Size: -5}, {Size: 1, Used: math.MaxInt64, Kind: heapmap.Used}, {Size: 0, Kind: 99}}},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			require.NoError(t, m.WriteSVG(&b))
			d := xml.NewDecoder(&b)
			for {
				_, err := d.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				require.NoError(t, err)
			}
			require.NoError(t, m.WriteHTML(&b))
			require.NotContains(t, b.String(), "<b>")
			b.Reset()
			require.NoError(t, m.WriteText(&b))
			for _, line := range strings.Split(b.String(), "\n")[1:] {
				require.LessOrEqual(t, len(line), 64)
			}
		})
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestWriteErrorsAreReturned(t *testing.T) {
	m := heapmap.Map{Regions: []heapmap.Region{{Size: 100}}}
	require.ErrorIs(t, m.WriteText(full{}), io.ErrShortWrite)
	require.ErrorIs(t, m.WriteSVG(full{}), io.ErrShortWrite)
	require.ErrorIs(t, m.WriteHTML(full{}), io.ErrShortWrite)
}

func Example() {
	m := heapmap.Map{Title: "buffer", Regions: []heapmap.Region{
		{Start: 0, Size: 1000, Kind: heapmap.Meta},
		{Start: 1000, Size: 2000, Used: 2000, Kind: heapmap.Used},
		{Start: 3000, Size: 4000, Used: 1000, Kind: heapmap.Used},
		{Start: 7000, Size: 1000, Kind: heapmap.Free},
	}}
	_ = m.WriteText(os.Stdout)
	// Output:
	// buffer: 3000 of 8000 bytes used
	// mmmmmmmm@@@@@@@@@@@@@@@@--------------------------------........
}
