package policy_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/loadbalancer/policy"
)

type loads []int

func (l loads) Len() int           { return len(l) }
func (l loads) InFlight(i int) int { return l[i] }

func TestLeastConn(t *testing.T) {
	p := policy.LeastConn()
	require.Equal(t, 1, p.Pick(loads{3, 1, 2}))
	seen := map[int]int{}
	for range 30 {
		seen[p.Pick(loads{0, 0, 0})]++
	}
	require.Equal(t, map[int]int{0: 10, 1: 10, 2: 10}, seen, "equal ones take turns")
}

func Example() {
	p := policy.RoundRobin()
	for range 4 {
		fmt.Print(p.Pick(loads{0, 0, 0}), " ")
	}
	// Output: 0 1 2 0
}
