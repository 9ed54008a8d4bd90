package heal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"matrixos/disk"
	"matrixos/journal"
	"matrixos/sys"
)

// Modes of the catalogue in doc/failures.md that the ladder tells apart.
const (
	modeTorn     = 19
	modeRot      = 21
	modeJoined   = 24
	modeBlank    = 26
	modeSemantic = 27
	modeData     = 28
	modeSlow     = 29
	modeCorrupt  = 30
	modeWrong    = 31
	modePromise  = 39
	modeHealer   = 41
)

// climb mends one fault of an app, or says why not.
func (h *Healer) climb(ctx context.Context, c *run, view *disk.View, before *sys.ContractReport, target failure) (sys.HealCase, error) {
	one := sys.HealCase{App: c.slug, Path: c.folder, Check: target.check(), Seen: words(before), Level: before.Level}
	one.Mode, one.Detector = classify(before, target)
	if c.mode != 0 {
		one.Mode, one.Detector = c.mode, BySettings
	}
	if c.by != "" {
		one.Detector = c.by
	}
	if target.file == c.folder+"/"+contractName { // what it says is not known
		c.contract, c.unread = nil, true
	}
	if c.lostIt(target) {
		one.Mode = modePromise
	}
	if c.ofDeletion(target) {
		one.Mode, one.Seen = modeTorn, []string{target.key()}
	}
	if disk.IsDatabase(target.file) { // sound, as far as is known: no landing is to blame
		one.Mode, one.Detector = modeRot, ByData
		one.Why = fmt.Sprintf("%s, where %s keeps its data, cannot be used now: %s.", target.file, c.name, target.words)
		one.Ways = []string{"close other programs that use it, and look whether the drive is well", "look again: `matrixos heal " + string(c.slug) + " --again`"}
		return one, h.giveUp(ctx, c, &one)
	}
	at, ok, err := h.where(ctx, c, target)
	if err != nil {
		return one, err
	}
	one.Runs = c.runs
	if !ok {
		return h.never(ctx, c, view, before, target, one)
	}
	mode := one.Mode
	blame := func(at found) {
		one.Culprit, one.By, one.Mode = at.culprit.ID, at.culprit.Kind, c.modeBy(at, target, mode)
	}
	blame(at)
	if back, err := h.takenBack(ctx, c, at, &one); err != nil || back {
		return one, err
	}
	done, err := h.invert(ctx, c, view, before, target, at, &one)
	if err != nil || done {
		return one, err
	}
	if next, ok, err := h.nearer(ctx, c, target, at); err != nil {
		return one, err
	} else if ok {
		at = next
		blame(at)
		if done, err = h.invert(ctx, c, view, before, target, at, &one); err != nil || done {
			return one, err
		}
	}
	if done, err = h.replay(ctx, c, target, at, &one); err != nil || done {
		return one, err
	}
	one.Why = fmt.Sprintf("%s is broken since %s (%s), and no way of taking that back holds.", c.name, at.culprit.ID, at.culprit.Title)
	if c.lostIt(target) {
		one.Why = goneWhy(c.name, at.culprit) + " The app does not keep it as it is now, so it was not brought back."
	}
	return one, h.giveUp(ctx, c, &one)
}

// classify says which mode of the catalogue a failure is, and what noticed it.
func classify(r *sys.ContractReport, f failure) (mode int, detector string) {
	switch {
	case f.name == "":
		return modeBlank, ByFiles
	case slices.ContainsFunc(r.Invariants, func(v sys.CheckResult) bool { return v.Name == f.name && !v.Green }):
		return modeData, ByData
	}
	for _, s := range r.Scenarios {
		switch {
		case s.Name == f.name && s.Hangs():
			return modeSlow, ByContract
		case s.Name == f.name && len(s.Errors) > 0:
			return modeBlank, ByContract
		}
	}
	return modeSemantic, ByContract
}

