package server_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/groundwork-go/groundwork/kvstore"
	"github.com/groundwork-go/groundwork/kvstore/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The ways in which a server gets its connections.
const (
	tcp        = "event loop, TCP"
	unixSocket = "event loop, Unix socket"
	secure     = "goroutines, TLS"
	text       = "line protocol"
)

// eachWay runs a test over every way to serve RESP.
func eachWay(t *testing.T, f func(t *testing.T, way string)) {
	for _, way := range []string{tcp, unixSocket, secure} {
		t.Run(way, func(t *testing.T) { f(t, way) })
	}
}

// A fixture is a server and its DB.
type fixture struct {
	*server.Server
	db   *kvstore.DB
	way  string
	addr net.Addr
}

func start(t *testing.T, way string, o *server.Options) *fixture {
	t.Helper()
	db, err := kvstore.Open(t.TempDir(), nil)
	require.NoError(t, err)
	s := server.New(db, o)
	network, addr := "tcp", "127.0.0.1:0"
	if way == unixSocket {
		dir, err := os.MkdirTemp("", "kv") // t.TempDir is too long for the name of a socket
		require.NoError(t, err)
		t.Cleanup(func() { os.RemoveAll(dir) })
		network, addr = "unix", filepath.Join(dir, "s")
	}
	l, err := net.Listen(network, addr)
	require.NoError(t, err)
	bound := l.Addr()
	if way == secure {
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{certificate(t)}})
	}
	served := make(chan error, 1)
	go func() {
		if way == text {
			served <- s.ServeText(l)
		} else {
			served <- s.Serve(l)
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.ErrorIs(t, <-served, server.ErrServerClosed)
		require.NoError(t, db.Close())
	})
	return &fixture{s, db, way, bound}
}

// certificate makes a certificate of the host itself.
func certificate(t *testing.T) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// config sets an option as CONFIG SET does.
func (f *fixture) config(t *testing.T, name, value string) {
	t.Helper()
	_, err := f.db.Do(t.Context(), "CONFIG", "SET", name, value)
	require.NoError(t, err)
}

func (f *fixture) dial(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial(f.addr.Network(), f.addr.String())
	require.NoError(t, err)
	if f.way == secure {
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true}) // it is our own
	}
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	return c
}

// talk sends in and reads as many bytes as want has.
func talk(t *testing.T, c net.Conn, in, want string) {
	t.Helper()
	_, err := io.WriteString(c, in)
	require.NoError(t, err)
	got := make([]byte, len(want))
	n, err := io.ReadFull(c, got)
	require.Equal(t, want, string(got[:n]), "%v", err)
}

func TestWire(t *testing.T) {
	eachWay(t, func(t *testing.T, way string) {
		f := start(t, way, nil)
		c := f.dial(t)
		talk(t, c, "PING\r\n", "+PONG\r\n")
		talk(t, c, "*1\r\n$4\r\nPING\r\nSET k v\r\nGET k\r\nGET zz\r\nINCR k\r\n", "+PONG\r\n+OK\r\n$1\r\nv\r\n$-1\r\n-ERR value is not an integer or out of range\r\n")
		talk(t, c, "HSET h f v\r\nHGETALL h\r\nLPOP zz 2\r\n", ":1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n*-1\r\n")
		talk(t, c, "HELLO 3\r\n", "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:3\r\n")
		talk(t, f.dial(t), "HELLO 9\r\n", "-NOPROTO unsupported protocol version\r\n")
		c = f.dial(t)
		talk(t, c, "SELECT 0\r\nCLIENT SETNAME me\r\nCLIENT GETNAME\r\nRESET\r\nQUIT\r\nPING\r\n", "+OK\r\n+OK\r\n$2\r\nme\r\n+RESET\r\n+OK\r\n")
		_, err := c.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
	})
}

func TestBadInputClosesTheConnection(t *testing.T) {
	eachWay(t, func(t *testing.T, way string) {
		f := start(t, way, nil)
		for in, want := range map[string]string{
			"*1000000000\r\n$-1\r\n":        "-ERR Protocol error: invalid bulk length\r\n",
			"*3000000000\r\n":               "-ERR Protocol error: invalid multibulk length\r\n",
			"PING\r\n*1\r\n$-5\r\n":         "+PONG\r\n-ERR Protocol error: invalid bulk length\r\n",
			"*1\r\n!\r\n":                   "-ERR Protocol error: expected '$', got '!'\r\n",
			"GET \"x\r\n":                   "-ERR Protocol error: unbalanced quotes in request\r\n",
			"POST / HTTP/1.1\r\n":           "",
			strings.Repeat("\xff", 100_000): "-ERR Protocol error: too big inline request\r\n",
		} {
			if way == secure && strings.HasPrefix(in, "*1000000000") {
				continue // there a command may have 1,048,576 arguments
			}
			c := f.dial(t)
			_, err := io.WriteString(c, in)
			got, _ := io.ReadAll(c) // a reset after unread input is an end as well
			if len(in) < 1000 {     // else the end may come before everything is sent
				require.NoError(t, err)
				require.Equal(t, want, string(got))
			}
		}
		talk(t, f.dial(t), "PING\r\n", "+PONG\r\n")
	})
}

