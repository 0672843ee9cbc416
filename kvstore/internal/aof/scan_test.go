package aof

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// cmd returns a command as it is in the log.
func cmd(args ...string) []byte {
	b := fmt.Appendf(nil, "*%d\r\n", len(args))
	for _, a := range args {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(a), a)
	}
	return b
}

// player is the Play of a Player.
type player func(at int, args [][]byte) error

func (player) Ahead([][][]byte) {}

func (p player) Play(at int, args [][]byte) error { return p(at, args) }

// A recorder is a Player that keeps what it is to play.
type recorder struct {
	size  int
	last  int
	ahead []string // announced, and not played yet
	list  []string
}

func (r *recorder) Ahead(commands [][][]byte) {
	for _, args := range commands {
		r.ahead = append(r.ahead, string(bytes.Join(args, []byte(" "))))
	}
}

func (r *recorder) Play(at int, args [][]byte) error {
	if at < r.last || at > r.size {
		return fmt.Errorf("at %d after %d of %d", at, r.last, r.size)
	}
	r.last = at
	line := string(bytes.Join(args, []byte(" ")))
	if len(r.ahead) > 0 { // not of lines of text
		if r.ahead[0] != line {
			return fmt.Errorf("%q was announced, %q comes", r.ahead[0], line)
		}
		r.ahead = r.ahead[1:]
	}
	r.list = append(r.list, line)
	return nil
}

// scan returns the commands of a file.
func scan(data []byte) (list []string, res Result, err error) {
	r := &recorder{size: len(data)}
	if res, err = Scan(data, r); len(r.ahead) > 0 {
		err = fmt.Errorf("%q were announced and did not come", r.ahead)
	}
	return r.list, res, err
}

// sample writes a log of several groups and returns its only file, where its groups end,
// and how many commands there are up to each end.
func sample(t *testing.T) (data []byte, ends, counts []int) {
	t.Helper()
	dir := t.TempDir()
	l, err := Open(dir, nil, Always, false, 0)
	require.NoError(t, err)
	path := filepath.Join(dir, Name+".1.incr.aof")
	note := func() {
		var err error
		data, err = os.ReadFile(path)
		require.NoError(t, err)
		list, res, err := scan(data)
		require.NoError(t, err)
		require.EqualValues(t, len(data), res.Good+res.Reserved)
		data = data[:res.Good]
		ends = append(ends, len(data))
		counts = append(counts, len(list))
	}
	note()
	for i, unit := range []struct {
		db       int
		commands []byte
		n        int
	}{
		{0, cmd("SET", "a", "1"), 1},
		{0, append(cmd("SET", "b", "\r\n#CRC32C:7:00000000\n"), cmd("DEL", "a")...), 2},
		{3, cmd("RPUSH", "l", "", "x"), 1},
		{3, bytes.Repeat(cmd("INCR", "n"), 5), 5},
		{0, cmd("SET", "end", string(make([]byte, 30))), 1},
	} {
		require.EqualValues(t, i+1, l.Append(unit.db, unit.commands, unit.n))
		require.NoError(t, l.Commit(uint64(i+1)))
		note()
	}
	require.NoError(t, l.Close())
	return data, ends, counts
}

func TestTornTailAtEveryByte(t *testing.T) {
	t.Parallel()
	data, ends, counts := sample(t)
	all, _, err := scan(data)
	require.NoError(t, err)
	for cut := range len(data) + 1 {
		list, res, err := scan(data[:cut])
		require.NoError(t, err, "cut at %d", cut)
		good, n := 0, 0
		for i, end := range ends {
			if end <= cut {
				good, n = end, counts[i]
			}
		}
		require.EqualValues(t, good, res.Good, "cut at %d", cut)
		require.Equal(t, all[:n], append([]string{}, list...), "cut at %d", cut)
	}
	for name, tail := range map[string][]byte{
		"zeros":         make([]byte, 64<<10),
		"a beginning":   []byte("*2\r\n$3\r\nGE"),
		"an annotation": []byte("#CRC32C:12"),
		"a wrong one":   []byte("#CRC32C:12:00000000\n"),
		"rubbish":       {1, 2, 3},
	} {
		list, res, err := scan(append(bytes.Clone(data), tail...))
		require.NoError(t, err, name)
		require.EqualValues(t, len(data), res.Good, name)
		require.Equal(t, all, list, name)
	}
}

