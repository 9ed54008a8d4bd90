package sandbox

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestServiceTalksAndEnds(t *testing.T) {
	box, err := Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	shared, hidden, open := t.TempDir(), t.TempDir(), t.TempDir()
	for _, dir := range []string{shared, hidden} {
		if err := os.WriteFile(filepath.Join(dir, "word"), []byte("plum"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	script := `echo "warming up" >&2; while read line; do eval "$line" 2>/dev/null || echo no; done`
	v, err := box.Start(t.Context(), Command{
		Argv: []string{"/bin/bash", "-c", script}, Folder: t.TempDir(), Mount: "/home/service",
		Binds: []Bind{{Path: shared}, {Path: open, Write: true}}, Env: map[string]string{"WORD": "pear"},
	})
	if err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewScanner(v.Out)
	for _, c := range []struct{ say, want string }{
		{"echo $WORD $HOME", "pear /home/service"},
		{"cat " + shared + "/word; echo", "plum"},
		{"echo x > " + shared + "/word", "no"},
		{"cat " + hidden + "/word", "no"},
		{"echo fig > " + open + "/new && echo done", "done"},
	} {
		if _, err := v.In.Write([]byte(c.say + "\n")); err != nil || !answers.Scan() || answers.Text() != c.want {
			t.Fatalf("%s: %q %v, want %q", c.say, answers.Text(), err, c.want)
		}
	}
	if got, err := os.ReadFile(filepath.Join(open, "new")); err != nil || string(got) != "fig\n" {
		t.Errorf("what it wrote: %q %v", got, err)
	}
	if err := v.Close(); err != nil {
		t.Error(err)
	}
	if got := v.LastWords(); !strings.Contains(got, "warming up") {
		t.Errorf("last words: %q", got)
	}
}

func TestServiceThatDoesNotHeedIsKilled(t *testing.T) {
	box, err := Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v, err := box.Start(t.Context(), Command{Argv: []string{"/bin/sleep", "1000"}, Folder: t.TempDir(), Mount: "/home/service"})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Close(); err != nil {
		t.Error(err)
	}
	<-v.Done()
}
