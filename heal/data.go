package heal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"matrixos/disk"
	"matrixos/sys"
)

// data looks at what an app keeps: its databases, which SQLite checks, and the values of
// its keys, which are files with a history. notes say what was not looked at.
func (h *Healer) data(ctx context.Context, folder sys.Path, o sys.HealOptions) (cases []sys.HealCase, notes []string, err error) {
	view, err := h.o.Disk.View(0)
	if err != nil {
		return nil, nil, err
	}
	slug := h.slugOf(view, folder)
	found, err := h.o.Disk.CheckData(ctx, slug)
	if err != nil {
		return nil, nil, err
	}
	if err := h.sound(ctx, slug, found); err != nil {
		return nil, nil, err
	}
	name, err := h.nameOf(ctx, view, folder)
	if err != nil {
		return nil, nil, err
	}
	for _, d := range found.Damaged {
		one, err := h.damaged(ctx, slug, name, d, o)
		if err != nil {
			return cases, found.Unchecked, err
		}
		cases = append(cases, one)
	}
	files, err := fs.Glob(view, "data/"+string(slug)+"/*.json")
	if err != nil {
		return cases, found.Unchecked, err
	}
	for _, file := range files {
		more, err := h.setting(ctx, sys.Path(file), o)
		cases = append(cases, more...)
		if err != nil {
			return cases, found.Unchecked, err
		}
	}
	return cases, found.Unchecked, nil
}

// sound closes what was open of databases that are whole again.
func (h *Healer) sound(ctx context.Context, slug sys.Slug, found disk.DataCheck) error {
	if len(found.Unchecked) > 0 {
		return nil
	}
	list, err := h.query(ctx, `app = ? AND path LIKE 'data/%' AND over = 0 AND state IN ('proposed','quarantined','left')`, string(slug))
	if err != nil {
		return err
	}
	for _, one := range list {
		if !disk.IsDatabase(one.Path) || slices.ContainsFunc(found.Damaged, func(d disk.DataDamage) bool { return d.Path == one.Path }) {
			continue
		}
		if err := errors.Join(h.closeOpen(ctx, one.Path, sys.HealGone), h.over(ctx, one.Path, sys.VerifiedBrowser)); err != nil {
			return err
		}
	}
	return nil
}

// damaged enters a damaged database, once. It is never brought back unasked: what was
// entered since the copy is not in it.
func (h *Healer) damaged(ctx context.Context, slug sys.Slug, name string, d disk.DataDamage, o sys.HealOptions) (sys.HealCase, error) {
	if !o.Again {
		list, err := h.query(ctx, `path = ? AND over = 0 AND state IN ('proposed','quarantined','left') ORDER BY id DESC LIMIT 1`, string(d.Path))
		if err != nil || len(list) > 0 {
			return first(list), err
		}
	}
	now := h.o.Now().UTC()
	one := sys.HealCase{
		App: slug, Path: d.Path, Mode: modeRot, Detector: ByData, Check: string(d.Path), Seen: []string{"SQLite says of " + string(d.Path) + ": " + d.What},
		State: sys.HealProposed, Rung: sys.RungBytes, Files: []sys.Path{d.Path}, Opened: now,
	}
	k, ok, err := h.o.Disk.SoundCopy(ctx, d.Path)
	if err != nil {
		return one, err
	}
	what := fmt.Sprintf("%s, where %s keeps its data, is damaged: its bytes have changed by themselves, or something wrote into the file.", d.Path, name)
	if ok {
		one.Why = fmt.Sprintf("%s The newest sound copy is of %s, before %s; what was entered since then is not in it. The damaged file stays, in %s/displaced, if you bring that copy back.", what, when(k), k.Landing, sys.Store)
		one.Ways = []string{"bring that copy back", "leave it as it is"}
	} else {
		one.State, one.Rung, one.Files = sys.HealRests, "", nil
		one.Why = what + " There is no sound copy of it in this home."
		one.Ways = []string{
			"take it from a backup: `matrixos backup list` shows them, and `matrixos backup restore` brings one back into a folder of its own",
			fmt.Sprintf("save what can still be read: `sqlite3 %s .recover`", d.Path),
			"move the file away: the app then begins with empty tables",
		}
	}
	if err := h.closeOpen(ctx, d.Path, sys.HealGone); err != nil {
		return one, err
	}
	return one, h.enter(ctx, &one)
}

// when is the time of a copy in words.
func when(k disk.Copy) string { return k.Time.Local().Format("2 January 2006, 15:04") }

func first(list []sys.HealCase) (one sys.HealCase) {
	if len(list) > 0 {
		one = list[0]
	}
	return one
}

// acceptData brings a damaged database back from its newest sound copy.
func (h *Healer) acceptData(ctx context.Context, one sys.HealCase) (sys.HealCase, error) {
	start := h.o.Now()
	found, err := h.o.Disk.CheckData(ctx, one.App)
	if err != nil {
		return one, err
	}
	one.Closed = start.UTC()
	if !slices.ContainsFunc(found.Damaged, func(d disk.DataDamage) bool { return d.Path == one.Path }) {
		if len(found.Unchecked) > 0 {
			return one, &sys.Error{Op: "restore", Path: string(one.Path), Kind: sys.Unavailable, Err: errors.New(strings.Join(found.Unchecked, "; "))}
		}
		one.State = sys.HealGone
		return one, h.change(ctx, &one)
	}
	k, ok, err := h.o.Disk.SoundCopy(ctx, one.Path)
	if err == nil && !ok {
		err = &sys.Error{Op: "restore", Path: string(one.Path), Kind: sys.NotFound, Err: errors.New("no sound copy of it is kept any more"), Hint: "take it from a backup: `matrixos backup list` shows them"}
	}
	if err != nil {
		return one, err
	}
	r, err := h.o.Disk.RestoreData(ctx, one.Path, k.Landing, disk.RestoreOptions{Kind: sys.ByHealer, Provenance: sys.Provenance{Program: "healer"}})
	if err != nil {
		return one, err
	}
	one.State, one.Landing, one.Ways, one.Closed, one.Millis = sys.HealDone, r.Landing.ID, nil, h.o.Now().UTC(), h.o.Now().Sub(start).Milliseconds()
	one.Why = fmt.Sprintf("%s was damaged. It is as it was on %s, before %s; the damaged file is kept, in %s/displaced.", one.Path, when(k), k.Landing, sys.Store)
	if err := h.change(ctx, &one); err != nil {
		return one, err
	}
	if h.o.Judged != nil {
		h.o.Judged(ctx, one.App)
	}
	return one, nil
}

// isKey tells the value of an app's key, data/SLUG/KEY.json, and whose it is.
func isKey(p sys.Path) (sys.Slug, bool) {
	rest, ok := strings.CutPrefix(string(p), "data/")
	slug, name, nested := strings.Cut(rest, "/")
	return sys.Slug(slug), ok && nested && !strings.Contains(name, "/") && path.Ext(name) == ".json" && sys.Slug(slug).Valid()
}
