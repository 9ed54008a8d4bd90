package disk

import (
	"bytes"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"matrixos/disk/git"
	"matrixos/sys"
)

// Scrub reads everything that is stored and compares it with what it should be:
// all objects of the history by their names, packs and indexes by their sums, the
// landings table and refs with the history, and the live files that nobody has
// touched since they were last known with what the history has. What is
// damaged is restored where there is another copy; the rest is in the report, by
// file and landing. It reads at most rate bytes a second, 0 for no limit, and goes
// on where an earlier one was interrupted. Files that are being edited are left
// alone.
//
// kernel.db has no sums of its own: of it, Scrub checks the
// landings table.
func (d *Disk) Scrub(ctx context.Context, rate int64) (sys.ScrubReport, error) {
	r, err := d.scrub(ctx, rate)
	return r, explain("scrub", d.root, err)
}

// progress is a scrub that may be interrupted.
type progress struct {
	Report sys.ScrubReport `json:"report"`
	Phase  int             `json:"phase"`
	Done   string          `json:"done"` // within the phase, all up to here
}

// scrubber is one run of a scrub.
type scrubber struct {
	d    *Disk
	ctx  context.Context // of the one call that this is
	rate int64
	progress
	since time.Time // of this run
	read  int64     // in this run
}

func (d *Disk) scrub(ctx context.Context, rate int64) (sys.ScrubReport, error) {
	if err := d.usable("scrub"); err != nil {
		return sys.ScrubReport{}, err
	}
	d.caring.Lock()
	defer d.caring.Unlock()
	if err := d.checkpoint(ctx); err != nil {
		return sys.ScrubReport{}, err
	}
	s := &scrubber{d: d, ctx: ctx, rate: rate, since: time.Now()}
	if _, err := d.readReport(ctx, "scrubbing", &s.progress); err != nil {
		return s.Report, err
	}
	if s.Report.Started.IsZero() || time.Since(s.Report.Started) > 30*24*time.Hour {
		s.progress = progress{Report: sys.ScrubReport{Started: time.Now().UTC(), Problems: []sys.ScrubProblem{}}}
	}
	for phases := []func() error{s.loose, s.packs, s.reachable, s.landings, s.refs, s.live}; s.Phase < len(phases); s.Phase, s.Done = s.Phase+1, "" {
		if err := phases[s.Phase](); err != nil {
			return s.Report, err
		}
	}
	s.Report.Finished = time.Now().UTC()
	if err := d.keepReport(ctx, "scrub", s.Report); err != nil {
		return s.Report, err
	}
	if err := d.keepReport(ctx, "scrubbing", progress{}); err != nil {
		return s.Report, err
	}
	return s.Report, s.tell()
}

// tell says to the owner what was found, if anything was.
func (s *scrubber) tell() error {
	if len(s.Report.Problems) == 0 {
		return nil
	}
	n := sys.NoticeData{Level: "info", Title: "Damaged bytes on the disk were found and restored", Text: fmt.Sprintf("%d places; nothing is lost. If it happens again, the disk may be failing: make a backup.", len(s.Report.Problems))}
	if lost := s.Report.Lost(); lost > 0 {
		n.Level, n.Title = "error", "Damaged bytes on the disk could not be restored"
		n.Text = fmt.Sprintf("%d of %d places have no second copy here. `matrixos scrub` names them; a backup may have them.", lost, len(s.Report.Problems))
	}
	_, err := s.d.j.Append(s.ctx, sys.NewEvent(sys.EventNotice, n))
	return err
}

func (s *scrubber) problem(p sys.ScrubProblem) {
	s.d.log.Warn("damaged bytes", "what", p.What, "file", string(p.Path), "object", p.Object, "fixed", p.Fixed, "how", p.How)
	s.Report.Problems = append(s.Report.Problems, p)
}

// step notes that a part of the phase is done, durably, and keeps to the rate.
func (s *scrubber) step(done string, bytes int64) error {
	s.Report.Bytes += bytes
	s.read += bytes
	s.Done = done
	if err := s.d.keepReport(s.ctx, "scrubbing", s.progress); err != nil {
		return err
	}
	if s.rate <= 0 {
		return s.ctx.Err()
	}
	ahead := time.Duration(float64(s.read)/float64(s.rate)*float64(time.Second)) - time.Since(s.since)
	select {
	case <-s.ctx.Done():
		return s.ctx.Err()
	case <-time.After(max(ahead, 0)):
		return nil
	}
}

// loose checks loose objects, folder by folder.
func (s *scrubber) loose() error {
	for b := range 256 {
		done := fmt.Sprintf("%02x", b)
		if done <= s.Done {
			continue
		}
		list, err := s.d.repo.LooseIn(byte(b))
		if err != nil {
			return err
		}
		var size int64
		for _, l := range list {
			size += l.Size
			s.Report.Objects++
			_, err := s.d.repo.CheckLoose(l.Hash)
			if err == nil || errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err := s.object("object", l.Hash); err != nil {
				return err
			}
		}
		if size > 0 {
			if err := s.step(done, size); err != nil {
				return err
			}
		}
	}
	return nil
}

