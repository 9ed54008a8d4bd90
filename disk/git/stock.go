package git

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Loose is one loose object file.
type Loose struct {
	Hash Hash
	Size int64 // of the file
	Room int64 // that the file takes on the disk
	Time time.Time
}

// LooseIn lists the loose objects whose name begins with a byte.
func (r *Repo) LooseIn(first byte) ([]Loose, error) {
	prefix := hex.EncodeToString([]byte{first})
	entries, err := os.ReadDir(filepath.Join(r.dir, "objects", prefix))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []Loose
	for _, e := range entries {
		h, err := ParseHash(prefix + e.Name())
		if err != nil {
			continue // something that git has in the making
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		room := info.Size()
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			room = st.Blocks * 512
		}
		out = append(out, Loose{h, info.Size(), room, info.ModTime()})
	}
	return out, nil
}

// CheckLoose reads a loose object from its file, past all memory, and checks it
// against its name.
func (r *Repo) CheckLoose(h Hash) (Object, error) {
	raw, err := os.ReadFile(r.ObjectPath(h))
	if err != nil {
		return Object{}, err
	}
	o, err := DecodeLoose(raw)
	if err == nil && Sum(o.Type, o.Data) != h {
		err = fmt.Errorf("%w: its content has another name", ErrCorrupt)
	}
	if err != nil {
		return Object{}, fmt.Errorf("git object %s: %w", h, err)
	}
	o.Hash = h
	return o, nil
}

// RemoveLoose removes a loose object file. That it is not needed, or packed, is
// the caller's care.
func (r *Repo) RemoveLoose(h Hash) error {
	err := os.Remove(r.ObjectPath(h))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Pack is one pack of the repository.
type Pack struct {
	Name    string // without extension
	Size    int64  // of its files
	Time    time.Time
	Objects []Hash
	Bad     error // its index cannot be read
	Keep    bool  // the owner has marked it with a .keep file
}

// Packs lists the packs that are there now.
func (r *Repo) Packs() ([]Pack, error) {
	dir := filepath.Join(r.dir, "objects", "pack")
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var out []Pack
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".pack")
		if !ok {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		p := Pack{Name: name, Size: info.Size(), Time: info.ModTime()}
		b, err := os.ReadFile(filepath.Join(dir, name+".idx"))
		if errors.Is(err, fs.ErrNotExist) {
			continue // in the making, or on its way out
		}
		if err != nil {
			return nil, err
		}
		p.Size += int64(len(b))
		index, err := parseIndex(b)
		if err != nil {
			p.Bad = err
		} else {
			for i := range index.offsets {
				p.Objects = append(p.Objects, Hash(index.names[i*20:i*20+20]))
			}
		}
		if _, err := os.Lstat(filepath.Join(dir, name+".keep")); err == nil {
			p.Keep = true
		}
		out = append(out, p)
	}
	return out, nil
}

// CheckPack reads every object of a pack from its file and checks pack, index
// and objects against their sums.
func (r *Repo) CheckPack(ctx context.Context, name string) error {
	base := filepath.Join(r.dir, "objects", "pack", name)
	_, err := verifyPack(ctx, r, base+".pack", base+".idx")
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// FromPack reads an object from one pack, past all memory and other copies.
func (r *Repo) FromPack(name string, h Hash) (Object, error) {
	base := filepath.Join(r.dir, "objects", "pack", name)
	b, err := os.ReadFile(base + ".idx")
	if err != nil {
		return Object{}, err
	}
	p, err := parseIndex(b)
	if err != nil {
		return Object{}, err
	}
	p.path = base + ".pack"
	offset, ok := p.find(h)
	if !ok {
		return Object{}, ErrNotFound
	}
	t, data, err := r.readAt(p, offset, 0)
	if err == nil && Sum(t, data) != h {
		err = fmt.Errorf("git object %s: %w: its content has another name", h, ErrCorrupt)
	}
	return Object{Type: t, Data: data, Hash: h}, err
}

// RemovePack removes a pack: first the index, so that nobody begins to use it.
// Readers that have it open finish; others find the objects elsewhere.
func (r *Repo) RemovePack(name string) error {
	dir := filepath.Join(r.dir, "objects", "pack")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, name+".idx")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), name+".") && e.Name() != name+".idx" {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	r.Relist()
	return nil
}

// Relist has the packs looked at anew by the next read.
func (r *Repo) Relist() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.listed = false
}

// RemoveRef removes a ref that stands in a file of its own.
func (r *Repo) RemoveRef(name string) error {
	err := os.Remove(filepath.Join(r.dir, filepath.FromSlash(name)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// StoredSizes returns how many bytes each object takes where it is stored: a loose
// one its file, a packed one its part of the pack.
func (r *Repo) StoredSizes() (map[Hash]int64, error) {
	out := map[Hash]int64{}
	packs, err := r.listPacks()
	if err != nil {
		return nil, err
	}
	for _, p := range packs {
		st, err := os.Stat(p.path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		ends := append(slices.Clone(p.offsets), uint64(max(st.Size()-20, 0)))
		slices.Sort(ends)
		for i, at := range p.offsets {
			next, _ := slices.BinarySearch(ends, at+1)
			out[Hash(p.names[i*20:i*20+20])] += int64(ends[min(next, len(ends)-1)] - at)
		}
	}
	for b := range 256 {
		list, err := r.LooseIn(byte(b))
		if err != nil {
			return nil, err
		}
		for _, l := range list {
			out[l.Hash] += l.Room
		}
	}
	return out, nil
}
