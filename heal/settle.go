package heal

import (
	"context"
	"fmt"
	"strings"

	"matrixos/disk"
	"matrixos/journal"
	"matrixos/sys"
)

// update runs in the commit transaction of a repair.
type update = func(*journal.Tx) error

// land carries a repair out, in one transaction with its row in the ledger.
func (h *Healer) land(ctx context.Context, c *run, view *disk.View, at found, one *sys.HealCase, do func(update) (sys.LandingInfo, error)) (bool, error) {
	one.State = sys.HealDone
	name := c.name
	why := fmt.Sprintf("%s broke with %s (%s).", name, at.culprit.ID, at.culprit.Title)
	if one.Mode == modeTorn {
		file, how := c.torn(name, one)
		why = fmt.Sprintf("%s found %s damaged: %s.", at.culprit.ID, file, how)
	}
	switch {
	case one.Mode == modePromise:
		one.Why = goneWhy(c.name, at.culprit) + " It is there again."
	case one.Rung == sys.RungBytes:
		one.Why = why + " It is as it was before."
	case one.Rung == sys.RungReplay:
		one.Why = why + " It was made anew from the last good version, with the later changes on top."
	default:
		one.Why = why + " Only what broke it was taken back; everything else is there."
	}
	one.Ways = nil
	h.finish(c, one)
	print, err := fingerprint(view, c.roots)
	if err != nil {
		return false, err
	}
	if !c.yes {
		if err := h.closeOpen(ctx, c.folder, sys.HealGone); err != nil {
			return false, err
		}
	}
	info, err := do(func(tx *journal.Tx) error { return insert(ctx, tx, print, one) })
	switch {
	case unhelpful(err):
		one.State = ""
		return false, nil
	case err != nil:
		return false, err
	}
	one.Landing, one.Level = info.ID, info.Provenance.Verified
	return true, h.change(ctx, one)
}

// torn names the file that is damaged, and says how.
func (c *run) torn(name string, one *sys.HealCase) (file, how string) {
	file, how, _ = strings.Cut(one.Seen[0], ": ")
	if file != name { // else it is a file of its own
		file = strings.TrimPrefix(file, string(c.folder)+"/") + " of " + name
	}
	if n := len(one.Files) - 1; n > 0 {
		file += fmt.Sprintf(" (and %d more)", n)
	}
	return file, how
}

// propose keeps a repair that the owner has to say yes to.
func (h *Healer) propose(ctx context.Context, c *run, view *disk.View, at found, one *sys.HealCase) error {
	one.State = sys.HealProposed
	who := "your own change"
	if mayAct(at.culprit) {
		who = "a change"
	}
	one.Why = fmt.Sprintf("%s is broken since %s, %s (%s).", c.name, at.culprit.ID, who, at.culprit.Title)
	what := "only what broke it is taken back"
	if one.Rung == sys.RungBytes {
		what = "it becomes as it was before"
	}
	one.Ways = []string{"repair it: " + what, "leave it as it is"}
	if one.Mode == modeTorn {
		file, how := c.torn(c.name, one)
		one.Why = fmt.Sprintf("%s looks damaged since %s: %s. Nothing fails for it, so it may be your own change.", file, at.culprit.ID, how)
		one.Ways = []string{"bring it back as it was before", "leave it: it is as it should be"}
	}
	if one.Mode == modePromise {
		one.Why, one.Ways = goneWhy(c.name, at.culprit), []string{"bring the contract back", "leave the app without one"}
	}
	if len(one.Collateral) > 0 {
		one.Why += fmt.Sprintf(" A repair would also lose %s, which stand on it.", list(one.Collateral))
		one.Ways = []string{"repair it, without " + list(one.Collateral), "leave it as it is, and ask for it to be repaired"}
	}
	return h.record(ctx, c, one)
}

// giveUp keeps what could not be mended.
func (h *Healer) giveUp(ctx context.Context, c *run, one *sys.HealCase) error {
	one.State, one.Rung, one.Files, one.Patch, one.Collateral = sys.HealRests, "", nil, "", nil
	if len(one.Ways) == 0 {
		one.Ways = []string{
			fmt.Sprintf("take %s back with all that stands on it: `matrixos restore %s --at %s`", one.Culprit, c.folder, one.Culprit-1),
			"ask for it to be repaired, with a model attached",
		}
	}
	return h.record(ctx, c, one)
}

// finish fills in what is measured.
func (h *Healer) finish(c *run, one *sys.HealCase) {
	one.Runs, one.Opened = c.runs, c.start.UTC()
	if c.noticed.IsZero() {
		c.noticed = c.start
	}
	one.Look, one.Millis = c.noticed.Sub(c.start).Milliseconds(), h.o.Now().Sub(c.noticed).Milliseconds()
	if one.State != sys.HealProposed && one.State != sys.HealRests {
		one.Closed = h.o.Now().UTC()
	}
}

// record writes a case to the ledger and tells whoever listens.
func (h *Healer) record(ctx context.Context, c *run, one *sys.HealCase) error {
	h.finish(c, one)
	view, err := h.o.Disk.View(0)
	if err != nil {
		return err
	}
	print, err := fingerprint(view, c.roots)
	if err != nil {
		return err
	}
	if err := h.closeOpen(ctx, c.folder, sys.HealGone); err != nil {
		return err
	}
	return h.o.Disk.Journal().Update(ctx, func(tx *journal.Tx) error { return insert(ctx, tx, print, one) })
}

// takenBack recognises a repair that the owner has taken back: it is not made again.
func (h *Healer) takenBack(ctx context.Context, c *run, at found, one *sys.HealCase) (bool, error) {
	if at.culprit.Kind != sys.ByUndo || at.culprit.Provenance.Undoes == 0 || c.yes {
		return false, nil
	}
	undone, _, err := h.o.Disk.Show(ctx, at.culprit.Provenance.Undoes)
	if err != nil || undone.Kind != sys.ByHealer {
		return false, err
	}
	one.State = sys.HealBack
	one.Why = fmt.Sprintf("You have taken the repair %s back; it is not made again.", undone.ID)
	one.Ways = []string{"make the repair again: undo " + at.culprit.ID.String(), "ask for it to be repaired in another way"}
	return true, h.record(ctx, c, one)
}
