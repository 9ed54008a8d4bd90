package sync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"matrixos/disk"
	"matrixos/sys"
)

type ring map[string]string

func (r ring) Get(name string) (string, error) {
	if v, ok := r[name]; ok {
		return v, nil
	}
	return "", sys.NotFound
}
func (r ring) Set(name, value string) error { r[name] = value; return nil }
func (r ring) Delete(name string) error     { delete(r, name); return nil }

// device is one home with its remotes.
type device struct {
	t    testing.TB
	name string
	d    *disk.Disk
	s    *Sync
}

var template = fstest.MapFS{
	"README.md":          {Data: []byte("a home\n")},
	"system/config.json": {Data: []byte("{\"model\": \"\"}\n")},
}

func newDevice(t testing.TB, name, hub string) *device {
	t.Helper()
	d, err := disk.Open(context.Background(), filepath.Join(t.TempDir(), name), disk.Options{NoWatch: true, Template: template})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := New(context.Background(), d, ring{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	v := &device{t, name, d, s}
	v.must(Request{Action: "add_remote", URL: hub})
	return v
}

// hub is an empty meeting point.
func hub(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "hub.git")
	if out, err := exec.Command("git", "init", "-q", "--bare", "--initial-branch=main", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

func (v *device) do(r Request) (Reply, error) { return v.s.Do(context.Background(), r) }

func (v *device) must(r Request) Reply {
	v.t.Helper()
	out, err := v.do(r)
	if err != nil {
		v.t.Fatalf("%s: %s: %v", v.name, r.Action, err)
	}
	return out
}

func (v *device) write(name, text string) {
	v.t.Helper()
	p := filepath.Join(v.d.Root(), name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		v.t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		v.t.Fatal(err)
	}
}

func (v *device) read(name string) string {
	b, err := os.ReadFile(filepath.Join(v.d.Root(), name))
	if err != nil {
		return "(none)"
	}
	return string(b)
}

func (v *device) tree() string {
	v.t.Helper()
	if _, err := v.d.Capture(context.Background()); err != nil {
		v.t.Fatal(err)
	}
	view, err := v.d.View(0)
	if err != nil {
		v.t.Fatal(err)
	}
	return view.Tree()
}

func git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	out, err := exec.Command("git", append([]string{"--git-dir", dir}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestTwoDevices(t *testing.T) {
	h := hub(t)
	a, b := newDevice(t, "a", h), newDevice(t, "b", h)
	a.write("note.md", "one\ntwo\nthree\nfour\nfive\n")
	a.must(Request{Action: "pull"})
	b.write("b.md", "of b\n")
	r := b.must(Request{Action: "pull"}) // they never met
	if r.Merged == 0 || b.read("note.md") != a.read("note.md") || b.read("b.md") != "of b\n" {
		t.Errorf("%+v", r)
	}
	info, _, err := b.d.Show(context.Background(), r.Merged)
	if err != nil || info.Kind != sys.ByMerge || !strings.HasPrefix(info.Provenance.Remote, "origin ") {
		t.Errorf("%+v, %v", info, err)
	}
	a.must(Request{Action: "pull"})
	if a.tree() != b.tree() {
		t.Fatal("they differ")
	}
	// Both change one file in different places, one deletes, one renames.
	a.write("note.md", "ONE\ntwo\nthree\nfour\nfive\n")
	b.write("note.md", "one\ntwo\nthree\nfour\nFIVE\n")
	if err := os.Remove(filepath.Join(a.d.Root(), "b.md")); err != nil {
		t.Fatal(err)
	}
	a.must(Request{Action: "push", Message: "from a"})
	if _, err := b.do(Request{Action: "push"}); sys.KindOf(err) != sys.Conflict || !strings.Contains(sys.HintOf(err), "pull") {
		t.Errorf("push without a pull: %v", err)
	}
	b.must(Request{Action: "pull"})
	a.must(Request{Action: "pull"})
	if a.tree() != b.tree() || a.read("note.md") != "ONE\ntwo\nthree\nfour\nFIVE\n" || b.read("b.md") != "(none)" {
		t.Errorf("%q", a.read("note.md"))
	}
	r = a.must(Request{Action: "pull"})
	if r.Merged != 0 || !strings.Contains(r.Text, "same already") || r.Remotes[0].Ahead != 0 || r.Remotes[0].Time.IsZero() {
		t.Errorf("%+v", r)
	}
	if n := git(t, filepath.Join(a.d.Root(), ".disk/repo.git"), "rev-list", "--merges", "--count", "main"); n != "0" {
		t.Errorf("the home's history is not linear: %s merges", n)
	}
	for _, dir := range []string{h, filepath.Join(a.d.Root(), ".disk/repo.git"), filepath.Join(b.d.Root(), ".disk/repo.git")} {
		git(t, dir, "fsck", "--strict")
	}
	if !strings.Contains(git(t, h, "log", "--format=%B", "main"), "Disk-Seq:") {
		t.Error("the remote has no provenance")
	}
}

func TestConflictStaysVisible(t *testing.T) {
	h := hub(t)
	a, b := newDevice(t, "a", h), newDevice(t, "b", h)
	a.write("x", "base\n")
	a.must(Request{Action: "pull"})
	b.must(Request{Action: "pull"})
	a.write("x", "of a\n")
	b.write("x", "of b\n")
	b.write("y", "also\n")
	a.must(Request{Action: "pull"})
	_, err := b.do(Request{Action: "pull"})
	var c *disk.ConflictError
	if !errors.As(err, &c) || sys.KindOf(err) != sys.Conflict || len(c.Files) != 1 || string(c.Files[0].Theirs) != "of a\n" || sys.HintOf(err) == "" {
		t.Fatalf("%v", err)
	}
	if b.read("x") != "of b\n" {
		t.Error("the home was changed")
	}
	if r := b.must(Request{Action: "status"}); !slices.Equal(r.Remotes[0].Conflicts, []sys.Path{"x"}) {
		t.Errorf("%+v", r)
	}
	if got := git(t, filepath.Join(b.d.Root(), ".disk/repo.git"), "show", "refs/remotes/origin/main:x"); got != "of a" {
		t.Errorf("the other version is %q", got)
	}
	r := b.must(Request{Action: "pull", Prefer: disk.Theirs})
	if b.read("x") != "of a\n" || !slices.Equal(r.Decided, []sys.Path{"x"}) || len(r.Remotes[0].Conflicts) != 0 {
		t.Errorf("%q, %+v", b.read("x"), r)
	}
	if got := git(t, filepath.Join(b.d.Root(), ".disk/repo.git"), "log", "-S", "of b", "--format=%h", "main", "--", "x"); got == "" {
		t.Error("our version is not in the history")
	}
	a.must(Request{Action: "pull"})
	a.write("x", "apples\n")
	b.write("x", "pears\n")
	b.must(Request{Action: "pull"})
	a.must(Request{Action: "pull", Prefer: disk.Ours})
	b.must(Request{Action: "pull"})
	if a.tree() != b.tree() || b.read("x") != "apples\n" || b.read("y") != "also\n" {
		t.Errorf("%q, %q", a.read("x"), b.read("x"))
	}
}

// A refused pull waits among the conflicts of the home, with both sides; the owner's
// answers land it, and the devices are the same after the next meeting.
func TestOwnerDecidesAPull(t *testing.T) {
	ctx := context.Background()
	for choice, want := range map[sys.ConflictChoice]string{sys.ChooseOurs: "of b\n", sys.ChooseTheirs: "of a\n", sys.ChooseFile: "of both\n"} {
		t.Run(string(choice), func(t *testing.T) {
			a, b := inConflict(t, hub(t))
			list, err := b.d.Conflicts(ctx, false)
			if err != nil || len(list) != 1 || list[0].State != sys.ConflictWaiting || list[0].Title != "Merged origin" {
				t.Fatalf("%+v, %v", list, err)
			}
			id := list[0].ID
			_, files, err := b.d.Conflict(ctx, id)
			if err != nil || len(files) != 1 || string(files[0].Base) != "base\n" || string(files[0].Ours) != "of b\n" || string(files[0].Theirs) != "of a\n" {
				t.Fatalf("%+v, %v", files, err)
			}
			a.write("x", "quite another\n") // and this comes with the next pull, in conflict only if a's side was not taken
			a.must(Request{Action: "pull"})
			c, info, err := b.d.Resolve(ctx, id, disk.Answer{Path: "x", Choice: choice, Content: []byte("of both\n")})
			if err != nil || c.State != sys.ConflictSettled || info.ID == 0 || info.Kind != sys.ByMerge || b.read("x") != want || b.read("z") != "of a as well\n" {
				t.Fatalf("%+v %+v %v: %q, %q", c, info, err, b.read("x"), b.read("z"))
			}
			if r := b.must(Request{Action: "status"}); len(r.Remotes[0].Conflicts) != 0 {
				t.Errorf("it still says %+v", r.Remotes)
			}
			_, err = b.do(Request{Action: "pull"})
			if taken := choice == sys.ChooseTheirs; taken != (err == nil) {
				t.Fatalf("the next pull says %v", err)
			}
			if err != nil { // a conflict with what came since alone
				if list, err = b.d.Conflicts(ctx, false); err != nil || len(list) != 1 || list[0].ID == id {
					t.Fatalf("%+v, %v", list, err)
				}
				if _, files, err = b.d.Conflict(ctx, list[0].ID); err != nil || string(files[0].Base) != "of a\n" || string(files[0].Theirs) != "quite another\n" {
					t.Errorf("%+v, %v", files, err)
				}
				b.must(Request{Action: "pull", Prefer: disk.Ours})
				if list, err = b.d.Conflicts(ctx, false); err != nil || len(list) != 0 {
					t.Errorf("a preference leaves %+v, %v", list, err)
				}
			}
			a.must(Request{Action: "pull"})
			if a.tree() != b.tree() {
				t.Errorf("they differ: %q, %q", a.read("x"), b.read("x"))
			}
			git(t, filepath.Join(b.d.Root(), ".disk/repo.git"), "fsck", "--strict")
		})
	}
}

// What the owner lets go is refused anew, and a pull that is refused again takes the
// place of the first.
func TestRefusedPullAgain(t *testing.T) {
	ctx := context.Background()
	a, b := inConflict(t, hub(t))
	first, err := b.d.Conflicts(ctx, false)
	if err != nil || len(first) != 1 {
		t.Fatal(first, err)
	}
	a.write("x", "of a, newer\n")
	a.must(Request{Action: "pull"})
	if _, err := b.do(Request{Action: "pull"}); sys.KindOf(err) != sys.Conflict || !strings.Contains(sys.HintOf(err), first[0].ID) {
		t.Fatalf("%v", err)
	}
	_, files, err := b.d.Conflict(ctx, first[0].ID)
	if err != nil || string(files[0].Theirs) != "of a, newer\n" {
		t.Errorf("%+v, %v", files, err)
	}
	if err := b.d.DropConflict(ctx, first[0].ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.do(Request{Action: "pull"}); sys.KindOf(err) != sys.Conflict {
		t.Fatalf("let go, and taken: %v", err)
	}
	again, err := b.d.Conflicts(ctx, false)
	if err != nil || len(again) != 1 || again[0].ID == first[0].ID {
		t.Fatal(again, err)
	}
	b.write("x", "of a, newer\n") // the owner makes them alike by hand
	b.must(Request{Action: "pull"})
	if again, err = b.d.Conflicts(ctx, false); err != nil || len(again) != 0 || b.read("z") != "of a as well\n" {
		t.Errorf("%+v, %v", again, err)
	}
}

// inConflict makes two devices of which the second cannot take what the first did.
func inConflict(t *testing.T, h string) (a, b *device) {
	t.Helper()
	a, b = newDevice(t, "a", h), newDevice(t, "b", h)
	a.write("x", "base\n")
	a.must(Request{Action: "pull"})
	b.must(Request{Action: "pull"})
	a.write("x", "of a\n")
	a.write("z", "of a as well\n")
	b.write("x", "of b\n")
	a.must(Request{Action: "pull"})
	if _, err := b.do(Request{Action: "pull"}); sys.KindOf(err) != sys.Conflict {
		t.Fatalf("%v", err)
	}
	return a, b
}

// Homes that never met: what both began with counts as common, and nothing is
// deleted by meeting.
func TestFirstMeeting(t *testing.T) {
	h := hub(t)
	a := newDevice(t, "a", h)
	template["b.txt"] = &fstest.MapFile{Data: []byte("b\n")} // or both begin with the same commit
	b := newDevice(t, "b", h)
	delete(template, "b.txt")
	a.write("system/config.json", "{\"model\": \"offline\"}\n")
	if err := os.Remove(filepath.Join(a.d.Root(), "README.md")); err != nil {
		t.Fatal(err)
	}
	a.write("same", "same\n")
	b.write("same", "same\n")
	a.write("differs", "a\n")
	b.write("differs", "b\n")
	a.must(Request{Action: "pull"})
	_, err := b.do(Request{Action: "pull"})
	var c *disk.ConflictError
	if !errors.As(err, &c) || len(c.Files) != 1 || c.Files[0].Path != "differs" {
		t.Fatalf("%v", err)
	}
	b.must(Request{Action: "pull", Prefer: disk.Ours})
	a.must(Request{Action: "pull"})
	if a.tree() != b.tree() || b.read("README.md") != "a home\n" || a.read("differs") != "b\n" || !strings.Contains(b.read("system/config.json"), "offline") {
		t.Errorf("%q %q %q", b.read("README.md"), a.read("differs"), b.read("system/config.json"))
	}
}

// What another program put there and a home does not version stays there, and
// does not reach into the home's store.
func TestForeignFiles(t *testing.T) {
	h := hub(t)
	work := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", work, "-c", "user.name=x", "-c", "user.email=x@y"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	run("init", "-q", "--initial-branch=main")
	for name, text := range map[string]string{".disk/kernel.db": "evil", "data/todo/todo.sqlite": "theirs", "plain.md": "plain\n"} {
		p := filepath.Join(work, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run("add", "-A")
	run("commit", "-qm", "by another program")
	run("push", "-q", h, "main")
	a := newDevice(t, "a", h)
	a.write("mine.md", "mine\n")
	a.must(Request{Action: "pull"})
	if a.read("plain.md") != "plain\n" || a.read("data/todo/todo.sqlite") != "(none)" {
		t.Errorf("%q, %q", a.read("plain.md"), a.read("data/todo/todo.sqlite"))
	}
	if got := git(t, h, "show", "main:data/todo/todo.sqlite"); got != "theirs" {
		t.Errorf("the remote's database is %q", got)
	}
	if got := git(t, h, "show", "main:mine.md"); got != "mine" {
		t.Errorf("%q", got)
	}
	if r := a.must(Request{Action: "pull"}); !strings.Contains(r.Text, "same already") {
		t.Errorf("they never settle: %+v", r)
	}
}

// A push that arrives although we do not hear of it is known at the next meeting.
func TestLostAnswer(t *testing.T) {
	h := hub(t)
	a, b := newDevice(t, "a", h), newDevice(t, "b", h)
	a.must(Request{Action: "pull"})
	b.write("x", "1\n")
	b.must(Request{Action: "pull"})
	a.must(Request{Action: "pull"})
	var met string
	err := a.d.Journal().QueryRow(context.Background(), `SELECT met FROM sync_remote`).Scan(&met)
	if err != nil {
		t.Fatal(err)
	}
	a.write("x", "2\n")
	a.must(Request{Action: "push"})
	err = a.s.exec(context.Background(), `UPDATE sync_remote SET pushing = met, met = ?`, met)
	if err != nil {
		t.Fatal(err)
	}
	a.write("x", "3\n")
	if r := a.must(Request{Action: "pull"}); r.Merged != 0 {
		t.Errorf("it merged its own: %+v", r)
	}
	b.must(Request{Action: "pull"})
	if b.read("x") != "3\n" {
		t.Errorf("%q", b.read("x"))
	}
}

func TestRemotes(t *testing.T) {
	h := hub(t)
	a := newDevice(t, "a", h)
	for _, c := range []struct {
		url  string
		want sys.Kind
	}{
		{"", sys.Invalid},
		{"ext::sh -c true", sys.Invalid},
		{"--upload-pack=x", sys.Invalid},
		{"relative", sys.Invalid},
		{"ftp://x/y", sys.Invalid},
		{"https://user@host/x", sys.Invalid},
		{"ssh://u:p@host/x", sys.Invalid},
		{"https:///x", sys.Invalid},
		{"https://host/x\n", sys.Invalid},
	} {
		if _, err := a.do(Request{Action: "add_remote", Remote: "other", URL: c.url}); sys.KindOf(err) != c.want || sys.HintOf(err) == "" {
			t.Errorf("%q: %v", c.url, err)
		}
	}
	r := a.must(Request{Action: "add_remote", Remote: "web", URL: "http://me:canary-77@127.0.0.1:1/x.git"})
	if strings.Contains(fmt.Sprint(r), "canary") {
		t.Errorf("%+v", r)
	}
	_, err := a.do(Request{Action: "pull", Remote: "web"})
	if sys.KindOf(err) != sys.Unavailable || strings.Contains(err.Error(), "canary") || sys.HintOf(err) == "" {
		t.Errorf("%v", err)
	}
	if _, err := a.do(Request{Action: "add_remote", URL: "/else/where"}); sys.KindOf(err) != sys.Exists {
		t.Errorf("%v", err)
	}
	a.must(Request{Action: "remove_remote", Remote: "web"})
	for _, r := range []Request{{Action: "remove_remote", Remote: "web"}, {Action: "pull", Remote: "web"}} {
		if _, err := a.do(r); sys.KindOf(err) != sys.NotFound {
			t.Errorf("%s: %v", r.Action, err)
		}
	}
	a.must(Request{Action: "add_remote", Remote: "gone", URL: filepath.Join(t.TempDir(), "no.git")})
	if _, err := a.do(Request{Action: "pull", Remote: "gone"}); sys.KindOf(err) != sys.NotFound || sys.HintOf(err) == "" {
		t.Errorf("%v", err)
	}
	if _, err := a.do(Request{Action: "dance"}); sys.KindOf(err) != sys.Invalid {
		t.Errorf("%v", err)
	}
	a.write("n", "n")
	if r := a.must(Request{Action: "commit"}); !strings.Contains(r.Text, "L2") {
		t.Errorf("%+v", r)
	}
	if r := a.must(Request{Action: "commit"}); !strings.Contains(r.Text, "already") || len(r.Remotes) != 2 {
		t.Errorf("%+v", r)
	}
}

func FuzzAddress(f *testing.F) {
	for _, s := range []string{"https://a:b@c/d", "git@h:x", "/x", "ext::x", "-x", "file:///x", "http://[::1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		clean, _, err := address(raw)
		if err != nil {
			return
		}
		if strings.HasPrefix(clean, "-") || strings.Contains(clean, "::") && !strings.Contains(clean, "[") && !strings.HasPrefix(clean, "/") && !strings.Contains(clean, "://") {
			t.Fatalf("%q became %q", raw, clean)
		}
		if _, secret, err := address(clean); err != nil || secret != "" {
			t.Fatalf("%q is not stable: %v", clean, err)
		}
	})
}
