package odb_test

import (
	"bytes"
	"crypto/sha1"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/gogit/odb"
)

// pack returns a pack of three blobs and their names.
func pack(t testing.TB) ([]byte, []odb.OID) {
	t.Helper()
	s, err := odb.Open(t.TempDir())
	require.NoError(t, err)
	defer s.Close()
	var ids []odb.OID
	for _, text := range []string{"one", "two", string(bytes.Repeat([]byte("three "), 1000))} {
		id, err := s.Write(odb.Blob, []byte(text))
		require.NoError(t, err)
		ids = append(ids, id)
	}
	var b bytes.Buffer
	require.NoError(t, s.WritePack(t.Context(), &b, ids))
	return b.Bytes(), ids
}

func TestPackRoundTrip(t *testing.T) {
	data, ids := pack(t)
	s, err := odb.Open(t.TempDir())
	require.NoError(t, err)
	defer s.Close()
	q, err := s.Quarantine()
	require.NoError(t, err)
	n, err := q.ReceivePack(t.Context(), bytes.NewReader(data))
	require.NoError(t, err)
	require.Equal(t, 3, n)
	require.True(t, q.Has(ids[0]))
	require.False(t, s.Has(ids[0]))
	require.NoError(t, q.Accept())
	for _, id := range ids {
		typ, content, err := s.Read(id)
		require.NoError(t, err)
		require.Equal(t, id, odb.Hash(typ, content))
	}
	found, err := s.FindPrefix(ids[1].String()[:10])
	require.NoError(t, err)
	require.Equal(t, []odb.OID{ids[1]}, found)
	_, _, err = s.Read(odb.Hash(odb.Blob, []byte("absent")))
	require.ErrorIs(t, err, odb.ErrNotFound)
}

func TestDamagedPacksAreRefused(t *testing.T) {
	data, _ := pack(t)
	seal := func(b []byte) []byte { // with a right checksum, so that what is inside is looked at
		sum := sha1.Sum(b)
		return append(b, sum[:]...)
	}
	body := func() []byte { return bytes.Clone(data[:len(data)-20]) }
	flip := body()
	flip[20] ^= 0xff
	count := body()
	count[11] = 9
	lying := seal(append([]byte("PACK\x00\x00\x00\x02\x00\x00\x00\x01"), 0xbf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f))
	delta := seal(append([]byte("PACK\x00\x00\x00\x02\x00\x00\x00\x01\x60\x01"), 0x78, 0x9c, 3, 0, 0, 0, 0, 1))
	for name, b := range map[string][]byte{
		"empty": nil, "cut": data[:len(data)-5], "flipped": flip, "flipped and sealed": seal(flip), "wrong count": seal(count),
		"size lies": lying, "delta without base": delta, "version": seal([]byte("PACK\x00\x00\x00\x09\x00\x00\x00\x00")), "junk": []byte("junk"),
		"data behind": seal(append(body(), 1, 2, 3)),
	} {
		s, err := odb.Open(t.TempDir())
		require.NoError(t, err)
		_, err = s.ReceivePack(t.Context(), bytes.NewReader(b))
		var ce *odb.CorruptError
		require.ErrorAs(t, err, &ce, name)
		require.NoError(t, s.Close())
	}
}

func TestDamagedLooseObjects(t *testing.T) {
	dir := t.TempDir()
	s, err := odb.Open(dir)
	require.NoError(t, err)
	defer s.Close()
	id, err := s.Write(odb.Blob, []byte("content"))
	require.NoError(t, err)
	path := filepath.Join(dir, id.String()[:2], id.String()[2:])
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	other, err := s.Write(odb.Blob, []byte("other"))
	require.NoError(t, err)
	swapped, err := os.ReadFile(filepath.Join(dir, other.String()[:2], other.String()[2:]))
	require.NoError(t, err)
	require.NoError(t, os.Remove(path))
	for _, b := range [][]byte{nil, data[:5], append(bytes.Clone(data[:10]), 0xff, 0xff), swapped} {
		require.NoError(t, os.WriteFile(path, b, 0o644))
		_, _, err := s.Read(id)
		var ce *odb.CorruptError
		require.ErrorAs(t, err, &ce)
		require.Equal(t, path, ce.File)
	}
}

func FuzzReceivePack(f *testing.F) {
	data, _ := pack(f)
	f.Add(data[:len(data)-20])
	f.Add([]byte("PACK\x00\x00\x00\x02\x00\x00\x00\x01\x60\x01\x78\x9c\x03\x00\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := odb.Open(t.TempDir())
		require.NoError(t, err)
		defer s.Close()
		sum := sha1.Sum(body)
		_, err = s.ReceivePack(t.Context(), bytes.NewReader(append(bytes.Clone(body), sum[:]...)))
		var ce *odb.CorruptError
		require.True(t, err == nil || errors.As(err, &ce), "%v", err)
	})
}

func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	store, err := odb.Open(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	id, err := store.Write(odb.Blob, []byte("hello\n"))
	fmt.Println(id, err)
	kind, data, err := store.Read(id)
	fmt.Printf("%v %q %v\n", kind, data, err)
	// Output:
	// ce013625030ba8dba906f756967f9e9ca394464a <nil>
	// blob "hello\n" <nil>
}
