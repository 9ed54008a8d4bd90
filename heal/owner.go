package heal

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"matrixos/disk"
	"matrixos/journal"
	"matrixos/sys"
)

// byID reads one case.
func (h *Healer) byID(ctx context.Context, op string, id int64) (sys.HealCase, error) {
	list, err := h.query(ctx, `id = ?`, id)
	if err != nil {
		return sys.HealCase{}, err
	}
	if len(list) == 0 {
		return sys.HealCase{}, &sys.Error{Op: op, Path: fmt.Sprint(id), Kind: sys.NotFound, Err: errors.New("there is no such case"), Hint: "`matrixos heal list` shows them"}
	}
	return list[0], nil
}

// Accept carries out a repair that was proposed, as the app is now: it is found and
// tried anew. What comes of it is the case that is returned.
func (h *Healer) Accept(ctx context.Context, id int64) (sys.HealCase, error) {
	h.at.Lock()
	defer h.at.Unlock()
	one, err := h.byID(ctx, "accept", id)
	if err != nil {
		return one, err
	}
	if one.State != sys.HealProposed {
		return one, &sys.Error{Op: "accept", Path: fmt.Sprint(id), Kind: sys.Exists, Err: fmt.Errorf("it is %s", one.State), Hint: "`matrixos heal` looks anew"}
	}
	if disk.IsDatabase(one.Path) {
		return h.acceptData(ctx, one)
	}
	view, err := h.o.Disk.View(0)
	if err != nil {
		return one, err
	}
	var c *run
	if !inApps(one.Path) {
		text, err := readFile(view, one.Path)
		if err != nil {
			return one, err
		}
		c = h.beginSetting(one.Path, text)
	} else if c, view, err = h.begin(ctx, one.Path); err != nil {
		return one, err
	}
	c.yes = true
	next, err := h.once(ctx, c, view, sys.HealOptions{Again: true})
	if err != nil {
		return one, err
	}
	if next == nil { // it holds by now
		one.State, one.Closed = sys.HealGone, h.o.Now().UTC()
		return one, h.change(ctx, &one)
	}
	one.Closed = h.o.Now().UTC()
	if next.State == sys.HealDone {
		err = h.merge(ctx, &one, next)
	}
	if err == nil && h.o.Judged != nil && next.App != "" {
		h.o.Judged(ctx, next.App)
	}
	return *next, err
}

// merge makes the proposal and its landing one case: it counts once.
func (h *Healer) merge(ctx context.Context, old, done *sys.HealCase) error {
	return h.o.Disk.Journal().Update(ctx, func(tx *journal.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM heal_case WHERE id = ?`, done.ID); err != nil {
			return err
		}
		id, opened := old.ID, old.Opened
		done.ID, done.Opened = id, opened
		return tell(ctx, tx, done)
	})
}

// Leave ends a case without a repair: the owner leaves the app as it is.
func (h *Healer) Leave(ctx context.Context, id int64) (sys.HealCase, error) {
	one, err := h.byID(ctx, "leave", id)
	if err != nil {
		return one, err
	}
	if one.State != sys.HealProposed && one.State != sys.HealRests {
		return one, &sys.Error{Op: "leave", Path: fmt.Sprint(id), Kind: sys.Exists, Err: fmt.Errorf("it is %s", one.State)}
	}
	one.State, one.Closed = sys.HealLeft, h.o.Now().UTC()
	one.Why += " You left it as it is."
	return one, h.change(ctx, &one)
}

// Missed enters what the owner noticed and no detector had: the app passes its checks.
func (h *Healer) Missed(ctx context.Context, slug sys.Slug, text string) (sys.HealCase, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return sys.HealCase{}, &sys.Error{Op: "report", Path: string(slug), Kind: sys.Invalid, Hint: "say in a sentence what is wrong"}
	}
	view, err := h.o.Disk.View(0)
	if err != nil {
		return sys.HealCase{}, err
	}
	all, err := folders(view)
	if err != nil {
		return sys.HealCase{}, err
	}
	for _, folder := range all {
		if h.slugOf(view, folder) != slug {
			continue
		}
		now := h.o.Now().UTC()
		one := sys.HealCase{
			App: slug, Path: folder, Mode: modeSemantic, Detector: ByOwner, Seen: []string{text}, State: sys.HealEscaped, Opened: now, Closed: now,
			Why:  "You noticed it; the app's contract has no check for it.",
			Ways: []string{"ask for it to be repaired: the check that was missing comes first", "find the change with `matrixos bisect " + string(slug) + " --run …`"},
		}
		return one, h.enter(ctx, &one)
	}
	return sys.HealCase{}, &sys.Error{Op: "report", Path: string(slug), Kind: sys.NotFound, Err: errors.New("there is no such app"), Hint: "`matrixos apps` lists them"}
}

// enter writes a case that no run made.
func (h *Healer) enter(ctx context.Context, one *sys.HealCase) error {
	return h.o.Disk.Journal().Update(ctx, func(tx *journal.Tx) error {
		if err := insert(ctx, tx, "", one); err != nil || one.State != sys.HealDone {
			return err
		}
		return tell(ctx, tx, one)
	})
}
