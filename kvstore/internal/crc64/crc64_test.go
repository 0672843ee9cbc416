package crc64

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKnownSums(t *testing.T) {
	d := New()
	require.EqualValues(t, uint64(0xe9c6d914c4b8d9ca), d.Update(0, []byte("123456789")), "the value that Redis's source gives")
	long := make([]byte, 1000)
	for i := range long {
		long[i] = byte(i * 7)
	}
	plain := uint64(0)
	for _, c := range long {
		plain = d.t[0][byte(plain)^c] ^ plain>>8
	}
	for _, cut := range []int{0, 1, 7, 8, 500} {
		require.Equal(t, plain, d.Update(d.Update(0, long[:cut]), long[cut:]))
	}
}