func TestTextProtocol(t *testing.T) {
	f := start(t, text, nil)
	c := f.dial(t)
	talk(t, c, "SET name sean\nGET name\n", "+OK\n+sean\n")
	talk(t, c, "set motto never  give up\r\nGET motto\n\n", "+OK\n+never give up\n")
	talk(t, c, "SET k\nGET\nDEL\nNOPE\nGET none\nDEL name\nGET name\n",
		"-ERR usage: SET key value\n-ERR usage: GET key\n-ERR usage: DEL key\n-ERR unknown command\n-ERR not found\n+OK\n-ERR not found\n")
	_, err := f.db.Do(t.Context(), "LPUSH", "l", "x")
	require.NoError(t, err)
	talk(t, c, "GET l\n", "-WRONGTYPE")
	long := strings.Repeat("x", 300_000)
	c = f.dial(t)
	talk(t, c, "SET long "+long+"\nGET long\n", "+OK\n+"+long+"\n")
	talk(t, c, "SET last line", "")
	require.NoError(t, c.(*net.TCPConn).CloseWrite())
	got, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Equal(t, "+OK\n", string(got))
}

func TestGoRedis(t *testing.T) {
	for _, version := range []int{2, 3} {
		t.Run(fmt.Sprint("RESP", version), func(t *testing.T) {
			f := start(t, tcp, nil)
			ctx := t.Context()
			rdb := redis.NewClient(&redis.Options{Addr: f.addr.String(), Protocol: version})
			defer rdb.Close()
			require.NoError(t, rdb.Set(ctx, "k", "v", time.Hour).Err())
			require.Equal(t, "v", rdb.Get(ctx, "k").Val())
			require.InDelta(t, time.Hour, rdb.TTL(ctx, "k").Val(), float64(2*time.Second))
			require.ErrorIs(t, rdb.Get(ctx, "none").Err(), redis.Nil)
			require.EqualValues(t, 5, rdb.IncrBy(ctx, "n", 5).Val())
			require.NoError(t, rdb.HSet(ctx, "h", "f", "1", "g", "2").Err())
			require.Equal(t, map[string]string{"f": "1", "g": "2"}, rdb.HGetAll(ctx, "h").Val())
			require.NoError(t, rdb.RPush(ctx, "l", "a", "b").Err())
			require.Equal(t, []string{"a", "b"}, rdb.LRange(ctx, "l", 0, -1).Val())
			require.Len(t, rdb.Keys(ctx, "*").Val(), 4)
			_, err := rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.Incr(ctx, "n")
				p.Incr(ctx, "n")
				return nil
			})
			require.NoError(t, err)
			require.Equal(t, "7", rdb.Get(ctx, "n").Val())

			sub := rdb.PSubscribe(ctx, "news.*")
			defer sub.Close()
			_, err = sub.Receive(ctx)
			require.NoError(t, err)
			require.EqualValues(t, 1, rdb.Publish(ctx, "news.go", "hi").Val())
			m, err := sub.ReceiveMessage(ctx)
			require.NoError(t, err)
			require.Equal(t, "hi", m.Payload)
			require.Equal(t, "news.*", m.Pattern)
		})
	}
}

func TestSubscribedConnection(t *testing.T) {
	eachWay(t, func(t *testing.T, way string) {
		f := start(t, way, &server.Options{Loops: 2}) // the two connections are in different ones
		c := f.dial(t)
		talk(t, c, "SUBSCRIBE a\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n")
		talk(t, c, "GET x\r\n", "-ERR Can't execute 'get'")
		_, err := bufio.NewReader(c).ReadString('\n')
		require.NoError(t, err)
		talk(t, c, "PING\r\n", "*2\r\n$4\r\npong\r\n$0\r\n\r\n")
		talk(t, f.dial(t), "PUBLISH a hello\r\n", ":1\r\n")
		talk(t, c, "", "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$5\r\nhello\r\n")
		talk(t, c, "UNSUBSCRIBE\r\nUNSUBSCRIBE\r\nPING\r\nSUBSCRIBE\r\n",
			"*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n+PONG\r\n-ERR wrong number of arguments for 'subscribe' command\r\n")
	})
}

