package main

import (
	"fmt"
	"strconv"
)

func main() {
	m, x := map[int]int{}, 1
	for i := 0; i < 2000000; i++ {
		x = (x*1103 + 12345) % 1000003
		m[x%200000]++
	}
	mx, cnt := 0, 0
	for _, v := range m {
		cnt++
		if v > mx {
			mx = v
		}
	}
	w, y := map[string]int{}, 7
	for i := 0; i < 1000000; i++ {
		y = (y*1103 + 12345) % 1000003
		w["k"+strconv.Itoa(y%50000)]++
	}
	wm, wc := 0, 0
	for _, v := range w {
		wc++
		if v > wm {
			wm = v
		}
	}
	fmt.Printf("%d\t%d\t%d\t%d\n", cnt, mx, wc, wm)
}
