package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"matrixos/app"
	"matrixos/client"
	"matrixos/disk"
	"matrixos/gateway"
	"matrixos/sys"
)

const token = "the-token-of-the-command-line"

// world is a gateway on a real home with a fake kernel and fake apps.
type world struct {
	t      *testing.T
	home   string
	disk   *disk.Disk
	kernel *kernel
	apps   *apps
	models *models
	policy *owner
	g      *gateway.Gateway
	server *httptest.Server
	client *client.Client
}

var template = fstest.MapFS{
	"apps/notes/matrix.json": {Data: []byte(`{"name":"Notes","slug":"notes"}` + "\n")},
	"apps/notes/index.html":  {Data: []byte("<!doctype html>\n")},
	"docs/readme.md":         {Data: []byte("hello\n")},
}

// dist is a built desktop.
var dist = fstest.MapFS{
	"index.html":           {Data: []byte("<!doctype html><title>desk</title>")},
	"assets/app-1234.js":   {Data: []byte(strings.Repeat("console.log('a line of the desktop');\n", 200))},
	"favicon.svg":          {Data: []byte("<svg/>")},
	"manifest.webmanifest": {Data: []byte("{}")},
}

func newWorld(t *testing.T, change ...func(*gateway.Options)) *world {
	t.Helper()
	w := &world{t: t, home: t.TempDir(), kernel: &kernel{}, apps: &apps{}, models: &models{}, policy: &owner{keys: map[string]string{}}}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	d, err := disk.Open(t.Context(), w.home, disk.Options{Template: template, Logger: log, Owner: "You <you@local>"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	w.disk = d
	ln := listen(t)
	o := gateway.Options{
		Base: "http://" + ln.Addr().String(),
		Disk: d, Kernel: w.kernel, Apps: w.apps, Models: w.models, Policy: w.policy, Keys: w.policy, Logger: log, Shell: dist, Token: token, Version: "test",
		Owner: func() gateway.Owner { return gateway.Owner{Handle: "@you:local", Name: "You"} },
		Trial: trial,
		Workspace: func(pid sys.PID) (fs.FS, error) {
			if pid != 7 {
				return nil, &sys.Error{Op: "preview", Kind: sys.NotFound, Hint: "it has landed"}
			}
			return os.DirFS(w.home), nil
		},
	}
	for _, c := range change {
		c(&o)
	}
	w.g, err = gateway.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	w.serve(ln)
	return w
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// serve serves the gateway on a loopback port.
func (w *world) serve(ln net.Listener) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.g.Serve(ctx, ln) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("serve: %v", err)
		}
	})
	w.server = &httptest.Server{URL: "http://" + ln.Addr().String()}
	w.client = client.New(client.Options{Base: w.server.URL, Token: token})
	w.t.Cleanup(w.client.Close)
}

// answer is what came back.
type answer struct {
	*http.Response
	body string
}

func (a answer) problem(t *testing.T) gateway.Problem {
	t.Helper()
	var p gateway.Problem
	if a.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("%s is %q, not a problem: %s", a.Request.URL, a.Header.Get("Content-Type"), a.body)
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// do sends a request; each header is "Name: value", "Host: x" sets the host.
// It follows no redirect.
func (w *world) do(method, path, body string, headers ...string) answer {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if len(body) > 64<<10 { // else the server's refusal and our writing race
		req.Header.Set("Expect", "100-continue")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
			continue
		}
		req.Header.Add(name, value)
	}
	hc := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true, ExpectContinueTimeout: 5 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := hc.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{res, string(b)}
}

const bearer = "Authorization: Bearer " + token

// signIn returns a Cookie header of a fresh session.
func (w *world) signIn() string {
	w.t.Helper()
	link, _, err := w.g.SignInLink("/")
	if err != nil {
		w.t.Fatal(err)
	}
	a := w.do("GET", strings.TrimPrefix(link, w.server.URL), "")
	if a.StatusCode != http.StatusSeeOther || len(a.Cookies()) != 1 {
		w.t.Fatalf("sign-in: %d %s", a.StatusCode, a.body)
	}
	return "Cookie: " + a.Cookies()[0].Name + "=" + a.Cookies()[0].Value
}

func (w *world) origin() string { return "Origin: " + w.server.URL }

// The fakes record what reached them.

type kernel struct {
	gateway.Mind
	mu      sync.Mutex
	asked   []gateway.Ask
	signals []string
	stopped int
	fail    error
}

func (k *kernel) Ask(_ context.Context, a gateway.Ask) (gateway.Ticket, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail != nil {
		return gateway.Ticket{}, k.fail
	}
	k.asked = append(k.asked, a)
	return gateway.Ticket{Request: "r1", Conversation: "c1", PID: 4}, nil
}

