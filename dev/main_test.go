package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/sys"
)

func TestModelServer(t *testing.T) {
	script := filepath.Join(t.TempDir(), "script.json")
	if err := os.WriteFile(script, []byte(`{"turns":[{"text":"hello from the script"}]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	app := t.TempDir()
	if err := os.WriteFile(filepath.Join(app, "index.html"), []byte("<!doctype html>"), 0o644); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"hello from the script": {"--script", script},
		"no rule matches":       {"--app", app, "--slug", "timer", "--match", "pomodoro"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		r, w := io.Pipe()
		cmd := root()
		cmd.SetOut(w)
		cmd.SetArgs(append([]string{"modelserver", "--listen", "127.0.0.1:0"}, args...))
		done := make(chan error, 1)
		go func() { done <- cmd.ExecuteContext(ctx) }()
		line := make([]byte, 100)
		n, err := r.Read(line)
		if err != nil {
			t.Fatal(err)
		}
		body := `{"model":"m","messages":[{"role":"user","content":"hi"}]}`
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSpace(string(line[:n]))+"/v1/chat/completions", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer x")
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || !strings.Contains(string(answer), want) {
			t.Errorf("%v: %s %v", args, answer, err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestModelServerRefuses(t *testing.T) {
	for _, args := range [][]string{
		{"modelserver"},
		{"modelserver", "--app", "."},
		{"modelserver", "--script", "a", "--app", "b", "--slug", "c"},
		{"modelserver", "--script", "does-not-exist.json"},
		{"modelserver", "--app", ".", "--slug", "x", "--listen", "0.0.0.0:0"},
	} {
		cmd := root()
		cmd.SetArgs(args)
		if err := cmd.ExecuteContext(t.Context()); err == nil {
			t.Errorf("%v works", args)
		} else if args[len(args)-1] == "0.0.0.0:0" && sys.KindOf(err) != sys.Refused {
			t.Errorf("on all addresses: %v", err)
		}
	}
}

func TestOpenAPI(t *testing.T) {
	var out bytes.Buffer
	cmd := root()
	cmd.SetOut(&out)
	cmd.SetArgs([]string{"openapi"})
	if err := cmd.Execute(); err != nil || !strings.Contains(out.String(), `"EventAnswer"`) {
		t.Errorf("%v %.200s", err, out.String())
	}
}

func TestFigures(t *testing.T) {
	f, err := readFigures(strings.NewReader(`goos: linux
BenchmarkTurn-2   	  100	 3000 ns/op	 12.5 ms-median	 16 B/op
BenchmarkTurn-2   	  100	 1000 ns/op	 10.5 ms-median	 16 B/op
BenchmarkTurn-2   	  100	 2000 ns/op
BenchmarkOther 	 1 fault
PASS
`))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := f.report(&out); err != nil {
		t.Fatal(err)
	}
	want := "BENCHMARK  MEDIAN  UNIT       RUNS\nTurn       16      B/op       2\nTurn       11.5    ms-median  2\nTurn       2000    ns/op      3\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
