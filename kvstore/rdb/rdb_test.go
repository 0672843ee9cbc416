package rdb_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/kvstore/internal/crc64"
	"github.com/groundwork-go/groundwork/kvstore/internal/intset"
	"github.com/groundwork-go/groundwork/kvstore/internal/listpack"
	"github.com/groundwork-go/groundwork/kvstore/rdb"
)

func Example() {
	file, err := os.CreateTemp("", "dump.rdb")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.Remove(file.Name())
	defer file.Close()

	w := rdb.NewWriter(file, nil)
	w.Database(0, 1, 0)
	w.Key(rdb.Key{Name: []byte("greeting")})
	w.String([]byte("hello"))
	if err := w.Close(); err != nil {
		fmt.Println(err)
		return
	}

	if _, err := file.Seek(0, io.SeekStart); err != nil {
		fmt.Println(err)
		return
	}
	err = rdb.NewReader(file).Read(&printer{})
	fmt.Println(err)
	// Output:
	// database 0
	// greeting = hello
	// <nil>
}

// printer prints strings; of all else it wants to hear nothing.
type printer struct{ recorder }

func (printer) Database(n int) error { fmt.Println("database", n); return nil }
func (printer) String(k *rdb.Key, v []byte) error {
	fmt.Printf("%s = %s\n", k.Name, v)
	return nil
}

// recorder writes down what it is told. Packed forms are told by their elements.
type recorder struct {
	lines []string
	cur   string
}

func (r *recorder) add(format string, args ...any) error {
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
	return nil
}

func name(k *rdb.Key) string {
	s := fmt.Sprintf("%q", k.Name)
	if k.ExpireAt != 0 {
		s += fmt.Sprintf(" expires %d", k.ExpireAt)
	}
	if k.Idle != 0 {
		s += fmt.Sprintf(" idle %d", k.Idle-1)
	}
	if k.Freq != 0 {
		s += fmt.Sprintf(" freq %d", k.Freq)
	}
	return s
}

func texts(lp []byte) string {
	var b strings.Builder
	for _, v := range entries(lp) {
		fmt.Fprintf(&b, " %q", v)
	}
	return b.String()
}

func (r *recorder) Aux(n, v []byte) error             { return r.add("aux %q %q", n, v) }
func (r *recorder) Function(code []byte) error        { return r.add("function %q", code) }
func (r *recorder) Database(n int) error              { return r.add("database %d", n) }
func (r *recorder) Sizes(keys, expires int) error     { return r.add("sizes %d %d", keys, expires) }
func (r *recorder) String(k *rdb.Key, v []byte) error { return r.add("string %s: %q", name(k), v) }
func (r *recorder) SetPack(k *rdb.Key, lp []byte) error {
	return r.add("set %s:%s", name(k), texts(lp))
}
func (r *recorder) HashPack(k *rdb.Key, lp []byte) error {
	return r.add("hash %s:%s", name(k), texts(lp))
}
func (r *recorder) ZSetPack(k *rdb.Key, lp []byte) error {
	return r.add("zset %s:%s", name(k), texts(lp))
}
func (r *recorder) IntSet(k *rdb.Key, b []byte) error {
	s := "set " + name(k) + ":"
	for i := range intset.Len(b) {
		s += fmt.Sprintf(" %q", fmt.Sprint(intset.At(b, i)))
	}
	return r.add("%s", s)
}

func (r *recorder) List(k *rdb.Key, _ int) error { r.cur = "list " + name(k) + ":"; return nil }
func (r *recorder) Set(k *rdb.Key, _ int) error  { r.cur = "set " + name(k) + ":"; return nil }
func (r *recorder) Hash(k *rdb.Key, _ int) error { r.cur = "hash " + name(k) + ":"; return nil }
func (r *recorder) ZSet(k *rdb.Key, _ int) error { r.cur = "zset " + name(k) + ":"; return nil }
func (r *recorder) ListPack(lp []byte) error     { r.cur += texts(lp); return nil }
func (r *recorder) ListItem(v []byte) error      { r.cur += fmt.Sprintf(" %q", v); return nil }
func (r *recorder) Member(v []byte) error        { return r.ListItem(v) }
func (r *recorder) Pair(f, v []byte) error       { r.cur += fmt.Sprintf(" %q %q", f, v); return nil }
func (r *recorder) Score(m []byte, s float64) error {
	r.cur += fmt.Sprintf(" %q %q", m, fmt.Sprint(s))
	return nil
}
func (r *recorder) End() error { return r.add("%s", r.cur) }