func (k *kernel) Answer(_ context.Context, question, text string) error {
	if question == "panic" {
		panic("a fault of ours")
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.signals = append(k.signals, question+"="+text)
	return nil
}

func (k *kernel) Processes() []sys.Process {
	return []sys.Process{{PID: 4, Program: "builder", State: sys.Running, Task: "<b>build</b>"}}
}

func (k *kernel) Signal(pid sys.PID, s gateway.Signal) error {
	if pid != 4 {
		return &sys.Error{Op: "signal", Kind: sys.NotFound, Hint: "`matrixos ps` lists them"}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.signals = append(k.signals, string(s))
	return nil
}

func (k *kernel) StopAll(context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stopped++
	return nil
}

func (k *kernel) Continue(_ context.Context, pid sys.PID, g gateway.Grant) (gateway.Ticket, error) {
	if pid != 4 {
		return gateway.Ticket{}, &sys.Error{Op: "continue", Kind: sys.NotFound}
	}
	return gateway.Ticket{Request: sys.RequestID(fmt.Sprint("with ", g.USD, g.Model)), PID: pid}, nil
}

func (k *kernel) ContinueAll(context.Context) ([]gateway.Ticket, error) { return nil, nil }

func (k *kernel) Stopped() bool { return false }

func (k *kernel) Fork(_ context.Context, id sys.Conversation, at string) (sys.Conversation, error) {
	return id + "-" + sys.Conversation(at), nil
}

func (k *kernel) Jobs(context.Context) ([]gateway.JobStatus, error) {
	return []gateway.JobStatus{{MissedN: 3}}, nil
}

func (k *kernel) AddJob(_ context.Context, j gateway.Job) (gateway.JobStatus, error) {
	j.ID = "new"
	return gateway.JobStatus{Job: j}, j.Check()
}

func (k *kernel) RemoveJob(_ context.Context, id string) error {
	return k.ResumeJob(context.Background(), id)
}

func (k *kernel) RunJob(_ context.Context, id string) (gateway.JobStatus, error) {
	return gateway.JobStatus{Result: "running"}, k.ResumeJob(context.Background(), id)
}

func (k *kernel) PauseJob(_ context.Context, id, _ string) error {
	return k.ResumeJob(context.Background(), id)
}

func (k *kernel) ResumeJob(_ context.Context, id string) error {
	if id != "a b" {
		return &sys.Error{Op: "find job", Kind: sys.NotFound}
	}
	return nil
}

func (k *kernel) Spending(_ context.Context, days int) (gateway.Spending, error) {
	return gateway.Spending{From: fmt.Sprint(days)}, nil
}

func (k *kernel) Prompt(_ context.Context, p sys.Program) (gateway.Prompt, error) {
	return gateway.Prompt{Program: p, Tokens: 3}, nil
}

func (k *kernel) Conversations(context.Context) ([]gateway.Summary, error) {
	return []gateway.Summary{{ID: "c1", Title: "Expenses", Messages: 2}}, nil
}

func (k *kernel) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.asked) + len(k.signals) + k.stopped
}

type apps struct {
	mu      sync.Mutex
	preview *gateway.Preview
	left    []string
}

func (a *apps) Check(_ context.Context, slug sys.Slug) (*sys.ContractReport, error) {
	if slug != "expenses" {
		return nil, &sys.Error{Op: "check", Path: string(slug), Kind: sys.NotFound}
	}
	return &sys.ContractReport{App: slug, Level: sys.VerifiedStatic, Scenarios: []sys.ScenarioResult{{Name: "it opens"}}}, nil
}

func (a *apps) Strength(context.Context, sys.Slug) (*sys.StrengthReport, error) {
	return nil, &sys.Error{Op: "measure", Kind: sys.Unavailable}
}

func (*apps) Install(context.Context) error                                      { return nil }
func (a *apps) ServerFiles(context.Context, sys.Slug) (map[string][]byte, error) { return nil, nil }

func (a *apps) RestoreServerFiles(context.Context, sys.Slug, map[string][]byte) (sys.LandingInfo, error) {
	return sys.LandingInfo{}, nil
}

func (*apps) ServerLog(sys.Slug) (string, error) { return "", nil }

func (*apps) Rows(context.Context, sys.Slug, string) (gateway.TableRows, error) {
	return gateway.TableRows{}, nil
}

func (*apps) Restore(context.Context, sys.Slug, map[string][]app.Row) (sys.LandingInfo, error) {
	return sys.LandingInfo{}, nil
}

func (*apps) Search(context.Context, string, int) ([]app.FoundRow, error) { return nil, nil }

func (*apps) Enter(context.Context, sys.Slug, string, gateway.Entries) (gateway.Entered, error) {
	return gateway.Entered{}, nil
}

func (a *apps) Leave(capability string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.left = append(a.left, capability)
}

func (*apps) List() []sys.AppInfo {
	return []sys.AppInfo{{Slug: "notes", Name: "Notes", Folder: "apps/notes", OK: true}}
}

func (a *apps) Launch(slug sys.Slug, p *gateway.Preview) (gateway.Launch, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.preview = p
	return gateway.Launch{URL: "/app/t1/", Nonce: "n", Capability: "cap"}, nil
}

func (*apps) Call(_ context.Context, capability, method string, params json.RawMessage) (json.RawMessage, error) {
	if capability != "cap" {
		return nil, &sys.Error{Op: "call", Path: method, Kind: sys.Refused, Hint: "open the app's window again"}
	}
	if method == "data.write" {
		return nil, nil
	}
	return params, nil
}

func (*apps) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, "app file "+r.URL.Path)
}

type models struct {
	mu     sync.Mutex
	choice gateway.ModelChoice
}

func (m *models) Current() gateway.Model {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := m.choice.Model
	if id == "" {
		id = "offline"
	}
	return gateway.Model{ID: id, Label: "Built in", Attached: true}
}

func (m *models) Choices(context.Context) ([]gateway.Model, error) {
	return []gateway.Model{{ID: "offline"}, {ID: "anthropic:x", NeedsKey: true}}, nil
}

func (m *models) Choose(_ context.Context, c gateway.ModelChoice) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.Key == "wrong" {
		return &sys.Error{Op: "try key", Kind: sys.Unauthorized, Hint: "check the key"}
	}
	m.choice = c
	return nil
}
