package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A program is shown with what it needs: a script of npm's with its packages and its
// interpreter, anything else by itself.
func TestWhatAProgramNeedsToSee(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		return file
	}
	node := write("bin/node", "\x7fELF")
	script := write("lib/node_modules/@a/tool/node_modules/b/cli.js", "#!/usr/bin/env -S node --x\nrun()\n")
	own := write("own/tool", "#!/bin/sh\n")
	if err := os.Symlink(script, filepath.Join(dir, "bin/tool")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Join(dir, "bin"))
	sh, err := filepath.EvalSymlinks("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]struct{ path, first, second, dir string }{
		filepath.Join(dir, "bin/tool"): {script, filepath.Join(dir, "lib/node_modules"), node, filepath.Join(dir, "bin")},
		node:                           {node, node, "", ""},
		own:                            {own, own, sh, ""},
	} {
		got, err := FindInstalled(path)
		if err != nil {
			t.Fatal(err)
		}
		see := []string{"", ""}
		for i, b := range got.Binds {
			see[i] = b.Path
		}
		if got.Path != want.path || see[0] != want.first || see[1] != want.second || want.dir != "" && !slices.Contains(got.Dirs, want.dir) {
			t.Errorf("%s: %+v", path, got)
		}
	}
	if _, err := FindInstalled(filepath.Join(dir, "nothing")); err == nil {
		t.Error("nothing was found")
	}
}