var _ rdb.Handler = (*recorder)(nil)

func pack(vs ...string) []byte {
	lp := listpack.New(nil)
	for _, v := range vs {
		lp = listpack.Append(lp, []byte(v))
	}
	return lp
}

func ints(ns ...int64) []byte {
	s := intset.New(nil)
	for _, n := range ns {
		s, _ = intset.Add(s, n)
	}
	return s
}

// everything writes one of each, and returns what a recorder is then told.
func everything(w *rdb.Writer) []string {
	long := strings.Repeat("compress me ", 1000)
	noise := make([]byte, 300_000)
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	b := func(s string) []byte { return []byte(s) }
	w.Aux("redis-ver", "7.0.15")
	w.Aux("redis-bits", "64")
	w.Function(b("#!lua name=lib\n"))
	w.Database(0, 13, 1)
	want := []string{`aux "redis-ver" "7.0.15"`, `aux "redis-bits" "64"`, `function "#!lua name=lib\n"`, "database 0", "sizes 13 1"}
	for i, v := range []string{"", "x", "0", "-1", "127", "-128", "128", "-32768", "32768", "2147483647", "-2147483648",
		"2147483648", "-0", "007", "+1", "1.5", "12345678901234567890", strings.Repeat("a", 21), long, string(noise)} {
		k := fmt.Sprintf("string %d", i)
		w.Key(rdb.Key{Name: b(k)})
		w.String(b(v))
		want = append(want, fmt.Sprintf("string %q: %q", k, v))
	}
	w.Key(rdb.Key{Name: b("12"), ExpireAt: 1_900_000_000_123, Idle: 8, Freq: 5})
	w.String(b("v"))
	want = append(want, `string "12" expires 1900000000123 idle 7 freq 5: "v"`)
	w.Key(rdb.Key{Name: b("list")})
	w.List(3)
	w.ListPack(pack("a", "1", "-70000"))
	w.ListItem(b(long))
	w.ListPack(pack("z"))
	want = append(want, fmt.Sprintf(`list "list": "a" "1" "-70000" %q "z"`, long))
	w.Key(rdb.Key{Name: b("ints")})
	w.IntSet(ints(5, -1, 1<<40))
	want = append(want, `set "ints": "-1" "5" "1099511627776"`)
	w.Database(15, 5, 0)
	want = append(want, "database 15", "sizes 5 0")
	w.Key(rdb.Key{Name: b("set")})
	w.Set(2)
	w.Member(b("m"))
	w.Member(b("77"))
	want = append(want, `set "set": "m" "77"`)
	w.Key(rdb.Key{Name: b("hash")})
	w.Hash(1)
	w.Pair(b("field"), b(long))
	want = append(want, fmt.Sprintf(`hash "hash": "field" %q`, long))
	w.Key(rdb.Key{Name: b("small hash")})
	w.HashPack(pack("f", "1", "g", "2"))
	want = append(want, `hash "small hash": "f" "1" "g" "2"`)
	w.Key(rdb.Key{Name: b("zset")})
	w.ZSet(3)
	w.Score(b("hi"), math.Inf(1))
	w.Score(b("pi"), 3.25)
	w.Score(b("lo"), math.Inf(-1))
	want = append(want, `zset "zset": "hi" "+Inf" "pi" "3.25" "lo" "-Inf"`)
	w.Key(rdb.Key{Name: b("small zset")})
	w.ZSetPack(pack("a", "1.5", "b", "2"))
	return append(want, `zset "small zset": "a" "1.5" "b" "2"`)
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	for _, o := range []*rdb.WriterOptions{nil, {NoCompression: true}, {NoChecksum: true}} {
		var file bytes.Buffer
		w := rdb.NewWriter(&file, o)
		want := everything(w)
		require.NoError(t, w.Close())
		require.NoError(t, w.Close())
		require.EqualValues(t, file.Len(), w.Size())
		data := file.Bytes()
		for name, in := range map[string]io.Reader{
			"whole": bytes.NewReader(data), "halves": iotest.HalfReader(bytes.NewReader(data)), "bytes": iotest.OneByteReader(bytes.NewReader(data)),
			"log behind": io.MultiReader(bytes.NewReader(data), strings.NewReader("*1\r\n")),
		} {
			var got recorder
			r := rdb.NewReader(in)
			require.NoError(t, r.Read(&got), name)
			require.Equal(t, want, got.lines)
			require.Equal(t, rdb.Version, r.Version())
			require.EqualValues(t, len(data), r.Offset())
			if name == "log behind" {
				rest, err := io.ReadAll(io.MultiReader(bytes.NewReader(r.Rest()), in))
				require.NoError(t, err)
				require.Equal(t, "*1\r\n", string(rest))
			}
		}
	}
}