// modeBy is the mode of a failure whose culprit is known: what a merge or the healer has
// broken has one of its own.
func (c *run) modeBy(at found, target failure, mode int) int {
	switch {
	case c.mode != 0 || c.lostIt(target):
	case at.culprit.Kind == sys.ByHealer:
		return modeHealer
	case at.culprit.Kind == sys.ByMerge:
		return modeJoined
	}
	return mode
}

// mayAct reports whether what a landing did may be taken back unasked.
func mayAct(l sys.LandingInfo) bool {
	return slices.Contains([]sys.LandingKind{sys.ByAgent, sys.BySystem, sys.ByHealer}, l.Kind)
}

// invert takes back the smallest part of the culprit with which all holds, or else
// with which what failed holds and nothing is worse. done is false where later work
// stands on it, or where it does not help.
func (h *Healer) invert(ctx context.Context, c *run, view *disk.View, before *sys.ContractReport, target failure, at found, one *sys.HealCase) (done bool, err error) {
	for _, green := range []bool{true, false} {
		if !green { // the rest may have another cause
			if before, err = h.whole(ctx, c, view, false); err != nil || len(failures(before)) < 2 {
				return false, err
			}
		}
		o := disk.UndoOptions{
			What: disk.UndoCode, Smallest: true, Kind: sys.ByHealer, Title: c.title(target, at), Provenance: sys.Provenance{Program: "healer"},
		}
		files, held, err := h.smallest(ctx, c, target, at, &o, h.keeper(c, view, before, target, at, green))
		switch {
		case err != nil && green && sys.KindOf(err) == sys.NotVerified:
			continue
		case unhelpful(err):
			return false, nil
		case err != nil:
			return false, err
		}
		if err := h.measure(at, files, one); err != nil {
			return false, err
		}
		asked := !mayAct(at.culprit) && (one.Mode != modeTorn || c.perhaps(target, before)) || c.lostIt(target)
		if asked && !c.yes {
			return true, h.propose(ctx, c, view, at, one)
		}
		o.Preview = false
		return h.land(ctx, c, view, at, one, func(u update) (sys.LandingInfo, error) {
			o.Update = func(tx *journal.Tx) error { return errors.Join(held(), u(tx)) }
			info, _, err := h.o.Disk.Undo(ctx, at.culprit.ID, o)
			return info, err
		})
	}
	return false, nil
}

// keeps is what a repair has to pass on a tree that has not landed.
type keeps = func(context.Context, fs.FS) error

// unhelpful tells a repair that does not hold from a machinery that fails.
func unhelpful(err error) bool {
	return err != nil && slices.Contains([]sys.Kind{sys.Conflict, sys.NotVerified, sys.Exists, sys.Refused, sys.Invalid}, sys.KindOf(err))
}

// keeper is all that a repair has to pass.
func (h *Healer) keeper(c *run, view *disk.View, before *sys.ContractReport, target failure, at found, green bool) keeps {
	return func(ctx context.Context, tree fs.FS) error {
		if err := h.sameContract(c, tree, at); err != nil {
			return err
		}
		if err := h.holds(ctx, c, tree, target); err != nil {
			return err
		}
		if err := h.noWorse(ctx, c, view, before, tree, green); err != nil {
			return err
		}
		after, ok := tree.(*disk.View)
		if !ok {
			return nil
		}
		lost, err := h.o.Disk.Lost(ctx, view, after, at.good, "", at.culprit.ID)
		if err == nil && len(lost) > 0 {
			err = c.broken(sys.NotVerified, "later changes would be lost: "+list(lost))
		}
		return err
	}
}

// noWorse refuses a tree with which something else fails, in the app or in another one.
func (h *Healer) noWorse(ctx context.Context, c *run, view *disk.View, before *sys.ContractReport, tree fs.FS, green bool) error {
	r, err := h.passes(ctx, c, tree, green)
	if err != nil {
		return err
	}
	if !r.Green && (green || !Better(before, r)) {
		return c.broken(sys.NotVerified, "something else fails with it: "+r.Text())
	}
	return h.others(ctx, c, view, tree)
}