func TestMaxClientsAndIdleTimeout(t *testing.T) {
	eachWay(t, func(t *testing.T, way string) {
		f := start(t, way, nil)
		f.config(t, "maxclients", "1")
		f.config(t, "timeout", "1")
		first := f.dial(t)
		talk(t, first, "PING\r\n", "+PONG\r\n")
		if way != secure { // whose greeting is never answered
			got, err := io.ReadAll(f.dial(t))
			require.NoError(t, err)
			require.Equal(t, "-ERR max number of clients reached\r\n", string(got))
		}
		_, err := first.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF, "idle for too long")
	})
}

func TestShutdownFinishesWhatHasArrived(t *testing.T) {
	eachWay(t, func(t *testing.T, way string) {
		f := start(t, way, nil)
		c, blocked := f.dial(t), f.dial(t)
		talk(t, c, "PING\r\n", "+PONG\r\n")
		talk(t, blocked, "PING\r\nBLPOP k 0\r\n", "+PONG\r\n")
		require.NoError(t, f.Shutdown(t.Context()))
		for _, c := range []net.Conn{c, blocked} {
			_, err := c.Read(make([]byte, 1))
			require.ErrorIs(t, err, io.EOF)
		}
		_, err := net.Dial(f.addr.Network(), f.addr.String())
		require.Error(t, err)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		require.ErrorIs(t, f.Serve(l), server.ErrServerClosed)
	})
}

func TestRealClients(t *testing.T) {
	for _, name := range []string{"redis-cli", "redis-benchmark"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not installed", name)
		}
	}
	for _, way := range []string{tcp, unixSocket} {
		f := start(t, way, nil)
		at := []string{"-s", f.addr.String()}
		if way == tcp {
			_, port, err := net.SplitHostPort(f.addr.String())
			require.NoError(t, err)
			at = []string{"-p", port}
		}
		run := func(name string, args ...string) string {
			out, err := exec.CommandContext(t.Context(), name, append(at, args...)...).CombinedOutput()
			require.NoError(t, err, "%s", out)
			return string(out)
		}
		require.Equal(t, "OK\n", run("redis-cli", "SET", "k", "a b"))
		require.Equal(t, "a b\n", run("redis-cli", "GET", "k"))
		require.Equal(t, "a b\n", run("redis-cli", "-3", "GET", "k"))
		require.Equal(t, "1\n", run("redis-cli", "HSET", "h", "f", "v"))
		require.Equal(t, "f\nv\n", run("redis-cli", "HGETALL", "h"))
		require.Contains(t, run("redis-cli", "INFO"), "redis_version")
		require.Contains(t, run("redis-cli", "--scan"), "k\n")
		require.Contains(t, run("redis-cli", "CLIENT", "LIST"), "addr=")

		out := run("redis-benchmark", "-q", "-n", "2000", "-c", "20", "-P", "4", "-t", "ping,set,get,incr,lpush,rpush,lpop,rpop,hset,mset")
		require.Len(t, regexp.MustCompile(`requests per second`).FindAllString(out, -1), 11)
		v, err := f.db.Get("counter:__rand_int__")
		require.NoError(t, err)
		require.Equal(t, "2000", string(v))
	}
}

func Example() {
	db, err := kvstore.Open("", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	s := server.New(db, nil)
	go s.Serve(l)

	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprint(conn, "SET greeting hello\r\n")
	line, _ := bufio.NewReader(conn).ReadString('\n')
	fmt.Printf("%q\n", line)
	conn.Close()
	fmt.Println(s.Shutdown(context.Background()))
	// Output:
	// "+OK\r\n"
	// <nil>
}

// A foreignListener accepts connections that seem to come from another machine.
type foreignListener struct{ net.Listener }

type foreignConn struct{ net.Conn }

func (l foreignListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return foreignConn{c}, err
}

func (foreignConn) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1}
}

func TestProtectedMode(t *testing.T) {
	db, err := kvstore.Open("", &kvstore.Options{Config: [][2]string{{"protected-mode", "yes"}}})
	require.NoError(t, err)
	defer db.Close()
	s := server.New(db, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(foreignListener{l}) }()
	ask := func() string {
		c, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		defer c.Close()
		_, _ = io.WriteString(c, "PING\r\n") // it may be closed already
		line, err := bufio.NewReader(c).ReadString('\n')
		require.NoError(t, err)
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		return word
	}
	set := func(name, value string) {
		_, err := db.Do(t.Context(), "CONFIG", "SET", name, value)
		require.NoError(t, err)
	}
	require.Equal(t, "-DENIED", ask())
	set("requirepass", "secret")
	require.Equal(t, "-NOAUTH", ask())
	set("requirepass", "")
	require.Equal(t, "-DENIED", ask())
	set("protected-mode", "no")
	require.Equal(t, "+PONG", ask())
	require.NoError(t, s.Close())
	require.ErrorIs(t, <-served, server.ErrServerClosed)
}
