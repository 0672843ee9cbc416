package main

import "fmt"

func main() {
	n, c := 5000000, 0
	s := make([]bool, n+1)
	for i := range s {
		s[i] = true
	}
	for i := 2; i <= n; i++ {
		if s[i] {
			c++
			for j := i * i; j <= n; j += i {
				s[j] = false
			}
		}
	}
	fmt.Println(c)
}
