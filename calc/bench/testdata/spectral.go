package main

import (
	"fmt"
	"math"
)

const n = 300

func A(i, j int) float64 { ij := i + j; return 1.0 / (float64(ij*(ij+1))*0.5 + float64(i) + 1) }
func mulAv(v, o []float64) {
	for i := 0; i < n; i++ {
		s := 0.0
		for j := 0; j < n; j++ {
			s += A(i, j) * v[j]
		}
		o[i] = s
	}
}
func mulAtv(v, o []float64) {
	for i := 0; i < n; i++ {
		s := 0.0
		for j := 0; j < n; j++ {
			s += A(j, i) * v[j]
		}
		o[i] = s
	}
}
func main() {
	u, v, t := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := 0; i < n; i++ {
		u[i] = 1
	}
	for i := 0; i < 10; i++ {
		mulAv(u, t)
		mulAtv(t, v)
		mulAv(v, t)
		mulAtv(t, u)
	}
	a, b := 0.0, 0.0
	for i := 0; i < n; i++ {
		a += u[i] * v[i]
		b += v[i] * v[i]
	}
	fmt.Printf("%.0f\n", math.Floor(math.Sqrt(a/b)*1e9))
}
