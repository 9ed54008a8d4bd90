package mcp

import (
	"encoding/json"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"matrixos/driver"
	"matrixos/driver/drivertest"
)

// The servers that nobody here wrote, from npm.
const realVersion = "2026.8.31"

// realServers is a folder with them, installed once into the user's cache. Where they
// cannot be installed the test is skipped, and says so.
func realServers(t testing.TB) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "matrixos-test", "mcp-"+realVersion)
	done := filepath.Join(dir, "installed")
	if _, err := os.Stat(done); err == nil {
		return dir
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	args := []string{"install", "--prefix", dir, "--no-audit", "--no-fund", "--ignore-scripts"}
	for _, name := range []string{"everything", "filesystem", "memory"} {
		args = append(args, "@modelcontextprotocol/server-"+name+"@"+realVersion)
	}
	if out, err := exec.Command("npm", args...).CombinedOutput(); err != nil {
		t.Skipf("SKIPPED, NOT PROVEN: the real MCP servers cannot be installed from npm: %v\n%s", err, out)
	}
	if err := os.WriteFile(done, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func realConfig(t testing.TB, dir, name string, folders []Granted, env map[string]string) Config {
	t.Helper()
	file, err := binary(filepath.Join(dir, "node_modules", "@modelcontextprotocol", "server-"+name), "@modelcontextprotocol/server-"+name)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{filepath.Join(dir, "node_modules", "@modelcontextprotocol", "server-"+name, file)}
	for _, g := range folders {
		args = append(args, g.Path)
	}
	raw, err := json.Marshal(Config{
		Command: "node", Args: args,
		Folders: append([]Granted{{Path: dir}}, folders...), Env: env,
	})
	if err != nil {
		t.Fatal(err)
	}
	list, err := ParseConfig(name, raw)
	if err != nil {
		t.Fatal(err)
	}
	return list[0]
}

func TestRealServers(t *testing.T) {
	dir, o, mine, other := realServers(t), opener(t), t.TempDir(), t.TempDir()
	r := driver.NewRack(driver.Options{Pins: &drivertest.Pins{}, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	defer r.Close()
	r.Use([]driver.Entry{
		o.Entry(realConfig(t, dir, "everything", nil, nil)),
		o.Entry(realConfig(t, dir, "filesystem", []Granted{{mine, true}}, nil)),
		o.Entry(realConfig(t, dir, "memory", nil, map[string]string{"MEMORY_FILE_PATH": mount + "/memory.jsonl"})),
	})
	call := func(full string, args any) driver.Result {
		t.Helper()
		raw, err := json.Marshal(args)
		if err != nil {
			t.Fatal(err)
		}
		offer, err := r.Find(t.Context(), full)
		if err != nil {
			t.Fatal(err)
		}
		res, err := r.Call(t.Context(), offer, raw, &drivertest.Host{})
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	type obj = map[string]any
	if res := call("mcp__everything__echo", obj{"message": "plum"}); res.Failed || !strings.Contains(res.Text, "plum") {
		t.Errorf("echo: %+v", res)
	}
	if list, err := r.Resources(t.Context(), "everything"); err != nil || len(list) == 0 {
		t.Errorf("resources: %v %v", list, err)
	}
	if list, err := r.Prompts(t.Context(), "everything"); err != nil || len(list) == 0 {
		t.Errorf("prompts: %v %v", list, err)
	}
	if res := call("mcp__filesystem__write_file", obj{"path": filepath.Join(mine, "a.txt"), "content": "pear"}); res.Failed {
		t.Errorf("write: %+v", res)
	}
	if got, err := os.ReadFile(filepath.Join(mine, "a.txt")); err != nil || string(got) != "pear" {
		t.Errorf("written: %q %v", got, err)
	}
	if res := call("mcp__filesystem__write_file", obj{"path": filepath.Join(other, "b.txt"), "content": "pear"}); !res.Failed {
		t.Errorf("it wrote elsewhere: %+v", res)
	}
	if res := call("mcp__memory__create_entities", obj{"entities": []obj{{"name": "Anna", "entityType": "person", "observations": []string{"likes figs"}}}}); res.Failed {
		t.Errorf("remember: %+v", res)
	}
	if err := r.Restart(t.Context(), "memory"); err != nil {
		t.Fatal(err)
	}
	if res := call("mcp__memory__read_graph", obj{}); !strings.Contains(res.Text, "likes figs") {
		t.Errorf("after a restart: %+v", res)
	}
	for _, i := range r.List() {
		if len(i.Refused) > 0 || len(i.Tools) == 0 {
			t.Errorf("%s: %d tools, refused %q", i.Name, len(i.Tools), i.Refused)
		}
	}
}

// BenchmarkCall compares a call of a real server through the rack and the sandbox
// with one that talks to it directly, in turn; at most 3 ms more in the median.
func BenchmarkCall(b *testing.B) {
	dir := realServers(b)
	o := opener(b)
	c := realConfig(b, dir, "everything", nil, nil)
	r := driver.NewRack(driver.Options{Pins: &drivertest.Pins{}, Logger: slog.New(slog.DiscardHandler)})
	defer r.Close()
	r.Use([]driver.Entry{o.Entry(c)})
	offer, err := r.Find(b.Context(), "mcp__everything__echo")
	if err != nil {
		b.Fatal(err)
	}
	direct, err := mcp.NewClient(&mcp.Implementation{Name: "direct", Version: "1"}, nil).Connect(b.Context(), &mcp.CommandTransport{Command: exec.Command(c.Command, c.Args...)}, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer direct.Close()
	args := json.RawMessage(`{"message":"plum"}`)
	var ours, theirs []time.Duration
	for b.Loop() {
		start := time.Now()
		if _, err := r.Call(b.Context(), offer, args, &drivertest.Host{}); err != nil {
			b.Fatal(err)
		}
		ours = append(ours, time.Since(start))
		start = time.Now()
		if _, err := direct.CallTool(b.Context(), &mcp.CallToolParams{Name: "echo", Arguments: args}); err != nil {
			b.Fatal(err)
		}
		theirs = append(theirs, time.Since(start))
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	more := ours[len(ours)/2] - theirs[len(theirs)/2]
	b.ReportMetric(float64(more.Microseconds())/1000, "ms-more/median")
	b.ReportMetric(float64(theirs[len(theirs)/2].Microseconds())/1000, "ms-direct/median")
	if more > 3*time.Millisecond {
		b.Errorf("a call through us takes %s more in the median, more than 3 ms", more)
	}
}
