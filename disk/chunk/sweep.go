package chunk

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// Sweep removes what none of the wanted contents needs, and returns how many bytes
// that freed. It asks for them once no Writer is open, and no Writer can begin
// before it is done. A pack of which less than half is wanted is written anew.
// What it cannot read it keeps: a damaged content is not made worse.
func (s *Store) Sweep(ctx context.Context, wanted func(context.Context) ([]Root, error)) (freed int64, err error) {
	s.mu.Lock()
	for s.sweeping || s.writers > 0 {
		s.turn.Wait()
	}
	s.sweeping = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.sweeping = false
		s.turn.Broadcast()
		s.mu.Unlock()
	}()
	roots, err := wanted(ctx)
	if err != nil {
		return 0, err
	}
	keep, err := s.mark(ctx, roots)
	if err != nil {
		return 0, err
	}
	before := s.Bytes()
	s.mu.Lock()
	defer s.mu.Unlock()
	w := &Writer{s: s, chunks: map[Hash]place{}, closed: true}
	var dead []*pack
	for _, p := range s.packs {
		used := s.usedLocked(p, keep)
		if used*2 >= p.size {
			continue
		}
		dead = append(dead, p)
		if used == 0 {
			continue
		}
		if err := s.rescueLocked(w, p, keep); err != nil {
			return 0, errors.Join(err, w.abandon())
		}
	}
	if err := s.replaceLocked(w, dead); err != nil {
		return 0, err
	}
	var after int64
	for _, p := range s.packs {
		after += p.size
	}
	return before - after, nil
}

// usedLocked is how many bytes of a pack are wanted, and found there.
func (s *Store) usedLocked(p *pack, keep map[Hash]bool) (used int64) {
	for h, at := range p.chunks {
		if keep[h] && s.where[h].pack == p {
			used += int64(at.stored) + int64(entrySize)
		}
	}
	return used
}

// rescueLocked writes what is wanted of a pack to w.
func (s *Store) rescueLocked(w *Writer, p *pack, keep map[Hash]bool) error {
	for h, at := range p.chunks {
		if !keep[h] || s.where[h].pack != p {
			continue
		}
		raw := make([]byte, at.stored)
		if _, err := p.file.ReadAt(raw, at.offset); err != nil {
			return fmt.Errorf("%w: chunk %s: %w", ErrDamaged, h, err)
		}
		if err := w.add(h, raw, at.size); err != nil {
			return err
		}
	}
	return nil
}

// replaceLocked makes the new pack durable before it removes the old ones.
func (s *Store) replaceLocked(w *Writer, dead []*pack) error {
	if len(dead) == 0 {
		return nil
	}
	s.mu.Unlock()
	err := w.Commit()
	s.mu.Lock()
	if err != nil {
		return errors.Join(err, w.abandon())
	}
	for _, p := range dead {
		delete(s.packs, p.path)
		err = errors.Join(err, p.file.Close(), os.Remove(p.path))
	}
	clear(s.where)
	for _, p := range s.packs {
		s.addLocked(p)
	}
	return errors.Join(err, syncFolder(s.dir))
}

func (w *Writer) abandon() error {
	if w.file == nil {
		return nil
	}
	return errors.Join(w.file.Close(), os.Remove(w.file.Name()))
}

// mark returns the chunks of the wanted contents. Of a damaged one it finds what
// it can.
func (s *Store) mark(ctx context.Context, roots []Root) (map[Hash]bool, error) {
	keep := map[Hash]bool{}
	var down func(h Hash, level int) error
	down = func(h Hash, level int) error {
		if err := ctx.Err(); err != nil || keep[h] {
			return err
		}
		keep[h] = true
		if level == 0 {
			return nil
		}
		list, err := s.chunk(h, level)
		if err != nil {
			return nil //nolint:nilerr // damaged: what is below cannot be known
		}
		for ; len(list) >= len(h); list = list[len(h):] {
			if err := down(Hash(list[:len(h)]), level-1); err != nil {
				return err
			}
		}
		return nil
	}
	for _, r := range roots {
		if err := down(r.Hash, r.height()); err != nil {
			return nil, err
		}
	}
	return keep, nil
}
