package test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"matrixos/client"
	"matrixos/sys"
)

// bearer sends a token along.
type bearer struct{ token string }

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return http.DefaultTransport.RoundTrip(r)
}

// guest is an agent of somebody else, connected by the official SDK.
type guest struct {
	t *testing.T
	*mcp.ClientSession
}

func (w *World) guest(t *testing.T, transport mcp.Transport) guest {
	t.Helper()
	s, err := mcp.NewClient(&mcp.Implementation{Name: "a-guest", Version: "1"}, nil).Connect(t.Context(), transport, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return guest{t, s}
}

// letIn makes a token.
func (w *World) letIn(t *testing.T, name string, flags ...string) client.NewToken {
	t.Helper()
	var made client.NewToken
	w.Do(append([]string{"tokens", "add", name, "--json"}, flags...)...).JSON(t, &made)
	return made
}

func over(made client.NewToken) mcp.Transport {
	return &mcp.StreamableClientTransport{Endpoint: made.URL, HTTPClient: &http.Client{Transport: bearer{made.Value}}, DisableStandaloneSSE: true}
}

type obj = map[string]any

func (g guest) call(name string, args obj) (string, bool) {
	g.t.Helper()
	p := &mcp.CallToolParams{Name: name, Arguments: args}
	if name == "Glob" || name == "list_tasks" { // some want to hear how it goes on, and are answered by a stream
		p.SetProgressToken(name)
	}
	res, err := g.CallTool(g.t.Context(), p)
	if err != nil {
		g.t.Fatalf("%s: %v", name, err)
	}
	var out []string
	for _, c := range res.Content {
		if c, ok := c.(*mcp.TextContent); ok {
			out = append(out, c.Text)
		}
	}
	return strings.Join(out, "\n"), !res.IsError
}

// does is call for what has to go well, and to say something.
func (g guest) does(name string, args obj, says string) string {
	g.t.Helper()
	text, ok := g.call(name, args)
	if !ok || !strings.Contains(text, says) {
		g.t.Errorf("%s %v: %v %s", name, args, ok, text)
	}
	return text
}

// refused is call for what has to be refused.
func (g guest) refused(name string, args obj) {
	g.t.Helper()
	if text, ok := g.call(name, args); ok {
		g.t.Errorf("%s %v went well: %s", name, args, text)
	}
}

func (g guest) tools() (names []string) {
	g.t.Helper()
	for tool, err := range g.Tools(g.t.Context(), nil) {
		if err != nil {
			g.t.Fatal(err)
		}
		names = append(names, tool.Name)
	}
	return names
}

// TestAgentsOfOthers is another agent that the owner lets in by a token: it works in
// the home within its scopes, what it changes is in the history with its name and
// marked as text from outside, and without the token it gets nothing.
func TestAgentsOfOthers(t *testing.T) {
	w := NewWorld(t)
	w.Args = []string{"--model", "offline"}
	w.Up()
	made := w.letIn(t, "claude-code", "--may", "read,data,files,tasks,ask", "--folder", "projects,apps")
	g := w.guest(t, over(made))
	g.does("Write", obj{"file_path": "projects/plan.md", "content": "# Plan\n"}, "Landed as L")
	if got := w.Read("projects/plan.md"); got != "# Plan\n" {
		t.Errorf("the file is %q", got)
	}
	w.Run("log", "projects/plan.md").says(t, 0, "claude-code")
	w.Run("untrusted").says(t, 0, "projects/plan.md")
	g.does("Read", obj{"file_path": "projects/plan.md"}, "# Plan")
	g.does("Edit", obj{"file_path": "projects/plan.md", "old_string": "# Plan", "new_string": "# The plan"}, "Landed as L")
	w.Do("undo", w.newest("projects/plan.md"))
	g.does("Read", obj{"file_path": "projects/plan.md"}, "# Plan")
	g.refused("Write", obj{"file_path": "system/config.json", "content": "{}"})
	g.refused("Write", obj{"file_path": "agents/kernel.md", "content": "obey"})

	// Several files land as one, and an app is checked as one.
	g.does("begin_changes", obj{"title": "A page of bees"}, "Begun")
	g.does("Write", obj{"file_path": "apps/bees/matrix.json", "content": `{"name": "Bees", "slug": "bees", "runtime": "static", "storage": {"tables": {"hives": {"columns": {"place": "text"}}}}}`}, "")
	g.does("Write", obj{"file_path": "apps/bees/index.html", "content": "<!doctype html><title>Bees</title><p>Bees"}, "")
	g.does("Write", obj{"file_path": "apps/bees/contract.json", "content": `{"version": 1, "scenarios": [{"name": "it shows bees", "given": {"rows": {"hives": [{"place": "garden"}]}}, "steps": [{"see": "Bees"}, {"rows": "hives", "where": {"place": "garden"}, "count": 1}]}]}`}, "")
	if _, there := w.App("bees"); there {
		t.Error("it is there before it has landed")
	}
	g.does("land_changes", nil, "Landed as L")
	if a, there := w.App("bees"); !there || !a.OK {
		t.Errorf("the app: %+v %v", a, there)
	}
	g.does("read_state", nil, "bees")
	g.does("create_task", obj{"type": "research", "input": "hives"}, "T1")
	g.does("complete_task", obj{"task_id": "T1", "output": "done"}, "T1")
	g.does("list_tasks", nil, "done")
	g.does("ask", obj{"text": "list my apps"}, "bees")

	// A token opens what it names, and nothing else.
	reader := w.letIn(t, "reader")
	r := w.guest(t, over(reader))
	if got := strings.Join(r.tools(), " "); strings.Contains(got, "Write") || slices.Contains(r.tools(), "ask") || !strings.Contains(got, "Read") {
		t.Errorf("a reader may call %s", got)
	}
	r.does("Read", obj{"file_path": "projects/plan.md"}, "# Plan")
	r.refused("app_data", obj{"app": "bees", "action": "insert", "table": "hives", "data": obj{"place": "roof"}})
	g.does("app_data", obj{"app": "bees", "action": "insert", "table": "hives", "data": obj{"place": "roof"}}, "Landed as L")
	r.does("app_data", obj{"app": "bees", "action": "find", "table": "hives"}, "roof")
	for path, token := range map[string]string{"/mcp": "", "/api/apps": made.Value, "/api/tokens": made.Value} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.Addr+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s with %q: %s", path, token, res.Status)
		}
	}

	// It is over when the owner says so, and when the daemon dies in the middle.
	r.does("Read", obj{"file_path": "projects/plan.md"}, "# Plan")
	w.Do("tokens", "revoke", reader.ID)
	if _, err := r.CallTool(t.Context(), &mcp.CallToolParams{Name: "Read", Arguments: obj{"file_path": "projects/plan.md"}}); err == nil {
		t.Error("it goes on after its token was revoked")
	}
	g.does("begin_changes", obj{"title": "Half"}, "Begun")
	g.does("Write", obj{"file_path": "projects/half.md", "content": "half"}, "")
	w.Crash()
	w.Up()
	if _, err := os.Stat(filepath.Join(w.Home, "projects/half.md")); err == nil {
		t.Error("half of it is there")
	}
	var left []sys.Process
	w.Do("ps", "--json").JSON(t, &left)
	if len(left) != 0 {
		t.Errorf("left behind: %+v", left)
	}
	made.URL = w.Addr + "/mcp"
	w.guest(t, over(made)).does("Read", obj{"file_path": "projects/plan.md"}, "# Plan")
}

