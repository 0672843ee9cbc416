package resp_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/kvstore/resp"
)

func ExampleParser() {
	var p resp.Parser
	buf := []byte("*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING\r\n*1\r\n$4\r\nQU")
	for {
		args, n, err := p.Next(buf)
		buf = buf[n:]
		if err != nil || args == nil {
			fmt.Printf("%v, %d bytes of the next one\n", err, len(buf))
			return
		}
		fmt.Printf("%q\n", args)
	}
	// Output:
	// ["GET" "k"]
	// ["PING"]
	// <nil>, 10 bytes of the next one
}

// parse gives a parser the input in pieces, whose lengths piece tells, and returns
// all commands.
func parse(p *resp.Parser, in []byte, piece func() int) (cmds [][]string, rest []byte, err error) {
	var buf []byte
	for {
		args, n, err := p.Next(buf)
		if args != nil {
			cmd := []string{}
			for _, a := range args {
				cmd = append(cmd, string(a))
			}
			cmds = append(cmds, cmd)
		}
		// The buffer moves, and what it was is overwritten.
		moved := append(make([]byte, 0, len(buf)+100), buf[n:]...)
		clear(buf)
		buf = moved
		if err != nil || args == nil && len(in) == 0 {
			return cmds, buf, err
		}
		if args == nil {
			n := min(piece(), len(in))
			buf = append(buf, in[:n]...)
			in = in[n:]
		}
	}
}

func TestParser(t *testing.T) {
	long := strings.Repeat("x", 70_000)
	for _, c := range []struct {
		in   string
		want [][]string
		rest string
		err  string
	}{
		{in: ""},
		{in: "*1\r\n$4\r\nPING\r\n", want: [][]string{{"PING"}}},
		{in: "*0\r\n*-5\r\n\r\n \r\n*1\r\n$4\r\nPING\r\n", want: [][]string{{"PING"}}},
		{in: "*1\r\n$0\r\n\r\n", want: [][]string{{""}}},
		{in: "*1\r\n$4\r\nPINGxx*1\r\n$2\r\nab\r\n", want: [][]string{{"PING"}, {"ab"}}},
		{in: "*2\r\n$3\r\nGET\r\n$3\r\na\r\n\r\nGET b\n", want: [][]string{{"GET", "a\r\n"}, {"GET", "b"}}},
		{in: "PING\nSET a \"b\\x41\\n\"\r\n\"\" a\r\n", want: [][]string{{"PING"}, {"SET", "a", "bA\n"}, {"", "a"}}},
		{in: "*1000000000\r\n$1\r\na\r\n", rest: "*1000000000\r\n$1\r\na\r\n"},
		{in: "*1\nPING\n", rest: "*1\nPING\n"},
		{in: "*2147483648\r\n", err: "invalid multibulk length"},
		{in: "*x\r\n", err: "invalid multibulk length"},
		{in: "*01\r\n", err: "invalid multibulk length"},
		{in: "*-0\r\n", err: "invalid multibulk length"},
		{in: "*\r\n", err: "invalid multibulk length"},
		{in: "*99999999999999999999999\r\n", err: "invalid multibulk length"},
		{in: "PING\r\n*1\r\n$-5\r\n", want: [][]string{{"PING"}}, err: "invalid bulk length"},
		{in: "*1\r\n$600000000\r\n", err: "invalid bulk length"},
		{in: "*1\r\n$4\nPING\r\n", err: "invalid bulk length"},
		{in: "*1\r\n!5\r\n", err: "expected '$', got '!'"},
		{in: "*1\r\n\r\n", err: "expected '$', got ' '"},
		{in: "*2\r\n$3\r\nGET\r\n:1\r\n", err: "expected '$', got ':'"},
		{in: "GET 'a\r\n", err: "unbalanced quotes in request"},
		{in: long, err: "too big inline request"},
		{in: "*" + long, err: "too big mbulk count string"},
		{in: "*1\r\n$" + long, err: "too big bulk count string"},
		{in: "*1\r\n" + long, err: "too big bulk count string"},
		{in: "*2\r\n$70000\r\n" + long + "\r\n$1\r\na\r\n", want: [][]string{{long, "a"}}},
	} {
		for name, piece := range map[string]func() int{
			"whole": func() int { return len(c.in) }, "bytes": func() int { return 1 + len(c.in)/2000 }, "random": func() int { return 1 + rand.IntN(10+len(c.in)/200) },
		} {
			cmds, rest, err := parse(&resp.Parser{}, []byte(c.in), piece)
			about := fmt.Sprintf("%s, %.40q", name, c.in)
			require.Equal(t, c.want, cmds, about)
			if c.err != "" {
				require.EqualError(t, err, "Protocol error: "+c.err, about)
				continue
			}
			require.NoError(t, err, about)
			require.Equal(t, c.rest, string(rest), about)
		}
	}
}

func TestParserLimits(t *testing.T) {
	p := resp.Parser{MaxBulk: 5}
	_, _, err := p.Next([]byte("*1\r\n$6\r\n"))
	require.EqualError(t, err, "Protocol error: invalid bulk length")
	p = resp.Parser{Restricted: true}
	_, _, err = p.Next([]byte("*11\r\n"))
	require.EqualError(t, err, "Protocol error: unauthenticated multibulk length")
	p = resp.Parser{Restricted: true}
	_, _, err = p.Next([]byte("*1\r\n$16385\r\n"))
	require.EqualError(t, err, "Protocol error: unauthenticated bulk length")
	p = resp.Parser{}
	_, _, err = p.Next([]byte("*1\r\n$1000\r\nabc"))
	require.NoError(t, err)
	require.Equal(t, 11+1000+2, p.Need())
}

func TestParserDoesNotAllocate(t *testing.T) {
	in := bytes.Repeat([]byte("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nvalue\r\n"), 100)
	var p resp.Parser
	require.Zero(t, testing.AllocsPerRun(10, func() {
		for buf := in; len(buf) > 0; {
			args, n, err := p.Next(buf)
			if len(args) != 3 || err != nil {
				t.Fatal(args, err)
			}
			buf = buf[n:]
		}
	}))
}

// However the input comes, the commands are the same.
func FuzzParser(f *testing.F) {
	f.Add([]byte("*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING 'a'\r\n*0\r\n"), uint64(1))
	f.Add([]byte("*1000000000\r\n$5\r\nhello\r\n$-1\r\n"), uint64(2))
	f.Add([]byte("\"\\x4\" \\ 'b\\''\r\n*-1\r\n$"), uint64(3))
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		whole, rest, err := parse(&resp.Parser{}, in, func() int { return len(in) })
		rnd := rand.New(rand.NewPCG(seed, 0))
		pieces, rest2, err2 := parse(&resp.Parser{}, in, func() int { return 1 + rnd.IntN(7) })
		require.Equal(t, whole, pieces)
		require.Equal(t, err, err2)
		if err == nil {
			require.Equal(t, string(rest), string(rest2))
		}
		var pe *resp.ProtocolError
		require.True(t, err == nil || errors.As(err, &pe))
	})
}

func BenchmarkParser(b *testing.B) {
	in := bytes.Repeat([]byte("*3\r\n$3\r\nSET\r\n$16\r\nkey:000000012345\r\n$32\r\n01234567890123456789012345678901\r\n"), 1000)
	var p resp.Parser
	b.ReportAllocs()
	for b.Loop() {
		for buf := in; len(buf) > 0; {
			_, n, _ := p.Next(buf)
			buf = buf[n:]
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/command")
}
