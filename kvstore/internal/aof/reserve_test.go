package aof

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBlanks(t *testing.T) {
	for _, n := range []int{2, 4, 10, 4096, reserveSize} {
		b := appendBlanks([]byte("x"), n)
		require.Len(t, b, n+1)
		require.Equal(t, n+1, blanksEnd(b, 1))
		require.Equal(t, 0, blanksEnd(b, 0))
	}
	require.Equal(t, 2, blanksEnd([]byte("#\n#"), 0), "half of one is none")
}

func TestOtherParity(t *testing.T) {
	body := []byte("*1\r\n$4\r\nPING\r\n")
	group := appendAnnotation(bytes.Clone(body), len(body), checksum(body))
	long := otherParity(bytes.Clone(group))
	require.Len(t, long, len(group)+1)
	for _, g := range [][]byte{group, long} {
		n, sum, end, ok := annotation(g, len(body))
		require.True(t, ok)
		require.Equal(t, len(body), n)
		require.Equal(t, checksum(body), sum)
		require.Equal(t, len(g), end)
	}
	require.Equal(t, group, otherParity(long), "twice is none")
}

// crashed returns what a log's last file holds if the process ends without Close.
func crashed(t *testing.T, l *Log) []byte {
	data, err := os.ReadFile(l.seg.file.Name())
	require.NoError(t, err)
	return data
}

// scanKeys returns the keys that a file sets.
func scanKeys(t *testing.T, data []byte) (res Result, keys []string) {
	list, res, err := scan(data)
	require.NoError(t, err)
	for _, c := range list {
		if words := strings.Fields(c); words[0] == "SET" {
			keys = append(keys, words[1])
		}
	}
	return res, keys
}

func appendSet(l *Log, key string) uint64 { return l.Append(0, cmd("SET", key, "v"), 1) }

func TestReservedSpaceIsNoTail(t *testing.T) {
	l, err := Open(t.TempDir(), nil, Always, false, 0)
	require.NoError(t, err)
	defer l.Close()
	var want []string
	for i := range 200 {
		key := "key" + string(bytes.Repeat([]byte("x"), i))
		require.NoError(t, l.Commit(appendSet(l, key)))
		want = append(want, key)
		data := crashed(t, l)
		res, got := scanKeys(t, data)
		require.Equal(t, want, got)
		require.EqualValues(t, len(data), res.Good+res.Reserved)
		require.Positive(t, res.Reserved)
		require.Zero(t, res.Good%2)
		now, _ := l.Size()
		require.Equal(t, now, res.Good)
	}
	require.NoError(t, l.Close())
	data := crashed(t, l)
	res, got := scanKeys(t, data)
	require.Equal(t, want, got)
	require.EqualValues(t, len(data), res.Good, "Close gives back what is reserved")
}

// The sectors of a torn write reach the disk in any order: the group before stays,
// and nothing is taken for damage.
func TestTornWriteIntoReservedSpace(t *testing.T) {
	l, err := Open(t.TempDir(), nil, Always, false, 0)
	require.NoError(t, err)
	defer l.Close()
	require.NoError(t, l.Commit(appendSet(l, "first")))
	before := crashed(t, l)
	good := int(l.seg.size)
	var unit uint64
	for range 3000 { // a group of several sectors
		unit = appendSet(l, "second")
	}
	require.NoError(t, l.Commit(unit))
	after := crashed(t, l)
	size := int(l.seg.size)
	for lost := good / 512 * 512; lost < size; lost += 512 {
		torn := bytes.Clone(after)
		copy(torn[lost:lost+512], before[lost:min(lost+512, len(before))])
		if bytes.Equal(torn, after) {
			continue
		}
		_, got := scanKeys(t, torn)
		require.Equal(t, []string{"first"}, got, "the sector at %d is the old one", lost)
	}
}

func TestReserveEndsWithThePolicy(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(dir, nil, Always, false, 0)
	require.NoError(t, err)
	defer l.Close()
	require.NoError(t, l.Commit(appendSet(l, "a")))
	require.Greater(t, len(crashed(t, l)), reserveSize)
	l.SetPolicy(Never)
	require.NoError(t, l.Commit(appendSet(l, "b")))
	data := crashed(t, l)
	res, got := scanKeys(t, data)
	require.Equal(t, []string{"a", "b"}, got)
	require.EqualValues(t, len(data), res.Good)
	l.SetPolicy(Always)
	require.NoError(t, l.Commit(appendSet(l, "c")))
	res, got = scanKeys(t, crashed(t, l))
	require.Equal(t, []string{"a", "b", "c"}, got)
	require.Positive(t, res.Reserved)

	// A rewriting ends the file: nothing is reserved in one that is not the last.
	r, err := l.Rewrite(false)
	require.NoError(t, err)
	r.Switch()
	require.NoError(t, l.Commit(appendSet(l, "d")))
	first, err := os.ReadFile(filepath.Join(dir, Name+".1.incr.aof"))
	require.NoError(t, err)
	res, _ = scanKeys(t, first)
	require.EqualValues(t, len(first), res.Good)
	r.Abort()
}

// What stands behind reserved space was not written by us: only Redis does that.
func TestWhatFollowsReservedSpace(t *testing.T) {
	body := []byte("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nv\r\n")
	group := appendAnnotation(bytes.Clone(body), len(body), checksum(body))
	file := append([]byte(header), group...)
	blanks := appendBlanks(nil, 100)
	redis := "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\nv\r\n"

	res, got := scanKeys(t, append(append(bytes.Clone(file), blanks...), redis...))
	require.Equal(t, []string{"a", "b"}, got)
	require.False(t, res.Checksummed)

	res, got = scanKeys(t, append(append(bytes.Clone(file), blanks...), make([]byte, 4096)...))
	require.Equal(t, []string{"a"}, got)
	require.EqualValues(t, len(file), res.Good)
	require.Zero(t, res.Reserved, "zeros behind it are a torn tail")

	_, err := Scan(append(append(bytes.Clone(file), blanks...), group...), player(func(int, [][]byte) error { return nil }))
	var damage *DamageError
	require.ErrorAs(t, err, &damage)
	require.EqualValues(t, len(file), damage.Offset)
}
