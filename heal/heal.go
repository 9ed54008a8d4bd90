package heal

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"path"
	"slices"
	"sync"
	"time"

	"matrixos/disk"
	"matrixos/sys"
)

// Options say what a Healer works on. Disk and Judge are required.
type Options struct {
	Disk  *disk.Disk
	Judge Judge
	// Level is the highest level to which apps can be held here, and if it is not
	// sys.VerifiedBrowser, why.
	Level func() (level string, why error)
	// Settings reports what is wrong with a file of the settings, in words: "" for
	// nothing. It is given what the file is to hold. May be nil.
	Settings func(path sys.Path, text []byte) string
	Judged   func(ctx context.Context, app sys.Slug) // more is known of an app; may be nil
	// Idle is called in a quiet moment in which no app is due to be looked at, beside what
	// Watch does; its context ends when something lands or is reported. May be nil.
	Idle   func(ctx context.Context)
	Logger *slog.Logger     // may be nil
	Now    func() time.Time // time.Now if nil
}

// Healer finds and mends what is broken in one home. It is safe for concurrent use;
// one thing is mended at a time.
type Healer struct {
	o   Options
	log *slog.Logger

	at sync.Mutex // one run at a time

	mu       sync.Mutex
	waiting  []report // what was reported and nobody has looked at
	rung     chan struct{}
	scrubbed time.Time // the newest check of stored bytes that is in the ledger; Watch alone
}

// New makes a Healer and its tables.
func New(ctx context.Context, o Options) (*Healer, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Level == nil {
		o.Level = func() (string, error) { return sys.VerifiedStatic, errors.New("nobody said otherwise") }
	}
	if err := o.Disk.Journal().Migrate(ctx, "heal", migrations...); err != nil {
		return nil, err
	}
	return &Healer{o: o, log: o.Logger, rung: make(chan struct{}, 1)}, nil
}

// The detectors, as the ledger names them.
const (
	ByFiles    = "files"    // they do not parse, do not compile, or do not fit the data
	ByContract = "contract" // a scenario is red
	ByData     = "data"     // a rule of the data is broken, or what keeps them is damaged
	ByBeacon   = "beacon"   // a window reported an error
	ByPulse    = "pulse"    // a window stopped answering
	ByWeight   = "weight"   // a window took more and more memory
	BySettings = "settings"
	ByScrub    = "scrub" // the disk's check of stored bytes
	ByOwner    = "owner" // who noticed it before any detector
)

// run is one look at one app.
type run struct {
	slug     sys.Slug
	folder   sys.Path
	name     string // what people call it
	roots    []string
	contract []byte // today's; nil if there is none
	unread   bool   // there is one, and what it says is not known
	lost     *found // where the contract that it had was deleted; nil if it was not
	marks    []mark // damage that its files have
	start    time.Time
	noticed  time.Time // when something was first seen to be wrong; zero until then
	known    map[string]*trial
	wholes   map[string]*sys.ContractReport
	runs     int
	judge    Judge  // of apps, or of one file of the settings
	mode     int    // if it is none of an app
	by       string // the detector, if it was not the check itself
	told     string // what that said
	yes      bool   // the owner has accepted what would be proposed
	level    string // to which it was held last
}

// Heal runs all detectors once and climbs the ladder for what they find. The error is
// of the machinery; what cannot be mended is a case.
func (h *Healer) Heal(ctx context.Context, o sys.HealOptions) (sys.HealReport, error) {
	h.at.Lock()
	defer h.at.Unlock()
	start := h.o.Now()
	report := sys.HealReport{Cases: []sys.HealCase{}}
	report.Level, _ = h.o.Level()
	if o.Quick {
		report.Level = sys.VerifiedStatic
	}
	if o.App == "" {
		if err := h.stored(ctx, &report); err != nil {
			return report, err
		}
		if err := h.settings(ctx, o, &report); err != nil {
			return report, err
		}
	}
	view, err := h.o.Disk.View(0)
	if err != nil {
		return report, err
	}
	all, err := folders(view)
	if err != nil {
		return report, err
	}
	looked := 0
	for _, folder := range all {
		if o.App != "" && h.slugOf(view, folder) != o.App {
			continue
		}
		looked++
		cases, notes, err := h.app(ctx, folder, o, "", "")
		report.Cases, report.Notes = append(report.Cases, cases...), append(report.Notes, notes...)
		if err != nil {
			return report, err
		}
	}
	if o.App != "" && looked == 0 {
		return report, &sys.Error{Op: "heal", Path: string(o.App), Kind: sys.NotFound, Err: errors.New("there is no such app"), Hint: "`matrixos apps` lists them; a removed one is brought back with `matrixos undo`"}
	}
	report.Looked += looked
	report.Millis = h.o.Now().Sub(start).Milliseconds()
	return report, nil
}

