package disk

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"matrixos/sys"
)

// byHand is an owner at a shell in the home.
type byHand struct {
	*home
}

func (o byHand) sh(script string) {
	o.t.Helper()
	cmd := exec.Command("bash", "-euc", script)
	cmd.Dir = o.root
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_COUNT=3",
		"GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*", "GIT_CONFIG_KEY_1=user.name", "GIT_CONFIG_VALUE_1=x", "GIT_CONFIG_KEY_2=user.email", "GIT_CONFIG_VALUE_2=x@x")
	if out, err := cmd.CombinedOutput(); err != nil {
		o.t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

// An owner works in a home with the tools that there are, while agents land
// beside. Each thing done is recorded by itself, under the owner's name, as it is.
func TestToolsOfTheOwner(t *testing.T) {
	h := open(t, memory(t), func(o *Options) { o.NoWatch = false })
	o := byHand{h}
	before := h.Head()
	busy := make(chan error, 1)
	stop := make(chan struct{})
	go func() { busy <- landUntil(h.Disk, stop) }()
	lines := strings.Repeat("a line\n", 50)
	h.put("notes/a.md", lines)
	h.until("a new file", func() bool { return h.landed("notes/a.md") == lines })
	for _, c := range []struct {
		what, script, path, want string
	}{
		{"sed -i", `sed -i 's/a line/one line/' notes/a.md`, "notes/a.md", strings.ReplaceAll(lines, "a line", "one line")},
		{"an editor with a swap file", editor() + ` -es -N -u NONE -c '%s/one/two/' -c 'wq' notes/a.md`, "notes/a.md", strings.ReplaceAll(lines, "a line", "two line")},
		{"an editor that keeps a backup", `cp notes/a.md notes/a.md~; printf 'backed up\n' > notes/a.md; rm notes/a.md~`, "notes/a.md", "backed up\n"},
		{"an append", `echo more >> notes/a.md`, "notes/a.md", "backed up\nmore\n"},
		{"a rename", `mv notes/a.md notes/b.md`, "notes/b.md", "backed up\nmore\n"},
		{"a rename of case only", `mv notes/b.md notes/B.md`, "notes/B.md", "backed up\nmore\n"},
		{"where it was", `true`, "notes/b.md", "<absent>"},
		{"a link", `ln -s B.md notes/link`, "notes/link", "backed up\nmore\n"},
		{"a link instead of a file", `cp system/soul.md soul.bak; ln -sf ../soul.bak system/soul.md`, "system/soul.md", "# Soul\n\nBe kind.\n"},
		{"a thousand files", `mkdir -p many/x; for i in $(seq 500); do echo $i > many/x/f$i; done; cp -r many/x many/y`, "many/y/f500", "500\n"},
		{"all of them", `true`, "many/y/f1", "1\n"},
		{"a folder moved", `mv many/y moved`, "moved/f77", "77\n"},
		{"a folder deleted", `rm -r many`, "many/x/f1", "<absent>"},
		{"a deletion", `rm notes/link`, "notes/link", "<absent>"},
		{"an archive unpacked", `tar cf - moved | (mkdir tarred; tar xf - -C tarred)`, "tarred/moved/f499", "499\n"},
		{"a file replaced by a folder", `rm notes/B.md; mkdir notes/B.md; echo in > notes/B.md/in`, "notes/B.md/in", "in\n"},
	} {
		o.sh(c.script)
		h.until(c.what, func() bool { return h.landed(c.path) == c.want })
		if got := h.live(c.path); got != c.want {
			t.Errorf("after %s, live %s is %q", c.what, c.path, got)
		}
	}
	close(stop)
	if err := <-busy; err != nil {
		t.Error(err)
	}
	h.until("everything", func() bool { return h.capture().ID == 0 })
	log, err := h.Log(context.Background(), Query{Limit: 10000})
	if err != nil {
		t.Fatal(err)
	}
	agents := 0
	for _, l := range log {
		for _, c := range l.Changes {
			agent := strings.HasPrefix(string(c.Path), "agent/")
			if l.ID > before && agent == (l.Kind == sys.ByOwner) {
				t.Errorf("%s, which changes %s, is by %s", l.ID, c.Path, l.Kind)
			}
		}
		if l.Kind == sys.ByAgent {
			agents++
		}
	}
	if agents < 5 {
		t.Errorf("agents landed only %d times", agents)
	}
	h.git("fsck", "--strict", "--no-dangling")
}

func editor() string {
	if _, err := exec.LookPath("vim"); err == nil {
		return "vim"
	}
	return "vi"
}

// landUntil lands changes of its own files until stopped.
func landUntil(d *Disk, stop chan struct{}) (err error) {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return nil
		case <-time.After(20 * time.Millisecond):
		}
		tx, err := d.Begin(context.Background(), "agent")
		if err != nil {
			return err
		}
		for k := range 3 {
			if err := write(filepath.Join(tx.Dir(), fmt.Sprintf("agent/%d.txt", k)), fmt.Sprint(i)); err != nil {
				return errors.Join(err, tx.Drop())
			}
		}
		if _, err := tx.Land(context.Background(), Landing{}); err != nil {
			return errors.Join(err, tx.Drop())
		}
		if err := tx.Drop(); err != nil {
			return err
		}
	}
}

