package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"matrixos/sys"
)

// MaxValue is how large the value of one key may be.
const MaxValue = 8 << 20

var keyForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)

func (s *Store) keyPath(app sys.Slug, key string) (string, error) {
	if !app.Valid() || !keyForm.MatchString(key) {
		return "", &sys.Error{Op: "use the key", Path: fmt.Sprintf("%q", key), Kind: sys.Invalid, Hint: "a key has 1 to 128 letters, digits, dots, - and _, and does not begin with a dot or -"}
	}
	return filepath.Join(s.Dir(app), key+".json"), nil
}

// ReadKey returns the JSON value of a key exactly as it was written, or null.
func (s *Store) ReadKey(app sys.Slug, key string) (json.RawMessage, error) {
	path, err := s.keyPath(app, key)
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return json.RawMessage("null"), nil
	}
	if err != nil {
		return nil, &sys.Error{Op: "read", Path: path, Kind: sys.Internal, Err: err}
	}
	if !json.Valid(raw) {
		return nil, &sys.Error{Op: "read the key", Path: key, Kind: sys.Invalid, Err: errors.New("the file holds no JSON"), Hint: fmt.Sprintf("correct data/%s/%s.json", app, key)}
	}
	return bytes.TrimSpace(raw), nil
}

// WriteKey keeps value, which is durable when it returns; a reader sees the old
// value or the new one, never a part.
func (s *Store) WriteKey(app sys.Slug, key string, value json.RawMessage) error {
	path, err := s.keyPath(app, key)
	if err != nil {
		return err
	}
	if len(value) == 0 {
		value = json.RawMessage("null")
	}
	if len(value) > MaxValue {
		return &sys.Error{Op: "write the key", Path: key, Kind: sys.Invalid, Err: fmt.Errorf("the value has %d bytes, more than %d", len(value), MaxValue), Hint: "keep lists of things in a table"}
	}
	if !json.Valid(value) {
		return &sys.Error{Op: "write the key", Path: key, Kind: sys.Invalid, Err: errors.New("the value is not JSON")}
	}
	if err := s.quota.holds(s.Dir(app), key, len(value)); err != nil {
		return err
	}
	write := writeDurably
	if s.scratch {
		write = func(path string, value []byte) error {
			return errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, value, 0o644))
		}
	}
	if err := write(path, value); err != nil {
		kind, hint := storageKind(err)
		return &sys.Error{Op: "write", Path: path, Kind: kind, Err: err, Hint: hint}
	}
	return nil
}

func writeDurably(path string, value []byte) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".write-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			if gone := os.Remove(f.Name()); !errors.Is(gone, fs.ErrNotExist) {
				err = errors.Join(err, gone)
			}
		}
	}()
	_, werr := f.Write(value)
	if err := errors.Join(werr, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