// packs checks packs, each in one step.
func (s *scrubber) packs() error {
	list, err := s.d.repo.Packs()
	if err != nil {
		return err
	}
	for _, p := range list {
		if p.Name <= s.Done {
			continue
		}
		s.Report.Objects += len(p.Objects)
		if err := s.d.repo.CheckPack(s.ctx, p.Name); err != nil && s.ctx.Err() == nil {
			if err := s.pack(p, err); err != nil {
				return err
			}
		}
		if err := s.step(p.Name, p.Size); err != nil {
			return err
		}
	}
	return nil
}

// pack mends a damaged pack: its index from itself, or its objects from
// elsewhere, into a new one.
func (s *scrubber) pack(p git.Pack, why error) error {
	problem := sys.ScrubProblem{What: "pack", Object: p.Name, How: why.Error()}
	if s.d.repo.RebuildIndex(s.ctx, p.Name, s.d.store("quarantine")) == nil && s.d.repo.CheckPack(s.ctx, p.Name) == nil {
		problem.Fixed, problem.How = true, "its index was made anew"
		s.problem(problem)
		return nil
	}
	lost := p.Bad != nil
	good := map[git.Hash]bool{}
	for _, h := range p.Objects {
		if _, err := s.d.repo.FromPack(p.Name, h); err == nil {
			good[h] = true
			continue
		}
		before := s.Report.Lost()
		if err := s.object("object", h); err != nil {
			return err
		}
		if s.Report.Lost() > before {
			lost = true
		} else {
			good[h] = true
		}
	}
	if !lost {
		g := &collector{d: s.d, ctx: s.ctx, reach: newReach(s.d.repo, true)}
		anew, err := g.pack(good)
		if err == nil && anew != p.Name {
			err = s.d.repo.RemovePack(p.Name)
		}
		if err != nil {
			return err
		}
		problem.Fixed, problem.How = true, "its objects were written anew"
	}
	s.problem(problem)
	return nil
}

// reachable looks for objects that the history needs and that are gone.
func (s *scrubber) reachable() error {
	missing := map[git.Hash]bool{}
	for {
		r := newReach(s.d.repo, true)
		r.broken = func(h git.Hash) { missing[h] = true }
		before := len(missing)
		if err := s.d.roots(s.ctx, r); err != nil {
			return err
		}
		for _, item := range r.items {
			if !s.d.repo.Has(item.Hash) {
				missing[item.Hash] = true
			}
		}
		fixed := false
		for h := range missing {
			if s.known(h) {
				continue
			}
			lost := s.Report.Lost()
			if err := s.object("object", h); err != nil {
				return err
			}
			fixed = fixed || s.Report.Lost() == lost
		}
		if !fixed || len(missing) == before {
			return s.step("", 0)
		}
	}
}

// known reports whether an object is in the report already.
func (s *scrubber) known(h git.Hash) bool {
	return slices.ContainsFunc(s.Report.Problems, func(p sys.ScrubProblem) bool { return p.Object == h.String() })
}

// refs checks where main and HEAD point, and git's index.
func (s *scrubber) refs() error {
	if err := s.d.publishHistory(); err != nil {
		return err
	}
	err := func() error {
		s.d.mu.Lock()
		defer s.d.mu.Unlock()
		s.d.publishing.Lock()
		published := s.d.published
		s.d.publishing.Unlock()
		at, err := s.d.repo.Ref(mainRef)
		head, headErr := os.ReadFile(filepath.Join(s.d.repo.Dir(), "HEAD"))
		if errors.Is(err, git.ErrCorrupt) || errors.Is(err, git.ErrNotFound) || err == nil && at != published && !s.d.repo.Has(at) || headErr != nil || string(head) != "ref: "+mainRef+"\n" {
			if err := errors.Join(s.d.repo.SetRef(mainRef, published), replaceFile(filepath.Join(s.d.repo.Dir(), "HEAD"), []byte("ref: "+mainRef+"\n"))); err != nil {
				return err
			}
			s.problem(sys.ScrubProblem{What: "ref", Object: mainRef, Fixed: true, How: "it was set to the newest landing"})
		}
		return nil
	}()
	if err != nil {
		return err
	}
	b, err := os.ReadFile(filepath.Join(s.d.repo.Dir(), "index"))
	if errors.Is(err, fs.ErrNotExist) {
		return s.step("", 0)
	}
	if err != nil {
		return err
	}
	if len(b) >= 20 {
		if sum := sha1.Sum(b[:len(b)-20]); bytes.Equal(sum[:], b[len(b)-20:]) || bytes.Equal(make([]byte, 20), b[len(b)-20:]) {
			return s.step("", int64(len(b)))
		}
	}
	s.d.mu.Lock()
	s.d.indexed = git.Hash{}
	s.d.mu.Unlock()
	if err := s.d.writeIndex(true); err != nil {
		return err
	}
	s.problem(sys.ScrubProblem{What: "index", Object: "index", Fixed: true, How: "it was made anew from the newest landing"})
	return s.step("", int64(len(b)))
}