// Cut anywhere, a file is an error, and never more than what was written is told.
func TestTornFiles(t *testing.T) {
	var file bytes.Buffer
	w := rdb.NewWriter(&file, nil)
	want := everything(w)
	require.NoError(t, w.Close())
	data := file.Bytes()
	for n := 0; n < len(data); n += 1 + n/100 {
		var got recorder
		err := rdb.NewReader(bytes.NewReader(data[:n])).Read(&got)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		var e *rdb.Error
		require.ErrorAs(t, err, &e)
		require.LessOrEqual(t, e.Offset, int64(n))
		require.True(t, slices.Equal(want[:len(got.lines)], got.lines))
	}
}

func TestFlippedBytesAreFound(t *testing.T) {
	var file bytes.Buffer
	w := rdb.NewWriter(&file, nil)
	everything(w)
	require.NoError(t, w.Close())
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range 1000 {
		data := bytes.Clone(file.Bytes())
		data[rnd.IntN(len(data))] ^= byte(1 + rnd.IntN(255))
		require.Error(t, rdb.NewReader(bytes.NewReader(data)).Read(discard{}))
	}
}

func TestDumpAndRestore(t *testing.T) {
	w := rdb.NewDump(nil)
	for _, c := range []struct {
		write func()
		want  string
	}{
		{func() { w.String([]byte("hello")) }, `string "k" expires 5: "hello"`},
		{func() { w.String([]byte("10")) }, `string "k" expires 5: "10"`},
		{func() { w.IntSet(ints(1)) }, `set "k" expires 5: "1"`},
		{func() { w.Set(1); w.Member([]byte("m")) }, `set "k" expires 5: "m"`},
		{func() { w.List(1); w.ListPack(pack("a", "b")) }, `list "k" expires 5: "a" "b"`},
		{func() { w.ZSet(1); w.Score([]byte("m"), 1) }, `zset "k" expires 5: "m" "1"`},
		{func() { w.HashPack(pack("f", "v")) }, `hash "k" expires 5: "f" "v"`},
	} {
		c.write()
		payload := bytes.Clone(w.Dump())
		var got recorder
		k := rdb.Key{Name: []byte("k"), ExpireAt: 5}
		require.NoError(t, rdb.Restore(payload, k, &got))
		require.Equal(t, []string{c.want}, got.lines)
		for i := range payload {
			bad := bytes.Clone(payload)
			bad[i] ^= 0x10
			require.ErrorIs(t, rdb.Restore(bad, k, &got), rdb.ErrPayload)
			require.ErrorIs(t, rdb.Restore(payload[:i], k, &got), rdb.ErrPayload)
		}
	}
}

