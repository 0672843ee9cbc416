package main

import (
	"fmt"
	"strconv"
	"strings"
)

func main() {
	parts := []string{}
	for i := 0; i < 1000000; i++ {
		parts = append(parts, "n"+strconv.Itoa(i))
	}
	s := strings.Join(parts, ",")
	sum := 0
	for i := 0; i < len(s); i++ {
		sum = (sum*31 + int(s[i])) % 1000003
	}
	acc := ""
	for i := 0; i < 20000; i++ {
		acc += "x" + strconv.Itoa(i%10)
	}
	fmt.Printf("%d\t%d\t%d\n", len(s), sum, len(acc))
}