func TestEveryFlippedBit(t *testing.T) {
	t.Parallel()
	data, ends, _ := sample(t)
	all, _, err := scan(data)
	require.NoError(t, err)
	lastGroup := ends[len(ends)-2]
	data = appendBlanks(data, 20) // what is reserved may be damaged too
	for at := range data {
		for bit := range 8 {
			damaged := bytes.Clone(data)
			damaged[at] ^= 1 << bit
			list, _, err := scan(damaged)
			what := fmt.Sprintf("bit %d of byte %d", bit, at)
			require.LessOrEqual(t, len(list), len(all), what)
			require.Equal(t, all[:len(list)], append([]string{}, list...), "%s: no value that was not written", what)
			var de *DamageError
			if errors.As(err, &de) {
				require.LessOrEqual(t, de.Offset, int64(at), what)
				continue
			}
			require.NoError(t, err, what)
			if len(list) < len(all) {
				require.GreaterOrEqual(t, at, lastGroup, "%s: only the last group may be taken for a torn tail", what)
			}
		}
	}
}

func TestForms(t *testing.T) {
	set := string(cmd("SET", "k", "v"))
	multi, exec := string(cmd("MULTI")), string(cmd("EXEC"))
	for _, c := range []struct {
		name, data string
		want       []string
		good       int
		damage     bool
	}{
		{name: "empty"},
		{"Redis's", set + set, []string{"SET k v", "SET k v"}, 2 * len(set), false},
		{"Redis's with a comment", "#TS:1700000000\r\n" + set, []string{"SET k v"}, 16 + len(set), false},
		{"Redis's, torn", set + set[:9], []string{"SET k v"}, len(set), false},
		{"Redis's, torn in a transaction", set + multi + set, []string{"SET k v"}, len(set), false},
		{"Redis's transaction", multi + set + exec, []string{"MULTI", "SET k v", "EXEC"}, len(multi + set + exec), false},
		{"Redis's, bad in the middle", set + "rubbish\r\n" + set, []string{"SET k v"}, len(set), true},
		{"Redis's, zeros at its end", set + string(make([]byte, 4096)), []string{"SET k v"}, len(set), false},
		{"Redis's, too many zeros", set + string(make([]byte, 64<<10+1)), []string{"SET k v"}, len(set), true},
		{"lines", "SET k v w\nDEL k\n", []string{"SET k v w", "DEL k"}, 16, false},
		{"lines, the last one cut", "SET k v\nDEL", []string{"SET k v"}, 8, false},
		{"lines, a wrong one", "SET k v\nGET k\nSET k w\n", []string{"SET k v"}, 8, true},
		{"no log", "hello", nil, 0, false},
		{"no log, long", string(bytes.Repeat([]byte("hello"), 20_000)), nil, 0, true},
		{"the beginning of a huge command", "*99999999999\r\n$3\r\nSET\r\n", nil, 0, false},
		{"a huge command that does not go on", "*99999999999\r\n$3\r\nSET\r\n" + set, nil, 0, true},
		{"a negative length", "*1\r\n$-3\r\nSET\r\n" + set, nil, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, res, err := scan([]byte(c.data))
			require.Equal(t, c.want, list)
			require.EqualValues(t, c.good, res.Good)
			require.Equal(t, c.damage, err != nil, "%v", err)
			require.False(t, res.Checksummed)
		})
	}
}

// TestGoneOnByRedis has plain commands behind groups with checksums.
func TestGoneOnByRedis(t *testing.T) {
	data, _, _ := sample(t)
	all, _, _ := scan(data)
	theirs := append(cmd("SELECT", "0"), cmd("SET", "x", "y")...)
	list, res, err := scan(append(bytes.Clone(data), theirs...))
	require.NoError(t, err)
	require.Equal(t, append(all, "SELECT 0", "SET x y"), list)
	require.EqualValues(t, len(data)+len(theirs), res.Good)
	require.False(t, res.Checksummed)
}

func TestScanStopsAtAnError(t *testing.T) {
	data, _, _ := sample(t)
	mine := errors.New("mine")
	n := 0
	_, err := Scan(data, player(func(int, [][]byte) error {
		if n++; n == 3 {
			return mine
		}
		return nil
	}))
	require.ErrorIs(t, err, mine)
	require.Equal(t, 3, n)
}

func TestAnnotation(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		n, sum := r.IntN(1<<30), r.Uint32()
		line := appendAnnotation([]byte("before"), n, sum)
		length, s, end, ok := annotation(line, len("before"))
		require.True(t, ok)
		require.Equal(t, n, length)
		require.Equal(t, sum, s)
		require.Equal(t, len(line), end)
	}
	for _, bad := range []string{"#CRC32C:", "#CRC32C:1:00000000", "#CRC32C:-1:00000000\n", "#CRC32C:x:00000000\n", "#CRC32C:1:0000000\n", "#CRC32C:1:0000000g\n", "#CRC32C:1\n"} {
		_, _, _, ok := annotation([]byte(bad), 0)
		require.False(t, ok, bad)
	}
}