// TestTheHomeOnStandardInput: the same for a program that starts the binary, with a
// daemon and without one.
func TestTheHomeOnStandardInput(t *testing.T) {
	w := NewWorld(t)
	w.Do("status")
	for _, daemon := range []bool{false, true} {
		if daemon {
			w.Up()
		}
		cmd := exec.Command(w.binary, "mcp", "--as", "claude-desktop", "--may", "read,files", "--home", w.Home, "--model", "offline")
		cmd.Env, cmd.Stderr = w.environment(), t.Output()
		g := w.guest(t, &mcp.CommandTransport{Command: cmd})
		name := map[bool]string{false: "projects/alone.md", true: "projects/beside.md"}[daemon]
		g.does("Write", obj{"file_path": name, "content": "x\n"}, "Landed as L")
		g.does("Glob", obj{"pattern": "projects/*.md"}, name)
		if err := g.Close(); err != nil {
			t.Error(err)
		}
		var left []client.Token
		w.Do("tokens", "--json").JSON(t, &left)
		if len(left) != 0 {
			t.Errorf("its token is left: %+v", left)
		}
		w.Run("log", name).says(t, 0, "claude-desktop")
	}
}

// The programs that nobody here wrote, from npm.
const (
	inspector   = "@modelcontextprotocol/inspector@0.17.2"
	conformance = "@modelcontextprotocol/conformance@0.1.9"
)

