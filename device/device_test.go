package device

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"matrixos/journal"
	"matrixos/keyring"
	"matrixos/sys"
)

// memory is a keyring of a test.
type memory struct {
	mu   sync.Mutex
	keys map[string]keyring.Secret
}

func (m *memory) Get(name string) (keyring.Secret, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.keys[name]
	if !ok {
		return s, &sys.Error{Op: "get", Path: name, Kind: sys.NotFound}
	}
	return s, nil
}

func (m *memory) Set(name string, s keyring.Secret) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.keys == nil {
		m.keys = map[string]keyring.Secret{}
	}
	m.keys[name] = s
	return nil
}

func someone(t *testing.T) Identity {
	t.Helper()
	i, err := Open(&memory{})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// home is a first device with parts that answer simply.
type home struct {
	roll    *Roll
	j       *journal.Journal
	server  *Server
	own     Identity
	addr    string
	at      time.Time
	meets   int
	entered chan struct{}
}

func (h *home) SignIn(_ context.Context, _ Device, device string) (string, error) {
	return "token of " + device, nil
}
func (h *home) Vouch(_ context.Context, device, key string) (string, error) {
	return "backup for " + device + " " + key, nil
}
func (h *home) Heads(context.Context) (json.RawMessage, error) { return []byte(`[]`), nil }
func (h *home) Talk(context.Context, sys.Conversation) (json.RawMessage, error) {
	return nil, &sys.Error{Op: "open conversation", Kind: sys.NotFound}
}
func (h *home) Take(context.Context, Device, json.RawMessage) error { return nil }
func (h *home) Labels(context.Context) (json.RawMessage, error)     { return []byte(`{}`), nil }
func (h *home) Mark(context.Context, json.RawMessage) error         { return nil }

func newHome(t *testing.T) *home {
	t.Helper()
	ctx := t.Context()
	j, err := journal.Open(ctx, filepath.Join(t.TempDir(), "kernel.db"))
	if err != nil {
		t.Fatal(err)
	}
	h := &home{j: j, at: time.Now(), own: someone(t), entered: make(chan struct{}, 8)}
	if h.roll, err = OpenRoll(ctx, j, func() time.Time { return h.at }); err != nil {
		t.Fatal(err)
	}
	repo := filepath.Join(t.TempDir(), "meet.git")
	if out, err := exec.Command("git", "init", "-q", "--bare", "--initial-branch=main", repo).CombinedOutput(); err != nil {
		t.Fatalf("git: %v %s", err, out)
	}
	h.server = NewServer(ServerOptions{
		Identity: h.own, Roll: h.roll, Journal: j, Messages: h, Talks: h, Repo: repo,
		Meet: func(context.Context) error { h.meets++; return nil }, Joined: func(Device) {}, Log: slog.New(slog.DiscardHandler),
		Signs:   func() (string, error) { return "seed", nil },
		Welcome: func() Welcome { return Welcome{Of: "desk", Handle: "@you:local", Version: "7"} },
		Matrix: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/_matrix/wait" {
				h.entered <- struct{}{}
				<-r.Context().Done()
				return
			}
			_, _ = w.Write([]byte(r.Header.Get("Authorization")))
		}),
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.addr = ln.Addr().String()
	serving, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.server.Serve(serving, ln) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func (h *home) reach(own Identity) *First {
	return Reach(own, h.own.ID, []string{"127.0.0.1:1", h.addr})
}

func (h *home) invite(t *testing.T, name string) string {
	t.Helper()
	code, _, err := h.roll.Invite(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func wants(t *testing.T, what string, err error, kind sys.Kind) {
	t.Helper()
	if sys.KindOf(err) != kind || err == nil {
		t.Errorf("%s: %v, want %s", what, err, kind)
	}
}

// A code lets one device in, once and in time; a device without one gets nothing.
func TestPairing(t *testing.T) {
	h, ctx := newHome(t), t.Context()
	laptop, thief := someone(t), someone(t)
	_, err := h.reach(laptop).Hello(ctx, "7")
	wants(t, "hello before pairing", err, sys.Unauthorized)
	code := h.invite(t, "laptop")
	_, err = h.reach(laptop).Pair(ctx, strings.Repeat("A", 26), "7")
	wants(t, "a wrong code", err, sys.Unauthorized)
	w, err := h.reach(laptop).Pair(ctx, code, "7")
	if err != nil || w.Name != "laptop" || w.Of != "desk" || w.Handle != "@you:local" || w.Signs != "seed" || w.Number != 1 {
		t.Fatalf("pair: %+v, %v", w, err)
	}
	_, err = h.reach(thief).Pair(ctx, code, "7")
	wants(t, "a code used twice", err, sys.Unauthorized)
	_, err = h.reach(thief).SignIn(ctx, "X")
	wants(t, "signing in by somebody else", err, sys.Unauthorized)
	_, _, err = h.roll.Invite(ctx, "Laptop")
	wants(t, "a name that is taken", err, sys.Exists)
	old := h.invite(t, "phone")
	h.at = h.at.Add(codeLife)
	_, err = h.reach(thief).Pair(ctx, old, "7")
	wants(t, "a code that is too old", err, sys.Unauthorized)
	if w, err := h.reach(laptop).Hello(ctx, "8"); err != nil || w.Signs != "" || w.Number != 1 {
		t.Fatalf("hello: %+v, %v", w, err)
	}
	second := someone(t)
	if w, err := h.reach(second).Pair(ctx, h.invite(t, "phone"), "7"); err != nil || w.Number != 2 {
		t.Errorf("a second one: %+v, %v", w, err)
	}
	if list, err := h.roll.List(ctx); err != nil || len(list) != 2 || list[0].Version != "8" || !list[0].Seen.Equal(h.at.UTC().Truncate(time.Millisecond)) {
		t.Errorf("the roll is %+v, %v", list, err)
	}
}

// Who answers with another key than the link names hears nothing, not even the code.
func TestSomebodyElseAnswers(t *testing.T) {
	h := newHome(t)
	code := h.invite(t, "laptop")
	wrong := Reach(someone(t), someone(t).ID, []string{h.addr})
	_, err := wrong.Pair(t.Context(), code, "7")
	wants(t, "another key", err, sys.Refused)
	if !h.roll.Waiting() {
		t.Error("the code was used up")
	}
}

// Removal ends what is under way, and everything after it; the device is told why. A
// new code lets it in again.
func TestRemoval(t *testing.T) {
	h, ctx := newHome(t), t.Context()
	own := someone(t)
	first := h.reach(own)
	if _, err := first.Pair(ctx, h.invite(t, "laptop"), "7"); err != nil {
		t.Fatal(err)
	}
	signed, err := first.SignIn(ctx, "DEV")
	if err != nil || signed != "token of DEV" {
		t.Fatalf("sign in: %q, %v", signed, err)
	}
	if key, err := first.Vouch(ctx, "DEV", "f"); err != nil || key != "backup for DEV f" {
		t.Fatalf("vouch: %q, %v", key, err)
	}
	_, err = first.Vouch(ctx, "OTHER", "f")
	wants(t, "vouching for another device", err, sys.Refused)
	waiting := make(chan error, 1)
	go func() {
		_, err := first.Changes(ctx, h.j.Last())
		waiting <- err
	}()
	streaming := make(chan error, 1)
	go func() {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, Base+"/_matrix/wait", http.NoBody)
		if err == nil {
			var res *http.Response
			if res, err = first.RoundTrip(r); err == nil {
				err = res.Body.Close()
			}
		}
		streaming <- err
	}()
	<-h.entered
	d, err := h.roll.Named(ctx, "LAPTOP")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.roll.Remove(ctx, d.ID); err != nil {
		t.Fatal(err)
	}
	h.server.Drop(d.ID)
	if err := <-waiting; !errors.Is(err, ErrRemoved) {
		t.Errorf("waiting for changes: %v", err)
	}
	<-streaming // it ended
	if _, err := first.Hello(ctx, "7"); !errors.Is(err, ErrRemoved) {
		t.Errorf("hello after removal: %v", err)
	}
	if _, err := first.SignIn(ctx, "DEV"); !errors.Is(err, ErrRemoved) {
		t.Errorf("signing in after removal: %v", err)
	}
	if _, err := first.Pair(ctx, h.invite(t, "laptop"), "7"); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Hello(ctx, "7"); err != nil {
		t.Errorf("hello after coming back: %v", err)
	}
}

// A device that waits hears of a landing, and not of what concerns nobody else.
func TestChanges(t *testing.T) {
	h, ctx := newHome(t), t.Context()
	first := h.reach(someone(t))
	if _, err := first.Pair(ctx, h.invite(t, "laptop"), "7"); err != nil {
		t.Fatal(err)
	}
	heard := make(chan sys.Seq, 1)
	go func() {
		seq, err := first.Changes(ctx, h.j.Last())
		if err != nil {
			t.Error(err)
		}
		heard <- seq
	}()
	if _, err := h.j.Append(ctx, sys.NewEvent(sys.EventNotice, sys.NoticeData{Title: "nothing"})); err != nil {
		t.Fatal(err)
	}
	seq, err := h.j.Append(ctx, sys.NewEvent(sys.EventLanding, sys.LandingInfo{ID: 2}))
	if err != nil {
		t.Fatal(err)
	}
	if got := <-heard; got != seq {
		t.Errorf("heard of %d, want %d", got, seq)
	}
}

// Two versions that speak otherwise do nothing with each other, and say so.
func TestAnotherProtocol(t *testing.T) {
	h := newHome(t)
	own := someone(t)
	first := h.reach(own)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, Base+"/device/pair", strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(protocolHeader, "2")
	res, err := first.via.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := heard(res); sys.KindOf(err) != sys.TooNew || sys.HintOf(err) == "" {
		t.Errorf("another protocol: %v", err)
	}
}

// Git goes through the tunnel, with its password only; one branch is seen, and it is not
// set back.
func TestGitThroughTheTunnel(t *testing.T) {
	h, ctx := newHome(t), t.Context()
	first := h.reach(someone(t))
	if _, err := first.Pair(ctx, h.invite(t, "laptop"), "7"); err != nil {
		t.Fatal(err)
	}
	tunnel, err := OpenTunnel(ctx, first, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := tunnel.Close(); err != nil {
			t.Error(err)
		}
	}()
	res, err := http.Get(tunnel.URL + "/info/refs?service=git-upload-pack")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized {
		t.Errorf("without the password: %s", res.Status)
	}
	work := t.TempDir()
	with := strings.Replace(tunnel.URL, "http://", "http://"+tunnel.Secret+"@", 1)
	git := func(args ...string) (string, error) {
		cmd := exec.Command("git", append([]string{"-C", work, "-c", "user.name=x", "-c", "user.email=x@x", "-c", "http.proxy="}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if err := os.WriteFile(filepath.Join(work, "large"), []byte(strings.Repeat("0123456789abcdef", 3<<16)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"init", "-q", "-b", "main"}, {"add", "."}, {"commit", "-qm", "one"}, {"push", "-q", with, "main"}, {"commit", "-q", "--allow-empty", "-m", "two"}, {"push", "-q", with, "main"},
	} {
		if out, err := git(args...); err != nil {
			t.Fatalf("git %v: %v\n%s", args[0], err, out)
		}
	}
	if h.meets != 4 { // each push asks what is there, and then sends
		t.Logf("the home met %d times", h.meets)
	}
	if out, err := git("push", "-q", "--force", with, "HEAD~1:main"); err == nil {
		t.Errorf("the branch was set back:\n%s", out)
	}
	if out, err := git("push", "-q", with, "HEAD:refs/heads/other"); err == nil {
		t.Errorf("another branch was made:\n%s", out)
	}
	if out, err := git("ls-remote", with); err != nil || strings.Count(out, "refs/heads/main") != 1 {
		t.Errorf("what is there: %v\n%s", err, out)
	}
}

func TestLinks(t *testing.T) {
	l := Link{Addrs: []string{"192.168.1.2:4010", "[fd00::1]:4010"}, ID: someone(t).ID, Code: strings.Repeat("B", 26)}
	got, err := ParseLink(" " + l.String() + "\n")
	if err != nil || got.String() != l.String() {
		t.Fatalf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "x", l.String()[:len(l.String())-10], scheme + "a/b/c", strings.Replace(l.String(), "4010", "99999", 1), "matrixos up --join " + l.String()} {
		if _, err := ParseLink(bad); sys.KindOf(err) != sys.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParseLink(f *testing.F) {
	f.Add("matrixos-device:127.0.0.1:4010/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	f.Add("matrixos-device:a:1,b:2//")
	f.Fuzz(func(t *testing.T, s string) {
		l, err := ParseLink(s)
		if err != nil {
			return
		}
		again, err := ParseLink(l.String())
		if err != nil || again.String() != l.String() {
			t.Errorf("%q is read as %v, and that as %v, %v", s, l, again, err)
		}
	})
}
