package heal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"strings"

	"matrixos/app"
	"matrixos/disk"
	"matrixos/sys"
)

// settings looks at the files of the settings.
func (h *Healer) settings(ctx context.Context, o sys.HealOptions, report *sys.HealReport) error {
	view, err := h.o.Disk.View(0)
	if err != nil {
		return err
	}
	files, err := h.settingsFiles(ctx, view)
	if err != nil {
		return err
	}
	for _, file := range files {
		report.Looked++
		cases, err := h.setting(ctx, file, o)
		report.Cases = append(report.Cases, cases...)
		if err != nil {
			return err
		}
	}
	return nil
}

// settingsFiles are the files in system/ that hold JSON.
func (h *Healer) settingsFiles(_ context.Context, view fs.FS) (out []sys.Path, err error) {
	err = fs.WalkDir(view, "system", func(p string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fs.SkipAll
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(p, "system/conversations"):
			return fs.SkipDir
		case !d.IsDir() && path.Ext(p) == ".json":
			out = append(out, sys.Path(p))
		}
		return nil
	})
	return out, err
}

// setting looks at one file of the settings, or at the value of an app's key, and mends it.
func (h *Healer) setting(ctx context.Context, file sys.Path, o sys.HealOptions) ([]sys.HealCase, error) {
	view, err := h.o.Disk.View(0)
	if err != nil {
		return nil, err
	}
	text, err := fs.ReadFile(view, string(file))
	if errors.Is(err, fs.ErrNotExist) || err == nil && h.wrong(file, text) == "" {
		return nil, h.closeOpen(ctx, file, sys.HealGone)
	}
	if err != nil {
		return nil, err
	}
	c := h.beginSetting(file, text)
	one, err := h.once(ctx, c, view, o)
	if err != nil || one == nil {
		return nil, err
	}
	return []sys.HealCase{*one}, nil
}

func (h *Healer) beginSetting(file sys.Path, text []byte) *run {
	c := &run{
		folder: file, name: string(file), roots: []string{string(file)}, judge: settingsJudge{h, file}, mode: modeWrong, start: h.o.Now(),
		known: map[string]*trial{}, wholes: map[string]*sys.ContractReport{},
	}
	if !json.Valid(text) {
		c.mode = modeCorrupt
	}
	if slug, ok := isKey(file); ok {
		c.slug, c.by = slug, ByData
	}
	return c
}

// wrong says what is wrong with a file of the settings; "" if nothing is.
func (h *Healer) wrong(file sys.Path, text []byte) string {
	if h.o.Settings != nil {
		return h.o.Settings(file, text)
	}
	if !json.Valid(text) {
		return "it is no JSON"
	}
	return ""
}

// settingsJudge judges one file of the settings.
type settingsJudge struct {
	h    *Healer
	file sys.Path
}

// Whole implements Judge.
func (j settingsJudge) Whole(_ context.Context, tree fs.FS, _ sys.Path) (*sys.ContractReport, error) {
	r := &sys.ContractReport{Level: sys.VerifiedStatic}
	text, err := fs.ReadFile(tree, string(j.file))
	switch what := ""; {
	case errors.Is(err, fs.ErrNotExist): // what it says then counts as not said
	case err != nil:
		return nil, err
	default:
		if what = j.h.wrong(j.file, text); what != "" {
			r.Faults = []sys.Diagnostic{{Severity: "error", File: j.file, Line: 1, Text: what}}
		}
	}
	r.Settle()
	return r, nil
}

// First implements Judge.
func (j settingsJudge) First(ctx context.Context, tree fs.FS, file sys.Path) (*sys.ContractReport, error) {
	return j.Whole(ctx, tree, file)
}

// Part implements Judge.
func (j settingsJudge) Part(ctx context.Context, tree fs.FS, file sys.Path, _ string) (*sys.ContractReport, error) {
	return j.Whole(ctx, tree, file)
}

