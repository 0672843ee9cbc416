package kvstore_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the comparison with a real Redis has found, for those who have none.
func TestAsRedisDoes(t *testing.T) {
	long := strings.Repeat("m", 68)
	for _, c := range []struct {
		name, commands, want string
	}{
		{"the smallest number does not fit into a field of bits from above", "BITFIELD k OVERFLOW SAT SET i5 11 -9223372036854775808|BITFIELD k GET i5 11", "*1\r\n:15\r\n"},
		{"one that is a bit too small", "BITFIELD k OVERFLOW SAT SET i5 11 -17|BITFIELD k GET i5 11", "*1\r\n:-16\r\n"},
		{"a timeout is looked at last", "BZMPOP x 1 k MIN COUNT 0", "-ERR count should be greater than 0\r\n"},
		{"and found wrong", "BLMPOP x 1 k LEFT", "-ERR timeout is not a float or out of range\r\n"},
		{"a large sorted set keeps the sign of zero", "ZADD z 1 " + long + " -0 m|ZUNIONSTORE k 1 z|ZSCORE k m", "$2\r\n-0\r\n"},
		{"a packed one does not", "ZADD z -0 m|ZUNIONSTORE k 1 z|ZSCORE k m", "$1\r\n0\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, "", nil).NewSession(nil)
			s.Exec(nil, [][]byte{[]byte("HELLO"), []byte("2")})
			var out []byte
			for _, line := range strings.Split(c.commands, "|") {
				var args [][]byte
				for _, w := range strings.Fields(line) {
					args = append(args, []byte(w))
				}
				out = s.Exec(nil, args)
			}
			s.EndBatch()
			require.Equal(t, c.want, string(out))
		})
	}
}