// slugOf is the slug of the app in a folder, as far as its manifest can be read.
func (h *Healer) slugOf(tree fs.FS, folder sys.Path) sys.Slug {
	if s := manifestSlug(tree, folder); s.Valid() {
		return s
	}
	return sys.Slug(path.Base(string(folder)))
}

// begin prepares a look at an app as it is now.
func (h *Healer) begin(ctx context.Context, folder sys.Path) (*run, *disk.View, error) {
	view, err := h.o.Disk.View(0)
	if err != nil {
		return nil, nil, err
	}
	c := &run{folder: folder, slug: h.slugOf(view, folder), judge: h.o.Judge, start: h.o.Now(), known: map[string]*trial{}, wholes: map[string]*sys.ContractReport{}}
	if c.name, err = h.nameOf(ctx, view, folder); err != nil {
		return nil, nil, err
	}
	if c.roots, err = rootsOf(view, folder); err != nil {
		return nil, nil, err
	}
	c.contract, err = fs.ReadFile(view, string(folder)+"/"+contractName)
	if errors.Is(err, fs.ErrNotExist) {
		c.contract, err = nil, nil
	}
	return c, view, err
}

// whole tries all of an app, once for each state of it.
func (h *Healer) whole(ctx context.Context, c *run, tree fs.FS, quick bool) (*sys.ContractReport, error) {
	print, err := fingerprint(tree, c.roots)
	if err != nil {
		return nil, err
	}
	if r := c.wholes[print]; r != nil {
		return r, nil
	}
	c.runs++
	var r *sys.ContractReport
	if quick {
		r, err = c.judge.Part(ctx, tree, c.folder, "")
	} else {
		r, err = c.judge.Whole(ctx, tree, c.folder)
	}
	if err != nil {
		return nil, err
	}
	c.wholes[print] = r
	return r, nil
}

// most is how many faults of one app are mended in one go.
const most = 6

// app looks at one app: at its data first, for an app whose database is damaged cannot
// be judged. notes say what was not looked at.
func (h *Healer) app(ctx context.Context, folder sys.Path, o sys.HealOptions, by, told string) (cases []sys.HealCase, notes []string, err error) {
	cases, notes, err = h.data(ctx, folder, o)
	if err != nil || slices.ContainsFunc(cases, func(one sys.HealCase) bool { return disk.IsDatabase(one.Path) }) {
		return cases, notes, err
	}
	more, err := h.code(ctx, folder, o, by, told)
	return append(cases, more...), notes, err
}

// code looks at the files of an app, and mends what it finds, fault by fault.
func (h *Healer) code(ctx context.Context, folder sys.Path, o sys.HealOptions, by, told string) (out []sys.HealCase, err error) {
	tried := map[sys.LandingID]bool{}
	for range most {
		c, view, err := h.begin(ctx, folder)
		if err != nil {
			return out, err
		}
		c.by, c.told = by, told
		one, err := h.once(ctx, c, view, o)
		switch {
		case err != nil:
			return out, err
		case one == nil:
			if len(out) > 0 {
				return out, nil
			}
			return h.well(ctx, c, o)
		}
		out = append(out, *one)
		if one.State != sys.HealDone || tried[one.Culprit] {
			return out, nil
		}
		tried[one.Culprit] = true
		if h.o.Judged != nil {
			h.o.Judged(ctx, c.slug)
		}
	}
	return out, nil
}

