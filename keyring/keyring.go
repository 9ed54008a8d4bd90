// Package keyring keeps an owner's secrets (model keys, channel tokens) and
// lends them by name to the code that puts them into a request. A secret never
// enters a prompt, a process's environment, a log or the home's history:
// Secret prints as a placeholder however it is formatted.
//
// Secrets are in .disk/keys.json of the home, readable by the owner's account
// alone and outside the history. Limit: the file is not encrypted, so it is as
// safe as that account and its backups are; a home on a machine that others
// administer needs an encrypted disk.
//
// Writes replace the file as a whole and are durable on return; a crash leaves
// the old file or the new one. One process at a time may write, which is the
// one that holds the home.
package keyring

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"

	"matrixos/sys"
)

// Secret is a value that must not be seen. Reveal is the one way to it, so that
// every use can be found. The value is behind a pointer because fmt prints the
// unexported fields of others' structs without asking their methods.
type Secret struct{ value *string }

// NewSecret wraps a value.
func NewSecret(value string) Secret { return Secret{&value} }

// Reveal returns the value, to be put into the request that needs it.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Empty reports whether there is no value.
func (s Secret) Empty() bool { return s.Reveal() == "" }

const redacted = "[secret]"

// String returns a placeholder.
func (Secret) String() string { return redacted }

// GoString returns a placeholder.
func (Secret) GoString() string { return redacted }

// Format writes a placeholder, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte(redacted)) // fmt reports its own writer's failures
}

// LogValue returns a placeholder.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON writes a placeholder.
func (Secret) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// MarshalText writes a placeholder.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

var (
	_ fmt.Formatter  = Secret{}
	_ slog.LogValuer = Secret{}
)

// nameForm is what a secret may be called, such as "anthropic".
var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._/-]{0,99}$`)

// Keyring is the open keyring of a home. It may be used from any goroutine.
type Keyring struct {
	path string

	mu   sync.Mutex
	keys map[string]Secret
}

// Open reads the keyring at path, such as .disk/keys.json of a home; without a
// file it is empty. A file that others may read is closed to them.
func Open(path string) (*Keyring, error) {
	k := &Keyring{path: path, keys: map[string]Secret{}}
	b, err := os.ReadFile(k.path)
	if errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	if err != nil {
		return nil, k.fail("open keyring", err)
	}
	if err := os.Chmod(k.path, 0o600); err != nil {
		return nil, k.fail("protect keyring", err)
	}
	var values map[string]string
	if err := json.Unmarshal(b, &values); err != nil {
		// The parser's message may quote what it read.
		return nil, &sys.Error{
			Op: "open keyring", Path: k.path, Kind: sys.Invalid, Err: errors.New("it is not a JSON object of strings"),
			Hint: "repair the file, or move it away and enter the keys again",
		}
	}
	for name, v := range values {
		k.keys[name] = NewSecret(v)
	}
	return k, nil
}

// Get lends a secret; NotFound if there is none of that name.
func (k *Keyring) Get(name string) (Secret, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, ok := k.keys[name]
	if !ok {
		return Secret{}, &sys.Error{Op: "find key", Path: name, Kind: sys.NotFound, Hint: "enter it in the settings"}
	}
	return s, nil
}

// Set keeps a secret, replacing one of the same name. It is durable on return;
// on error nothing has changed.
func (k *Keyring) Set(name string, s Secret) error {
	if !nameForm.MatchString(name) {
		return &sys.Error{Op: "keep key", Path: name, Kind: sys.Invalid, Hint: "a name has small letters, digits and . _ / -"}
	}
	if s.Empty() {
		return &sys.Error{Op: "keep key", Path: name, Kind: sys.Invalid, Hint: "the key is empty"}
	}
	return k.change(func(keys map[string]Secret) { keys[name] = s })
}

// Delete forgets a secret; one that is not there is fine.
func (k *Keyring) Delete(name string) error {
	return k.change(func(keys map[string]Secret) { delete(keys, name) })
}

// Names lists what there is, sorted.
func (k *Keyring) Names() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Sorted(maps.Keys(k.keys))
}

// String names the file and says how much is in it.
func (k *Keyring) String() string {
	return fmt.Sprintf("keyring %s (%d secrets)", k.path, len(k.Names()))
}

// GoString is String: the values are not for printing.
func (k *Keyring) GoString() string { return k.String() }

// LogValue is String.
func (k *Keyring) LogValue() slog.Value { return slog.StringValue(k.String()) }

// Format is String, whatever the verb.
func (k *Keyring) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte(k.String())) // fmt reports its own writer's failures
}

// change writes the changed keys before it believes in them.
func (k *Keyring) change(fn func(keys map[string]Secret)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	next := maps.Clone(k.keys)
	fn(next)
	if maps.EqualFunc(next, k.keys, func(a, b Secret) bool { return a.Reveal() == b.Reveal() }) {
		return nil
	}
	values := map[string]string{}
	for name, s := range next {
		values[name] = s.Reveal()
	}
	b, err := json.MarshalIndent(values, "", "  ")
	if err != nil {
		return k.fail("write keyring", err)
	}
	if err := replace(k.path, append(b, '\n')); err != nil {
		return k.fail("write keyring", err)
	}
	k.keys = next
	return nil
}

// replace puts a new file, readable by the owner alone, in the place of the old
// one and makes both file and folder durable.
func replace(path string, b []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "keys-*") // made with mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (k *Keyring) fail(op string, err error) error {
	kind, hint := sys.Internal, "check that you own this folder and may write in it"
	if errors.Is(err, fs.ErrPermission) {
		kind = sys.Refused
	}
	return &sys.Error{Op: op, Path: k.path, Kind: kind, Err: err, Hint: hint}
}