// stored compares all stored bytes, and enters what was damaged in the ledger.
func (h *Healer) stored(ctx context.Context, report *sys.HealReport) error {
	r, err := h.o.Disk.Scrub(ctx, 0)
	if err != nil {
		return err
	}
	report.Stored = &r
	return h.Scrubbed(ctx, r, report)
}

// Scrubbed enters what a check of stored bytes has found in the ledger. report may be
// nil.
func (h *Healer) Scrubbed(ctx context.Context, r sys.ScrubReport, report *sys.HealReport) error {
	for _, p := range r.Problems {
		one := sys.HealCase{
			Path: p.Path, Mode: modeRot, Detector: ByScrub, Seen: []string{p.What + " " + string(p.Path)}, State: sys.HealRests, Why: p.How,
			Opened: r.Started, Closed: r.Finished, Millis: r.Finished.Sub(r.Started).Milliseconds(), Landing: p.Landing,
		}
		if one.Path == "" {
			one.Path = sys.Path(p.What)
		}
		if p.Fixed {
			one.State, one.Rung = sys.HealDone, sys.RungBytes
		}
		if !p.Fixed {
			one.Landing = 0
		}
		if err := h.enter(ctx, &one); err != nil {
			return err
		}
		if report != nil {
			report.Cases = append(report.Cases, one)
		}
	}
	return nil
}

// manifestSlug is the slug that an app's manifest names, as far as it can be read.
func manifestSlug(tree fs.FS, folder sys.Path) sys.Slug {
	found, err := app.Find(tree)
	if err != nil {
		return ""
	}
	for _, a := range found {
		if a.Folder == folder {
			return a.Manifest.Slug
		}
	}
	return ""
}

// readable tells files of a closed form, which can be made readable.
func readable(file sys.Path) bool {
	return path.Ext(string(file)) == ".json" && path.Base(string(file)) != contractName
}

// readable makes a file readable for which there is no good version. What comes out is
// only suspected to be what was meant, so all checks have to hold with it, and it is
// the owner's to say yes unless an agent wrote it.
func (h *Healer) readable(ctx context.Context, c *run, view *disk.View, before *sys.ContractReport, target failure, one *sys.HealCase) (bool, error) {
	text, err := fs.ReadFile(view, string(target.file))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	mended, ok := Mend(text)
	if !ok {
		return false, nil
	}
	tree := patched{view, map[string][]byte{string(target.file): mended}}
	r, err := h.whole(ctx, c, tree, false)
	if err != nil || !r.Green && !Better(before, r) {
		return false, err
	}
	list, err := h.history(ctx, []string{string(target.file)})
	if err != nil || len(list) == 0 {
		return false, err
	}
	newest := list[len(list)-1]
	one.Rung, one.Files, one.Culprit, one.By = sys.RungSyntax, []sys.Path{target.file}, newest.ID, newest.Kind
	at := found{culprit: newest}
	if !mayAct(newest) && !c.yes {
		err := h.propose(ctx, c, view, at, one)
		return true, err
	}
	return h.land(ctx, c, view, at, one, func(u update) (sys.LandingInfo, error) {
		return h.o.Disk.Edit(ctx, []sys.Path{target.file}, func(home *disk.View) (disk.Write, error) {
			if now, err := home.ReadFile(string(target.file)); err != nil || !bytes.Equal(now, text) { // the owner mends it
				return disk.Write{}, errors.Join(err, &sys.Error{Op: "heal", Path: string(target.file), Kind: sys.Conflict, Err: errors.New("it has changed meanwhile"), Hint: "it is looked at again"})
			}
			return disk.Write{
				Files: map[sys.Path][]byte{target.file: mended}, Kind: sys.ByHealer, Title: "Made " + string(target.file) + " readable again",
				Provenance: sys.Provenance{Program: "healer"}, Update: u,
			}, nil
		})
	})
}

// Print implements Judge.
func (settingsJudge) Print(context.Context, fs.FS, sys.Path, string) (string, bool, error) {
	return "", false, nil
}
