package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// hello measures a program that prints a line, from the start of its process to the
// end, and beside it a process that does nothing.
func (b *bench) hello() error {
	calc := filepath.Join(b.dir, "calc")
	build := exec.Command("go", "build", "-o", calc, "./calc")
	build.Dir = filepath.Join("..", "..", "examples")
	build.Env = append(os.Environ(), "GOWORK=") // that of the repository
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the command: %w\n%s", err, out)
	}
	files := map[string]string{"hello.calc": "print(\"hello\")\n", "hello.lua": "print('hello')\n", "hello.js": "console.log('hello')\n"}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	goHello := filepath.Join(b.dir, "hello")
	if err := os.WriteFile(goHello+".go", []byte("package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"hello\") }\n"), 0o644); err != nil {
		return err
	}
	if out, err := exec.Command("go", "build", "-o", goHello, goHello+".go").CombinedOutput(); err != nil {
		return fmt.Errorf("build a Go program: %w\n%s", err, out)
	}
	engines := []struct {
		name string
		args []string
	}{
		{"nothing (true)", []string{"true"}},
		{"a Go program", []string{goHello}},
		{"lua5.4", []string{"lua5.4", filepath.Join(b.dir, "hello.lua")}},
		{"node", []string{"node", filepath.Join(b.dir, "hello.js")}},
		{"calc run", []string{calc, "run", filepath.Join(b.dir, "hello.calc")}},
	}
	walls, cpus := make([][]time.Duration, len(engines)), make([][]time.Duration, len(engines))
	for range 8*b.rounds + 1 {
		for i, e := range engines {
			start := time.Now()
			t, err := cpu(exec.Command(e.args[0], e.args[1:]...))
			if err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
			walls[i], cpus[i] = append(walls[i], time.Since(start)), append(cpus[i], t)
		}
	}
	fmt.Fprint(b.w, "| hello | ms on processors | ms in all | least |\n|---|---|---|---|\n")
	for i, e := range engines {
		fmt.Fprintf(b.w, "| %s | %.2f | %.2f | %.2f |\n", e.name, median(cpus[i]).Seconds()*1e3, median(walls[i]).Seconds()*1e3, slices.Min(walls[i]).Seconds()*1e3)
	}
	fmt.Fprintln(b.w)
	return nil
}