// An owner who uses git in the home sees it work as anywhere, and nothing is lost
// by it: what git moves is captured from the files, and a commit by hand is kept.
func TestGitOfTheOwner(t *testing.T) {
	h := open(t, memory(t))
	o := byHand{h}
	tx := h.begin()
	put(t, tx.Dir()+"/a.txt", "one\n")
	h.land(tx, "one")
	tx = h.begin()
	put(t, tx.Dir()+"/a.txt", "two\n")
	h.land(tx, "two")
	ready := func() { h.capture(); h.git("status", "--porcelain") }

	ready()
	o.sh(`git checkout -q HEAD~1 -- a.txt`) // an old version of one file
	h.capture()
	h.want("a.txt", "one\n")

	ready()
	h.put("a.txt", "stashed\n")
	o.sh(`git stash -q`)
	h.want("a.txt", "one\n")
	tx = h.begin()
	put(t, tx.Dir()+"/b.txt", "beside the stash\n")
	h.land(tx, "beside")
	ready()
	o.sh(`git stash pop -q`)
	h.capture()
	h.want("a.txt", "stashed\n")
	h.want("b.txt", "beside the stash\n")

	ready()
	h.put("a.txt", "committed\n")
	o.sh(`git commit -qam 'by hand'`)
	byHand := strings.TrimSpace(h.git("rev-parse", "HEAD"))
	tx = h.begin()
	put(t, tx.Dir()+"/c.txt", "after the commit\n")
	h.land(tx, "after")
	h.capture()
	h.want("a.txt", "committed\n")
	if kept := h.git("for-each-ref", "--format=%(objectname)", "refs/owner"); !strings.Contains(kept, byHand) {
		t.Errorf("the commit by hand is not kept: %q", kept)
	}

	ready()
	o.sh(`git checkout -q -b mine; echo mine > a.txt; git commit -qam mine`) // another branch
	tx = h.begin()
	put(t, tx.Dir()+"/d.txt", "on main\n")
	h.land(tx, "d")
	h.capture()
	h.want("a.txt", "mine\n")
	h.want("d.txt", "on main\n")
	h.close()
	h = open(t, h.root)
	h.want("a.txt", "mine\n")
	if got := strings.TrimSpace(h.git("rev-parse", "main")); got != h.at().commit.String() {
		t.Errorf("main is %s", got)
	}
	h.git("fsck", "--strict", "--no-dangling")
}

// A log that never rests, and a file that is being written while a landing of the
// same file applies: no line of either is torn or lost.
func TestAppendersDuringLandings(t *testing.T) {
	root := memory(t)
	h := open(t, root, func(o *Options) { o.NoWatch = false })
	h.put("logs/app.log", "start\n")
	h.capture()
	log, err := os.OpenFile(filepath.Join(root, "logs/app.log"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	const lines = 600
	done := make(chan error, 1)
	go func() {
		for i := range lines {
			if _, err := fmt.Fprintf(log, "line %d\n", i); err != nil {
				done <- err
				return
			}
			time.Sleep(time.Millisecond)
		}
		done <- log.Close()
	}()
	landed, random := 0, rand.New(rand.NewSource(1))
	for running := true; running; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			running = false
		default:
			tx := h.begin()
			path := filepath.Join(tx.Dir(), "logs/app.log")
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if random.Intn(2) == 0 { // the very file, else one beside it
				put(t, path, "# rotated by an agent\n"+string(b))
			}
			put(t, filepath.Join(tx.Dir(), "logs/beside.txt"), fmt.Sprint(landed))
			if _, err := tx.Land(context.Background(), Landing{}); err == nil {
				landed++
			} else if !errors.Is(err, sys.Conflict) {
				t.Fatal(err)
			}
		}
	}
	h.until("the last line", func() bool { return h.capture().ID == 0 })
	var all strings.Builder
	all.WriteString(h.live("logs/app.log"))
	aside, err := filepath.Glob(h.store("displaced", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range aside {
		b, err := os.ReadFile(a)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	lost := 0
	for i := range lines {
		if !strings.Contains(all.String(), fmt.Sprintf("line %d\n", i)) {
			lost++
		}
	}
	if lost > 0 || landed < 3 {
		t.Errorf("%d of %d lines are lost in %d landings; %d files set aside", lost, lines, landed, len(aside))
	}
}
