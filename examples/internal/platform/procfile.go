package platform

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/groundwork-go/groundwork/calc"
)

// Kind is the way an app is run.
type Kind string

// The kinds of apps.
const (
	KindProcess Kind = "process" // the Procfile's web line
	KindStatic  Kind = "static"  // files are served
)

// recipe is what an app's files say about building and running it.
type recipe struct {
	Kind  Kind   `json:"kind"`
	Build string `json:"build,omitempty"`
	Web   string `json:"web,omitempty"`
	Scale string `json:"scale,omitempty"` // a calc rule
}

const (
	procfile    = "Procfile"
	maxProcfile = 64 << 10
)

// readRecipe looks at the files of a release.
func readRecipe(dir string) (recipe, error) {
	data, err := os.ReadFile(filepath.Join(dir, procfile))
	if errors.Is(err, os.ErrNotExist) {
		if info, err := os.Stat(filepath.Join(dir, "index.html")); err == nil && info.Mode().IsRegular() {
			return recipe{Kind: KindStatic}, nil
		}
		return recipe{}, errors.New("nothing to run: add a Procfile with a line 'web: COMMAND', or an index.html")
	}
	if err != nil {
		return recipe{}, fmt.Errorf("%s: %w", procfile, err)
	}
	return parseProcfile(string(data))
}

func parseProcfile(text string) (recipe, error) {
	if len(text) > maxProcfile {
		return recipe{}, fmt.Errorf("%s has more than %d bytes", procfile, maxProcfile)
	}
	r := recipe{Kind: KindProcess}
	fields := map[string]*string{"build": &r.Build, "web": &r.Web, "scale": &r.Scale}
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		field := fields[name]
		switch {
		case !ok || value == "":
			return recipe{}, fmt.Errorf("%s:%d: expected 'name: command', found %.60q", procfile, n, line)
		case field == nil:
			return recipe{}, fmt.Errorf("%s:%d: unknown name %.60q; known are build, web and scale", procfile, n, name)
		case *field != "":
			return recipe{}, fmt.Errorf("%s:%d: %s comes twice", procfile, n, name)
		}
		*field = value
	}
	if r.Web == "" {
		return recipe{}, fmt.Errorf("%s has no line 'web: COMMAND'", procfile)
	}
	if _, err := r.instances(context.Background(), 1); err != nil {
		return recipe{}, err
	}
	return r, nil
}

// maxInstances bounds what a scale rule or Scale may ask for.
const maxInstances = 8

// instances evaluates the scale rule: an int, which may use the number of the
// release and of the machine's CPUs. Without a rule there is one instance.
func (r recipe) instances(ctx context.Context, release int) (int, error) {
	if r.Scale == "" {
		return 1, nil
	}
	env := map[string]any{"release": release, "cpus": runtime.NumCPU()}
	p, err := calc.Compile(r.Scale, &calc.Options{Name: "scale", Env: env, Limits: calc.Limits{Steps: 100_000, Memory: 1 << 20}})
	if err != nil {
		return 0, fmt.Errorf("%s: %s", procfile, strings.TrimSpace(calc.Report(err)))
	}
	if p.Type() != "int" {
		return 0, fmt.Errorf("%s: scale gives a %s, not an int", procfile, p.Type())
	}
	v, err := p.Run(ctx, env)
	if err != nil {
		return 0, fmt.Errorf("%s: %s", procfile, strings.TrimSpace(calc.Report(err)))
	}
	if v.Int() < 1 || v.Int() > maxInstances {
		return 0, fmt.Errorf("%s: scale gives %d, not 1 to %d", procfile, v.Int(), maxInstances)
	}
	return int(v.Int()), nil
}

// CheckName tells whether an app may have this name, which becomes a part of host
// names and paths.
func CheckName(name string) error {
	if !regexp.MustCompile(`^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$`).MatchString(name) {
		return fmt.Errorf("bad app name %.60q: 1 to 40 of a-z, 0-9 and -, beginning with a letter and not ending with -", name)
	}
	return nil
}
