package server_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/kvstore"
	"github.com/groundwork-go/groundwork/kvstore/resp"
	"github.com/groundwork-go/groundwork/kvstore/server"
)

func TestCommandsInPieces(t *testing.T) {
	eachWay(t, func(t *testing.T, way string) {
		f := start(t, way, &server.Options{Loops: 2})
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				c := f.dial(t)
				rnd := rand.New(rand.NewPCG(seed, uint64(w)))
				var in, want []byte
				for i := range 2000 {
					value := bytes.Repeat([]byte{byte('a' + i%26)}, rnd.IntN(50))
					if i%500 == 0 {
						value = bytes.Repeat([]byte("x"), 200_000)
					}
					key := fmt.Appendf(nil, "k%d:%d", w, i)
					in = resp.AppendCommand(in, []byte("SET"), key, value)
					in = resp.AppendCommand(in, []byte("GET"), key)
					want = resp.AppendBulk(append(want, "+OK\r\n"...), value)
				}
				go func() {
					for rest := in; len(rest) > 0; {
						n := min(1+rnd.IntN(1+len(rest)/10), len(rest))
						if _, err := c.Write(rest[:n]); err != nil {
							t.Error(err)
							return
						}
						rest = rest[n:]
					}
				}()
				got := make([]byte, len(want))
				if _, err := io.ReadFull(c, got); err != nil {
					t.Error(err)
				}
				if !bytes.Equal(got, want) {
					t.Error("the replies are not those to the commands, in order")
				}
			})
		}
		wg.Wait()
	})
}

// The kernel tells once of input and its end, so that what came before must not be
// taken for everything.
func TestInputBeforeTheEndIsAnswered(t *testing.T) {
	for _, n := range []int{1, 1000, 64 << 10 / len("PING\r\n"), 100_000} {
		eachWay(t, func(t *testing.T, way string) {
			f := start(t, way, nil)
			c := f.dial(t)
			go func() {
				_, _ = c.Write(bytes.Repeat([]byte("PING\r\n"), n)) // else replies are missing
				_ = c.(interface{ CloseWrite() error }).CloseWrite()
			}()
			got, err := io.ReadAll(c)
			require.NoError(t, err)
			require.Equal(t, n*len("+PONG\r\n"), len(got))
		})
	}
}

func TestLargeValue(t *testing.T) {
	f := start(t, tcp, nil)
	c := f.dial(t)
	value := bytes.Repeat([]byte("0123456789abcdef"), 2<<20)
	go func() {
		_, _ = c.Write(resp.AppendCommand(nil, []byte("SET"), []byte("k"), value)) // else the reply does not come
		_, _ = c.Write(resp.AppendCommand(nil, []byte("GET"), []byte("k")))
	}()
	want := resp.AppendBulk([]byte("+OK\r\n"), value)
	got := make([]byte, len(want))
	_, err := io.ReadFull(c, got)
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, got))
}

func TestBlockedClients(t *testing.T) {
	eachWay(t, func(t *testing.T, way string) {
		f := start(t, way, &server.Options{Loops: 2})
		a, b := f.dial(t), f.dial(t)
		// What comes behind a command that waits is answered after it.
		talk(t, a, "PING\r\nBLPOP q 0\r\nECHO later\r\nBLPOP q 0\r\n", "+PONG\r\n")
		talk(t, b, "RPUSH q one\r\n", ":1\r\n")
		talk(t, a, "", "*2\r\n$1\r\nq\r\n$3\r\none\r\n$5\r\nlater\r\n")
		talk(t, b, "RPUSH q two\r\n", ":1\r\n")
		talk(t, a, "", "*2\r\n$1\r\nq\r\n$3\r\ntwo\r\n")
		talk(t, a, "BLPOP q 0.01\r\nPING\r\n", "*-1\r\n+PONG\r\n")
		// One that leaves takes nothing with it.
		talk(t, a, "BLPOP q 0\r\n", "")
		waitFor(t, func() bool { return strings.Contains(info(t, f, "clients"), "blocked_clients:1") })
		require.NoError(t, a.Close())
		waitFor(t, func() bool { return strings.Contains(info(t, f, "clients"), "blocked_clients:0") })
		talk(t, b, "RPUSH q three\r\nLPOP q\r\n", ":1\r\n$5\r\nthree\r\n")
	})
}

// waitFor polls until something is so.
func waitFor(t *testing.T, f func() bool) {
	t.Helper()
	require.Eventually(t, f, 20*time.Second, time.Millisecond)
}

func info(t *testing.T, f *fixture, section string) string {
	t.Helper()
	r, err := f.db.Do(t.Context(), "INFO", section)
	require.NoError(t, err)
	return r.String()
}

func TestSlowReadersAreClosedAndOthersFeelNothing(t *testing.T) {
	for _, way := range []string{tcp, unixSocket} {
		f := start(t, way, nil)
		f.config(t, "client-output-buffer-limit", "normal 1000000 0 0 pubsub 1000000 0 0")
		good := f.dial(t)
		talk(t, good, "SET k "+strings.Repeat("x", 10_000)+"\r\n", "+OK\r\n")
		slow := f.dial(t)
		go func() { _, _ = io.WriteString(slow, strings.Repeat("GET k\r\n", 1_000_000)) }() // ends when it is closed
		sub := f.dial(t)
		talk(t, sub, "SUBSCRIBE news\r\n", "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n")
		message := strings.Repeat("m", 100_000)
		for f.subscribers(t, good, message) > 0 {
			talk(t, good, "PING\r\n", "+PONG\r\n")
		}
		waitFor(t, func() bool { return strings.Contains(info(t, f, "clients"), "connected_clients:1") })
		talk(t, good, "PING\r\n", "+PONG\r\n")
	}
}

