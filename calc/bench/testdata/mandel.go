package main

import "fmt"

func main() {
	n, inside := 500, 0
	for y := 0; y < n; y++ {
		ci := 2*float64(y)/float64(n) - 1
		for x := 0; x < n; x++ {
			cr := 2*float64(x)/float64(n) - 1.5
			zr, zi, k := 0.0, 0.0, 0
			for k < 100 && zr*zr+zi*zi <= 4 {
				t := zr*zr - zi*zi + cr
				zi = 2*zr*zi + ci
				zr = t
				k++
			}
			if k == 100 {
				inside++
			}
		}
	}
	fmt.Println(inside)
}
