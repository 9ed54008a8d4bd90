package gateway_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/gateway"
	"matrixos/sys"
)

// Nothing of the owner's is reachable without a session or the token.
func TestNobody(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{
		"/api/session", "/api/apps", "/api/events", "/api/landings", "/api/files?path=", "/api/file?path=docs/readme.md",
		"/api/raw?path=docs/readme.md", "/api/processes", "/api/sessions", "/api/nothing", "/metrics", "/debug/", "/debug/pprof/heap", "/debug/pprof/cmdline",
	} {
		for name, h := range map[string][]string{
			"nothing":                 nil,
			"a wrong token":           {"Authorization: Bearer wrong"},
			"an empty token":          {"Authorization: Bearer "},
			"a wrong cookie":          {"Cookie: matrixos_session=AAAA"},
			"basic auth":              {"Authorization: Basic eDp5"},
			"the token as a cookie":   {"Cookie: matrixos_session=" + token},
			"a wrong token, a cookie": {"Authorization: Bearer wrong", w.signIn()},
		} {
			if a := w.do("GET", path, "", h...); a.StatusCode != http.StatusUnauthorized || a.problem(t).Kind != sys.Unauthorized {
				t.Errorf("%s with %s: %d", path, name, a.StatusCode)
			}
		}
	}
}

// A token in an address would end up in histories and logs: it is no token.
func TestTokenInAddressIsRefused(t *testing.T) {
	w := newWorld(t)
	for _, q := range []string{"token", "access_token", "authorization", "bearer", "matrixos_session"} {
		if a := w.do("GET", "/api/session?"+q+"="+url.QueryEscape(token), ""); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("?%s=: %d", q, a.StatusCode)
		}
	}
}

func TestWithoutTokenNoTokenIsGood(t *testing.T) {
	w := newWorld(t, func(o *gateway.Options) { o.Token = "" })
	if a := w.do("GET", "/api/session", "", "Authorization: Bearer "); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("%d", a.StatusCode)
	}
}

func TestSignInLink(t *testing.T) {
	w := newWorld(t)
	link, _, err := w.g.SignInLink("/?open=notes")
	if err != nil {
		t.Fatal(err)
	}
	path := strings.TrimPrefix(link, w.server.URL)

	if a := w.do("GET", path, "", "Sec-Purpose: prefetch"); a.StatusCode != http.StatusForbidden {
		t.Errorf("fetched ahead: %d", a.StatusCode)
	}
	a := w.do("GET", path, "")
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/?open=notes" {
		t.Fatalf("%d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	c := a.Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.MaxAge < 1000 || len(c.Value) < 43 {
		t.Errorf("cookie %+v", c)
	}
	if c.Secure {
		t.Error("a cookie for TLS only does not work on loopback everywhere")
	}
	again := w.do("GET", path, "")
	if again.StatusCode != http.StatusUnauthorized || len(again.Cookies()) != 0 || !strings.Contains(again.body, "matrixos signin") {
		t.Errorf("the link works twice: %d %s", again.StatusCode, again.body)
	}
	if a := w.do("GET", path, "", "Accept: text/html,*/*"); a.Header.Get("Location") != "/?error=code" || len(a.Cookies()) != 0 {
		t.Errorf("a browser is shown %d %q", a.StatusCode, a.Header.Get("Location"))
	}
	if a := w.do("GET", path, "", "Cookie: "+c.Name+"="+c.Value); a.StatusCode != http.StatusSeeOther || len(a.Cookies()) != 0 {
		t.Errorf("reloaded in the same browser: %d", a.StatusCode)
	}
}

func TestRedirectStaysHere(t *testing.T) {
	w := newWorld(t)
	for _, next := range []string{"//evil.example", "https://evil.example", `/\evil.example`, "evil", "/\tx", "javascript:alert(1)", "/\n//evil"} {
		link, _, err := w.g.SignInLink("/")
		if err != nil {
			t.Fatal(err)
		}
		a := w.do("GET", strings.TrimPrefix(link, w.server.URL)+"&next="+url.QueryEscape(next), "")
		if got := a.Header.Get("Location"); got != "/" {
			t.Errorf("%q leads to %q", next, got)
		}
	}
}

func TestSignInByCode(t *testing.T) {
	w := newWorld(t)
	link, _, err := w.g.SignInLink("/")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"code":%q}`, u.Query().Get("code"))
	if a := w.do("POST", "/api/signin", body); a.StatusCode != http.StatusForbidden {
		t.Fatalf("without an origin: %d", a.StatusCode)
	}
	a := w.do("POST", "/api/signin", body, w.origin())
	if a.StatusCode != http.StatusNoContent || len(a.Cookies()) != 1 || !a.Cookies()[0].HttpOnly {
		t.Fatalf("%d %v %s", a.StatusCode, a.Cookies(), a.body)
	}
	cookie := "Cookie: " + a.Cookies()[0].Name + "=" + a.Cookies()[0].Value
	if a := w.do("GET", "/api/session", "", cookie); a.StatusCode != http.StatusOK {
		t.Errorf("signed in, and yet %d", a.StatusCode)
	}
	if a := w.do("POST", "/api/signin", body, w.origin()); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("used twice: %d", a.StatusCode)
	}
}

// Guessing is stopped, and a good code is not used up by it.
func TestBruteForce(t *testing.T) {
	w := newWorld(t)
	limited := 0
	for i := range 40 {
		a := w.do("POST", "/api/signin", fmt.Sprintf(`{"code":"guess-%d"}`, i), w.origin())
		switch a.StatusCode {
		case http.StatusTooManyRequests:
			limited++
		case http.StatusUnauthorized:
		default:
			t.Fatalf("%d %s", a.StatusCode, a.body)
		}
	}
	if limited < 25 {
		t.Errorf("only %d of 40 guesses were stopped", limited)
	}
}

// Sessions are listed, end at once when they are ended, survive a restart, and
// are not in the home's files in a form that signs anybody in.
func TestSessions(t *testing.T) {
	w := newWorld(t)
	one, two := w.signIn(), w.signIn()
	a := w.do("GET", "/api/sessions", "", one)
	if n := strings.Count(a.body, `"id"`); n != 2 || strings.Count(a.body, `"current":true`) != 1 {
		t.Fatalf("%s", a.body)
	}
	if a := w.do("POST", "/api/signout", "", two, w.origin()); a.StatusCode != http.StatusNoContent || a.Cookies()[0].MaxAge >= 0 {
		t.Fatalf("sign out: %d %v", a.StatusCode, a.Cookies())
	}
	if a := w.do("GET", "/api/session", "", two); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("signed out, and yet %d", a.StatusCode)
	}

	g, err := gateway.New(t.Context(), gateway.Options{
		Disk: w.disk, Kernel: w.kernel, Apps: w.apps, Models: w.models, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Owner: func() gateway.Owner { return gateway.Owner{} },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.g = g
	w.serve(listen(t))
	if a := w.do("GET", "/api/session", "", one); a.StatusCode != http.StatusOK {
		t.Errorf("after a restart: %d", a.StatusCode)
	}
	if a := w.do("GET", "/api/session", "", two); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("ended, and back after a restart: %d", a.StatusCode)
	}
	_, value, _ := strings.Cut(one, "=")
	err = filepath.WalkDir(w.home, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		if strings.Contains(string(b), value) {
			t.Errorf("%s holds the cookie", p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