func TestOutputAboveTheHardLimitIsNotSent(t *testing.T) {
	eachWay(t, func(t *testing.T, way string) {
		f := start(t, way, nil)
		c := f.dial(t)
		require.NoError(t, f.db.Set("k", make([]byte, 200_000), nil))
		f.config(t, "client-output-buffer-limit", "normal 100000 0 0")
		talk(t, c, "PING\r\nGETRANGE k 0 0\r\n", "+PONG\r\n$1\r\n\x00\r\n")
		_, err := io.WriteString(c, "GET k\r\n")
		require.NoError(t, err)
		got, err := io.ReadAll(c)
		require.NoError(t, err)
		require.Empty(t, got)

		// What would be far too long is not even made.
		c = f.dial(t)
		talk(t, c, "HSET h f v\r\nSADD s m\r\nZADD z 1 m\r\n", ":1\r\n:1\r\n:1\r\n")
		for _, line := range []string{"HRANDFIELD h", "SRANDMEMBER s", "ZRANDMEMBER z"} {
			c := f.dial(t)
			_, err := io.WriteString(c, line+" -9223372036854775807\r\n")
			require.NoError(t, err)
			got, err := io.ReadAll(c)
			require.NoError(t, err)
			require.Empty(t, got)
		}
		talk(t, f.dial(t), "PING\r\n", "+PONG\r\n")
	})
}

// subscribers publishes a message and returns how many got it.
func (f *fixture) subscribers(t *testing.T, c net.Conn, message string) int {
	_, err := c.Write(resp.AppendCommand(nil, "PUBLISH", "news", message))
	require.NoError(t, err)
	got := make([]byte, 4)
	_, err = io.ReadFull(c, got)
	require.NoError(t, err)
	n, err := strconv.Atoi(string(got[1:2]))
	require.NoError(t, err)
	return n
}

func TestClientKill(t *testing.T) {
	eachWay(t, func(t *testing.T, way string) {
		f := start(t, way, &server.Options{Loops: 2})
		a, b := f.dial(t), f.dial(t)
		talk(t, a, "CLIENT SETNAME a\r\n", "+OK\r\n")
		talk(t, a, "CLIENT ID\r\n", ":")
		id := make([]byte, 3)
		n, err := a.Read(id)
		require.NoError(t, err)
		talk(t, b, "CLIENT KILL ID "+strings.TrimSpace(string(id[:n]))+"\r\n", ":1\r\n")
		_, err = io.ReadAll(a)
		require.NoError(t, err)
		// The client may see the end of its connection before the list does.
		require.Eventually(t, func() bool { return !strings.Contains(clientList(t, f), "name=a") }, 10*time.Second, time.Millisecond)
	})
}

func clientList(t *testing.T, f *fixture) string {
	r, err := f.db.Do(t.Context(), "CLIENT", "LIST")
	require.NoError(t, err)
	return r.String()
}

func TestShutdownCommand(t *testing.T) {
	asked := make(chan kvstore.ShutdownOptions, 1)
	f := start(t, tcp, &server.Options{Shutdown: func(o kvstore.ShutdownOptions) { asked <- o }})
	_, err := io.WriteString(f.dial(t), "SHUTDOWN NOSAVE\r\n")
	require.NoError(t, err)
	require.Equal(t, kvstore.ShutdownOptions{NoSave: true}, <-asked)
}

// Nothing is left of connections that come and go.
func TestDescriptorsAreGivenBack(t *testing.T) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("there is no /proc")
	}
	count := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		require.NoError(t, err)
		return len(list)
	}
	before := count()
	f := start(t, tcp, &server.Options{Loops: 2})
	first := f.dial(t)
	talk(t, first, "PING\r\n", "+PONG\r\n") // starts the loops
	base := count()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 50 {
				c, err := net.Dial("tcp", f.addr.String())
				if err != nil {
					t.Error(err)
					return
				}
				if i%2 == 0 {
					_, _ = io.WriteString(c, "PING\r\nBLPOP q 0\r\n") // the connection ends anyhow
				}
				if i%3 == 0 {
					c.(*net.TCPConn).SetLinger(0) // a reset
				}
				c.Close()
			}
		})
	}
	wg.Wait()
	waitFor(t, func() bool { return count() <= base })
	require.NoError(t, first.Close())
	require.NoError(t, f.Close())
	require.NoError(t, f.db.Close())
	waitFor(t, func() bool { return count() <= before })
}

func TestManyConnections(t *testing.T) {
	f := start(t, unixSocket, &server.Options{Loops: 3})
	conns := make([]net.Conn, 300)
	for i := range conns {
		conns[i] = f.dial(t)
	}
	var wg sync.WaitGroup
	for i, c := range conns {
		wg.Go(func() {
			for range 20 {
				if _, err := io.WriteString(c, "INCR n\r\n"); err != nil {
					t.Error(i, err)
					return
				}
				if _, err := c.Read(make([]byte, 20)); err != nil {
					t.Error(i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	v, err := f.db.Get("n")
	require.NoError(t, err)
	require.Equal(t, "6000", string(v))
}
