package disk

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"matrixos/disk/git"
	"matrixos/sys"
)

const (
	refusedLife   = 30 * 24 * time.Hour // refs/tx: work that was refused
	ownerLife     = 90 * 24 * time.Hour // refs/owner: commits made by hand
	displacedLife = 30 * 24 * time.Hour // bytes of hand edits that had no other place
	unneededLife  = 30 * 24 * time.Hour // objects that nothing leads to
	halfLife      = 24 * time.Hour      // files that a git command left half written

	looseWanted = 2000 // loose objects before they are worth a pack
	mostPacks   = 6
)

// GC frees what the home does not need any more: names of refused work and of
// commits by hand, old bytes in displaced, objects that nothing leads to; and it
// packs loose objects, which then take a fraction of the room. What it keeps and
// how long is in the constants above. It runs beside everything else and may be
// killed at any point: a pack is durable and read back whole before anything
// that it holds is removed. Without all it packs only what is worth it.
func (d *Disk) GC(ctx context.Context, all bool) (sys.GCReport, error) {
	r, err := d.collect(ctx, all)
	return r, explain("collect garbage", d.root, err)
}

func (d *Disk) collect(ctx context.Context, all bool) (report sys.GCReport, err error) {
	if err := d.usable("collect garbage"); err != nil {
		return report, err
	}
	d.caring.Lock()
	defer d.caring.Unlock()
	began := time.Now()
	report.Time = began.UTC()
	if report.Before, err = folderSize(d.dir); err != nil {
		return report, err
	}
	if err := d.withBallast(func() error { return d.checkpoint(ctx) }); err != nil && !isFull(err) {
		return report, err
	}
	g := &collector{d: d, ctx: ctx, now: began, all: all, report: &report, reach: newReach(d.repo, true)}
	for _, step := range []func() error{g.expireRefs, g.expireDisplaced, func() error { return d.roots(ctx, g.reach) }, g.packLoose, g.mergePacks, g.dropUnneeded, g.dropHalf, g.pruneCopies} {
		err := d.withBallast(step)
		if isFull(err) { // no room to pack in: what only removes goes on
			d.log.WarnContext(ctx, "a part of a collection had no room", "error", err)
			report.NoRoom = true
			continue
		}
		if err != nil {
			return report, err
		}
		d.hook("gc")
	}
	packs, err := d.repo.Packs()
	if err != nil {
		return report, err
	}
	report.Packs = len(packs)
	if report.After, err = folderSize(d.dir); err != nil {
		return report, err
	}
	report.Millis = time.Since(began).Milliseconds()
	d.lookAtRoom(ctx)
	err = d.withBallast(func() error { return d.keepReport(ctx, "gc", report) })
	if isFull(err) {
		err = nil // it has happened all the same
	}
	return report, err
}

// collector is one collection.
type collector struct {
	d      *Disk
	ctx    context.Context // of the one call that this is
	now    time.Time
	all    bool
	report *sys.GCReport
	reach  *reach
}

// expireRefs forgets refused work and commits by hand that are old enough.
func (g *collector) expireRefs() error {
	for folder, life := range map[string]time.Duration{"refs/tx": refusedLife, "refs/owner": ownerLife} {
		names, err := g.d.repo.Refs(folder)
		if err != nil {
			return err
		}
		for _, name := range names {
			st, err := os.Lstat(filepath.Join(g.d.repo.Dir(), filepath.FromSlash(folder), filepath.FromSlash(name)))
			if errors.Is(err, fs.ErrNotExist) {
				continue // git has packed it: it stays
			}
			if err != nil {
				return err
			}
			if g.now.Sub(st.ModTime()) < life {
				continue
			}
			if err := g.d.repo.RemoveRef(folder + "/" + name); err != nil {
				return err
			}
			g.report.Refs++
		}
	}
	return nil
}

