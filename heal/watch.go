package heal

import (
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"matrixos/disk"
	"matrixos/sys"
)

const (
	// quiet is how long nothing has landed before apps are looked at that were touched: a
	// person saves often, and in between an app need not work.
	quiet = 4 * time.Second
	// idle is how often one app that nobody has looked at for long is tried.
	idle  = 10 * time.Minute
	again = 7 * 24 * time.Hour
)

// report is what a detector outside of this package has to say of an app.
type report struct {
	app      sys.Slug
	by, told string
}

// Report says that an app does not work: a window has caught an error (ByBeacon), has not
// answered (ByPulse) or has grown (ByWeight), or its files were found wrong (ByFiles). It does not wait; Watch looks into it.
func (h *Healer) Report(app sys.Slug, by, told string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := report{app, by, told}
	if len(h.waiting) < 100 && !slices.Contains(h.waiting, r) {
		h.waiting = append(h.waiting, r)
	}
	select {
	case h.rung <- struct{}{}:
	default:
	}
}

func (h *Healer) reports() []report {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.waiting
	h.waiting = nil
	return out
}

// Again has an app looked at anew of which something waits for the owner, because a check
// of it has held. It does not wait.
func (h *Healer) Again(ctx context.Context, app sys.Slug) {
	for _, one := range h.waits(ctx) {
		if one.App == app {
			h.Report(app, "", "")
			return
		}
	}
}

// waits lists what waits for the owner, as far as that can be read now.
func (h *Healer) waits(ctx context.Context) []sys.HealCase {
	list, err := h.Open(ctx)
	if err != nil && ctx.Err() == nil {
		h.log.WarnContext(ctx, "what waits for the owner could not be read", "error", err)
	}
	return list
}

// Watch looks at what landings touch that no check has stood before, at what is
// reported, and, when nothing happens, at one app after the other. What waits for the owner
// is looked at anew at the start, since another version may do with it, and when anything
// lands in it. It ends with ctx. What fails is logged, and tried again with the next occasion.
func (h *Healer) Watch(ctx context.Context) {
	landed := make(chan sys.LandingInfo, 64)
	go h.follow(ctx, landed)
	touched, looked := map[sys.Path]bool{}, map[sys.Path]time.Time{}
	calm, slow := time.NewTimer(quiet), time.NewTicker(idle)
	defer slow.Stop()
	busy := false
	aside := &aside{work: h.o.Idle}
	defer aside.stop()
	for _, one := range h.waits(ctx) {
		switch {
		case disk.IsDatabase(one.Path):
			h.Report(one.App, "", "")
			continue
		case inApps(one.Path):
			one.Path += "/" + contractName // a file of it
		}
		touched[one.Path] = true
	}
	for {
		select {
		case <-ctx.Done():
			return
		case l := <-landed:
			busy = true
			aside.stop()
			for _, p := range slices.Concat(due(l), h.withRows(ctx, l), reopened(l, h.waits(ctx))) {
				touched[p] = true
			}
			calm.Reset(quiet)
		case <-h.rung:
			aside.stop()
			for _, r := range h.reports() {
				h.look(ctx, func(f sys.Path) bool { return h.isApp(f, r.app) }, r.by, r.told)
			}
		case <-calm.C:
			if len(touched) > 0 {
				h.look(ctx, func(f sys.Path) bool { return touches(touched, f) }, "", "")
				h.lookSettings(ctx, touched)
			}
			clear(touched)
		case <-slow.C:
			if !busy && !h.spare(ctx, looked) {
				aside.start(ctx)
			}
			busy = false
		}
	}
}

// follow hands landings on.
func (h *Healer) follow(ctx context.Context, to chan<- sys.LandingInfo) {
	sub := h.o.Disk.Journal().Subscribe(h.o.Disk.Journal().Last())
	defer sub.Close()
	for {
		events, err := sub.Next(ctx)
		if err != nil {
			return
		}
		for _, e := range events {
			var l sys.LandingInfo
			if e.Kind != sys.EventLanding || decode(e, &l) != nil {
				continue
			}
			select {
			case to <- l:
			case <-ctx.Done():
				return
			}
		}
	}
}

// due are the files of a landing that nothing has been held to yet.
func due(l sys.LandingInfo) (out []sys.Path) {
	held := slices.Contains([]sys.LandingKind{sys.ByAgent, sys.ByHealer, sys.ByMerge}, l.Kind) && l.Provenance.Verified != ""
	for _, c := range l.Changes {
		_, key := isKey(c.Path)
		if strings.HasPrefix(string(c.Path), "apps/") && !held || strings.HasPrefix(string(c.Path), "system/") && path.Ext(string(c.Path)) == ".json" || key {
			out = append(out, c.Path)
		}
	}
	return out
}

// withRows are files of the apps whose rows a landing has changed, wherever below apps
// their folders are: their checks have not been held to these rows.
func (h *Healer) withRows(ctx context.Context, l sys.LandingInfo) (out []sys.Path) {
	if len(l.Data) == 0 {
		return nil
	}
	var all map[sys.Path]sys.Slug
	view, err := h.o.Disk.View(0)
	if err == nil {
		all, err = slugs(view)
	}
	if err != nil {
		h.log.WarnContext(ctx, "apps whose rows have changed could not be found", "landing", l.ID, "error", err)
		return nil
	}
	for folder, slug := range all {
		if slices.ContainsFunc(l.Data, func(d sys.DataChange) bool { return strings.HasPrefix(string(d.Path), "data/"+string(slug)+"/") }) {
			out = append(out, folder+"/"+contractName)
		}
	}
	return out
}