func TestErrorsOfTheOthers(t *testing.T) {
	boom := errors.New("boom")
	var file bytes.Buffer
	w := rdb.NewWriter(&file, nil)
	w.Database(0, 1, 0)
	w.Key(rdb.Key{Name: []byte("k")})
	w.String([]byte("v"))
	require.NoError(t, w.Close())
	err := rdb.NewReader(&file).Read(&failing{err: boom})
	require.ErrorIs(t, err, boom)
	require.EqualError(t, err, `rdb: offset 19, key "k": boom`)

	err = rdb.NewReader(io.MultiReader(strings.NewReader("REDIS0010"), iotest.ErrReader(boom))).Read(&recorder{})
	require.ErrorIs(t, err, boom)

	w = rdb.NewWriter(failingWriter{boom}, nil)
	everything(w)
	require.ErrorIs(t, w.Err(), boom)
	require.ErrorIs(t, w.Close(), boom)
}

type failing struct {
	recorder
	err error
}

func (f failing) String(*rdb.Key, []byte) error { return f.err }

type failingWriter struct{ err error }

func (f failingWriter) Write([]byte) (int, error) { return 0, f.err }

func TestCallsOutOfOrderPanic(t *testing.T) {
	k := rdb.Key{Name: []byte("k")}
	for name, f := range map[string]func(w *rdb.Writer){
		"value without key":  func(w *rdb.Writer) { w.String(nil) },
		"two keys":           func(w *rdb.Writer) { w.Key(k); w.Key(k) },
		"key at the end":     func(w *rdb.Writer) { w.Key(k); _ = w.Close() },
		"too few elements":   func(w *rdb.Writer) { w.Key(k); w.Set(2); w.Member(nil); w.Key(k) },
		"too many":           func(w *rdb.Writer) { w.Key(k); w.Set(1); w.Member(nil); w.Member(nil) },
		"of another kind":    func(w *rdb.Writer) { w.Key(k); w.Set(1); w.Pair(nil, nil) },
		"none":               func(w *rdb.Writer) { w.Key(k); w.Hash(0) },
		"NaN":                func(w *rdb.Writer) { w.Key(k); w.ZSet(1); w.Score(nil, math.NaN()) },
		"dump of a file":     func(w *rdb.Writer) { w.Dump() },
		"aux within a value": func(w *rdb.Writer) { w.Key(k); w.List(1); w.Aux("a", "b") },
	} {
		require.Panics(t, func() { f(rdb.NewWriter(io.Discard, nil)) }, name)
	}
	require.Panics(t, func() { rdb.NewDump(nil).Dump() })
	require.Panics(t, func() { rdb.NewDump(nil).Key(k) })
}

// header is a file's beginning, close its end without a checksum.
const header, closing = "REDIS0012", "\xff\x00\x00\x00\x00\x00\x00\x00\x00"

