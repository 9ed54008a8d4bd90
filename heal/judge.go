package heal

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"matrixos/app"
	"matrixos/sys"
)

// Judge holds an app to what it has to do. Errors are of the judge, not of the app. It is
// safe for concurrent use.
type Judge interface {
	// Whole tries all of it, at the highest level of the machine. It may answer from what
	// it remembers of an app that was green as it is.
	Whole(ctx context.Context, tree fs.FS, folder sys.Path) (*sys.ContractReport, error)
	// First is Whole, but tries each scenario once, and may end with the first check that
	// fails: of what it does not tell, nothing is known.
	First(ctx context.Context, tree fs.FS, folder sys.Path) (*sys.ContractReport, error)
	// Part tries one scenario or rule of data, by its name, once; with an empty name only
	// the files.
	Part(ctx context.Context, tree fs.FS, folder sys.Path, check string) (*sys.ContractReport, error)
	// Print names what the check of that name looks at: it holds in both or in neither of two
	// trees with one print. "" says that only trees of the same files are alike. With held
	// it is known to hold, and Part takes no time. An empty check looks at all that the app
	// is built to.
	Print(ctx context.Context, tree fs.FS, folder sys.Path, check string) (print string, held bool, err error)
}

// stricter judges an app as another judge does, and holds it to more: to a contract that it
// had, or to files without damage. What is wrong beyond the other's report is what more
// tells; scenarios are judged as ever.
type stricter struct {
	Judge
	more func(tree fs.FS, folder sys.Path, r *sys.ContractReport) ([]sys.Diagnostic, error)
}

// Whole implements Judge.
func (j stricter) Whole(ctx context.Context, tree fs.FS, folder sys.Path) (*sys.ContractReport, error) {
	r, err := j.Judge.Whole(ctx, tree, folder)
	return j.add(r, err, tree, folder)
}

// First implements Judge.
func (j stricter) First(ctx context.Context, tree fs.FS, folder sys.Path) (*sys.ContractReport, error) {
	r, err := j.Judge.First(ctx, tree, folder)
	return j.add(r, err, tree, folder)
}

// Part implements Judge.
func (j stricter) Part(ctx context.Context, tree fs.FS, folder sys.Path, check string) (*sys.ContractReport, error) {
	r, err := j.Judge.Part(ctx, tree, folder, check)
	if check != "" {
		return r, err
	}
	return j.add(r, err, tree, folder)
}

func (j stricter) add(r *sys.ContractReport, err error, tree fs.FS, folder sys.Path) (*sys.ContractReport, error) {
	if err != nil {
		return nil, err
	}
	more, err := j.more(tree, folder, r)
	if err != nil || len(more) == 0 {
		return r, err
	}
	out := *r // whoever made it may remember it
	out.Faults = slices.Concat(r.Faults, more)
	out.Settle()
	return &out, nil
}

// contractName is the file that a healer does not touch.
const contractName = "contract.json"

// failure is one check that does not hold.
type failure struct {
	name  string // of the scenario or rule; "" for what is wrong with a file
	words string
	cost  float64 // of running it once more, in milliseconds
	file  sys.Path
}

// key tells failures apart.
func (f failure) key() string {
	if f.name == "" {
		return string(f.file) + ": " + f.words
	}
	return f.name
}

// check is how the ledger names what failed.
func (f failure) check() string {
	if f.name == "" {
		return string(f.file)
	}
	return f.name
}

// failures lists what of a report does not hold, the cheapest to try first.
func failures(r *sys.ContractReport) (out []failure) {
	for _, d := range r.Faults {
		out = append(out, failure{words: d.Text, file: d.File})
	}
	for _, v := range r.Invariants {
		if !v.Green && !v.Skipped {
			out = append(out, failure{name: v.Name, words: v.Seen, cost: 1})
		}
	}
	for _, s := range r.Scenarios {
		if !s.Green {
			out = append(out, failure{name: s.Name, cost: 1 + s.Millis})
		}
	}
	slices.SortStableFunc(out, func(a, b failure) int { return int(a.cost - b.cost) })
	return out
}

// depth is how far the judge came: a manifest or contract that cannot be read hides
// what is wrong with the code, and code that does not compile hides the scenarios.
func depth(r *sys.ContractReport) int {
	if len(r.Faults) == 0 {
		return 2
	}
	for _, d := range r.Faults {
		if base := path.Base(string(d.File)); base == app.ManifestName || base == contractName {
			return 0
		}
	}
	return 1
}

// Better reports whether an app that is not all well after a change is at least better
// than before it: nothing fails that held, and less fails than did.
func Better(before, after *sys.ContractReport) bool {
	switch a, b := depth(after), depth(before); {
	case after.Green:
		return true
	case a != b:
		return a > b
	}
	failed := map[string]bool{}
	for _, f := range failures(before) {
		failed[f.key()] = true
	}
	now := failures(after)
	for _, f := range now {
		if !failed[f.key()] {
			return false
		}
	}
	return len(now) < len(failed)
}

// words say what does not hold, shortened for people.
func words(r *sys.ContractReport) []string {
	list := r.Failures()
	if len(list) > 4 {
		list = list[:4]
	}
	for i, s := range list {
		if s = strings.TrimSpace(s); len([]rune(s)) > 300 {
			s = string([]rune(s)[:299]) + "…"
		}
		list[i] = s
	}
	return list
}

// verdict is what a check says of a tree.
type verdict int

