package workspace

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"matrixos/disk/git"
)

// beginAndWait is the life of a process that is to be killed: it has a folder in
// use, and says so.
func beginAndWait() {
	m := &memory{trees: map[git.Hash][]git.Entry{}, blobs: map[git.Hash][]byte{}}
	tree := m.add(someHome)
	s, err := Open(context.Background(), Options{Dir: os.Getenv("WORKSPACE_TEST_DIE"), Source: m, Holder: "/proc/self/exe"}, tree)
	if err == nil {
		var f *Folder
		if f, err = s.Begin(context.Background(), tree, nil); err == nil {
			err = os.WriteFile(f.Dir()+"/system/soul.md", []byte("lost"), 0o400)
			fmt.Println("ready", f.Dir())
		}
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	select {}
}

func TestNothingStaysBehindAfterAKill(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "WORKSPACE_TEST_DIE="+dir)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "ready") {
		t.Fatalf("%q %v", line, err)
	}
	at := strings.TrimSpace(strings.TrimPrefix(line, "ready"))
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	if strings.HasPrefix(at, "/proc/") {
		eventually(t, "the holder ends", func() bool {
			_, err := os.Stat(at)
			return errors.Is(err, unix.ENOENT)
		})
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(mounts), dir) {
		t.Errorf("a mount stayed behind: %v\n%s", err, mounts)
	}
	if err := os.MkdirAll(filepath.Join(dir, "gen-99"), 0o755); err != nil { // half made
		t.Fatal(err)
	}
	w := newWorld(t, setup{o: Options{Holder: "/proc/self/exe"}}, dir, someHome)
	eventually(t, "what was left is removed", func() bool {
		ws, err := os.ReadDir(filepath.Join(dir, "ws"))
		gens, err2 := w.generations()
		return err == nil && err2 == nil && len(ws) == 0 && len(gens) <= 1
	})
	f := w.begin()
	w.want(f, someHome)
}

func TestGenerationIsTakenOver(t *testing.T) {
	eachBackend(t, func(w *world) {
		if w.backend.Kind == Copy {
			return
		}
		w.drop(w.begin())
		gen := w.stack.gen.path
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		next := map[string]string{"a": "new"}
		for p, text := range someHome {
			next[p] = text
		}
		delete(next, "empty")
		w.base, w.tree = next, w.mem.add(next)
		for range 2 { // a generation that the history does not know is made anew
			o := w.o
			w.openStore(setup{o: o}, o.Dir)
			f := w.begin()
			w.want(f, next)
			w.wantExact(f, next)
			if w.stack.gen.path != gen && w.mem.trees[w.stack.gen.tree] != nil && gen != "" {
				w.t.Errorf("the generation is %s, want %s", w.stack.gen.path, gen)
			}
			w.drop(f)
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			gen = ""
			w.mem.trees = map[git.Hash][]git.Entry{}
			w.tree = w.mem.add(next)
		}
	})
}

func TestHolderMayDie(t *testing.T) {
	for _, s := range setups()[:2] {
		t.Run(s.name, func(t *testing.T) {
			w := newWorld(t, s, t.TempDir(), someHome)
			lost := w.begin()
			put(t, lost.Dir(), "a", "kept")
			if err := unix.Kill(w.holder.pid, unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
			eventually(t, "its mounts go", func() bool {
				_, err := os.Stat(lost.Dir() + "/a")
				return err != nil
			})
			f := w.begin()
			w.want(f, someHome)
			if got := w.changes(lost); len(got) != 1 {
				t.Errorf("of the folder that lost its mount, these changes are left: %s", list(got))
			}
			w.drop(lost)
			w.drop(f)
		})
	}
}

// A command sees the folder at a path of its own, from inside the namespace.
func TestCommandsFindIt(t *testing.T) {
	eachBackend(t, func(w *world) {
		f := w.begin()
		p := f.Place()
		line := append(append([]string{}, p.Enter...), "sh", "-c", `cat "$0/system/soul.md" && echo hi > "$0/apps/hi"`, p.Dir)
		out, err := exec.Command(line[0], line[1:]...).CombinedOutput()
		if err != nil || string(out) != "Be kind.\n" {
			w.t.Fatalf("%v: %s", err, out)
		}
		if got := w.wantExact(f, someHome); len(got) != 1 {
			w.t.Errorf("found %s", list(got))
		}
	})
}

// The whole judgement once more as somebody who is not root.
func TestUnprivileged(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the other tests run unprivileged already")
	}
	dir, err := os.MkdirTemp("", "unprivileged-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := remove(dir); err != nil {
			t.Error(err)
		}
	})
	const nobody = 65534
	self, err := os.ReadFile("/proc/self/exe")
	err = errors.Join(err, os.WriteFile(dir+"/test", self, 0o755), os.Mkdir(dir+"/tmp", 0o755), os.Chmod(dir, 0o755), os.Chown(dir+"/tmp", nobody, nobody))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(dir+"/test", "-test.v", "-test.run", "^(TestEveryKind.*|TestFoldersAre.*|TestManyLandings|TestNothingStays.*|TestDrop.*|TestCommandsFindIt|TestScope)$/^(overlay_in_a_user_namespace|copy)$")
	cmd.Dir, cmd.Env = dir+"/tmp", append(os.Environ(), "TMPDIR="+dir+"/tmp", "HOME="+dir+"/tmp")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "NOT TESTED") {
			t.Skip(line)
		}
	}
	for _, want := range []string{"--- PASS: TestEveryKindOfChangeIsFoundExactly/overlay_in_a_user_namespace", "--- PASS: TestCommandsFindIt/copy", "--- PASS: TestNothingStays"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("this did not run: %s\n%s", want, out)
		}
	}
}
