package keyring_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"matrixos/keyring"
	"matrixos/sys"
)

const canary = "sk-canary-5e5ab1e"

func file(home string) string { return filepath.Join(home, ".disk", "keys.json") }

// env keeps the key's file beside the home of a test.
func env(home string) func(string) string {
	return func(name string) string {
		if name == "XDG_STATE_HOME" {
			return home + "-state"
		}
		return ""
	}
}

func open(t *testing.T, home string) *keyring.Keyring {
	t.Helper()
	k, err := keyring.Open(file(home), keyring.Options{Outside: home, Env: env(home), OS: none{}})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeepAndLend(t *testing.T) {
	home := t.TempDir()
	k := open(t, home)
	if _, err := k.Get("anthropic"); sys.KindOf(err) != sys.NotFound || sys.HintOf(err) == "" {
		t.Errorf("none yet: %v", err)
	}
	for _, name := range []string{"openai", "anthropic"} {
		if err := k.Set(name, keyring.NewSecret(canary+name)); err != nil {
			t.Fatal(err)
		}
	}
	k = open(t, home)
	s, err := k.Get("anthropic")
	if err != nil || s.Reveal() != canary+"anthropic" || !slices.Equal(k.Names(), []string{"anthropic", "openai"}) {
		t.Errorf("after reopening: %v %v", k.Names(), err)
	}
	for range 2 {
		if err := k.Delete("anthropic"); err != nil {
			t.Fatal(err)
		}
	}
	if k = open(t, home); !slices.Equal(k.Names(), []string{"openai"}) {
		t.Errorf("after deleting: %v", k.Names())
	}
	info, err := os.Stat(file(home))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(filepath.Dir(file(home))); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// However a secret or what holds it is printed, it is not in what is printed.
func TestNeverPrinted(t *testing.T) {
	k := open(t, t.TempDir())
	s := keyring.NewSecret(canary)
	if err := k.Set("anthropic", s); err != nil {
		t.Fatal(err)
	}
	type request struct {
		Model string
		Key   keyring.Secret
		Ring  *keyring.Keyring
	}
	type hidden struct { // fmt does not ask the methods of unexported fields
		key  keyring.Secret
		ring *keyring.Keyring
		all  map[string]keyring.Secret
	}
	r := request{"m", s, k}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{s, &s, k, r, &r, hidden{s, k, map[string]keyring.Secret{"a": s}}, &hidden{key: s, ring: k}, []keyring.Secret{s}, map[string]keyring.Secret{"a": s}, &sys.Error{Op: "x", Err: fmt.Errorf("with %v", s)}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("x", "secret", s, "ring", k, "request", r, slog.Any("group", slog.GroupValue(slog.Any("s", s))))
	}
	for _, marshal := range []func(any) ([]byte, error){json.Marshal, xml.Marshal} {
		if b, err := marshal(struct{ Key keyring.Secret }{s}); err == nil {
			out.Write(b)
		}
	}
	hex := fmt.Sprintf("%x", canary)
	if got := out.String(); strings.Contains(got, canary) || strings.Contains(got, hex) || !strings.Contains(got, "[secret]") {
		t.Errorf("printed:\n%s", got)
	}
}

func TestDamagedFile(t *testing.T) {
	for name, text := range map[string]string{"cut off": `{"a":"` + canary, "a list": `["` + canary + `"]`, "numbers": `{"` + canary + `":5}`, "empty": ""} {
		home := t.TempDir()
		if err := os.MkdirAll(filepath.Dir(file(home)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file(home), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := keyring.Open(file(home), keyring.Options{Outside: home, Env: env(home), OS: none{}})
		if sys.KindOf(err) != sys.Invalid || sys.HintOf(err) == "" || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", name, err)
		}
		if b, err := os.ReadFile(file(home)); err != nil || string(b) != text {
			t.Errorf("%s: the file was touched", name)
		}
		if info, err := os.Stat(file(home)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: others may read it: %v", name, info.Mode())
		}
	}
}

func TestNames(t *testing.T) {
	k := open(t, t.TempDir())
	for _, name := range []string{"", "Anthropic", "a b", "../x", "-a", strings.Repeat("a", 101), "a\n"} {
		if err := k.Set(name, keyring.NewSecret("x")); sys.KindOf(err) != sys.Invalid {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := k.Set("a", keyring.Secret{}); sys.KindOf(err) != sys.Invalid {
		t.Errorf("an empty secret: %v", err)
	}
}

// When a write fails, what was kept is still kept, in memory and in the file.
func TestFailedWriteChangesNothing(t *testing.T) {
	home := t.TempDir()
	k := open(t, home)
	if err := k.Set("a", keyring.NewSecret("1")); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(file(home))
	if err := os.Rename(dir, dir+"-away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // a file where the folder was
		t.Fatal(err)
	}
	if err := k.Set("a", keyring.NewSecret("2")); err == nil || errors.Is(err, sys.NotFound) {
		t.Errorf("written into nowhere: %v", err)
	}
	if s, err := k.Get("a"); err != nil || s.Reveal() != "1" {
		t.Errorf("%v", err)
	}
}

func TestConcurrentUse(t *testing.T) {
	home := t.TempDir()
	k := open(t, home)
	var g sync.WaitGroup
	for i := range 8 {
		g.Go(func() {
			name := fmt.Sprintf("k%d", i)
			if err := k.Set(name, keyring.NewSecret(name)); err != nil {
				t.Error(err)
			}
			k.Names()
		})
	}
	g.Wait()
	if n := len(open(t, home).Names()); n != 8 {
		t.Errorf("%d of 8 are kept", n)
	}
}

// The file and the open keyring always agree with a plain map.
func TestAgreesWithAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		home, err := os.MkdirTemp("", "keyring")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(home)
		defer os.RemoveAll(home + "-state")
		k, err := keyring.Open(file(home), keyring.Options{Outside: home, Env: env(home), OS: none{}})
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			name := rapid.SampledFrom([]string{"a", "b/c", "d.e"}).Draw(t, "name")
			if rapid.Bool().Draw(t, "set") {
				v := rapid.StringN(1, 20, -1).Draw(t, "value")
				want[name] = v
				err = k.Set(name, keyring.NewSecret(v))
			} else {
				delete(want, name)
				err = k.Delete(name)
			}
			if err != nil {
				t.Fatal(err)
			}
			if rapid.Bool().Draw(t, "reopen") {
				if k, err = keyring.Open(file(home), keyring.Options{Outside: home, Env: env(home), OS: none{}}); err != nil {
					t.Fatal(err)
				}
			}
			if len(k.Names()) != len(want) {
				t.Fatalf("%v, want %d", k.Names(), len(want))
			}
			for name, v := range want {
				if s, err := k.Get(name); err != nil || s.Reveal() != v {
					t.Fatalf("%s: %q, want %q: %v", name, s.Reveal(), v, err)
				}
			}
		}
	})
}
