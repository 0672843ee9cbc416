package platform

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/groundwork-go/groundwork/gogit"
	"github.com/groundwork-go/groundwork/gosh"
	"github.com/groundwork-go/groundwork/loadbalancer"
)

// A Builder runs the external commands of build lines.
type Builder interface {
	// Run runs c, which belongs to a build in dir.
	Run(ctx context.Context, dir string, c *gosh.Cmd) error
}

// ProcessBuilder runs them as ordinary processes.
type ProcessBuilder struct{}

// Run runs c.
func (ProcessBuilder) Run(ctx context.Context, _ string, c *gosh.Cmd) error {
	return gosh.RunProcess(ctx, c)
}

// Deploy deploys a commit of an app's repository.
func (p *Platform) Deploy(ctx context.Context, name string, commit gogit.OID) (Release, error) {
	repo, err := p.openRepo(name, false)
	if err != nil {
		return Release{}, err
	}
	defer repo.Close()
	a, err := p.app(name)
	if err != nil {
		return Release{}, err
	}
	if err := a.lock(ctx); err != nil {
		return Release{}, err
	}
	defer a.unlock()
	return p.deploy(ctx, a, repo, commit, io.Discard)
}

// deploy checks out, builds, starts, checks and switches. Called with the app's
// deploy lock held.
func (p *Platform) deploy(ctx context.Context, a *app, repo *gogit.Repository, commit gogit.OID, progress io.Writer) (Release, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.ctx, cancel)() // Shutdown ends it too
	rec, _, err := load[App](ctx, p.state, appKey(a.name))
	if err != nil {
		return Release{}, err
	}
	rel := Release{App: a.name, N: rec.Last + 1, Dir: rec.Last + 1, Commit: commit.String(), Time: time.Now().UTC().Truncate(time.Second)}
	dir := p.releaseDir(a.name, rel.N)
	// What is there is the rest of a release that never came to be.
	if err := os.RemoveAll(dir); err != nil {
		return Release{}, err
	}
	ok := false
	defer func() {
		if !ok {
			if err := os.RemoveAll(dir); err != nil {
				p.logger.Error("remove failed release", "dir", dir, "error", err)
			}
		}
	}()
	if err := repo.Checkout(ctx, commit, dir); err != nil {
		return Release{}, err
	}
	if rel.Recipe, err = readRecipe(dir); err != nil {
		return Release{}, err
	}
	if err := p.build(ctx, rel, dir, progress); err != nil {
		return Release{}, err
	}
	if err := p.roll(ctx, a, rel, rec.Scale, progress); err != nil {
		return Release{}, err
	}
	ok = true
	fmt.Fprintf(progress, "release %d of %s serves\n", rel.N, a.name)
	return rel, nil
}

// build runs the Procfile's build line in a build slot.
func (p *Platform) build(ctx context.Context, rel Release, dir string, progress io.Writer) error {
	if rel.Recipe.Build == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, p.o.BuildTimeout)
	defer cancel()
	slot, err := p.slots.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("wait for a build slot: %w", err)
	}
	defer p.slots.Release(slot)
	fmt.Fprintf(progress, "build: %s\n", rel.Recipe.Build)
	err = gosh.Run(ctx, rel.Recipe.Build, &gosh.Options{
		Name: "build", Dir: dir, Env: p.env(rel), Stdout: progress, Stderr: progress,
		Exec: func(ctx context.Context, c *gosh.Cmd) error { return p.o.Builder.Run(ctx, dir, c) },
	})
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	return nil
}

func (p *Platform) env(rel Release) []string {
	return append(hostEnv(), "APP="+rel.App, "RELEASE="+strconv.Itoa(rel.N))
}

func (p *Platform) spec(rel Release) Spec {
	return Spec{
		App: rel.App, Release: rel.N, Kind: rel.Recipe.Kind, Dir: p.releaseDir(rel.App, rel.Dir),
		Command: rel.Recipe.Web, Env: p.env(rel),
	}
}

