// Package keyring keeps an owner's secrets (model keys, channel tokens) and
// lends them by name to the code that puts them into a request. A secret never
// enters a prompt, a process's environment, a log or the home's history:
// Secret prints as a placeholder however it is formatted.
//
// Secrets are in .disk/keys.json of the home, outside the history, encrypted with
// a key that is not in the home. The key is in the keyring of the operating
// system where one answers; or is derived from the owner's passphrase, if
// MATRIXOS_KEYRING_PASSPHRASE or the credential matrixos-keyring-passphrase of the service manager
// gives one; or else is a file of mode 0600 below $XDG_STATE_HOME/matrixos/keys
// (~/.local/state if unset). All three protect against whoever gets a copy of the
// home: a backup, a synced folder, an export. A key file does not protect against
// whoever can read as the owner's account or gets the whole disk; a passphrase
// does as long as nothing runs, and nothing does against an administrator of the
// running machine. A plain file of an earlier version is read once and replaced.
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
	"strings"
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
	path    string
	options Options
	closed  error // why it cannot be read; nothing is changed then

	mu   sync.Mutex
	keys map[string]Secret
	lock *lock // nil until there is a file
}

// Open reads the keyring at path, such as .disk/keys.json of a home; without a
// file it is empty. A file that others may read is closed to them. The error is of
// kind Unavailable if the key is missing or wrong, Invalid if the file is damaged;
// Closed then stands in for it.
func Open(path string, o Options) (*Keyring, error) {
	if o.Env == nil {
		o.Env = os.Getenv
	}
	k := &Keyring{path: path, options: o, keys: map[string]Secret{}}
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
	values, again, err := k.read(b)
	if err != nil {
		return nil, err
	}
	for name, v := range values {
		k.keys[name] = NewSecret(v)
	}
	if again {
		return k, k.write(k.keys)
	}
	return k, nil
}

// Closed is a keyring that cannot be read, because of why: it lends nothing and
// takes nothing, so that a system can run without it and no file is lost.
func Closed(path string, why error) *Keyring {
	return &Keyring{path: path, closed: why, keys: map[string]Secret{}}
}

// read decrypts a file's content; again means that it has to be written anew,
// because it is plain, or not yet under the passphrase that the owner gives now.
func (k *Keyring) read(b []byte) (values map[string]string, again bool, err error) {
	if json.Unmarshal(b, &values) == nil {
		return values, true, nil
	}
	damaged := func(err error) error {
		return &sys.Error{
			Op: "open keyring", Path: k.path, Kind: sys.Invalid, Err: err,
			Hint: "bring it back from a backup, or move it away and enter the keys again",
		}
	}
	var f sealed
	if json.Unmarshal(b, &f) != nil || f.Version == 0 { // the parser's message may quote what it read
		return nil, false, damaged(errors.New("it is not a keyring"))
	}
	if f.Version > sealedVersion {
		return nil, false, &sys.Error{Op: "open keyring", Path: k.path, Kind: sys.TooNew, Err: errors.New("a newer version has written it"), Hint: "update Matrix OS"}
	}
	l, err := f.open(k.path, k.options)
	if err != nil {
		return nil, false, err
	}
	if values, err = l.secrets(f); err != nil {
		return nil, false, damaged(errors.New("its secrets are damaged"))
	}
	words, err := k.options.passphrase()
	if err != nil {
		return nil, false, err
	}
	if words != "" && l.keeper != Passphrase {
		return values, true, nil
	}
	k.lock = l
	return values, false, nil
}

// Get lends a secret; NotFound if there is none of that name.
func (k *Keyring) Get(name string) (Secret, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed != nil {
		return Secret{}, k.closed
	}
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

// shortest is the length from which on a secret is told from ordinary text.
const shortest = 6

// Redact replaces every secret in a text that should have none by a placeholder.
// Secrets of less than six bytes are too common to be told from other text.
func (k *Keyring) Redact(text string) string {
	k.mu.Lock()
	values := slices.Collect(maps.Values(revealed(k.keys)))
	k.mu.Unlock()
	slices.SortFunc(values, func(a, b string) int { return len(b) - len(a) }) // one may be part of another
	for _, v := range values {
		if len(v) >= shortest {
			text = strings.ReplaceAll(text, v, redacted)
		}
	}
	return text
}

// Portable returns secrets as the content of a plain file, which Open takes on another
// machine: those whose names begin with one of begins, or all if there is none. The
// caller encrypts it before it is stored.
func (k *Keyring) Portable(begins ...string) ([]byte, error) {
	if k.closed != nil {
		return nil, k.closed
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	values := revealed(k.keys)
	maps.DeleteFunc(values, func(name, _ string) bool {
		return len(begins) > 0 && !slices.ContainsFunc(begins, func(b string) bool { return strings.HasPrefix(name, b) })
	})
	return json.Marshal(values)
}

func revealed(keys map[string]Secret) map[string]string {
	values := make(map[string]string, len(keys))
	for name, s := range keys {
		values[name] = s.Reveal()
	}
	return values
}

// Status says, for people, how the secrets are protected, or why there are none.
func (k *Keyring) Status() string {
	if k.closed != nil {
		return "closed: " + k.closed.Error()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.lock == nil {
		return "no keys are kept yet"
	}
	switch k.lock.keeper {
	case OSKeyring:
		return "encrypted; the key is in the keyring of this operating system"
	case Passphrase:
		return "encrypted; the key comes from your passphrase"
	case KeyFile, Plain:
	}
	path, err := k.options.file(k.lock.id.Recipient().String())
	if err != nil {
		return "encrypted; the key's file is not to be found: " + err.Error()
	}
	return "encrypted; the key is in " + path
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
	if k.closed != nil {
		return k.closed
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	next := maps.Clone(k.keys)
	fn(next)
	if maps.EqualFunc(next, k.keys, func(a, b Secret) bool { return a.Reveal() == b.Reveal() }) {
		return nil
	}
	if err := k.write(next); err != nil {
		return err
	}
	k.keys = next
	return nil
}

// write replaces the file. The first time, it makes the key.
func (k *Keyring) write(keys map[string]Secret) error {
	l := k.lock
	if l == nil {
		var err error
		if l, err = newLock(k.options); err != nil {
			return k.fail("make the key of the keyring", err)
		}
	}
	b, err := l.seal(revealed(keys))
	if err != nil {
		return k.fail("write keyring", err)
	}
	if err := replace(k.path, append(b, '\n')); err != nil {
		return k.fail("write keyring", err)
	}
	k.lock = l
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
	if e := (*sys.Error)(nil); errors.As(err, &e) {
		return err
	}
	kind, hint := sys.Internal, "check that you own this folder and may write in it"
	if errors.Is(err, fs.ErrPermission) {
		kind = sys.Refused
	}
	return &sys.Error{Op: op, Path: k.path, Kind: kind, Err: err, Hint: hint}
}
