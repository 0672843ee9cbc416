package main

import (
	"embed"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

//go:embed testdata
var files embed.FS

// A program is one of the folder programs, there in several languages; size stands in its
// text and is replaced by another.
type program struct {
	name, size, by string
}

var (
	// Sized so that C needs 0.3 s.
	numeric = []program{
		{"fib", "35", "41"}, {"mandel", "500", "1700"}, {"sieve", "5000000", "50000000"}, {"spectral", "300", "2000"},
	}
	portable = []program{
		{"fib", "", ""}, {"mandel", "", ""}, {"sieve", "", ""}, {"nbody", "", ""}, {"spectral", "", ""}, {"strings", "", ""}, {"maps", "", ""},
	}
	recursion = []program{{"fib", "", ""}}
)

// prepare returns what runs a program on an engine; nil if the engine has it not.
func (b *bench) prepare(p program, engine string) (func() *exec.Cmd, error) {
	if p.name == "strings" && (engine == "gopher-lua" || engine == "goja") {
		return nil, nil // they take far longer than all others together
	}
	ext := map[string]string{
		"c": "c", "go": "go", "luajit": "lua", "lua5.4": "lua", "gopher-lua": "lua", "node": "js", "goja": "js",
		"calc jit": "calc", "calc vm": "calc", "calc tree": "calc",
	}[engine]
	if ext == "" { // its programs are in peers.go
		return func() *exec.Cmd { return exec.Command(self(), "exec", engine, "") }, nil
	}
	text, err := files.ReadFile("testdata/" + p.name + "." + ext)
	if err != nil {
		return nil, err
	}
	src := string(text)
	if p.size != "" {
		src = strings.ReplaceAll(src, p.size, p.by)
	}
	dir := filepath.Join(b.dir, p.name+p.by)
	file := filepath.Join(dir, "main."+ext)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if ext == "js" && engine == "node" {
		src = "const print = console.log;\n" + src
	}
	if err := os.WriteFile(file, []byte(src), 0o644); err != nil {
		return nil, err
	}
	exe := filepath.Join(dir, ext)
	switch engine {
	case "c":
		return command(exe), build("gcc", "-O2", "-o", exe, file, "-lm")
	case "go":
		return command(exe), build("go", "build", "-o", exe, file)
	case "luajit", "lua5.4", "node":
		return command(engine, file), nil
	}
	return command(self(), "exec", engine, file), nil
}

func command(name string, args ...string) func() *exec.Cmd {
	return func() *exec.Cmd { return exec.Command(name, args...) }
}

func build(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

func self() string {
	name, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return name
}

func join(list []string, sep string) string { return strings.Join(list, sep) }

func median(list []time.Duration) time.Duration {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

func geometric(list []float64) float64 {
	sum := 0.0
	for _, x := range list {
		sum += math.Log(x)
	}
	return math.Exp(sum / float64(len(list)))
}
