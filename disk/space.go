package disk

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"matrixos/disk/git"
	"matrixos/sys"
)

// mostLargest is how many files a SpaceReport names.
const mostLargest = 10

// partNames says what the folders and files of the store are, for people.
var partNames = map[string]string{
	"repo.git": "history", "ws": "workspaces", "displaced": "displaced edits", "quarantine": "quarantine", "stage": "quarantine",
	"views": "past landings", "ballast": "reserve", "kernel.db": "journal", "kernel.db-wal": "journal", "kernel.db-shm": "journal",
}

// Space says what takes room in the home. It reads the names and sizes of all
// files, and folders of the history, not contents.
func (d *Disk) Space(ctx context.Context) (sys.SpaceReport, error) {
	r, err := d.space(ctx)
	return r, explain("measure space", d.root, err)
}

func (d *Disk) space(ctx context.Context) (r sys.SpaceReport, err error) {
	if err := d.usable("measure space"); err != nil {
		return r, err
	}
	r.Parts, r.Largest = []sys.SpaceItem{}, []sys.SpaceItem{}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(d.rootFD.Fd()), &fs); err != nil {
		return r, err
	}
	r.Free, r.Total = int64(fs.Bavail)*fs.Bsize, int64(fs.Blocks)*fs.Bsize
	apps := map[sys.Slug]*sys.AppSpace{}
	if err := d.measureHome(ctx, &r, apps); err != nil {
		return r, err
	}
	if err := d.measureStore(&r); err != nil {
		return r, err
	}
	if err := d.measureHistory(ctx, &r, apps); err != nil {
		return r, err
	}
	r.Apps = []sys.AppSpace{}
	for _, a := range apps {
		r.Apps = append(r.Apps, *a)
	}
	slices.SortFunc(r.Apps, func(a, b sys.AppSpace) int {
		return cmp.Or(cmp.Compare(b.Files+b.Data, a.Files+a.Data), strings.Compare(string(a.App), string(b.App)))
	})
	return r, nil
}

// appOf returns the app in whose files or data a path lies.
func appOf(path string) (slug sys.Slug, data bool, ok bool) {
	if slug, ok := sys.Path(path).App(); ok {
		return slug, false, true
	}
	rest, ok := strings.CutPrefix(path, "data/")
	if !ok {
		return "", false, false
	}
	first, _, nested := strings.Cut(rest, "/")
	return sys.Slug(first), true, nested && sys.Slug(first).Valid()
}

// measureHome adds up the live files.
func (d *Disk) measureHome(ctx context.Context, r *sys.SpaceReport, apps map[sys.Slug]*sys.AppSpace) error {
	return filepath.WalkDir(d.root, func(full string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		path := d.relative(full)
		if path == sys.Store {
			return fs.SkipDir
		}
		info, err := e.Info()
		if err != nil {
			return nil //nolint:nilerr // it went this instant
		}
		size := onDisk(info)
		r.Home += size
		if slug, data, ok := appOf(path); ok {
			if apps[slug] == nil {
				apps[slug] = &sys.AppSpace{App: slug}
			}
			if data {
				apps[slug].Data += size
			} else {
				apps[slug].Files += size
			}
		}
		if !e.IsDir() && size > 0 {
			r.Largest = largestOf(r.Largest, sys.SpaceItem{Name: path, Bytes: size})
		}
		return nil
	})
}

// largestOf adds an item to a list that holds the largest ones only.
func largestOf(list []sys.SpaceItem, item sys.SpaceItem) []sys.SpaceItem {
	if len(list) == mostLargest && list[len(list)-1].Bytes >= item.Bytes {
		return list
	}
	at, _ := slices.BinarySearchFunc(list, item, func(a, b sys.SpaceItem) int { return cmp.Compare(b.Bytes, a.Bytes) })
	list = slices.Insert(list, at, item)
	return list[:min(len(list), mostLargest)]
}

// measureStore adds up what is in .disk, part by part.
func (d *Disk) measureStore(r *sys.SpaceReport) error {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return err
	}
	parts := map[string]int64{}
	for _, e := range entries {
		size, err := folderSize(d.store(e.Name()))
		if err != nil {
			return err
		}
		r.Store += size
		parts[cmp.Or(partNames[e.Name()], e.Name())] += size
	}
	for name, size := range parts {
		r.Parts = append(r.Parts, sys.SpaceItem{Name: name, Bytes: size})
	}
	slices.SortFunc(r.Parts, func(a, b sys.SpaceItem) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), strings.Compare(a.Name, b.Name))
	})
	return nil
}

// measureHistory says which app's files the stored objects are, and what a
// collection would free.
func (d *Disk) measureHistory(ctx context.Context, r *sys.SpaceReport, apps map[sys.Slug]*sys.AppSpace) error {
	sizes, err := d.repo.StoredSizes()
	if err != nil {
		return err
	}
	needed := newReach(d.repo, true)
	needed.broken = func(git.Hash) {} // scrub says so
	if err := d.roots(ctx, needed); err != nil {
		return err
	}
	for _, i := range needed.items {
		if len(i.Group) < 2 {
			continue
		}
		if slug, _, ok := appOf(strings.TrimPrefix(i.Group[1:], "/") + "/"); ok && apps[slug] != nil {
			apps[slug].History += sizes[i.Hash]
		}
	}
	r.Garbage, err = d.garbage()
	return err
}

// garbage estimates what a collection would free.
func (d *Disk) garbage() (total int64, err error) {
	for b := range 256 {
		list, err := d.repo.LooseIn(byte(b))
		if err != nil {
			return 0, err
		}
		for _, l := range list {
			total += l.Room - l.Size/2 // packed, it takes about half its bytes, and no blocks of its own
		}
	}
	return total, nil
}
