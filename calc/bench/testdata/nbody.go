package main

import (
	"fmt"
	"math"
)

type B struct{ x, y, z, vx, vy, vz, m float64 }

const PI = 3.141592653589793
const SM = 4 * PI * PI
const D = 365.24

var bs = []*B{{0, 0, 0, 0, 0, 0, SM},
	{4.84143144246472090, -1.16032004402742839, -0.103622044471123109, 0.00166007664274403694 * D, 0.00769901118419740425 * D, -0.0000690460016972063023 * D, 0.000954791938424326609 * SM},
	{8.34336671824457987, 4.12479856412430479, -0.403523417114321381, -0.00276742510726411 * D, 0.00499852801234917238 * D, 0.0000230417297573763929 * D, 0.000285885980666130812 * SM},
	{12.8943695621391310, -15.1111514016986312, -0.223307578892655734, 0.00296460137564761618 * D, 0.00237847173959480950 * D, -0.0000296589568540237556 * D, 0.0000436624404335156298 * SM},
	{15.3796971148509165, -25.9193146099879641, 0.179258772950371181, 0.00268067772490389322 * D, 0.00162824170038242295 * D, -0.0000951592254519715870 * D, 0.0000515138902046611451 * SM}}

func advance(dt float64) {
	for i := 0; i < len(bs); i++ {
		a := bs[i]
		for j := i + 1; j < len(bs); j++ {
			c := bs[j]
			dx, dy, dz := a.x-c.x, a.y-c.y, a.z-c.z
			d2 := dx*dx + dy*dy + dz*dz
			mag := dt / (d2 * math.Sqrt(d2))
			bm := c.m * mag
			a.vx -= dx * bm
			a.vy -= dy * bm
			a.vz -= dz * bm
			bm = a.m * mag
			c.vx += dx * bm
			c.vy += dy * bm
			c.vz += dz * bm
		}
		a.x += dt * a.vx
		a.y += dt * a.vy
		a.z += dt * a.vz
	}
}
func energy() float64 {
	e := 0.0
	for i := 0; i < len(bs); i++ {
		a := bs[i]
		e += 0.5 * a.m * (a.vx*a.vx + a.vy*a.vy + a.vz*a.vz)
		for j := i + 1; j < len(bs); j++ {
			c := bs[j]
			dx, dy, dz := a.x-c.x, a.y-c.y, a.z-c.z
			e -= a.m * c.m / math.Sqrt(dx*dx+dy*dy+dz*dz)
		}
	}
	return e
}
func main() {
	px, py, pz := 0.0, 0.0, 0.0
	for _, b := range bs {
		px += b.vx * b.m
		py += b.vy * b.m
		pz += b.vz * b.m
	}
	bs[0].vx = -px / SM
	bs[0].vy = -py / SM
	bs[0].vz = -pz / SM
	for i := 0; i < 500000; i++ {
		advance(0.01)
	}
	fmt.Printf("%.0f\n", math.Floor(energy()*1e9+0.5))
}
