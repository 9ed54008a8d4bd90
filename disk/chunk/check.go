package chunk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// Check verifies contents that share chunks, each chunk once. It is used by one
// goroutine.
type Check struct {
	s    *Store
	good map[Hash]bool
	bad  map[Hash]bool
}

// Check begins to verify contents.
func (s *Store) Check() *Check {
	return &Check{s: s, good: map[Hash]bool{}, bad: map[Hash]bool{}}
}

// Content verifies a content and returns how many bytes were read for it, and the
// chunks that no pack has as they should be. What hangs on a damaged node cannot
// be looked at.
func (c *Check) Content(ctx context.Context, r Root) (read int64, bad []Hash, err error) {
	var down func(h Hash, level int) (whole bool, err error)
	down = func(h Hash, level int) (bool, error) {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if c.good[h] {
			return true, nil
		}
		if c.bad[h] {
			bad = append(bad, h)
			return false, nil
		}
		data, err := c.s.chunk(h, level)
		if err != nil {
			c.bad[h] = true
			bad = append(bad, h)
			return false, nil //nolint:nilerr // it is in the list
		}
		read += int64(len(data))
		whole := true
		for ; level > 0 && len(data) >= len(h); data = data[len(h):] {
			below, err := down(Hash(data[:len(h)]), level-1)
			if err != nil {
				return false, err
			}
			whole = whole && below
		}
		if whole {
			c.good[h] = true // a node that is not is looked at again, for what is below it
		}
		return whole, nil
	}
	_, err = down(r.Hash, r.height())
	return read, bad, err
}

// Mend stores those of the given chunks that r, a content which may have them, holds,
// and nothing else of it. It returns which are still missing; these stay in bad.
func (c *Check) Mend(ctx context.Context, bad []Hash, r io.Reader) (left []Hash, err error) {
	w := c.s.Begin()
	defer func() { err = errors.Join(err, w.Close()) }()
	w.only = map[Hash]bool{}
	for _, h := range bad {
		w.only[h] = true
	}
	if _, _, err := w.Put(ctx, r); err != nil {
		return bad, err
	}
	if err := w.Commit(); err != nil {
		return bad, err
	}
	for _, h := range bad {
		if c.s.has(h) {
			delete(c.bad, h)
		} else {
			left = append(left, h)
		}
	}
	return left, nil
}

// Broken lists the packs of which nothing can be found any more.
func (s *Store) Broken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.broken...)
}

// DropBroken removes these packs. That what is wanted is whole without them is the
// caller's care.
func (s *Store) DropBroken() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var left []string
	var err error
	for _, path := range s.broken {
		if e := os.Remove(path); e != nil && !errors.Is(e, os.ErrNotExist) {
			left, err = append(left, path), errors.Join(err, fmt.Errorf("remove a pack: %w", e))
		}
	}
	s.broken = left
	return err
}
