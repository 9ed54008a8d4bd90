package boot

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"matrixos/app"
	"matrixos/app/strength"
	"matrixos/disk"
	"matrixos/home"
	"matrixos/sys"
)

// measured is what the file of strengths keeps of one app: what was measured, and the app
// and the contract that it was measured for.
type measured struct {
	At       time.Time          `json:"at"`
	Code     string             `json:"code"`
	Contract string             `json:"contract"`
	Report   sys.StrengthReport `json:"report"`
}

// strengths keeps what was last measured of each contract, in a file of the home, and
// measures in quiet moments what was not yet.
type strengths struct {
	mu    sync.Mutex
	at    sys.LandingID // of what is known
	known map[sys.Slug]measured
	tried map[sys.Slug]app.Prints // in quiet moments since the start; what failed is not tried again
	rest  context.CancelFunc      // ends what is measured unasked; nil if nothing is
}

// strengthFile is the form of sys.StrengthFile.
type strengthFile struct {
	Apps map[sys.Slug]measured `json:"apps"`
}

// weighed measures the contract of an app, at most so many changes at once.
func (c *contracts) weighed(ctx context.Context, tree fs.FS, folder sys.Path, side int) (*sys.StrengthReport, error) {
	if c.browser == nil {
		return nil, &sys.Error{Op: "measure the contract of", Path: string(folder), Kind: sys.Unavailable, Err: c.why, Hint: sys.HintOf(c.why)}
	}
	return strength.Bench{Runtime: c.runtime, Browser: c.browser, Side: side}.Measure(ctx, tree, folder)
}

// Strength measures the contract of an app by small wrong changes of it, and keeps what
// came of it.
func (a *apps) Strength(ctx context.Context, slug sys.Slug) (*sys.StrengthReport, error) {
	return a.measure(ctx, slug, 0)
}

func (a *apps) measure(ctx context.Context, slug sys.Slug, side int) (*sys.StrengthReport, error) {
	view, folder, err := a.newest(ctx, slug)
	if err != nil {
		return nil, err
	}
	prints, err := app.PrintsOf(view, folder)
	if err != nil {
		return nil, err
	}
	r, err := a.promise.weighed(ctx, view, folder, side)
	if err != nil || prints.Contract == "" {
		return r, err
	}
	if err := a.keepStrength(ctx, slug, measured{time.Now().UTC().Truncate(time.Second), prints.Code, prints.Contract, *r}); err != nil {
		return r, err
	}
	a.Judged(ctx, slug)
	return r, nil
}

// keepStrength lands what was measured. What is kept of apps that are gone goes.
func (a *apps) keepStrength(ctx context.Context, slug sys.Slug, m measured) error {
	there := map[sys.Slug]bool{slug: true}
	for _, i := range a.runtime.Known() {
		there[i.Slug] = true
	}
	_, err := a.disk.Edit(ctx, []sys.Path{sys.StrengthFile}, func(home *disk.View) (disk.Write, error) {
		known, err := a.strengthsOf(home)
		if err != nil {
			return disk.Write{}, err
		}
		next := maps.Clone(known)
		if next == nil {
			next = map[sys.Slug]measured{}
		}
		maps.DeleteFunc(next, func(s sys.Slug, _ measured) bool { return !there[s] })
		next[slug] = m
		text, err := json.MarshalIndent(strengthFile{next}, "", "  ")
		s := m.short()
		return disk.Write{
			Kind: sys.BySystem, Title: fmt.Sprintf("Measured the contract of %s: it finds %d of %d small wrong changes", slug, s.Found, s.Tried),
			Files: map[sys.Path][]byte{sys.StrengthFile: append(text, '\n')},
		}, err
	})
	return err
}

// short is what the desktop and the command line are told.
func (m measured) short() sys.Strength {
	s := sys.Strength{At: m.At, Tried: m.Report.Tried, Found: m.Report.Killed, Beyond: m.Report.Unreached, Missed: slices.Clone(m.Report.Survivors)}
	for _, words := range m.Report.Beyond {
		s.Missed = append(s.Missed, "in a place that no scenario runs: "+words)
	}
	return s
}

