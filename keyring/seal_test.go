package keyring_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/keyring"
	"matrixos/sys"
)

// osKeyring stands for the keyring of an operating system.
type osKeyring struct {
	kept   map[string]string
	silent chan struct{} // if not nil, nothing is answered until it is closed
}

func (o *osKeyring) Get(service, user string) (string, error) {
	if o.silent != nil {
		<-o.silent
	}
	if s, ok := o.kept[service+"/"+user]; ok {
		return s, nil
	}
	return "", errors.New("not there")
}

func (o *osKeyring) Set(service, user, secret string) error {
	if o.silent != nil {
		<-o.silent
	}
	o.kept[service+"/"+user] = secret
	return nil
}

// machine is what a home's keyring finds around it.
type machine struct {
	env map[string]string
	os  keyring.Store
}

// none stands for an operating system without a keyring.
type none struct{}

func (none) Get(string, string) (string, error) { return "", errors.New("there is none") }
func (none) Set(string, string, string) error   { return errors.New("there is none") }

func (m machine) open(home string) (*keyring.Keyring, error) {
	if m.os == nil {
		m.os = none{}
	}
	return keyring.Open(file(home), keyring.Options{Outside: home, Env: func(n string) string { return m.env[n] }, OS: m.os})
}

// A copy of the home alone reveals nothing and opens nothing, whatever keeps the
// key; with the key it opens, and without it says the way out.
func TestCopyOfTheHomeRevealsNothing(t *testing.T) {
	credentials := t.TempDir()
	if err := os.WriteFile(filepath.Join(credentials, "matrixos-keyring-passphrase"), []byte("correct horse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	silent := &osKeyring{kept: map[string]string{}, silent: make(chan struct{})}
	t.Cleanup(func() { close(silent.silent) })
	for name, c := range map[string]struct {
		with, without machine
		status        string
	}{
		"os keyring":   {machine{os: &osKeyring{kept: map[string]string{}}}, machine{os: &osKeyring{kept: map[string]string{}}}, "keyring of this operating system"},
		"passphrase":   {machine{env: map[string]string{"MATRIXOS_KEYRING_PASSPHRASE": "correct horse"}}, machine{env: map[string]string{"MATRIXOS_KEYRING_PASSPHRASE": "wrong"}}, "passphrase"},
		"credential":   {machine{env: map[string]string{"CREDENTIALS_DIRECTORY": credentials}}, machine{}, "passphrase"},
		"file":         {machine{env: map[string]string{"XDG_STATE_HOME": t.TempDir()}}, machine{env: map[string]string{"XDG_STATE_HOME": t.TempDir()}}, "matrixos/keys/age1"},
		"user's files": {machine{env: map[string]string{"HOME": t.TempDir()}}, machine{}, ".local/state/matrixos/keys/age1"},
		"silent":       {machine{env: map[string]string{"HOME": t.TempDir()}, os: silent}, machine{}, ".local/state/matrixos/keys/age1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			k, err := c.with.open(home)
			if err != nil {
				t.Fatal(err)
			}
			if err := k.Set("anthropic", keyring.NewSecret(canary)); err != nil {
				t.Fatal(err)
			}
			if s := k.Status(); !strings.Contains(s, c.status) {
				t.Errorf("status %q, want %q", s, c.status)
			}
			noCanary(t, home)
			k, err = c.with.open(home)
			if err != nil {
				t.Fatal(err)
			}
			if s, err := k.Get("anthropic"); err != nil || s.Reveal() != canary {
				t.Errorf("with the key: %v", err)
			}
			before, err := os.ReadFile(file(home))
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.without.open(home)
			if !errors.Is(err, sys.Unavailable) || !strings.Contains(sys.HintOf(err), "enter the keys again") {
				t.Fatalf("without the key: %v", err)
			}
			shut := keyring.Closed(file(home), err)
			if _, e := shut.Get("anthropic"); !errors.Is(e, sys.Unavailable) {
				t.Errorf("a closed keyring lends: %v", e)
			}
			if e := shut.Set("anthropic", keyring.NewSecret("x")); e == nil || !strings.HasPrefix(shut.Status(), "closed: ") {
				t.Errorf("a closed keyring takes: %v, %s", e, shut.Status())
			}
			if now, err := os.ReadFile(file(home)); err != nil || !bytes.Equal(now, before) {
				t.Error("the file of a closed keyring was touched")
			}
		})
	}
}

func noCanary(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		if bytes.Contains(b, []byte(canary)) || bytes.Contains(b, []byte("AGE-SECRET-KEY")) {
			t.Errorf("%s reveals it", p)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// A plain file of an earlier version is replaced; so is the lock when the owner
// gives a passphrase.
func TestOldFilesAreReplaced(t *testing.T) {
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Dir(file(home)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file(home), []byte(`{"anthropic":"`+canary+`","version":"7"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	m := machine{env: map[string]string{"XDG_STATE_HOME": t.TempDir()}}
	for _, want := range []string{"the key is in /", "the key is in /", "passphrase", "passphrase"} {
		if want == "passphrase" {
			m.env["MATRIXOS_KEYRING_PASSPHRASE"] = "words"
		}
		k, err := m.open(home)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := k.Get("anthropic"); err != nil || s.Reveal() != canary || !strings.Contains(k.Status(), want) {
			t.Errorf("%s, %v; want %q", k.Status(), err, want)
		}
		noCanary(t, home)
	}
	k, err := m.open(home)
	if err != nil {
		t.Fatal(err)
	}
	if got := k.Redact("a " + canary + ", " + canary + " and 7"); got != "a [secret], [secret] and 7" {
		t.Error(got)
	}
	text, err := k.Portable()
	if err != nil || !bytes.Contains(text, []byte(canary)) {
		t.Errorf("portable: %v", err)
	}
}

// The key never lies in the home, nor by way of a link.
func TestKeyStaysOutside(t *testing.T) {
	home := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(home, link); err != nil {
		t.Fatal(err)
	}
	for _, env := range []map[string]string{{"XDG_STATE_HOME": home + "/state"}, {"HOME": home}, {"XDG_STATE_HOME": link}, {"XDG_STATE_HOME": "here"}, {}} {
		k, err := machine{env: env}.open(home)
		if err != nil {
			t.Fatal(err)
		}
		if err := k.Set("a", keyring.NewSecret(canary)); !errors.Is(err, sys.Unavailable) || sys.HintOf(err) == "" {
			t.Errorf("%v: %v", env, err)
		}
		noCanary(t, home)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte(`{"version":1,"keeper":"file","recipient":"../../etc/passwd","secrets":"AAAA"}`))
	f.Add([]byte(`{"version":1,"keeper":"passphrase","key":"YWdl"}`))
	f.Add([]byte(`{"version":2}`))
	f.Add([]byte(`{"a":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		home := t.TempDir()
		if err := os.MkdirAll(filepath.Dir(file(home)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file(home), b, 0o600); err != nil {
			t.Fatal(err)
		}
		k, err := machine{env: map[string]string{"XDG_STATE_HOME": t.TempDir()}}.open(home)
		if (k == nil) == (err == nil) || err != nil && sys.HintOf(err) == "" {
			t.Errorf("%v, %v", k, err)
		}
	})
}
