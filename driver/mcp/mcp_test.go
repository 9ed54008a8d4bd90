package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"matrixos/driver"
	"matrixos/driver/drivertest"
	"matrixos/egress"
	"matrixos/keyring"
	"matrixos/sandbox"
	"matrixos/sys"
)

// scenarioVar makes this program a server that plays the scenario in it.
const scenarioVar = "MATRIXOS_TEST_SCENARIO"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == sandbox.HelperName {
		os.Exit(sandbox.Help(os.Args))
	}
	if text := os.Getenv(scenarioVar); text != "" {
		var s drivertest.Scenario
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			panic(err)
		}
		if err := play(s, func() { os.Exit(3) }, nil).Run(context.Background(), &mcp.StdioTransport{}); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// play is a server that behaves as a scenario says. What hangs does so until end is
// closed, even when it is told to stop.
func play(s drivertest.Scenario, crash func(), end <-chan struct{}) *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "played", Version: "1"}, nil)
	var add func(list []driver.Tool)
	add = func(list []driver.Tool) {
		for _, t := range list {
			server.AddTool(&mcp.Tool{Name: t.Name, Description: t.Description, InputSchema: json.RawMessage(`{"type":"object"}`)}, func(ctx context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
				if a, ok := drivertest.Answer(t.Name, r.Params.Arguments); ok {
					res := &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: a.Text}}, IsError: a.Failed}
					if a.Data != nil {
						res.StructuredContent = a.Data
					}
					return res, nil
				}
				text := "changed"
				switch t.Name {
				case "hang":
					<-end
				case "crash":
					crash()
				case "flood":
					text = strings.Repeat("water ", 2<<20)
				case "change":
					add(s.Later)
				case "ask":
					return ask(r), nil
				}
				return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}, nil
			})
		}
	}
	add(s.Tools)
	// The SDK refuses to serve what a hostile server would say: it is put in here.
	server.AddReceivingMiddleware(func(next mcp.MethodHandler) mcp.MethodHandler {
		changed := false
		return func(ctx context.Context, method string, r mcp.Request) (mcp.Result, error) {
			if c, ok := r.(*mcp.CallToolRequest); ok && c.Params.Name == "change" {
				changed = true
			}
			res, err := next(ctx, method, r)
			if list, ok := res.(*mcp.ListToolsResult); ok {
				list.Tools = nil
				tools := s.Tools
				if changed {
					tools = s.Later
				}
				for _, t := range tools {
					one := &mcp.Tool{Name: t.Name, Description: t.Description, InputSchema: t.Schema}
					if len(t.Output) > 0 {
						one.OutputSchema = t.Output
					}
					list.Tools = append(list.Tools, one)
				}
			}
			return res, err
		}
	})
	return server
}

func ask(r *mcp.CallToolRequest) *mcp.CallToolResult {
	text := "no answer"
	switch a, _ := r.Params.InputResponses["colour"].(*mcp.ElicitResult); {
	case a == nil:
		return &mcp.CallToolResult{InputRequests: mcp.InputRequestMap{"colour": &mcp.ElicitParams{Message: "Which colour?", RequestedSchema: json.RawMessage(
			`{"type":"object","properties":{"colour":{"type":"string","title":"Colour"}},"required":["colour"]}`,
		)}}}
	case a.Action == "accept":
		text, _ = a.Content["colour"].(string)
	}
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}
}

func opener(t testing.TB) *Opener {
	t.Helper()
	box, err := sandbox.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	return &Opener{
		Home: home, Folders: filepath.Join(home, sys.Store, "drivers"), Version: "test", Sandbox: box, Proxied: true,
		Gate:   egress.New(egress.Options{Allow: func(a netip.AddrPort) bool { return a.Addr().IsLoopback() }}),
		Secret: func(name string) (keyring.Secret, error) { return keyring.NewSecret("plum-of-" + name), nil },
	}
}

func one(t *testing.T, name, text string) Config {
	t.Helper()
	list, err := ParseConfig(name, []byte(text))
	if err != nil || len(list) != 1 {
		t.Fatalf("%s: %v %v", text, list, err)
	}
	return list[0]
}

