// Package heapmap shows what an allocator's memory is used for: as text, as SVG and
// as one HTML page that needs nothing else.
//
//	m := heap.Map()
//	err := m.WriteSVG(file)
//
// Heap, freelist.List, buddy.Buddy and tlsf.TLSF have a method Map. A Map is a plain
// value: anybody can make one.
package heapmap

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"iter"
	"unsafe"
)

// A Kind is what a region is used for.
type Kind int

// The kinds of regions.
const (
	Free Kind = iota // can be handed out
	Used             // has blocks
	Meta             // is the allocator's own
)

// A Region is a run of addresses.
type Region struct {
	Start uint64
	Size  int64 // bytes
	Used  int64 // of these, bytes in allocated blocks
	Kind  Kind
	Label string // may be empty
}

// A Map is the regions of an allocator in the order in which they are shown.
type Map struct {
	Title   string
	Regions []Region
}

// A Block is a part of a buffer that an allocator manages.
type Block struct {
	Offset int // from where the first block may begin, in bytes
	Size   int // its whole size in bytes
	Used   bool
}

// Of returns the Map of blocks, whose offsets are from the address base.
func Of(title string, base unsafe.Pointer, blocks iter.Seq[Block]) Map {
	m := Map{Title: title}
	for b := range blocks {
		r := Region{Start: uint64(uintptr(base)) + uint64(b.Offset), Size: int64(b.Size)}
		if b.Used {
			r.Kind, r.Used = Used, r.Size
		}
		m.Regions = append(m.Regions, r)
	}
	return m
}

// Total returns the sum of the sizes and of the used bytes.
func (m Map) Total() (size, used int64) {
	for _, r := range m.Regions {
		size += max(r.Size, 0)
		if r.Kind == Used {
			used += min(max(r.Used, 0), max(r.Size, 0))
		}
	}
	return size, used
}

// A cell is one character or square: a share of the bytes of all regions.
type cell struct {
	used, meta float64 // shares of the cell
	first      int     // index of the region that the cell begins in
}

// cells divides the map into n equal parts.
func (m Map) cells(n int) []cell {
	total, _ := m.Total()
	if total == 0 || n <= 0 {
		return nil
	}
	out := make([]cell, n)
	per := float64(total) / float64(n)
	begin, at := 0.0, 0 // of the region, and the first cell that it touches
	for i, r := range m.Regions {
		size := float64(max(r.Size, 0))
		end := begin + size
		for ; at < n; at++ {
			lo, hi := float64(at)*per, float64(at+1)*per
			share := (min(hi, end) - max(lo, begin)) / per
			if lo >= begin {
				out[at].first = i
			}
			if share > 0 {
				switch r.Kind {
				case Used:
					out[at].used += share * min(max(float64(r.Used)/size, 0), 1)
				case Meta:
					out[at].meta += share
				}
			}
			if hi > end {
				break
			}
		}
		begin = end
	}
	return out
}

const (
	textWidth = 64
	textRows  = 32
	shades    = ".:-=+*#%@"
)

// WriteText writes at most 32 lines of 64 characters, from '.' for free to '@' for
// fully used memory; 'm' is the allocator's own.
func (m Map) WriteText(w io.Writer) error {
	b := bufio.NewWriter(w)
	size, used := m.Total()
	fmt.Fprintf(b, "%s: %d of %d bytes used\n", m.Title, used, size)
	n := min(textWidth*textRows, max(textWidth, len(m.Regions)*4))
	for i, c := range m.cells(n) {
		ch := shades[min(int(c.used*float64(len(shades))), len(shades)-1)]
		if c.used == 0 && c.meta >= 0.5 {
			ch = 'm'
		}
		b.WriteByte(ch)
		if i%textWidth == textWidth-1 || i == n-1 {
			b.WriteByte('\n')
		}
	}
	return b.Flush()
}

const (
	svgColumns = 128
	svgMaxRows = 96
	svgSquare  = 7
	svgTop     = 22
)

// color returns a shade between light grey for free and dark green for used memory.
func (c cell) color() string {
	if c.used == 0 && c.meta >= 0.5 {
		return "#6b7fb3"
	}
	mix := func(from, to float64) int { return int(from + (to-from)*min(c.used, 1)) }
	return fmt.Sprintf("#%02x%02x%02x", mix(0xec, 0x1f), mix(0xee, 0x7a), mix(0xee, 0x4d))
}

// WriteSVG writes a picture of squares; pointing at one shows the region.
func (m Map) WriteSVG(w io.Writer) error {
	b := bufio.NewWriter(w)
	size, used := m.Total()
	n := min(svgColumns*svgMaxRows, max(svgColumns, len(m.Regions)*8))
	rows := (n + svgColumns - 1) / svgColumns
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n",
		svgColumns*svgSquare, svgTop+rows*svgSquare)
	fmt.Fprintf(b, "<text x=\"2\" y=\"14\">%s: %d of %d bytes used</text>\n", html.EscapeString(m.Title), used, size)
	for i, c := range m.cells(n) {
		r := m.Regions[c.first]
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s"><title>%#x, %d bytes, %d used. %s</title></rect>`+"\n",
			i%svgColumns*svgSquare, svgTop+i/svgColumns*svgSquare, svgSquare-1, svgSquare-1, c.color(),
			r.Start, r.Size, r.Used, html.EscapeString(r.Label))
	}
	fmt.Fprintln(b, "</svg>")
	return b.Flush()
}

// WriteHTML writes a page with the picture and the regions as a table.
func (m Map) WriteHTML(w io.Writer) error {
	b := bufio.NewWriter(w)
	title := html.EscapeString(m.Title)
	fmt.Fprintf(b, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>%s</title>\n<style>", title)
	fmt.Fprint(b, "body{font:13px sans-serif;margin:2em}table{border-collapse:collapse;margin-top:1em}",
		"td,th{padding:1px 10px;text-align:right}td:last-child{text-align:left}tr:nth-child(even){background:#f3f5f5}</style></head><body>\n")
	if err := m.WriteSVG(b); err != nil {
		return err
	}
	fmt.Fprintln(b, "<table><tr><th>start</th><th>bytes</th><th>used</th><th>share</th><th></th></tr>")
	for _, r := range m.Regions {
		share := 0.0
		if r.Size > 0 {
			share = 100 * float64(r.Used) / float64(r.Size)
		}
		fmt.Fprintf(b, "<tr><td>%#x</td><td>%d</td><td>%d</td><td>%.0f %%</td><td>%s</td></tr>\n",
			r.Start, r.Size, r.Used, share, html.EscapeString(r.Label))
	}
	fmt.Fprintln(b, "</table></body></html>")
	return b.Flush()
}