func TestBadFiles(t *testing.T) {
	for _, c := range []struct{ name, data, want string }{
		{"empty", "", "unexpected EOF"},
		{"another format", "GARBAGE--", "not an RDB file"},
		{"version of letters", "REDIS00x1", "not an RDB file"},
		{"version 0", "REDIS0000", "version 0 not supported"},
		{"version 13", "REDIS0013", "version 13 not supported"},
		{"opcode", header + "\xf0", "unknown opcode 240"},
		{"type", header + "\x08\x01k", "unknown type 8"},
		{"stream", header + "\x15\x01k", "streams are not supported"},
		{"module", header + "\x07\x01k", "values of modules are not supported"},
		{"expiring fields", header + "\x18\x01k", "hashes whose fields expire are not supported"},
		{"functions of a candidate", header + "\xf6\x01k", "functions of a release candidate of Redis 7.0 are not supported"},
		{"length", header + "\x00\x82", "bad length"},
		{"form", header + "\x00\xc4", "bad form of a string"},
		{"announced terabyte", header + "\x00\x01k\x81\x00\x00\x01\x00\x00\x00\x00\x00", "impossible length"},
		{"announced gigabyte", header + "\x00\x01k\x80\x40\x00\x00\x00abc", "unexpected EOF"},
		{"announced elements", header + "\x02\x01k\x81\x7f\x00\x00\x00\x00\x00\x00\x00", "impossible length"},
		{"LZF bomb", header + "\x00\x01k\xc3\x02\x80\x40\x00\x00\x00ab", "impossible length"},
		{"LZF junk", header + "\x00\x01k\xc3\x02\x04\xff\xff", "bad LZF data"},
		{"listpack", header + "\x10\x01k\x07\x07\x00\x00\x00\x01\x00\xff", "listpack"},
		{"odd hash", header + "\x10\x01k\x09" + string(pack("a")[:9]), ""},
		{"intset", header + "\x0b\x01k\x08\x03\x00\x00\x00\x00\x00\x00\x00", "intset"},
		{"kind of node", header + "\x12\x01k\x01\x03\x01a", "unknown kind 3 of a node"},
		{"score", header + "\x05\x01k\x01\x01m\x00\x00\x00\x00\x00\x00\xf8\x7f", "a score is not a number"},
		{"old score", header + "\x03\x01k\x01\x01m\xfd", "a score is not a number"},
		{"old score of letters", header + "\x03\x01k\x01\x01m\x01x", "a score is not a number"},
		{"ziplist", header + "\x0a\x01k\x01x", "bad ziplist"},
		{"zipmap", header + "\x09\x01k\x02\x01\x05", "bad zipmap"},
		{"opcode of a module", header + "\xf7\x01\x09", "unknown opcode 9 of a module"},
		{"database", header + "\xfe\x81\x00\x00\x00\x01\x00\x00\x00\x00", "impossible length"},
		{"checksum", header + "\xff\x01\x00\x00\x00\x00\x00\x00\x00", "the checksum is"},
	} {
		err := rdb.NewReader(strings.NewReader(c.data)).Read(&recorder{})
		var e *rdb.Error
		require.ErrorAs(t, err, &e, c.name)
		require.ErrorContains(t, err, c.want, c.name)
		if strings.Contains(c.want, "not supported") {
			require.ErrorIs(t, err, rdb.ErrUnsupported, c.name)
		}
	}
}

func TestWhatIsPassedOver(t *testing.T) {
	data := header +
		"\xf7\x05\x02\x02\x01\x07\x03abcd\x04abcdefgh\x05\x02hi\x00" + // of a module
		"\xf4\x01\x02\x03" + // slot
		"\x02\x01e\x00" + // an empty set
		"\x10\x01e\x07" + string(pack()) + // and hash
		"\x12\x01e\x01\x02\x07" + string(pack()) + // and list
		"\xf9\x07\xf8\x05\x00\x01k\x01v" + closing
	var got recorder
	r := rdb.NewReader(strings.NewReader(data))
	require.NoError(t, r.Read(&got))
	require.Equal(t, []string{`string "k" idle 5 freq 7: "v"`}, got.lines)
	require.Equal(t, 3, r.Skipped())
}

// ziplist builds the old packed form.
func ziplist(vs ...any) string {
	var body []byte
	prev, last := 0, 10
	for _, v := range vs {
		last = 10 + len(body)
		var e []byte
		if prev < 254 {
			e = append(e, byte(prev))
		} else {
			e = binary.LittleEndian.AppendUint32(append(e, 254), uint32(prev))
		}
		switch v := v.(type) {
		case string:
			switch {
			case len(v) < 64:
				e = append(e, byte(len(v)))
			case len(v) < 1<<14:
				e = append(e, 0x40|byte(len(v)>>8), byte(len(v)))
			default:
				e = binary.BigEndian.AppendUint32(append(e, 0x80), uint32(len(v)))
			}
			e = append(e, v...)
		case int:
			switch {
			case v >= 0 && v <= 12:
				e = append(e, 0xf1+byte(v))
			case v == int(int8(v)):
				e = append(e, 0xfe, byte(v))
			case v == int(int16(v)):
				e = binary.LittleEndian.AppendUint16(append(e, 0xc0), uint16(v))
			case v >= -1<<23 && v < 1<<23:
				e = append(e, 0xf0, byte(v), byte(v>>8), byte(v>>16))
			case v == int(int32(v)):
				e = binary.LittleEndian.AppendUint32(append(e, 0xd0), uint32(v))
			default:
				e = binary.LittleEndian.AppendUint64(append(e, 0xe0), uint64(v))
			}
		}
		prev = len(e)
		body = append(body, e...)
	}
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(body)+11))
	b = binary.LittleEndian.AppendUint32(b, uint32(last))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(vs)))
	return string(b) + string(body) + "\xff"
}

