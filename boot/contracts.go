package boot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"matrixos/app"
	"matrixos/app/browser"
	"matrixos/app/contract"
	"matrixos/app/desktop"
	"matrixos/disk"
	"matrixos/sys"
)

// host plays scenarios of a trial, each in a window with data of its own. That it cannot
// just now is an error of kind sys.Unavailable.
type host interface {
	Run(ctx context.Context, t *app.Trial) ([]sys.ScenarioResult, error)
	First(ctx context.Context, t *app.Trial) ([]sys.ScenarioResult, error)
	Try(ctx context.Context, t *app.Trial, places []int) ([]sys.ScenarioResult, error)
	Close() error
}

var (
	_ host = (*browser.Browser)(nil)
	_ host = (*desktop.Host)(nil)
)

// contracts holds apps to what they have to do, at the highest level that this
// machine and the owner's open desktops allow, and remembers what it found by
// fingerprint.
type contracts struct {
	runtime *app.Runtime
	browser *browser.Browser // nil where there is none
	why     error            // why not
	desks   *desktop.Host    // what plays where there is no browser
	file    string           // where verdicts are kept
	log     *slog.Logger
	plays   plays

	mu     sync.Mutex
	known  map[string]verdict // by fingerprint
	closed bool
}

// verdict is what is known of an app as it is.
type verdict struct {
	Level   string    `json:"level"` // "" if it is red
	Failing []string  `json:"failing,omitempty"`
	Red     string    `json:"red,omitempty"` // the level at which it is red
	At      time.Time `json:"at"`
}

// keptVerdicts bounds the file: apps that are installed, and some of their past.
const keptVerdicts = 500

func openContracts(home string, log *slog.Logger) *contracts {
	c := &contracts{file: filepath.Join(home, sys.Store, "contracts.json"), log: log, known: map[string]verdict{}}
	raw, err := os.ReadFile(c.file)
	if err == nil {
		err = json.Unmarshal(raw, &c.known)
	}
	if err != nil && !missing(err) {
		log.Warn("what was found of apps is forgotten; they are tried again", "error", err)
		c.known = map[string]verdict{}
	}
	return c
}

// attach joins the runtime, the browser that MATRIXOS_CHROMIUM or the machine names, and
// the desktops that are open.
func (c *contracts) attach(rt *app.Runtime, named string, open desktop.Options) {
	c.runtime, c.desks = rt, desktop.New(rt, open)
	bin, err := browser.Find(named)
	if _, built := rt.TrialPage(); err == nil && !built {
		err = &sys.Error{Op: "try apps in", Path: "a browser", Kind: sys.Unavailable, Err: errors.New("the web runtime has not been built")}
	}
	if err != nil {
		c.why = err
		return
	}
	c.browser = browser.New(rt, browser.Options{Bin: bin, Logger: c.log})
}

// hosts are what can play scenarios, the quickest first.
func (c *contracts) hosts() (list []host) {
	if c.browser != nil {
		list = append(list, c.browser)
	}
	return append(list, c.desks)
}

func (c *contracts) close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	var errs []error
	for _, h := range c.hosts() {
		errs = append(errs, h.Close())
	}
	return errors.Join(errs...)
}

// warm starts the browser in the background: an app is being written.
func (c *contracts) warm() {
	if c.browser == nil {
		return
	}
	go func() {
		err := c.browser.Warm()
		c.mu.Lock()
		defer c.mu.Unlock()
		if err != nil && !c.closed {
			c.log.Warn("the browser does not start", "error", err)
		}
	}()
}

// verdict implements app.Options.
func (c *contracts) verdict(fingerprint string) (string, []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.known[fingerprint]
	return v.Level, v.Failing
}

// player has scenarios of a trial played.
type player func(host, context.Context, *app.Trial) ([]sys.ScenarioResult, error)

// played has the first host that can play them. Where none can, the error says why each
// of them cannot.
func (c *contracts) played(ctx context.Context, t *app.Trial, play player) ([]sys.ScenarioResult, error) {
	why := []error{c.why}
	for _, h := range c.hosts() {
		res, err := play(h, ctx, t)
		if err == nil {
			return res, c.plays.note(t, res)
		}
		if sys.KindOf(err) != sys.Unavailable {
			return res, err
		}
		why = append(why, err)
	}
	return nil, unplayed(why)
}