// self is this program, as a confined server.
func self(t *testing.T, s drivertest.Scenario) Config {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(map[string]any{"command": exe, "env": map[string]string{scenarioVar: string(text)}})
	if err != nil {
		t.Fatal(err)
	}
	return one(t, "test", string(raw))
}

func TestProgramsPass(t *testing.T) {
	o := opener(t)
	drivertest.Run(t, func(t *testing.T, s drivertest.Scenario) driver.Entry { return o.Entry(self(t, s)) })
}

// Services pass, too. One that crashes is a web server that closes its connections
// and does not know the session any more.
func TestServicesPass(t *testing.T) {
	o := opener(t)
	drivertest.Run(t, func(t *testing.T, s drivertest.Scenario) driver.Entry {
		var web *httptest.Server
		var crashed atomic.Int32
		end := make(chan struct{})
		fresh := func() http.Handler {
			server := play(s, func() { crashed.Add(1); web.CloseClientConnections(); <-end }, end)
			return mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
		}
		h, at := fresh(), int32(0)
		var mu sync.Mutex
		web = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			if n := crashed.Load(); n != at { // it has forgotten every session
				h, at = fresh(), n
			}
			now := h
			mu.Unlock()
			now.ServeHTTP(w, r)
		}))
		t.Cleanup(func() { close(end); web.CloseClientConnections(); web.Close() })
		return o.Entry(one(t, "test", `{"url":"`+web.URL+`/mcp"}`))
	})
}

func TestConfig(t *testing.T) {
	for text, names := range map[string]string{
		`{"command": 3}`:                       "command got number, want string",
		`{"comand": "x"}`:                      "'comand' not allowed",
		`{}`:                                   "missing property 'command'",
		`{"command":"x","url":"https://a"}`:    "oneOf",
		`{"url":"ftp://a"}`:                    "url",
		`{"url":"https://a","folders":["/x"]}`: "belong to a program",
		`{"command":"x","headers":{"a":"b"}}`:  "belong to an address",
		`{"command":"x","network":["a.example"],"capabilities":["read"]}`:                "no external",
		`{"command":"x","folders":[{"path":"/x","write":true}],"capabilities":["read"]}`: "no write",
		`{"command":"x","lend":["github"]}`:                                              "no value of env",
		`{"url":"https://a","capabilities":["read"]}`:                                    "is external",
		`{"command":"x","tools":{"a":"maybe"}}`:                                          "tools.a",
		`{"mcpServers":{"Bad Name":{"command":"x"}}}`:                                    "a-z",
		`[]`:          "not an object",
		`{"command":`: "not JSON",
	} {
		_, err := ParseConfig("x", []byte(text))
		if !errors.Is(err, sys.Invalid) || !strings.Contains(err.Error(), names) || sys.HintOf(err) == "" {
			t.Errorf("%s: %v, want it to name %q", text, err, names)
		}
	}
	list, err := ParseConfig("all", []byte(`{"mcpServers":{"b":{"command":"x","disabled":true,"autoApprove":["y"]},"a":{"type":"http","url":"https://h.example/mcp"}}}`))
	if err != nil || len(list) != 2 || list[0].Name != "a" || !list[1].Off || list[0].reach() != driver.External {
		t.Errorf("%+v %v", list, err)
	}
	c := one(t, "files", `{"command":"x","folders":["~/projects",{"path":"/srv/a","write":true}]}`)
	if c.reach() != driver.Write || !strings.Contains(c.Describe(), "read ~/projects. It may read and change /srv/a. It has no network.") {
		t.Errorf("%+v: %s", c, c.Describe())
	}
}

