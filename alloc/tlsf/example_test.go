package tlsf_test

import (
	"fmt"

	"github.com/groundwork-go/groundwork/alloc/tlsf"
)

func Example() {
	a, err := tlsf.New(make([]byte, 4096))
	if err != nil {
		fmt.Println(err)
		return
	}
	p := a.Alloc(100)
	fmt.Println(a.Stats().Blocks, "block")
	fmt.Println(a.Free(p))
	fmt.Println(a.Free(p))
	// Output:
	// 1 block
	// <nil>
	// alloc: double free
}
