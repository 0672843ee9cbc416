package resp_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/kvstore/resp"
)

func TestReadCommand(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
		err  string
	}{
		{"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", []string{"GET", "k"}, ""},
		{"*0\r\n*-1\r\n\r\nPING\r\n", []string{"PING"}, ""},
		{"*1\r\n$0\r\n\r\n", []string{""}, ""},
		{"SET k \"a b\\x41\\n\" 'it\\'s'\n", []string{"SET", "k", "a bA\n", "it's"}, ""},
		{"*1000000000\r\n", nil, "Protocol error: invalid multibulk length"},
		{"*x\r\n", nil, "Protocol error: invalid multibulk length"},
		{"*1\r\n$-5\r\n", nil, "Protocol error: invalid bulk length"},
		{"*1\r\n$999999999999\r\n", nil, "Protocol error: invalid bulk length"},
		{"*1\r\n:1\r\n", nil, "Protocol error: expected '$', got ':'"},
		{"*1\r\n$1\r\nabc\r\n", nil, "Protocol error: expected CRLF after bulk"},
		{"GET \"k\n", nil, "Protocol error: unbalanced quotes in request"},
		{"GET \"k\"x\n", nil, "Protocol error: unbalanced quotes in request"},
		{strings.Repeat("x", 70_000), nil, "Protocol error: too big inline request"},
		{"*" + strings.Repeat("1", 20_000), nil, "Protocol error: invalid multibulk length"},
		{"", nil, "EOF"},
		{"*1\r\n", nil, "unexpected EOF"},
		{"*1\r\n$536870912\r\nabc", nil, "unexpected EOF"},
		{"GET", nil, "unexpected EOF"},
	} {
		args, err := resp.NewReader(strings.NewReader(c.in), nil).ReadCommand()
		if c.err != "" {
			require.EqualError(t, err, c.err, "%q", c.in)
			continue
		}
		require.NoError(t, err, "%q", c.in)
		require.Equal(t, strings.Join(c.want, "|"), string(bytes.Join(args, []byte("|"))))
	}
}

func TestVersions(t *testing.T) {
	for _, c := range []struct{ v2, v3 string }{
		{string(resp.AppendNil(nil, 2)), string(resp.AppendNil(nil, 3))},
		{string(resp.AppendMap(nil, 1, 2)), string(resp.AppendMap(nil, 1, 3))},
		{string(resp.AppendDouble(nil, 1.5, 2)), string(resp.AppendDouble(nil, 1.5, 3))},
	} {
		require.NotEqual(t, c.v2, c.v3)
	}
	require.Equal(t, "*2\r\n", string(resp.AppendMap(nil, 1, 2)))
	require.Equal(t, ",1.5\r\n", string(resp.AppendDouble(nil, 1.5, 3)))
	require.Equal(t, "-ERR a  b\r\n", string(resp.AppendError(nil, "ERR a\r\nb")))
}

func FuzzReadCommand(f *testing.F) {
	for _, s := range []string{"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", "PING\r\n", "*1\r\n$-1\r\n", "\"", "*3\r\n$1\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r := resp.NewReader(bytes.NewReader(in), nil)
		for {
			args, err := r.ReadCommand()
			if err != nil {
				var pe *resp.ProtocolError
				require.True(t, errors.As(err, &pe) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF))
				return
			}
			again, err := resp.NewReader(bytes.NewReader(resp.AppendCommand(nil, args...)), nil).ReadCommand()
			require.NoError(t, err)
			require.Equal(t, args, again)
		}
	})
}

func Example() {
	wire := resp.AppendCommand(nil, "SET", "k", "v")
	fmt.Printf("%q\n", wire)
	args, err := resp.NewReader(bytes.NewReader(wire), nil).ReadCommand()
	fmt.Printf("%q %v\n", args, err)
	// Output:
	// "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"
	// ["SET" "k" "v"] <nil>
}