// once mends one fault; nil if there is none. It looks no further than to the first
// check that fails, unless that one is decided or failed by chance.
func (h *Healer) once(ctx context.Context, c *run, view *disk.View, o sys.HealOptions) (*sys.HealCase, error) {
	if c.mode == 0 {
		if err := errors.Join(h.promised(ctx, c, view), h.marred(ctx, c, view)); err != nil {
			return nil, err
		}
	}
	before, all, err := h.first(ctx, c, view, o.Quick)
	if err != nil {
		return nil, err
	}
	c.level = before.Level
	if before.Green {
		return nil, nil
	}
	c.noticed = h.o.Now()
	known := map[string]sys.HealCase{}
	if !o.Again {
		if known, err = h.decided(ctx, c.folder); err != nil {
			return nil, err
		}
	}
	one, done, err := h.mend(ctx, c, view, before, known, o)
	if err != nil || done || all {
		return one, err
	}
	if before, err = h.whole(ctx, c, view, o.Quick); err != nil || before.Green {
		return nil, err
	}
	one, _, err = h.mend(ctx, c, view, before, known, o)
	return one, err
}

// first is whole, but may end with the first check that fails; all is false if it did.
func (h *Healer) first(ctx context.Context, c *run, tree fs.FS, quick bool) (r *sys.ContractReport, all bool, err error) {
	print, err := fingerprint(tree, c.roots)
	if err != nil {
		return nil, false, err
	}
	if quick || c.wholes[print] != nil {
		r, err = h.whole(ctx, c, tree, quick)
		return r, true, err
	}
	c.runs++
	if r, err = c.judge.First(ctx, tree, c.folder); err != nil {
		return nil, false, err
	}
	if all = r.Green || len(r.Faults) > 0; all {
		c.wholes[print] = r
	}
	return r, all, nil
}

// mend climbs the ladder for the first failure that is not decided. done is false if
// there is none.
func (h *Healer) mend(ctx context.Context, c *run, view *disk.View, before *sys.ContractReport, known map[string]sys.HealCase, o sys.HealOptions) (last *sys.HealCase, done bool, err error) {
	for _, f := range failures(before) {
		if one, ok := known[f.check()]; ok {
			last = &one
			continue
		}
		if !o.Again {
			if old, err := h.open(ctx, c, view, f.check()); err != nil || old != nil {
				return old, true, err
			}
		}
		v, err := h.doubted(ctx, c, view, f)
		if err != nil {
			return nil, true, err
		}
		if v == holds { // it failed once, and does not now
			if err := h.count(ctx, countFalse); err != nil {
				return nil, true, err
			}
			continue
		}
		one, err := h.climb(ctx, c, view, before, f)
		return &one, true, err
	}
	return last, false, nil
}

// byWindow is what windows report.
var byWindow = map[string]struct {
	mode int
	what string
}{
	ByBeacon: {modeBlank, "Its window reported an error"},
	ByPulse:  {modeSlow, "Its window stopped answering"},
	ByWeight: {modeSlow, "Its window took more and more memory"},
}

// well closes what was open of an app that holds, as far as it was held to it: what a
// scenario has found stays open where none could be played. What a window has reported
// is then something that no check brings about.
func (h *Healer) well(ctx context.Context, c *run, o sys.HealOptions) ([]sys.HealCase, error) {
	if !o.Quick {
		if err := h.count(ctx, countGreen); err != nil {
			return nil, err
		}
	}
	err := errors.Join(h.mended(ctx, c), h.closeHeld(ctx, c.folder, c.level), h.over(ctx, c.folder, c.level))
	noticed, ok := byWindow[c.by]
	if err != nil || !ok {
		return nil, err
	}
	one := sys.HealCase{
		App: c.slug, Path: c.folder, Mode: noticed.mode, Detector: c.by, Seen: []string{c.told}, State: sys.HealUnproven,
		Why:  noticed.what + ", but its contract holds: no check brings that about, so nothing was changed.",
		Ways: []string{"ask for the app to be repaired, and say what you did", "look at what changed last, and take it back"},
	}
	known, err := h.sameCase(ctx, c.folder, c.told)
	if err != nil || known {
		return nil, err
	}
	return []sys.HealCase{one}, h.record(ctx, c, &one)
}
