package kvstore

import "slices"

// redacted returns the arguments of a command without passwords, for those who read
// what others have sent.
func redacted(c *command, a [][]byte) [][]byte {
	var secret []int
	switch c.name {
	case "auth":
		if len(a) <= 3 { // else it is an error
			secret = []int{1, 2}
		}
	case "hello":
		for i := 2; i+2 < len(a); i++ {
			if is(a[i], "AUTH") {
				secret = append(secret, i+1, i+2)
				i += 2
			}
		}
	case "config|set":
		for i := 2; i+1 < len(a); i += 2 {
			if is(a[i], "REQUIREPASS") {
				secret = append(secret, i+1)
			}
		}
	}
	if secret == nil {
		return a
	}
	a = slices.Clone(a)
	for _, i := range secret {
		if i < len(a) {
			a[i] = []byte("(redacted)")
		}
	}
	return a
}
