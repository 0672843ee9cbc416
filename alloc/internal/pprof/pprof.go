// Package pprof writes profiles in the format of github.com/google/pprof: a gzipped
// protocol buffer, whose schema is proto/profile.proto there.
package pprof

import (
	"compress/gzip"
	"encoding/binary"
	"io"
	"runtime"
	"time"
)

// A Type is the meaning of a value.
type Type struct{ Name, Unit string }

// A Sample has a value for each type of the profile.
type Sample struct {
	Stack  []uintptr // as runtime.Callers gives it
	Values []int64
}

// A Profile is a set of samples.
type Profile struct {
	Types      []Type
	Samples    []Sample
	Period     int64
	PeriodType Type
	Time       time.Time
	Omit       func(function string) bool // what to leave out at the inner end of stacks
}

// Numbers of fields in the schema.
const (
	profileSampleType = 1
	profileSample     = 2
	profileLocation   = 4
	profileFunction   = 5
	profileStrings    = 6
	profileTime       = 9
	profilePeriodType = 11
	profilePeriod     = 12

	typeName, typeUnit           = 1, 2
	sampleLocation, sampleValue  = 1, 2
	locationID, locationLine     = 1, 4
	locationAddress              = 3
	lineFunction, lineNumber     = 1, 2
	functionID, functionName     = 1, 2
	functionSystem, functionFile = 3, 4
)

// message is a protocol buffer under construction.
type message []byte

func (m *message) number(field int, v uint64) {
	*m = binary.AppendUvarint(*m, uint64(field)<<3)
	*m = binary.AppendUvarint(*m, v)
}

func (m *message) bytes(field int, b []byte) {
	*m = binary.AppendUvarint(*m, uint64(field)<<3|2)
	*m = binary.AppendUvarint(*m, uint64(len(b)))
	*m = append(*m, b...)
}

// writer gives numbers to strings, functions and places.
type writer struct {
	strings   map[string]uint64
	table     []string
	functions map[runtime.Frame]uint64 // by name and file alone
	locations map[uintptr]uint64
	out       message
}

func (w *writer) text(s string) uint64 {
	id, ok := w.strings[s]
	if !ok {
		id = uint64(len(w.table))
		w.strings[s] = id
		w.table = append(w.table, s)
	}
	return id
}

func (w *writer) typ(t Type) message {
	var m message
	m.number(typeName, w.text(t.Name))
	m.number(typeUnit, w.text(t.Unit))
	return m
}

func (w *writer) function(f runtime.Frame) uint64 {
	key := runtime.Frame{Function: f.Function, File: f.File}
	id, ok := w.functions[key]
	if !ok {
		id = uint64(len(w.functions) + 1)
		w.functions[key] = id
		var m message
		m.number(functionID, id)
		m.number(functionName, w.text(f.Function))
		m.number(functionSystem, w.text(f.Function))
		m.number(functionFile, w.text(f.File))
		w.out.bytes(profileFunction, m)
	}
	return id
}

// location returns the number of a place, whose lines begin with the innermost
// inlined call; 0 if nothing is to be shown of it.
func (w *writer) location(pc uintptr, omit func(string) bool) uint64 {
	if id, ok := w.locations[pc]; ok {
		return id
	}
	var lines []message
	frames := runtime.CallersFrames([]uintptr{pc})
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		if f.Function == "" || omit != nil && omit(f.Function) {
			continue
		}
		var line message
		line.number(lineFunction, w.function(f))
		line.number(lineNumber, uint64(f.Line))
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		w.locations[pc] = 0
		return 0
	}
	id := uint64(len(w.locations) + 1)
	w.locations[pc] = id
	var m message
	m.number(locationID, id)
	m.number(locationAddress, uint64(pc))
	for _, line := range lines {
		m.bytes(locationLine, line)
	}
	w.out.bytes(profileLocation, m)
	return id
}

// Write writes the profile.
func (p *Profile) Write(dst io.Writer) error {
	w := &writer{
		strings: make(map[string]uint64), functions: make(map[runtime.Frame]uint64), locations: make(map[uintptr]uint64),
	}
	w.text("") // the schema wants it first
	for _, t := range p.Types {
		w.out.bytes(profileSampleType, w.typ(t))
	}
	for _, s := range p.Samples {
		var m message
		omit := p.Omit
		for _, pc := range s.Stack {
			if id := w.location(pc, omit); id != 0 {
				m.number(sampleLocation, id)
				omit = nil
			}
		}
		for _, v := range s.Values {
			m.number(sampleValue, uint64(v))
		}
		w.out.bytes(profileSample, m)
	}
	w.out.number(profileTime, uint64(p.Time.UnixNano()))
	w.out.bytes(profilePeriodType, w.typ(p.PeriodType))
	w.out.number(profilePeriod, uint64(p.Period))
	for _, s := range w.table {
		w.out.bytes(profileStrings, []byte(s))
	}
	zip := gzip.NewWriter(dst)
	if _, err := zip.Write(w.out); err != nil {
		return err
	}
	return zip.Close()
}
