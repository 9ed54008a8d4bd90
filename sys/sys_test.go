package sys

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestParsePath(t *testing.T) {
	for in, want := range map[string]Path{
		"apps/notes/a.txt": "apps/notes/a.txt", "~/data/x": "data/x", "./a//b/../c": "a/c", ".matrixignore": ".matrixignore",
	} {
		if got, err := ParsePath(in); err != nil || got != want {
			t.Errorf("%q: %q %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"", ".", "~", "..", "../x", "a/../../x", "/etc/passwd", "a\x00b", ".disk", ".disk/kernel.db", ".DISK/x", ".git/config", "~/../x"} {
		if got, err := ParsePath(in); err == nil {
			t.Errorf("%q was taken as %q", in, got)
		} else if !errors.Is(err, Invalid) || HintOf(err) == "" {
			t.Errorf("%q: %v has no kind or no hint", in, err)
		}
	}
}

func FuzzParsePath(f *testing.F) {
	for _, s := range []string{"a/b", "../x", "~/.disk/x", "/a", "a/./..//b", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePath(s)
		if err != nil {
			return
		}
		first, _, _ := strings.Cut(string(p), "/")
		if p == "" || p[0] == '/' || first == ".." || strings.EqualFold(first, Store) || strings.ContainsRune(string(p), 0) {
			t.Fatalf("%q became %q", s, p)
		}
		if again, err := ParsePath(string(p)); err != nil || again != p {
			t.Fatalf("%q is not stable: %q %v", p, again, err)
		}
	})
}

func TestPathApp(t *testing.T) {
	for in, want := range map[Path]Slug{"apps/notes/a": "notes", "apps/notes": "", "apps/games/chess/x": "games", "data/notes/a": "", "apps/No/a": ""} {
		got, ok := in.App()
		if ok != (want != "") || ok && got != want {
			t.Errorf("%s: %q %v", in, got, ok)
		}
	}
}

func TestErrorsKeepKindCauseAndHint(t *testing.T) {
	cause := errors.New("boom")
	err := fmt.Errorf("open app: %w", &Error{Op: "read", Path: "a", Kind: Conflict, Err: cause, Hint: "try again"})
	if !errors.Is(err, Conflict) || !errors.Is(err, cause) || KindOf(err) != Conflict || HintOf(err) != "try again" {
		t.Errorf("lost something: %v", err)
	}
	if err.Error() != "open app: read a: boom; try again" {
		t.Errorf("reads %q", err)
	}
	if KindOf(cause) != Internal {
		t.Error("an error of nobody is a fault of ours")
	}
	seen := map[int]bool{}
	for _, k := range []Kind{Invalid, NeedsApproval, Refused, OverBudget, Conflict, NotVerified, Internal} {
		seen[k.ExitCode()] = true
	}
	for code := 1; code <= 7; code++ {
		if !seen[code] {
			t.Errorf("no kind has exit code %d", code)
		}
	}
}

func TestLabelsJoin(t *testing.T) {
	a, b := Label{FromOwner, Secret}, Label{Untrusted, Public}
	if got := a.Join(b); got != (Label{Untrusted, Secret}) || got != b.Join(a) || got.String() != "untrusted/secret" {
		t.Errorf("joined %v", got)
	}
}
