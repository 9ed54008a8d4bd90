package git

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Hold makes objects readable from memory until Flush has written them. That
// they are not lost meanwhile is the caller's care.
func (r *Repo) Hold(objects []Object) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range objects {
		if _, ok := r.waiting[o.Hash]; !ok {
			r.waiting[o.Hash] = o
			r.waitingBytes += len(o.Data)
		}
	}
}

// Waiting returns how many bytes of objects are held.
func (r *Repo) Waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.waitingBytes
}

// Flush writes the objects held now as loose objects, through temporary files
// in a folder on the same file system. It syncs nothing. On error those not
// written stay held.
func (r *Repo) Flush(temp string) error {
	r.mu.Lock()
	objects := make([]Object, 0, len(r.waiting))
	for _, o := range r.waiting {
		objects = append(objects, o)
	}
	r.mu.Unlock()
	for _, o := range objects {
		if err := r.WriteLoose(o, temp, false); err != nil {
			return err
		}
		r.mu.Lock()
		delete(r.waiting, o.Hash)
		r.waitingBytes -= len(o.Data)
		r.mu.Unlock()
	}
	return nil
}

// WriteLoose writes one object where git finds it, unless it is there; with
// anew, in any case. The file appears whole or not at all, unless the machine
// stops before the caller has synced.
func (r *Repo) WriteLoose(o Object, temp string, anew bool) error {
	path := r.ObjectPath(o.Hash)
	if !anew {
		if _, err := os.Lstat(path); err == nil {
			return nil
		}
	}
	raw, err := EncodeLoose(o)
	if err != nil {
		return err
	}
	from := filepath.Join(temp, "object-"+o.Hash.String())
	if err := os.Remove(from); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(from, raw, 0o444); err != nil {
		return err
	}
	return r.Adopt(o.Hash, from)
}

// Adopt moves a loose object file in place.
func (r *Repo) Adopt(h Hash, from string) error {
	path := r.ObjectPath(h)
	err := os.Rename(from, path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
			err = os.Rename(from, path)
		}
	}
	return err
}