// What a program is not granted is not there.
func TestGrants(t *testing.T) {
	o := opener(t)
	free := t.TempDir()
	link := filepath.Join(free, "link")
	if err := os.MkdirAll(filepath.Join(o.Home, sys.Store, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(o.Home, sys.Store), link); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{`"/"`, `"/etc"`, `"projects"`, `"~/` + sys.Store + `/x"`, `"` + link + `"`, `{"path":"~/","write":true}`, `"` + o.Home + `"`, `"/nowhere"`} {
		_, _, err := o.binds(one(t, "x", `{"command":"x","folders":[`+folder+`]}`))
		if !errors.Is(err, sys.Invalid) || sys.HintOf(err) == "" {
			t.Errorf("%s: %v", folder, err)
		}
	}
	if err := os.Mkdir(filepath.Join(o.Home, "projects"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{`"~/projects"`, `{"path":"` + free + `","write":true}`} {
		if _, _, err := o.binds(one(t, "x", `{"command":"x","folders":[`+folder+`]}`)); err != nil {
			t.Errorf("%s: %v", folder, err)
		}
	}
}

// A key stays a placeholder unless it is lent.
func TestKeys(t *testing.T) {
	o := opener(t)
	for text, want := range map[string]string{
		`{"command":"x","env":{"K":"a {{key:github}}"}}`:                   "a {{key:github}}",
		`{"command":"x","env":{"K":"a {{key:github}}"},"lend":["github"]}`: "a plum-of-github",
	} {
		env, err := o.env(one(t, "x", text))
		if err != nil || env["K"] != want {
			t.Errorf("%s: %v %v", text, env, err)
		}
	}
	var got http.Header
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		w.WriteHeader(http.StatusNotFound)
	}))
	defer web.Close()
	_, err := o.Entry(one(t, "x", `{"url":"`+web.URL+`","headers":{"X-Key":"{{key:svc}}"}}`)).Open(t.Context(), func() {})
	if err == nil || got.Get("X-Key") != "plum-of-svc" || strings.Contains(err.Error(), "plum") {
		t.Errorf("%v: sent %v", err, got)
	}
}

func TestAServiceOfTheOwnNetworkIsRefused(t *testing.T) {
	o := opener(t)
	o.Gate = egress.New(egress.Options{})
	_, err := o.Entry(one(t, "x", `{"url":"http://127.0.0.1:9/mcp"}`)).Open(t.Context(), func() {})
	if err == nil || !strings.Contains(err.Error(), "not an address of the public internet") {
		t.Error(err)
	}
}

func TestWhatEndsAtOnceSaysWhy(t *testing.T) {
	o := opener(t)
	_, err := o.Entry(one(t, "x", `{"command":"bash","args":["-c","echo the disk is on fire >&2; exit 7"]}`)).Open(t.Context(), func() {})
	if !errors.Is(err, sys.Unavailable) || !strings.Contains(err.Error(), "the disk is on fire") {
		t.Error(err)
	}
	_, err = o.Entry(one(t, "x", `{"command":"no-such-program"}`)).Open(t.Context(), func() {})
	if !errors.Is(err, sys.NotFound) {
		t.Error(err)
	}
}

// Lines that are no messages, without end, cost bounded memory and end it.
func TestAFloodOfNonsense(t *testing.T) {
	o := opener(t)
	for _, script := range []string{`yes '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}'`, `tr '\0' x </dev/zero`} {
		raw, _ := json.Marshal(map[string]any{"command": "bash", "args": []string{"-c", script}})
		if _, err := o.Entry(one(t, "x", string(raw))).Open(t.Context(), func() {}); err == nil {
			t.Errorf("%s shook hands", script)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	for _, s := range []string{`{"command":"npx","args":["-y","a@1"],"folders":["~/x",{"path":"/y","write":true}]}`, `{"mcpServers":{"a":{"url":"https://x"}}}`, `{`, `[1]`, `{"command":"x","tools":{"a":"read"}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := ParseConfig("x", text)
		if err != nil {
			if sys.KindOf(err) != sys.Invalid {
				t.Errorf("%v", err)
			}
			return
		}
		for _, c := range list {
			if (c.Command == "") == (c.URL == "") || !sys.Slug(c.Name).Valid() || c.Describe() == "" {
				t.Errorf("%+v", c)
			}
		}
	})
}
