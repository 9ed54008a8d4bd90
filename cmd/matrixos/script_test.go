package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"matrixos/boot"
	"matrixos/disk"
	"matrixos/sys"
)

func TestMain(m *testing.M) {
	if code, ok := boot.Hold(os.Args); ok {
		os.Exit(code)
	}
	testscript.Main(m, map[string]func(){"matrixos": func() { os.Exit(run()) }})
}

// Every script in testdata/script runs the command as its users do.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("MATRIXOS_HOME", "")
			e.Setenv("MATRIXOS_MODEL", "")
			e.Setenv("MATRIXOS_CHROMIUM", "none")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"code": code, "await": await, "clash": clash},
	})
}

// code N CMD… runs a command and wants exactly this exit code.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N command…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if e, ok := err.(interface{ ExitCode() int }); ok {
		got = itoa(e.ExitCode())
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// await FILE waits until a file is there; ! await FILE until it is not.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] await file")
	}
	for range 600 {
		if _, err := os.Stat(ts.MkAbs(args[0])); os.IsNotExist(err) == neg {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	ts.Fatalf("%s: waited in vain", args[0])
}

func itoa(n int) string { return string(rune('0' + n)) }

// clash HOME FILE… has an agent refused in a home that nobody runs: in each file it
// wanted "theirs" where the owner wrote "ours" meanwhile. CONFLICT is its id then.
func clash(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: clash home file…")
	}
	ctx := context.Background()
	d, err := disk.Open(ctx, ts.MkAbs(args[0]), disk.Options{})
	ts.Check(err)
	tx, err := d.Begin(ctx, "t")
	ts.Check(err)
	for dir, text := range map[string]string{ts.MkAbs(args[0]): "ours\n", tx.Dir(): "theirs\n"} {
		for _, name := range args[1:] {
			ts.Check(os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
		}
	}
	_, err = tx.Land(ctx, disk.Landing{Kind: sys.ByAgent, Title: "New words", Provenance: sys.Provenance{Program: "builder"}})
	c, ok := errors.AsType[*disk.ConflictError](err)
	if !ok {
		ts.Fatalf("no conflict: %v", err)
	}
	ts.Setenv("CONFLICT", c.ID)
	ts.Check(tx.Drop())
	ts.Check(d.Close())
}