// str is a string with its length.
func str(s string) string {
	if len(s) < 64 {
		return string([]byte{byte(len(s))}) + s
	}
	return string(binary.BigEndian.AppendUint32([]byte{0x80}, uint32(len(s)))) + s
}

// oldValues are values as Redis wrote them once, and what a recorder is told.
var oldValues = []struct{ name, typ, body, want string }{
	{"list", "\x01", "\x03" + str("a") + str("b") + "\xc0\x05", `list "k": "a" "b" "5"`},
	{"set", "\x02", "\x02" + str("a") + "\xc1\x00\x01", `set "k": "a" "256"`},
	{"zset", "\x03", "\x04" + str("a") + "\x03" + "1.5" + str("b") + "\x02-2" + str("c") + "\xfe" + str("d") + "\xff", `zset "k": "a" "1.5" "b" "-2" "c" "+Inf" "d" "-Inf"`},
	{"hash", "\x04", "\x01" + str("f") + str("v"), `hash "k": "f" "v"`},
	{"zipmap", "\x09", str("\x02" + "\x01f\x02\x00vv" + "\x01g\x01\x03xyyy" + "\xff"), `hash "k": "f" "vv" "g" "x"`},
	{"long zipmap", "\x09", str("\x01" + "\x01f\xfe\x2c\x01\x00\x00\x00" + strings.Repeat("v", 300) + "\xff"), `hash "k": "f" "` + strings.Repeat("v", 300) + `"`},
	{"ziplist of a list", "\x0a", str(ziplist("a", 0, 12, 13, -1, -128, 128, -32768, 1<<20, -1<<23, 1<<30, 1<<40, -1<<62, strings.Repeat("b", 300), "c", strings.Repeat("d", 20000), "e")),
		`list "k": "a" "0" "12" "13" "-1" "-128" "128" "-32768" "1048576" "-8388608" "1073741824" "1099511627776" "-4611686018427387904" "` + strings.Repeat("b", 300) + `" "c" "` + strings.Repeat("d", 20000) + `" "e"`},
	{"ziplist of a zset", "\x0c", str(ziplist("a", "1.5", "b", 2)), `zset "k": "a" "1.5" "b" "2"`},
	{"ziplist of a hash", "\x0d", str(ziplist("f", 1, "g", "x")), `hash "k": "f" "1" "g" "x"`},
	{"quicklist of ziplists", "\x0e", "\x02" + str(ziplist("a", 1)) + str(ziplist("b")), `list "k": "a" "1" "b"`},
	{"set of a listpack", "\x14", str(string(pack("a", "5"))), `set "k": "a" "5"`},
}

func TestOldForms(t *testing.T) {
	for _, c := range oldValues {
		var got recorder
		data := header + "\xfd\x05\x00\x00\x00" + c.typ + "\x01k" + c.body + closing
		require.NoError(t, rdb.NewReader(strings.NewReader(data)).Read(&got), c.name)
		require.Equal(t, []string{strings.Replace(c.want, `"k"`, `"k" expires 5000`, 1)}, got.lines, c.name)
		// No version before 5 has a checksum.
		data = "REDIS0004" + c.typ + "\x01k" + c.body + "\xff"
		require.NoError(t, rdb.NewReader(strings.NewReader(data)).Read(&recorder{}), c.name)
	}
}