// expireDisplaced removes bytes that were set aside long ago.
func (g *collector) expireDisplaced() error {
	entries, err := os.ReadDir(g.d.store("displaced"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		first, _, _ := strings.Cut(e.Name(), "-")
		ns, err := strconv.ParseInt(first, 10, 64) // when it was set aside
		if err != nil || g.now.Sub(time.Unix(0, ns)) < displacedLife {
			continue
		}
		if err := os.RemoveAll(g.d.store("displaced", e.Name())); err != nil {
			return err
		}
		g.report.Displaced++
	}
	return nil
}

// packLoose moves loose objects that are needed into a pack.
func (g *collector) packLoose() error {
	loose := map[git.Hash]bool{}
	for b := range 256 {
		list, err := g.d.repo.LooseIn(byte(b))
		if err != nil {
			return err
		}
		for _, l := range list {
			if g.reach.seen[l.Hash] {
				loose[l.Hash] = true
			}
		}
	}
	if len(loose) == 0 || len(loose) < looseWanted && !g.all {
		return nil
	}
	if _, err := g.pack(loose); err != nil {
		return err
	}
	for h := range loose {
		if err := g.d.repo.RemoveLoose(h); err != nil {
			return err
		}
	}
	g.report.Packed += len(loose)
	return nil
}

// pack writes a pack of objects, versions of a file beside each other, and
// returns its name. It may be that of a pack which is there.
func (g *collector) pack(want map[git.Hash]bool) (string, error) {
	var items []git.PackItem
	for _, i := range g.reach.items {
		if want[i.Hash] {
			items = append(items, i)
		}
	}
	for h := range want { // what nothing leads to, but is too young to go
		if !g.reach.seen[h] {
			items = append(items, git.PackItem{Hash: h, Group: "u" + h.String()})
		}
	}
	slices.SortStableFunc(items, func(a, b git.PackItem) int { return strings.Compare(a.Group, b.Group) })
	name, err := g.d.repo.WritePack(g.ctx, items, g.d.store("quarantine"))
	if err != nil {
		return "", err
	}
	g.d.hook("packed")
	g.d.repo.Relist()
	return name, nil
}

// mergePacks keeps packs few: the smallest become one, and with them as many more
// as are not much larger than that.
func (g *collector) mergePacks() error {
	packs, err := g.d.repo.Packs()
	if err != nil {
		return err
	}
	packs = slices.DeleteFunc(packs, func(p git.Pack) bool { return p.Keep || p.Bad != nil })
	slices.SortFunc(packs, func(a, b git.Pack) int { return int(min(max(a.Size-b.Size, -1), 1)) })
	if len(packs) < 2 || len(packs) <= mostPacks && !g.all {
		return nil
	}
	var sum int64
	n := 0
	for n < len(packs) && (g.all || len(packs)-n >= mostPacks || n < 2 || packs[n].Size < 2*sum) {
		sum += packs[n].Size
		n++
	}
	return g.replace(packs[:n])
}

// replace writes the objects of packs into a new one and removes the old.
func (g *collector) replace(packs []git.Pack) error {
	want, dropped := map[git.Hash]bool{}, map[git.Hash]bool{}
	for _, p := range packs {
		for _, h := range p.Objects {
			if g.reach.seen[h] || g.now.Sub(p.Time) < unneededLife {
				want[h] = true
			} else {
				dropped[h] = true
			}
		}
	}
	for h := range want {
		delete(dropped, h)
	}
	var anew string
	if len(want) > 0 {
		var err error
		if anew, err = g.pack(want); err != nil {
			return err
		}
	}
	return g.whileNothingLands(func() error {
		for h := range dropped {
			if g.reach.seen[h] {
				return nil // it is needed again: the old packs stay until next time
			}
		}
		for _, p := range packs {
			if p.Name == anew {
				continue
			}
			if err := g.d.repo.RemovePack(p.Name); err != nil {
				return err
			}
		}
		g.report.Unreachable += len(dropped)
		return nil
	})
}

// whileNothingLands brings what is needed up to date and runs fn before that can
// change: no landing can come to rely on what fn removes.
func (g *collector) whileNothingLands(fn func() error) error {
	g.d.mu.Lock()
	defer g.d.mu.Unlock()
	g.d.publishing.Lock()
	defer g.d.publishing.Unlock()
	if err := g.d.roots(g.ctx, g.reach); err != nil {
		return err
	}
	return fn()
}

// atOnce is how many objects go while one landing waits.
const atOnce = 256

// dropUnneeded removes loose objects that nothing leads to and that are old.
func (g *collector) dropUnneeded() error {
	var old []git.Hash
	for b := range 256 {
		list, err := g.d.repo.LooseIn(byte(b))
		if err != nil {
			return err
		}
		for _, l := range list {
			if !g.reach.seen[l.Hash] && g.now.Sub(l.Time) >= unneededLife {
				old = append(old, l.Hash)
			}
		}
	}
	for batch := range slices.Chunk(old, atOnce) {
		err := g.whileNothingLands(func() error {
			for _, h := range batch {
				if g.reach.seen[h] {
					continue
				}
				if err := g.d.repo.RemoveLoose(h); err != nil {
					return err
				}
				g.report.Unreachable++
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// dropHalf removes what an interrupted git command has left behind.
func (g *collector) dropHalf() error {
	return filepath.WalkDir(filepath.Join(g.d.repo.Dir(), "objects"), func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || e.IsDir() || !strings.HasPrefix(e.Name(), "tmp_") {
			return err
		}
		info, err := e.Info()
		if err != nil || g.now.Sub(info.ModTime()) < halfLife {
			return nil //nolint:nilerr // it went this instant
		}
		return os.Remove(path)
	})
}
