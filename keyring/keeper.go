package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"
	osring "github.com/zalando/go-keyring"

	"matrixos/sys"
)

// Keeper names the place of the key that opens a keyring's file.
type Keeper string

// The keepers there are.
const (
	Plain      Keeper = ""           // there is no file yet
	OSKeyring  Keeper = "os-keyring" // the desktop session's Secret Service, or the keychain
	Passphrase Keeper = "passphrase" // the owner's words; nothing is stored
	KeyFile    Keeper = "file"       // a file outside the home
)

const (
	osService = "matrixos"
	// osPatience is how long the keyring of the operating system may take; one
	// that asks its user to unlock it in a window nobody sees takes for ever.
	osPatience = 3 * time.Second
	credential = "matrixos-keyring-passphrase"
)

// Options say where keys may be kept.
type Options struct {
	// Outside is the folder that the key must not lie in: the home.
	Outside string
	// Env reads the environment; os.Getenv if nil.
	Env func(string) string
	// OS is the keyring of the operating system; nil means the one that answers.
	OS Store
}

// Store is a keyring of the operating system.
type Store interface {
	Get(service, user string) (string, error)
	Set(service, user, secret string) error
}

type systemStore struct{}

func (systemStore) Get(service, user string) (string, error) { return osring.Get(service, user) }
func (systemStore) Set(service, user, secret string) error   { return osring.Set(service, user, secret) }

// store is the keyring of the operating system, or nil. D-Bus is asked only where
// a session has one: its client would else start one.
func (o Options) store() Store {
	if o.OS != nil {
		return o.OS
	}
	if runtime.GOOS == "darwin" || o.Env("DBUS_SESSION_BUS_ADDRESS") != "" {
		return systemStore{}
	}
	if _, err := os.Stat("/run/user/" + strconv.Itoa(os.Getuid()) + "/bus"); err == nil {
		return systemStore{}
	}
	return nil
}

// passphrase is what the owner gave: in the environment, or as a credential of
// the service manager. Empty if neither.
func (o Options) passphrase() (string, error) {
	if p := o.Env("MATRIXOS_KEYRING_PASSPHRASE"); p != "" {
		return p, nil
	}
	dir := o.Env("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return "", nil
	}
	b, err := os.ReadFile(filepath.Join(dir, credential))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimRight(string(b), "\r\n"), err
}

// file is where the key of a recipient is kept if nothing better is there.
func (o Options) file(recipient string) (string, error) {
	dir := o.Env("XDG_STATE_HOME")
	if dir == "" {
		user := o.Env("HOME")
		if user == "" {
			return "", o.nowhere(errors.New("HOME is not set"))
		}
		dir = filepath.Join(user, ".local", "state")
	}
	dir = filepath.Join(dir, "matrixos", "keys")
	if !filepath.IsAbs(dir) {
		return "", o.nowhere(fmt.Errorf("%s is not an absolute path", dir))
	}
	if rel, err := filepath.Rel(resolved(o.Outside), resolved(dir)); err == nil && filepath.IsLocal(rel) {
		return "", o.nowhere(fmt.Errorf("%s is in the home, and a key must not lie beside what it opens", dir))
	}
	return filepath.Join(dir, recipient+".key"), nil
}

func (o Options) nowhere(err error) error {
	return &sys.Error{
		Op: "keep the key of the keyring", Kind: sys.Unavailable, Err: err,
		Hint: "set MATRIXOS_KEYRING_PASSPHRASE, or XDG_STATE_HOME to a folder outside the home",
	}
}

// resolved follows the links of the part of a path that exists.
func resolved(path string) string {
	rest := ""
	for p := path; ; p = filepath.Dir(p) {
		if real, err := filepath.EvalSymlinks(p); err == nil {
			return filepath.Join(real, rest)
		}
		if p == filepath.Dir(p) {
			return path
		}
		rest = filepath.Join(filepath.Base(p), rest)
	}
}

// keep stores a new key where the next start finds it, and says where that is:
// nowhere if the owner gave a passphrase, else in the keyring of the operating
// system, else in a file.
func (o Options) keep(id *age.X25519Identity) (Keeper, error) {
	recipient := id.Recipient().String()
	if s := o.store(); s != nil {
		_, err := patiently(func() (string, error) {
			if err := s.Set(osService, recipient, id.String()); err != nil {
				return "", err
			}
			back, err := s.Get(osService, recipient)
			if err == nil && back != id.String() {
				err = errors.New("it does not give back what it was given")
			}
			return "", err
		})
		if err == nil {
			return OSKeyring, nil
		}
	}
	path, err := o.file(recipient)
	if err != nil {
		return "", err
	}
	return KeyFile, replace(path, []byte(id.String()+"\n"))
}

// find returns the key that keep stored.
func (o Options) find(at Keeper, recipient string) (string, error) {
	switch at {
	case OSKeyring:
		s := o.store()
		if s == nil {
			return "", errors.New("no keyring of the operating system answers")
		}
		return patiently(func() (string, error) { return s.Get(osService, recipient) })
	case KeyFile:
		path, err := o.file(recipient)
		if err != nil {
			return "", err
		}
		b, err := os.ReadFile(path)
		return strings.TrimSpace(string(b)), err
	case Plain, Passphrase:
	}
	return "", fmt.Errorf("it names the unknown keeper %q", at)
}

// patiently waits for fn, but not for ever. One that never answers is left behind.
func patiently(fn func() (string, error)) (string, error) {
	type answer struct {
		s   string
		err error
	}
	done := make(chan answer, 1)
	go func() {
		s, err := fn()
		done <- answer{s, err}
	}()
	select {
	case a := <-done:
		return a.s, a.err
	case <-time.After(osPatience):
		return "", errors.New("the keyring of the operating system does not answer")
	}
}
