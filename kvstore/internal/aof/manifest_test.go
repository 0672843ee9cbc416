package aof

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadManifest(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []File
		bad        bool
	}{
		{name: "empty", bad: true},
		{name: "two bases", text: "file a seq 1 type b\nfile b seq 2 type b\n", bad: true},
		{name: "numbers that fall", text: "file a seq 2 type i\nfile b seq 1 type i\n", bad: true},
		{name: "a number twice", text: "file a seq 2 type i\nfile b seq 2 type i\n", bad: true},
		{name: "numbers with a gap", text: "file a seq 2 type i\nfile b seq 9 type i\n", want: []File{{"a", 2, 'i'}, {"b", 9, 'i'}}},
		{name: "Redis's", text: "file a.1.base.rdb seq 1 type b\nfile a.1.incr.aof seq 1 type i\n", want: []File{{"a.1.base.rdb", 1, 'b'}, {"a.1.incr.aof", 1, 'i'}}},
		{name: "comments", text: "# one\n\n file a seq 12 type h \n", want: []File{{"a", 12, 'h'}}},
		{name: "a name in quotes", text: `file "a b\x41" seq 1 type i`, bad: true}, // the name has a space, which Fields cuts at
		{name: "quotes", text: `file "a\x41" seq 1 type i`, want: []File{{"aA", 1, 'i'}}},
		{name: "further words", text: "file a seq 1 type i new thing\n", want: []File{{"a", 1, 'i'}}},
		{name: "too few words", text: "file a seq 1\n", bad: true},
		{name: "no number", text: "file a seq x type i\n", bad: true},
		{name: "no type", text: "file a seq 1 type x\n", bad: true},
		{name: "another folder", text: "file ../a seq 1 type i\n", bad: true},
		{name: "hidden", text: "file .a seq 1 type i\n", bad: true},
		{name: "no name", text: `file "" seq 1 type i` + "\n", bad: true},
		{name: "a wrong checksum", text: "file a seq 1 type i\n#CRC32C:20:00000000\n", bad: true},
		{name: "half a checksum", text: "file a seq 1 type i\n#CRC32C:20\n", bad: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(manifestName(dir), []byte(c.text), 0o600))
			m, err := ReadManifest(dir)
			if c.bad {
				require.ErrorIs(t, err, ErrManifest)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, m.Files)
		})
	}
	_, err := ReadManifest(t.TempDir())
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestManifestDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m := &Manifest{Files: []File{{"a.1.base.aof", 1, 'b'}, {"a.7.incr.aof", 7, 'i'}, {"a.8.incr.aof", 8, 'i'}}}
	require.NoError(t, m.Write(dir))
	got, err := ReadManifest(dir)
	require.NoError(t, err)
	require.Equal(t, m, got)
	require.EqualValues(t, 8, m.last("ih"))
	require.EqualValues(t, 1, m.last("b"))
	left, err := filepath.Glob(filepath.Join(dir, "temp-*"))
	require.NoError(t, err)
	require.Empty(t, left)

	data, err := os.ReadFile(manifestName(dir))
	require.NoError(t, err)
	for at := range data {
		for bit := range 8 {
			damaged := append([]byte(nil), data...)
			damaged[at] ^= 1 << bit
			require.NoError(t, os.WriteFile(manifestName(dir), damaged, 0o600))
			got, err := ReadManifest(dir)
			if err == nil { // the checksum's own line is a comment now, as in a manifest of Redis
				require.Equal(t, m.Files, got.Files, "bit %d of byte %d", bit, at)
			} else {
				require.ErrorIs(t, err, ErrManifest)
			}
		}
	}
	_, err = os.Stat(filepath.Join(dir, "nosuch"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorIs(t, (&Manifest{}).Write(filepath.Join(dir, "nosuch")), os.ErrNotExist)
}