// strengths reads the file as the newest landing has it; the map is not to be changed. One
// that cannot be read is as if nothing had been measured.
func (a *apps) strengths() (map[sys.Slug]measured, error) {
	a.weights.mu.Lock()
	defer a.weights.mu.Unlock()
	head := a.disk.Head()
	if a.weights.at == head {
		return a.weights.known, nil
	}
	view, err := a.disk.View(head)
	if err != nil {
		return nil, err
	}
	known, err := a.strengthsOf(view)
	if err != nil {
		return nil, err
	}
	a.weights.at, a.weights.known = head, known
	return known, nil
}

func (a *apps) strengthsOf(home fs.FS) (map[sys.Slug]measured, error) {
	var f strengthFile
	raw, err := fs.ReadFile(home, string(sys.StrengthFile))
	switch {
	case missing(err):
	case err != nil:
		return nil, err
	default:
		if err := json.Unmarshal(raw, &f); err != nil {
			a.log.Warn("what was measured of contracts cannot be read; it is measured again", "file", sys.StrengthFile, "error", err)
		}
	}
	return f.Apps, nil
}

// strengthOf is what was last measured of an app's contract, and whether it is as it was.
func (a *apps) strengthOf(slug sys.Slug, prints func() (app.Prints, error)) *sys.Strength {
	known, err := a.strengths()
	m, ok := known[slug]
	if err != nil || !ok {
		if err != nil {
			a.log.Warn("what was measured of contracts cannot be read", "error", err)
		}
		return nil
	}
	s := m.short()
	now, err := prints()
	s.Stale = err != nil || now != app.Prints{Code: m.Code, Contract: m.Contract}
	return &s
}

// rest ends what is measured unasked: somebody wants something.
func (a *apps) rest() {
	a.weights.mu.Lock()
	defer a.weights.mu.Unlock()
	if a.weights.rest != nil {
		a.weights.rest()
	}
}

// measureOne uses a quiet moment to measure one contract that was not measured as it is.
// It gives way to any request or landing, and to whatever else the machine does. Apps as a
// new home has them are left out: what their contracts find is known (doc/reliability.md).
func (a *apps) measureOne(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	slug, prints, ok := a.unmeasured()
	if !ok || a.promise.browser == nil || a.busy() {
		return
	}
	a.weights.mu.Lock()
	if a.weights.rest != nil {
		a.weights.mu.Unlock()
		return // one is under way
	}
	a.weights.rest = cancel
	if a.weights.tried == nil {
		a.weights.tried = map[sys.Slug]app.Prints{}
	}
	a.weights.tried[slug] = prints
	a.weights.mu.Unlock()
	_, err := a.measure(ctx, slug, 1)
	a.weights.mu.Lock()
	defer a.weights.mu.Unlock()
	a.weights.rest = nil
	switch {
	case ctx.Err() != nil:
		delete(a.weights.tried, slug) // in the next quiet moment
	case err != nil:
		a.log.InfoContext(ctx, "a contract could not be measured", "app", slug, "error", err)
	}
}

// unmeasured is the next app to be measured.
func (a *apps) unmeasured() (sys.Slug, app.Prints, bool) {
	view, err := a.disk.View(0)
	if err != nil {
		return "", app.Prints{}, false
	}
	for _, i := range a.runtime.Known() {
		if !i.OK || !i.Contract || i.Verified != sys.VerifiedBrowser || i.Strength != nil && !i.Strength.Stale {
			continue
		}
		now, err := app.PrintsOf(view, i.Folder)
		if err != nil {
			continue
		}
		if ours, err := app.PrintsOf(home.Template(), i.Folder); err == nil && ours == now {
			continue
		}
		a.weights.mu.Lock()
		before := a.weights.tried[i.Slug]
		a.weights.mu.Unlock()
		if before != now {
			return i.Slug, now, true
		}
	}
	return "", app.Prints{}, false
}

// busyMachine reports whether the processors have had work for the last minute, whosever;
// a machine that does not say counts as busy.
func busyMachine() bool {
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return true
	}
	load, err := strconv.ParseFloat(slices.Concat(strings.Fields(string(raw)), []string{""})[0], 64)
	return err != nil || load > float64(runtime.NumCPU())/2
}