func TestAKeyCostsNoAllocation(t *testing.T) {
	value := bytes.Repeat([]byte("v"), 32)
	members := func(w *rdb.Writer, i int) {
		w.Key(rdb.Key{Name: fmt.Appendf(nil, "key:%d", i)})
		switch i % 4 {
		case 0:
			w.String(value)
		case 1:
			w.Hash(2)
			w.Pair(value, value[:10])
			w.Pair(value[:5], value)
		case 2:
			w.List(1)
			w.ListItem(value)
		case 3:
			w.ZSet(1)
			w.Score(value, 3)
		}
	}
	var file bytes.Buffer
	w := rdb.NewWriter(&file, nil)
	for i := range 10_000 {
		members(w, i)
	}
	require.NoError(t, w.Close())
	allocs := testing.AllocsPerRun(3, func() {
		require.NoError(t, rdb.NewReader(bytes.NewReader(file.Bytes())).Read(discard{}))
	})
	require.Less(t, allocs, 100.0)
}

// discard is a handler that does nothing.
type discard struct{}

func (discard) Aux(_, _ []byte) error           { return nil }
func (discard) Function([]byte) error           { return nil }
func (discard) Database(int) error              { return nil }
func (discard) Sizes(_, _ int) error            { return nil }
func (discard) String(*rdb.Key, []byte) error   { return nil }
func (discard) IntSet(*rdb.Key, []byte) error   { return nil }
func (discard) SetPack(*rdb.Key, []byte) error  { return nil }
func (discard) HashPack(*rdb.Key, []byte) error { return nil }
func (discard) ZSetPack(*rdb.Key, []byte) error { return nil }
func (discard) List(*rdb.Key, int) error        { return nil }
func (discard) ListPack([]byte) error           { return nil }
func (discard) ListItem([]byte) error           { return nil }
func (discard) Set(*rdb.Key, int) error         { return nil }
func (discard) Member([]byte) error             { return nil }
func (discard) Hash(*rdb.Key, int) error        { return nil }
func (discard) Pair(_, _ []byte) error          { return nil }
func (discard) ZSet(*rdb.Key, int) error        { return nil }
func (discard) Score([]byte, float64) error     { return nil }
func (discard) End() error                      { return nil }

func FuzzReader(f *testing.F) {
	var file bytes.Buffer
	w := rdb.NewWriter(&file, &rdb.WriterOptions{NoChecksum: true})
	w.Database(0, 2, 1)
	w.Key(rdb.Key{Name: []byte("k"), ExpireAt: 1})
	w.String(bytes.Repeat([]byte("ab"), 50))
	w.Key(rdb.Key{Name: []byte("l")})
	w.List(1)
	w.ListPack(pack("a", "1"))
	if err := w.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	for _, c := range oldValues {
		f.Add([]byte(header + c.typ + "\x01k" + c.body + closing))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var got recorder
		err := rdb.NewReader(bytes.NewReader(data)).Read(&got)
		var e *rdb.Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%T: %v", err, err)
		}
	})
}

func FuzzRestore(f *testing.F) {
	for _, c := range oldValues {
		f.Add([]byte(c.typ + c.body))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		payload := append(bytes.Clone(value), rdb.Version, 0)
		payload = binary.LittleEndian.AppendUint64(payload, crc64.New().Update(0, payload))
		var got recorder
		err := rdb.Restore(payload, rdb.Key{Name: []byte("k")}, &got)
		var e *rdb.Error
		if err != nil && !errors.As(err, &e) && !errors.Is(err, rdb.ErrPayload) {
			t.Fatalf("%T: %v", err, err)
		}
		if err == nil && len(got.lines) != 1 {
			t.Fatalf("told %q", got.lines)
		}
	})
}

// entries returns the entries of a listpack as text.
func entries(lp []byte) [][]byte {
	var list [][]byte
	rest := listpack.Entries(lp)
	for len(rest) > 0 {
		list = append(list, bytes.Clone(listpack.Text(rest, nil)))
		rest = rest[listpack.Skip(rest):]
	}
	return list
}