// passes is whole; where only green will do it ends with the first check that fails, once
// more than by chance.
func (h *Healer) passes(ctx context.Context, c *run, tree fs.FS, green bool) (*sys.ContractReport, error) {
	if !green {
		return h.whole(ctx, c, tree, false)
	}
	r, all, err := h.first(ctx, c, tree, false)
	if err != nil || all {
		return r, err
	}
	for _, f := range failures(r) {
		if v, err := h.again(ctx, c, tree, f); err != nil || v != holds {
			return r, err
		}
	}
	return h.whole(ctx, c, tree, false)
}

// sameContract refuses a repair that touches the contract, but for one that brings back
// the bytes that it had.
func (h *Healer) sameContract(c *run, tree fs.FS, at found) error {
	name := string(c.folder) + "/" + contractName
	want := c.contract
	if back := c.unread || c.lost != nil && c.lost.culprit.ID == at.culprit.ID; back && at.good != 0 {
		then, err := h.o.Disk.View(at.good)
		if err != nil {
			return err
		}
		if want, err = fs.ReadFile(then, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	have, err := fs.ReadFile(tree, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !bytes.Equal(have, want) {
		return &sys.Error{Op: "heal", Path: name, Kind: sys.Refused, Err: errors.New("a healer does not change a contract")}
	}
	return nil
}

// others holds the other apps that a repair touches, by what they share, to being no
// worse.
func (h *Healer) others(ctx context.Context, c *run, view *disk.View, tree fs.FS) error {
	all, err := folders(view)
	if err != nil {
		return err
	}
	for _, folder := range all {
		if folder == c.folder {
			continue
		}
		roots, err := rootsOf(view, folder)
		if err != nil {
			return err
		}
		was, err := fingerprint(view, roots)
		if err != nil {
			return err
		}
		is, err := fingerprint(tree, roots)
		if err != nil || was == is {
			if err != nil {
				return err
			}
			continue
		}
		a, err := h.o.Judge.Whole(ctx, view, folder)
		if err != nil {
			return err
		}
		b, err := h.o.Judge.Whole(ctx, tree, folder)
		if err != nil {
			return err
		}
		c.runs += 2
		if !b.Green && (a.Green || !Better(a, b)) {
			return &sys.Error{Op: "heal", Path: string(folder), Kind: sys.NotVerified, Err: errors.New("another app fails with it: " + b.Text())}
		}
	}
	return nil
}

// measure says which rung a repair is on, what it changes, and whether it undoes
// damage.
func (h *Healer) measure(at found, files []disk.FileDiff, one *sys.HealCase) error {
	good, err := h.o.Disk.View(at.good)
	if err != nil {
		return err
	}
	bad, err := h.o.Disk.View(at.culprit.ID)
	if err != nil {
		return err
	}
	one.Files, one.Patch, one.Rung = nil, "", sys.RungHunk
	damaged, back, why := len(files) > 0, at.newest, []string{}
	for _, f := range files {
		if f.Patch == "" && f.Left != "" {
			continue // only what stays of the culprit there
		}
		one.Files = append(one.Files, f.Path)
		one.Patch += f.Patch
		back = back && f.Left == ""
		was, err := fs.ReadFile(good, string(f.Path))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		is, err := fs.ReadFile(bad, string(f.Path))
		if errors.Is(err, fs.ErrNotExist) {
			damaged = false // somebody has deleted it
			continue
		}
		if err != nil {
			return err
		}
		what := Damaged(was, is)
		damaged = damaged && what != ""
		why = append(why, string(f.Path)+": "+what)
	}
	if len(one.Patch) > 20000 {
		one.Patch = strings.ToValidUTF8(one.Patch[:20000], "") + "\n…\n"
	}
	if back {
		one.Rung = sys.RungBytes
	}
	if damaged && at.culprit.Kind == sys.ByOwner {
		one.Mode, one.Seen = modeTorn, append(why, one.Seen...)
	}
	return nil
}

// replay makes the app anew from where it was well, with the later landings on top, if
// nothing else fails with what comes of it.
func (h *Healer) replay(ctx context.Context, c *run, target failure, at found, one *sys.HealCase) (done bool, err error) {
	view, err := h.o.Disk.View(0)
	if err != nil {
		return false, err
	}
	var last fs.FS
	o := disk.ReplayOptions{
		Path: c.folder, Good: at.good, Without: []sys.LandingID{at.culprit.ID}, Preview: true, Kind: sys.ByHealer,
		Title: c.title(target, at), Provenance: sys.Provenance{Program: "healer", Undoes: at.culprit.ID},
		Keep: func(ctx context.Context, tree fs.FS) error {
			err := h.holds(ctx, c, c.judged(tree), target)
			if err == nil {
				last = tree
			}
			return err
		},
	}
	r, err := h.o.Disk.Replay(ctx, o)
	switch {
	case unhelpful(err):
		return false, nil
	case err != nil:
		return false, err
	}
	if err := h.measure(at, r.Files, one); err != nil {
		return false, err
	}
	if slices.Contains(one.Files, c.folder+"/"+contractName) {
		return false, nil // the last good app had another contract, which is not for us to bring back
	}
	before, err := h.whole(ctx, c, view, false)
	if err == nil {
		err = h.noWorse(ctx, c, view, before, last, false)
	}
	switch {
	case unhelpful(err):
		return false, nil
	case err != nil:
		return false, err
	}
	one.Rung, one.Collateral = sys.RungReplay, r.Skipped
	if (!mayAct(at.culprit) && (one.Mode != modeTorn || c.perhaps(target, before)) || len(r.Skipped) > 0) && !c.yes {
		return true, h.propose(ctx, c, view, at, one)
	}
	o.Preview = false
	done, err = h.land(ctx, c, view, at, one, func(u update) (sys.LandingInfo, error) {
		o.Update = u
		r, err := h.o.Disk.Replay(ctx, o)
		return r.Landing, err
	})
	return done, err
}

// never is the end of the ladder for what was never well: there is nothing to go back
// to.
func (h *Healer) never(ctx context.Context, c *run, view *disk.View, before *sys.ContractReport, target failure, one sys.HealCase) (sys.HealCase, error) {
	if target.name == "" && readable(target.file) {
		done, err := h.readable(ctx, c, view, before, target, &one)
		if err != nil || done {
			return one, err
		}
	}
	name := c.name
	switch {
	case one.Mode == modeData && c.mode == 0:
		one.Why = fmt.Sprintf("What %s keeps is against one of its rules: %s. It was so with every earlier version of the app, too: it is the data, not the code.", name, strings.TrimSuffix(one.Check, "."))
		one.Ways = []string{"mend in the app the entries that are named under what was seen", fmt.Sprintf("bring the data back as they were: `matrixos restore data/%s/%s.sqlite --at …`", c.slug, c.slug), "change the rule, if it asks for too much"}
	case c.mode != 0:
		one.Why = fmt.Sprintf("%s cannot be read, and it never could: %s.", name, target.words)
		one.Ways = []string{"mend the file by hand", "delete it: what it says then counts as not said"}
	case target.name == "":
		one.Why = fmt.Sprintf("%s has never run since it is here: there is no good version to go back to.", name)
		one.Ways = []string{"ask for it to be repaired, with a model attached", "mend " + string(target.file) + " by hand"}
	default:
		one.Why = fmt.Sprintf("%s does not do what its contract says, and no earlier version of it did.", name)
		one.Ways = []string{"ask for it to be repaired, with a model attached", "change the contract, if it asks for something else than you want"}
	}
	return one, h.giveUp(ctx, c, &one)
}