// unplayed says in one line why nothing plays.
func unplayed(why []error) error {
	out := &sys.Error{Op: "play", Path: "scenarios", Kind: sys.Unavailable}
	var words []string
	for _, err := range why {
		if err == nil {
			continue
		}
		words = append(words, strings.TrimSuffix(err.Error(), "; "+sys.HintOf(err)))
		out.Hint = sys.HintOf(err)
	}
	out.Err = errors.New(strings.Join(words, "; "))
	return out
}

// check tries the app in folder of tree against its contract.
func (c *contracts) check(ctx context.Context, tree fs.FS, folder sys.Path) (*sys.ContractReport, error) {
	return c.checkBy(ctx, tree, folder, host.Run, nil)
}

// carry brings the rows that land with an app into a copy of its database; nil: there are none.
type carry func(ctx context.Context, p sys.Path, copy string) error

func (c *contracts) checkBy(ctx context.Context, tree fs.FS, folder sys.Path, play player, rows carry) (*sys.ContractReport, error) {
	start := time.Now()
	t, err := c.runtime.Try(ctx, tree, folder)
	if err != nil {
		return nil, err
	}
	t.Carry = rows
	r, err := c.try(ctx, t, play)
	if err = errors.Join(err, t.Close()); err != nil {
		return nil, err
	}
	r.Millis = float64(time.Since(start).Milliseconds())
	r.Settle()
	return r, c.note(tree, folder, r)
}

func (c *contracts) try(ctx context.Context, t *app.Trial, play player) (*sys.ContractReport, error) {
	r := reportOf(t)
	if len(r.Faults) > 0 {
		return r, nil
	}
	var err error
	if r.Invariants, err = t.OwnData(ctx); err != nil {
		return nil, err
	}
	return r, c.scenes(ctx, t, play, r)
}

// reportOf is a report in which nothing has been tried.
func reportOf(t *app.Trial) *sys.ContractReport {
	return &sys.ContractReport{App: t.Slug(), Level: sys.VerifiedStatic, None: t.None, Faults: t.Faults}
}

// scenes adds to r what came of the scenarios of t, each of which minds the rules of the
// data in its window.
func (c *contracts) scenes(ctx context.Context, t *app.Trial, play player, r *sys.ContractReport) error {
	err := t.Runnable()
	if err != nil {
		r.Note = strings.TrimSuffix(err.Error()+"; "+sys.HintOf(err), "; ")
		return nil
	}
	r.Scenarios, err = c.played(ctx, t, play)
	if sys.KindOf(err) == sys.Unavailable {
		r.Scenarios, r.Note = nil, err.Error() // that nothing plays is no fault of the app
		return nil
	}
	r.Level = sys.VerifiedBrowser
	return err
}

