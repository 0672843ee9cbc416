//go:build !linux

package platform

import (
	"context"

	"github.com/groundwork-go/groundwork/gosh"
)

// runUntilTold runs a command; to end it means to kill it here.
func runUntilTold(ctx context.Context, c *gosh.Cmd, term <-chan struct{}) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-term:
			cancel()
		case <-ended:
		}
	}()
	return gosh.RunProcess(ctx, c)
}