// launch starts the instances of a release and waits until all are healthy.
func (p *Platform) launch(ctx context.Context, rel Release, scale int) ([]*running, error) {
	if scale == 0 {
		var err error
		if scale, err = rel.Recipe.instances(ctx, rel.N); err != nil {
			return nil, err
		}
	}
	list := make([]*running, scale)
	specs := make([]Spec, scale)
	for i := range list {
		ring, err := newLogRing(p.heap)
		if err != nil {
			p.freeLogs(list[:i])
			return nil, err
		}
		specs[i] = p.spec(rel)
		specs[i].Output = ring
		list[i] = &running{spec: specs[i], log: ring, stop: make(chan struct{})}
	}
	instances, err := p.scheduler(rel.Recipe.Kind).Place(ctx, specs)
	if err != nil {
		p.freeLogs(list)
		return nil, fmt.Errorf("start: %w", err)
	}
	errs := make([]error, scale)
	var wg sync.WaitGroup
	for i, in := range instances {
		list[i].Instance = in
		wg.Go(func() { errs[i] = waitHealthy(ctx, in, p.o.HealthTimeout) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		stopAll(instances, p.o.StopTimeout)
		err = fmt.Errorf("%w\n%s", err, list[0].log.tail(2000))
		p.keepLogs(list)
		p.freeLogs(list)
		return nil, err
	}
	return list, nil
}

func (p *Platform) scheduler(k Kind) Scheduler {
	if k == KindStatic {
		return p.static
	}
	return p.sched
}

func (p *Platform) freeLogs(list []*running) {
	for _, r := range list {
		if r.log == nil {
			continue
		}
		if err := r.log.free(); err != nil {
			p.logger.Error("free log", "error", err)
		}
	}
}

// roll starts a release and puts it in place of the one that serves. It is recorded
// when it is healthy and before it serves. Called with the deploy lock held.
func (p *Platform) roll(ctx context.Context, a *app, rel Release, scale int, progress io.Writer) error {
	list, err := p.launch(ctx, rel, scale)
	if err != nil {
		return err
	}
	if err := p.record(ctx, rel, scale); err != nil {
		p.retire(list)
		return err
	}
	fmt.Fprintf(progress, "healthy: %d of %d\n", len(list), len(list))
	old := p.swap(a, rel.N, list)
	p.drain(a, old)
	rec, _, err := load[App](ctx, p.state, appKey(a.name))
	if err == nil {
		p.prune(rec)
	}
	return nil
}

// record makes a release the current one, in one step: the app's record, which names
// the release, is written after it. A release above the app's Last does not count.
func (p *Platform) record(ctx context.Context, rel Release, scale int) error {
	rec, rev, err := load[App](ctx, p.state, appKey(rel.App))
	if err != nil {
		return err
	}
	key := releaseKey(rel.App, rel.N)
	_, prev, err := p.state.Get(ctx, key)
	if err != nil {
		return err
	}
	if err := store(ctx, p.state, key, rel, prev); err != nil {
		return err
	}
	rec.Name, rec.Current, rec.Last, rec.Scale = rel.App, rel.N, max(rec.Last, rel.N), scale
	return store(ctx, p.state, appKey(rel.App), rec, rev)
}

// swap lets new requests go to other instances and returns the old ones.
func (p *Platform) swap(a *app, release int, list []*running) []*running {
	a.mu.Lock()
	defer a.mu.Unlock()
	old := a.running
	a.running, a.release = list, release
	p.updateEndpoints(a)
	for _, r := range list {
		p.supervise(a, r, 0)
	}
	return old
}

// updateEndpoints tells the load balancer what runs. Called with a.mu held.
func (p *Platform) updateEndpoints(a *app) {
	var eps []loadbalancer.Endpoint
	for _, r := range a.running {
		if r.Err() == nil {
			eps = append(eps, loadbalancer.Endpoint{Addr: r.Addr()})
		}
	}
	if err := a.lb.Update(eps); err != nil {
		p.logger.Error("update endpoints", "app", a.name, "error", err)
	}
	for _, r := range a.running {
		if r.idler == nil {
			r.idler, _ = a.lb.Idler(r.Addr()) // nil if it has ended: nothing to wait for
		}
	}
}

// drain waits for the requests at old instances and then stops them.
func (p *Platform) drain(a *app, old []*running) {
	ctx, cancel := context.WithTimeout(p.ctx, p.o.DrainTimeout)
	defer cancel()
	for _, r := range old {
		if r.idler == nil {
			continue
		}
		if err := r.idler.Wait(ctx); err != nil {
			p.logger.Warn("requests were cut off", "app", a.name, "release", r.spec.Release)
		}
	}
	p.retire(old)
}

// retire stops instances, keeps the end of their logs, and frees what they had.
func (p *Platform) retire(list []*running) {
	var instances []Instance
	for _, r := range list {
		close(r.stop)
		instances = append(instances, r.Instance)
	}
	stopAll(instances, p.o.StopTimeout)
	p.keepLogs(list)
	p.freeLogs(list)
}

// logKey is where the last output of a release's instances is kept.
func logKey(app string, release int) string { return fmt.Sprintf("log/%s/%08d", app, release) }

// keepLogs stores the end of the logs of instances of one release.
func (p *Platform) keepLogs(list []*running) {
	texts := make(map[string][]byte)
	for _, r := range list {
		if r.log != nil {
			key := logKey(r.spec.App, r.spec.Release)
			texts[key] = append(texts[key], r.log.tail(logSize)...)
		}
	}
	for key, text := range texts {
		if err := p.db.Set(key, text, nil); err != nil {
			p.logger.Error("keep log", "key", key, "error", err)
		}
	}
}

// supervise starts an instance anew when it ends without being told to, with
// growing delays.
func (p *Platform) supervise(a *app, r *running, delay time.Duration) {
	p.wg.Go(func() {
		for {
			select {
			case <-r.stop:
				return
			case <-p.ctx.Done():
				return
			case <-r.Done():
			}
			p.logger.Warn("instance ended", "app", a.name, "release", r.spec.Release, "error", r.Err())
			a.mu.Lock()
			p.updateEndpoints(a)
			a.mu.Unlock()
			delay = min(max(2*delay, 100*time.Millisecond), 30*time.Second)
			next, wanted := p.restart(a, r, delay)
			if !wanted {
				return
			}
			if next != nil {
				r = next
			}
		}
	})
}

// restart makes an instance in place of one that ended, after a delay. A nil one has
// to be tried again; not wanted means that nobody waits for it any more.
func (p *Platform) restart(a *app, r *running, delay time.Duration) (next *running, wanted bool) {
	select {
	case <-r.stop:
		return nil, false
	case <-p.ctx.Done():
		return nil, false
	case <-time.After(delay):
	}
	rel, _, err := load[Release](p.ctx, p.state, releaseKey(a.name, r.spec.Release))
	if err != nil {
		return nil, true
	}
	list, err := p.launch(p.ctx, rel, 1)
	if err != nil {
		p.logger.Error("instance does not start again", "app", a.name, "error", err)
		return nil, true
	}
	a.mu.Lock()
	if i := slices.Index(a.running, r); i >= 0 {
		a.running[i] = list[0]
	} else if a.release == 0 { // after a start that had failed
		a.running, a.release = list, rel.N
	} else {
		a.mu.Unlock()
		p.retire(list) // another release serves by now
		return nil, false
	}
	p.updateEndpoints(a)
	a.mu.Unlock()
	p.keepLogs([]*running{r})
	p.freeLogs([]*running{r})
	return list[0], true
}

// Rollback makes the files of an earlier release serve again, as a new release.
func (p *Platform) Rollback(ctx context.Context, name string, n int) error {
	return p.again(ctx, name, n, func(rec App, rel *Release) int {
		rel.N = rec.Last + 1
		return rec.Scale
	})
}

// Scale changes the number of an app's instances; 0 leaves it to the Procfile's rule.
func (p *Platform) Scale(ctx context.Context, name string, n int) error {
	if n < 0 || n > maxInstances {
		return fmt.Errorf("platform: scale %d is not 0 to %d", n, maxInstances)
	}
	return p.again(ctx, name, 0, func(App, *Release) int { return n })
}

// again rolls out a recorded release, the current one if n is 0.
func (p *Platform) again(ctx context.Context, name string, n int, change func(App, *Release) (scale int)) error {
	p.mu.Lock()
	a := p.apps[name]
	p.mu.Unlock()
	if a == nil {
		return fmt.Errorf("%w: %s", ErrUnknownApp, name)
	}
	if err := a.lock(ctx); err != nil {
		return err
	}
	defer a.unlock()
	rec, _, err := load[App](ctx, p.state, appKey(name))
	if err != nil {
		return err
	}
	if n == 0 {
		n = rec.Current
	}
	rel, rev, err := load[Release](ctx, p.state, releaseKey(name, n))
	if err != nil {
		return err
	}
	if _, statErr := os.Stat(p.releaseDir(name, rel.Dir)); rev == 0 || n > rec.Last || statErr != nil {
		return fmt.Errorf("%w: %s %d", ErrUnknownRelease, name, n)
	}
	scale := change(rec, &rel)
	return p.roll(ctx, a, rel, scale, io.Discard)
}

// keepReleases is how many releases keep their files.
const keepReleases = 10

// prune removes the files of old releases and of those that never came to be.
func (p *Platform) prune(rec App) {
	keep := make(map[string]bool)
	for n := max(1, rec.Last-keepReleases+1); n <= rec.Last; n++ {
		rel, rev, err := load[Release](p.ctx, p.state, releaseKey(rec.Name, n))
		if err != nil {
			return
		}
		if rev > 0 {
			keep[strconv.Itoa(rel.Dir)] = true
		}
	}
	if rel, rev, err := load[Release](p.ctx, p.state, releaseKey(rec.Name, rec.Current)); err == nil && rev > 0 {
		keep[strconv.Itoa(rel.Dir)] = true
	}
	base := filepath.Join(p.dir, "releases", rec.Name)
	entries, err := os.ReadDir(base)
	if err != nil {
		return // there are none
	}
	for _, e := range entries {
		if !keep[e.Name()] {
			if n, err := strconv.Atoi(e.Name()); err == nil {
				_, err = p.db.Delete(logKey(rec.Name, n))
				if err != nil {
					p.logger.Error("remove old log", "app", rec.Name, "release", n, "error", err)
				}
			}
			if err := os.RemoveAll(filepath.Join(base, e.Name())); err != nil {
				p.logger.Error("remove old release", "app", rec.Name, "release", e.Name(), "error", err)
			}
		}
	}
}