const (
	fails verdict = iota
	holds
	unclear // it could not be tried: the app does not even run
)

// part tries one check of an app; a scenario fails only if it does so twice.
func (h *Healer) part(ctx context.Context, c *run, tree fs.FS, f failure) (verdict, error) {
	return h.tried(ctx, c, tree, f, sure)
}

// sure is how often a scenario has to fail to be believed.
const sure = 2

// glance is part, but believes a scenario that fails once.
func (h *Healer) glance(ctx context.Context, c *run, tree fs.FS, f failure) (verdict, error) {
	return h.tried(ctx, c, tree, f, 1)
}

// trial is what is known of one check on one state of an app.
type trial struct {
	report *sys.ContractReport
	times  int
	held   bool // it is known without trying
}

func (h *Healer) tried(ctx context.Context, c *run, tree fs.FS, f failure, times int) (verdict, error) {
	t, err := c.trialOf(ctx, tree, f)
	if err != nil {
		return fails, err
	}
	for t.report == nil || t.times < times && !t.report.Green && len(t.report.Faults) == 0 && len(t.report.Scenarios) > 0 {
		if err := ctx.Err(); err != nil {
			return fails, &sys.Error{Op: "heal", Path: string(c.folder), Kind: sys.Canceled, Err: err}
		}
		c.runs++
		r, err := c.judge.Part(ctx, tree, c.folder, f.name)
		if err != nil {
			return fails, err
		}
		t.report = r
		t.times++
	}
	r := t.report
	switch {
	case f.name == "":
		if slices.ContainsFunc(r.Faults, func(d sys.Diagnostic) bool { return d.File == f.file }) {
			return fails, nil
		}
		return holds, nil
	case len(r.Faults) > 0:
		return unclear, nil
	case len(r.Scenarios)+len(r.Invariants) == 0:
		return fails, &sys.Error{Op: "try", Path: string(c.folder), Kind: sys.Unavailable, Err: errors.New("the check was not run: " + r.Note)}
	case r.Green:
		return holds, nil
	}
	return fails, nil
}

// trialOf is what is known of a check on a tree.
func (c *run) trialOf(ctx context.Context, tree fs.FS, f failure) (*trial, error) {
	var t trial
	print, err := "", error(nil)
	if f.name != "" {
		print, t.held, err = c.judge.Print(ctx, tree, c.folder, f.name)
	}
	if print == "" && err == nil {
		print, err = fingerprint(tree, c.roots)
	}
	if err != nil {
		return nil, err
	}
	key := f.name + "\x00" + print
	if c.known[key] == nil {
		c.known[key] = &t
	}
	return c.known[key], nil
}

// again tries a check that has failed once more: what fails twice is believed.
func (h *Healer) again(ctx context.Context, c *run, tree fs.FS, f failure) (verdict, error) {
	v, err := h.glance(ctx, c, tree, f)
	if err != nil || v != fails {
		return v, err
	}
	t, err := c.trialOf(ctx, tree, f)
	if err == nil {
		t.times = sure
	}
	return v, err
}

// mostAlike bounds how far back a state that is built to something else is looked for.
const mostAlike = 8

// doubted tries a check that has failed once more, as again does. Beside it, for the search
// to know, it tries the newest earlier state of the app in which it might be different.
func (h *Healer) doubted(ctx context.Context, c *run, tree fs.FS, f failure) (verdict, error) {
	trees := []fs.FS{tree}
	if f.name != "" {
		other, err := h.earlier(ctx, c, tree, f)
		if err != nil {
			return fails, err
		}
		if other != nil {
			trees = append(trees, other)
		}
	}
	if err := h.both(ctx, c, f, trees...); err != nil {
		return fails, err
	}
	return h.again(ctx, c, tree, f)
}

// earlier is the newest earlier state of an app that is another to a check; nil if there is
// none near.
func (h *Healer) earlier(ctx context.Context, c *run, tree fs.FS, f failure) (fs.FS, error) {
	list, err := h.history(ctx, c.roots)
	if err != nil {
		return nil, err
	}
	now, err := c.trialOf(ctx, tree, f)
	if err != nil {
		return nil, err
	}
	for i := len(list) - 2; i >= max(0, len(list)-1-mostAlike); i-- {
		then, err := h.o.Disk.View(list[i].ID)
		if err != nil {
			return nil, err
		}
		if _, err := fs.Stat(then, string(c.folder)); err != nil {
			return nil, nil // there was no such app; other errors are the search's to tell
		}
		t, err := c.trialOf(ctx, c.judged(then), f)
		if err != nil || t != now {
			return c.judged(then), err
		}
	}
	return nil, nil
}

// both tries a check on two states of an app side by side, for glance to know. The second is
// not tried where it is known that the check holds on the first.
func (h *Healer) both(ctx context.Context, c *run, f failure, trees ...fs.FS) error {
	var all sync.WaitGroup
	trials, errs := make([]*trial, len(trees)), make([]error, len(trees))
	for i, tree := range trees {
		t, err := c.trialOf(ctx, tree, f)
		if err != nil {
			return err
		}
		if t.held && i == 0 {
			return nil
		}
		if !slices.Contains(trials, t) && t.report == nil {
			trials[i] = t
			c.runs++
			all.Go(func() {
				if t.report, errs[i] = c.judge.Part(ctx, tree, c.folder, f.name); errs[i] == nil {
					t.times = 1
				}
			})
		}
	}
	all.Wait()
	return errors.Join(errs...)
}
