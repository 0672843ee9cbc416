package pool_test

import (
	"context"
	"fmt"

	"github.com/groundwork-go/groundwork/pool"
)

func Example() {
	dialed := 0
	dial := func() (string, error) {
		dialed++
		return fmt.Sprintf("connection %d", dialed), nil
	}
	hangUp := func(c string) { fmt.Println("closed", c) }

	p := pool.New(2, dial, hangUp)
	defer p.Drain()

	for range 3 {
		c, err := p.Acquire(context.Background())
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("using", c)
		p.Release(c)
	}
	// Output:
	// using connection 1
	// using connection 1
	// using connection 1
	// closed connection 1
}

func ExampleResource_Destroy() {
	n := 0
	p := pool.New(1, func() (int, error) { n++; return n, nil }, nil)
	defer p.Drain()

	r, _ := p.Get(context.Background())
	fmt.Println("got", r.Value())
	r.Destroy() // it turned out to be broken

	r, _ = p.Get(context.Background())
	fmt.Println("got", r.Value())
	r.Release()
	// Output:
	// got 1
	// got 2
}

func ExamplePool_Do() {
	p := pool.New(1, func() ([]byte, error) { return make([]byte, 0, 64), nil }, nil)
	defer p.Drain()
	err := p.Do(context.Background(), func(buf []byte) error {
		buf = fmt.Append(buf, "no Release to forget")
		fmt.Println(string(buf))
		return nil
	})
	fmt.Println(err)
	// Output:
	// no Release to forget
	// <nil>
}