// npx runs a program from npm; where it cannot be installed the test is skipped, and
// says so.
func npx(t *testing.T, spec string, args ...string) (string, error) {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "matrixos-test", strings.NewReplacer("/", "-", "@", "-").Replace(spec))
	name := spec[:strings.LastIndexByte(spec, '@')]
	if _, err := os.Stat(filepath.Join(dir, "installed")); err != nil {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("npm", "install", "--prefix", dir, "--no-audit", "--no-fund", "--ignore-scripts", spec).CombinedOutput(); err != nil {
			t.Skipf("SKIPPED, NOT PROVEN: %s cannot be installed from npm: %v\n%s", spec, err, out)
		}
		if err := os.WriteFile(filepath.Join(dir, "installed"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(filepath.Join(dir, "node_modules", name, "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	var pkg struct {
		Bin map[string]string `json:"bin"`
	}
	if err := json.Unmarshal(raw, &pkg); err != nil || len(pkg.Bin) != 1 {
		t.Fatalf("%s: %v %v", spec, pkg.Bin, err)
	}
	for _, file := range pkg.Bin {
		args = append([]string{filepath.Join(dir, "node_modules", name, file)}, args...)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", args...)
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestTheInspector is the protocol's own inspector as a client, over HTTP and over
// standard input.
func TestTheInspector(t *testing.T) {
	w := NewWorld(t)
	w.Args = []string{"--model", "offline"}
	w.Up()
	made := w.letIn(t, "inspector", "--may", "read,files")
	web := []string{"--cli", made.URL, "--transport", "http", "--header", "Authorization: Bearer " + made.Value}
	stdio := []string{"--cli", w.binary, "mcp", "--may", "read,files", "--home", w.Home}
	for name, to := range map[string][]string{"http": web, "stdio": stdio} {
		t.Run(name, func(t *testing.T) {
			out, err := npx(t, inspector, append(to, "--method", "tools/list")...)
			if err != nil || !strings.Contains(out, `"land_changes"`) {
				t.Fatalf("%v\n%s", err, out)
			}
			out, err = npx(t, inspector, append(to, "--method", "tools/call", "--tool-name", "Write", "--tool-arg", "file_path=projects/"+name+".md", "content=hello")...)
			if err != nil || !strings.Contains(out, "Landed as L") || w.Read("projects/"+name+".md") != "hello" {
				t.Fatalf("%v\n%s", err, out)
			}
		})
	}
}

// TestConformance is what the protocol's own conformance suite has on servers
// without tools of its own. It knows no tokens, so one is put in on the way.
func TestConformance(t *testing.T) {
	w := NewWorld(t)
	w.Args = []string{"--model", "offline"}
	w.Up()
	made := w.letIn(t, "conformance")
	to, err := url.Parse(w.Addr)
	if err != nil {
		t.Fatal(err)
	}
	door := httptest.NewServer(&httputil.ReverseProxy{Transport: bearer{made.Value}, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }})
	defer door.Close()
	for _, scenario := range []string{"server-initialize", "ping", "tools-list"} {
		out, err := npx(t, conformance, "server", "--url", door.URL+"/mcp", "--scenario", scenario)
		if err != nil || !strings.Contains(out, "Passed: 1/1, 0 failed") {
			t.Errorf("%s: %v\n%s", scenario, err, out)
		}
	}
}
