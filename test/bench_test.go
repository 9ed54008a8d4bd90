package test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkUpToFirstAnswer measures from starting the binary on an existing
// home to a request that it has answered.
func BenchmarkUpToFirstAnswer(b *testing.B) {
	w := benchWorld(b)
	w.Up() // makes the home
	w.Stop()
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		w.Up()
		if r := w.Run("ask", "help", "--json"); r.Status != 0 {
			b.Fatalf("status %d\n%s%s", r.Status, r.Stdout, r.Stderr)
		}
		took = append(took, time.Since(start))
		b.StopTimer()
		w.Stop()
		b.StartTimer()
	}
	b.ReportMetric(float64(median(took).Milliseconds()), "ms-median")
}

// BenchmarkIdleMemory reports the resident memory of an idle system with three
// apps, a minute after the last request.
func BenchmarkIdleMemory(b *testing.B) {
	w := benchWorld(b)
	w.Up()
	defer w.Stop()
	for _, text := range []string{"Track my expenses with amount, category and date", "a to-do list", "a pomodoro timer"} {
		if r := w.Run("ask", text); r.Status != 0 {
			b.Fatal(r.Stderr)
		}
	}
	time.Sleep(time.Minute)
	for b.Loop() {
		b.ReportMetric(float64(rss(b, w.PID()))/1024, "MB-idle")
	}
}

// BenchmarkSourceToWindow compares the time from the last byte of an app's
// source to the rendered window with `npm install && vite build` of the same
// app, in the same run.
func BenchmarkSourceToWindow(b *testing.B) {
	w := benchWorld(b)
	w.Up()
	defer w.Stop()
	if r := w.Run("ask", "Track my expenses with amount, category and date, and show a chart per month"); r.Status != 0 {
		b.Fatal(r.Stderr)
	}
	desk := w.SignIn(Chromium(b), 1280, 800)
	desk.OpenApp("Expenses")
	file := filepath.Join(w.Home, "apps/expenses/src/App.tsx")
	source, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	var took []time.Duration
	i := 0
	for b.Loop() {
		i++
		title := fmt.Sprintf("Expenses %d", i)
		next := bytes.Replace(source, []byte(`title="Expenses"`), fmt.Appendf(nil, `title=%q`, title), 1)
		if bytes.Equal(next, source) {
			b.Fatalf("the app has no title to change:\n%s", source)
		}
		if err := os.WriteFile(file, next, 0o644); err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		desk.App("Expenses").See(title)
		took = append(took, time.Since(start))
	}
	vite := viteBuild(b, filepath.Join(w.Home, "apps/expenses"))
	ours := median(took)
	b.ReportMetric(float64(ours.Milliseconds()), "ms-median")
	b.ReportMetric(float64(vite.Milliseconds()), "ms-vite")
	b.ReportMetric(float64(vite)/float64(ours), "times-faster")
}

// viteBuild times `npm install && vite build` of the app, with what a project
// made by create-vite has.
func viteBuild(b *testing.B, app string) time.Duration {
	b.Helper()
	dir := b.TempDir()
	if err := os.CopyFS(dir, os.DirFS(app)); err != nil {
		b.Fatal(err)
	}
	// The kit is ours and not on npm: the same source, from the tree.
	tree, err := filepath.Abs("../web/runtime")
	if err != nil {
		b.Fatal(err)
	}
	for name, text := range map[string]string{
		"package.json": `{"private":true,"type":"module","dependencies":{"react":"19.3.1","react-dom":"19.3.1","lucide-react":"*"},"devDependencies":{"vite":"8.3.8","@vitejs/plugin-react":"*"}}`,
		"vite.config.js": fmt.Sprintf(`import react from "@vitejs/plugin-react";
const text = { name: "text", enforce: "pre", resolveId: (s, from) => (s === "./styles.css" ? new URL(s, "file://" + from).pathname + "?inline" : null) };
export default { plugins: [text, react()], resolve: { dedupe: ["react", "react-dom", "lucide-react"], alias: { "@matrixos/sdk": %q, "@matrixos/ui": %q } } };`, tree+"/sdk/index.ts", tree+"/ui/index.ts"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	start := time.Now()
	for _, args := range [][]string{{"npm", "install", "--no-audit", "--no-fund", "--loglevel=error"}, {"npx", "vite", "build"}} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	return time.Since(start)
}

func benchWorld(b *testing.B) *World {
	b.Helper()
	return NewWorld(b)
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// rss is a process's resident memory in KiB.
func rss(t testing.TB, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("no VmRSS")
	return 0
}