// note remembers what was found. The owner's data are no part of the fingerprint, so
// what only they break is not remembered.
func (c *contracts) note(tree fs.FS, folder sys.Path, r *sys.ContractReport) error {
	print, err := c.runtime.Fingerprint(tree, folder)
	if err != nil {
		return err
	}
	v := verdict{At: time.Now().UTC()}
	if r.Green {
		v.Level = r.Level
	} else {
		v.Failing, v.Red = r.Failures(), r.Level
		if len(v.Failing) > 8 {
			v.Failing = v.Failing[:8]
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.known[print]; r.Green && (old.Level == sys.VerifiedBrowser || old.Red == sys.VerifiedBrowser && r.Level == sys.VerifiedStatic) {
		return nil // a lower level says nothing new
	}
	c.known[print] = v
	for len(c.known) > keptVerdicts {
		oldest := print
		for k, v := range c.known {
			if v.At.Before(c.known[oldest].At) {
				oldest = k
			}
		}
		delete(c.known, oldest)
	}
	raw, err := json.Marshal(c.known)
	if err == nil {
		err = replaceFile(c.file, raw)
	}
	if err != nil {
		c.log.Warn("what was found of an app is not kept", "app", r.App, "error", err)
	}
	return nil
}

func replaceFile(path string, raw []byte) error {
	if err := os.WriteFile(path+".new", raw, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// held are the kinds of landing that a contract can refuse. What the owner does, by
// hand or by an undo, is theirs to do; the app then says what does not hold.
// The healer has a rule of its own (betterOnly).
var held = []sys.LandingKind{sys.ByAgent, sys.ByMerge}

// gate stands before a landing, after the static checks: each app that it touches has
// to keep its contract. refused is told of one that does not.
func (c *contracts) gate(ctx context.Context, checked disk.Checked, touched []app.App, refused func(context.Context, disk.Checked, app.App, *sys.ContractReport)) error {
	if !slices.Contains(held, checked.Kind) || len(touched) == 0 {
		return nil
	}
	level, sum, some := "", sha256.New(), false
	for _, a := range touched {
		r, err := c.settledBy(ctx, checked.Tree, a.Folder, host.Run, checked.Rows)
		if err != nil {
			return err
		}
		if !r.Green {
			refused(ctx, checked, a, r)
			return joined(checked, []app.App{a}, &sys.Error{
				Op: "check", Path: string(a.Folder), Kind: sys.NotVerified, Err: errors.New("it does not do what its contract says:\n" + r.Text()),
				Hint: "mend the app, not the contract: that is the owner's word, and only the main agent changes it, at the owner's request",
			})
		}
		if failing, err := c.remembered(checked.Tree, a.Folder, r.Level); err != nil {
			return err
		} else if len(failing) > 0 {
			refused(ctx, checked, a, &sys.ContractReport{Scenarios: []sys.ScenarioResult{{Name: failing[0]}}})
			return joined(checked, []app.App{a}, &sys.Error{
				Op: "check", Path: string(a.Folder), Kind: sys.NotVerified, Err: errors.New("it did not do what its contract says when it was last tried, as it is:\n" + strings.Join(failing, "\n")),
				Hint: "mend the app; it can be tried again when a desktop is open",
			})
		}
		if level == "" || r.Level == sys.VerifiedStatic {
			level = r.Level
		}
		raw, err := fs.ReadFile(checked.Tree, string(contract.Path(a.Folder)))
		if err != nil && !missing(err) {
			return err
		}
		sum.Write(raw)
		some = some || len(raw) > 0
	}
	name := ""
	if some {
		name = hex.EncodeToString(sum.Sum(nil)[:8])
	}
	checked.Attest(level, name)
	return nil
}

// remembered tells what failed of an app that was red in a window as it is, where no window
// is to be had now: who waits until the desktop is closed gains nothing.
func (c *contracts) remembered(tree fs.FS, folder sys.Path, level string) ([]string, error) {
	print, err := c.runtime.Fingerprint(tree, folder)
	if err != nil || level != sys.VerifiedStatic {
		return nil, err
	}
	_, failing := c.verdict(print)
	return failing, nil
}

// settled is check, but scenarios that held as the app is built are not played again. Of an
// app that was found green as it is, only the owner's data are looked at.
func (c *contracts) settled(ctx context.Context, tree fs.FS, folder sys.Path) (*sys.ContractReport, error) {
	return c.settledBy(ctx, tree, folder, host.Run, nil)
}

func (c *contracts) settledBy(ctx context.Context, tree fs.FS, folder sys.Path, play player, rows carry) (*sys.ContractReport, error) {
	print, err := c.runtime.Fingerprint(tree, folder)
	if err != nil {
		return nil, err
	}
	if level, _ := c.verdict(print); level != sys.VerifiedBrowser {
		return c.checkBy(ctx, tree, folder, c.remembering(play), rows)
	}
	t, err := c.runtime.Try(ctx, tree, folder)
	if err != nil {
		return nil, err
	}
	t.Carry = rows
	r := &sys.ContractReport{App: t.Slug(), Level: sys.VerifiedBrowser, None: t.None, Faults: t.Faults}
	if len(r.Faults) == 0 {
		r.Invariants, err = t.OwnData(ctx)
	}
	r.Settle()
	return r, errors.Join(err, t.Close())
}
