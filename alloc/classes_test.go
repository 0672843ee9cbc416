package alloc

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClassesAreTheSmallestThatFit(t *testing.T) {
	for n := 1; n <= maxSmall; n++ {
		c := classOf(n)
		require.GreaterOrEqual(t, classSize(c), n)
		if c > 0 {
			require.Less(t, classSize(c-1), n)
		}
	}
	require.Equal(t, numClasses-1, classOf(maxSmall))
}