// reopened are the files that a landing has changed in what waits for the owner: it may
// have mended it.
func reopened(l sys.LandingInfo, waits []sys.HealCase) (out []sys.Path) {
	for _, c := range l.Changes {
		if slices.ContainsFunc(waits, func(one sys.HealCase) bool { return strings.HasPrefix(string(c.Path), string(one.Path)+"/") }) {
			out = append(out, c.Path)
		}
	}
	return out
}

// touches reports whether one of the paths lies in a folder, or in one that it may share.
func touches(paths map[sys.Path]bool, folder sys.Path) bool {
	for p := range paths {
		if strings.HasPrefix(string(p), string(folder)+"/") {
			return true
		}
		for dir := path.Dir(string(folder)); dir != "."; dir = path.Dir(dir) {
			if strings.HasPrefix(string(p), dir+"/_") {
				return true
			}
		}
	}
	return false
}

// inApps tells the folder of an app from a file of the settings or of an app's data.
func inApps(p sys.Path) bool { return strings.HasPrefix(string(p), "apps/") }

func (h *Healer) isApp(folder sys.Path, slug sys.Slug) bool {
	view, err := h.o.Disk.View(0)
	return err == nil && h.slugOf(view, folder) == slug
}

// look runs the ladder for the apps that are wanted.
func (h *Healer) look(ctx context.Context, want func(sys.Path) bool, by, told string) {
	h.at.Lock()
	defer h.at.Unlock()
	view, err := h.o.Disk.View(0)
	var all []sys.Path
	if err == nil {
		all, err = folders(view)
	}
	if err != nil {
		h.log.WarnContext(ctx, "apps could not be looked at", "error", err)
		return
	}
	for _, folder := range all {
		if !want(folder) {
			continue
		}
		_, notes, err := h.app(ctx, folder, sys.HealOptions{}, by, told)
		if err != nil && ctx.Err() == nil {
			h.log.WarnContext(ctx, "an app could not be looked at", "folder", folder, "error", err)
		}
		for _, note := range notes {
			h.log.InfoContext(ctx, note)
		}
		if h.o.Judged != nil {
			h.o.Judged(ctx, h.slugOf(view, folder))
		}
	}
}

func (h *Healer) lookSettings(ctx context.Context, touched map[sys.Path]bool) {
	h.at.Lock()
	defer h.at.Unlock()
	for file := range touched {
		if _, key := isKey(file); !key && !strings.HasPrefix(string(file), "system/") {
			continue
		}
		if _, err := h.setting(ctx, file, sys.HealOptions{}); err != nil && ctx.Err() == nil {
			h.log.WarnContext(ctx, "settings could not be looked at", "file", file, "error", err)
		}
	}
}

// spare uses a quiet moment: what a check of stored bytes has found is entered, and the
// app that was looked at longest ago is tried, if that is long ago; did says whether one was.
func (h *Healer) spare(ctx context.Context, looked map[sys.Path]time.Time) (did bool) {
	if err := h.entered(ctx); err != nil {
		h.log.WarnContext(ctx, "the check of stored bytes could not be entered", "error", err)
	}
	view, err := h.o.Disk.View(0)
	if err != nil {
		return false
	}
	all, err := folders(view)
	if err != nil || len(all) == 0 {
		return false
	}
	next := slices.MinFunc(all, func(a, b sys.Path) int { return looked[a].Compare(looked[b]) })
	now := h.o.Now()
	if t := looked[next]; !t.IsZero() && now.Sub(t) < again {
		return false
	}
	looked[next] = now
	h.look(ctx, func(f sys.Path) bool { return f == next }, "", "")
	return true
}

// aside is work of a quiet moment, beside the loop that starts and stops it.
type aside struct {
	work   func(context.Context)
	cancel context.CancelFunc // of what was started last; nil before
	done   chan struct{}
}

// start begins the work, unless it goes on.
func (a *aside) start(ctx context.Context) {
	if a.work == nil {
		return
	}
	if a.done != nil {
		select {
		case <-a.done:
		default:
			return
		}
	}
	a.stop()
	ctx, a.cancel = context.WithCancel(ctx)
	done := make(chan struct{})
	a.done = done
	go func() {
		defer close(done)
		a.work(ctx)
	}()
}

// stop has it end; it does not wait.
func (a *aside) stop() {
	if a.cancel != nil {
		a.cancel()
	}
}

// entered takes over the newest check of stored bytes of the disk's own.
func (h *Healer) entered(ctx context.Context) error {
	state, err := h.o.Disk.Upkeep(ctx)
	if err != nil || state.Scrub == nil || !state.Scrub.Finished.After(h.scrubbed) {
		return err
	}
	if first := h.scrubbed.IsZero(); !first {
		err = h.Scrubbed(ctx, *state.Scrub, nil)
	}
	h.scrubbed = state.Scrub.Finished
	return err
}
