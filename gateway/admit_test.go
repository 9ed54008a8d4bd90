package gateway_test

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"matrixos/gateway"
	"matrixos/sys"
)

// Who comes from elsewhere is refused before anything else looks at the
// request, whatever secrets it carries.
func TestElsewhere(t *testing.T) {
	w := newWorld(t)
	cookie, ask := w.signIn(), `{"text":"hi"}`
	evil := "Origin: https://evil.example"
	for _, c := range []struct {
		name    string
		method  string
		path    string
		body    string
		headers []string
		status  int
	}{
		{"rebinding", "GET", "/api/session", "", []string{cookie, "Host: evil.example"}, 421},
		{"rebinding with our port", "GET", "/", "", []string{"Host: evil.example:" + port(w)}, 421},
		{"rebinding the health check", "GET", "/healthz", "", []string{"Host: evil.example"}, 421},
		{"rebinding an app", "GET", "/app/t1/", "", []string{"Host: evil.example"}, 421},
		{"the right name on another port", "GET", "/", "", []string{"Host: 127.0.0.1:1"}, 421},
		{"the name without a port", "GET", "/", "", []string{"Host: 127.0.0.1"}, 421},
		{"a dot at the end", "GET", "/", "", []string{"Host: localhost.:" + port(w)}, 421},
		{"another origin", "POST", "/api/ask", ask, []string{cookie, evil}, 403},
		{"another origin with the token", "POST", "/api/ask", ask, []string{bearer, evil}, 403},
		{"another origin reads", "GET", "/api/session", "", []string{cookie, evil}, 403},
		{"another port is another origin", "POST", "/api/ask", ask, []string{cookie, "Origin: http://127.0.0.1:1"}, 403},
		{"another scheme is another origin", "POST", "/api/ask", ask, []string{cookie, "Origin: https://127.0.0.1:" + port(w)}, 403},
		{"another of our own names", "POST", "/api/ask", ask, []string{cookie, "Origin: http://localhost:" + port(w)}, 403},
		{"an app's frame", "POST", "/api/ask", ask, []string{cookie, "Origin: null"}, 403},
		{"an app's frame reads", "GET", "/api/session", "", []string{cookie, "Origin: null"}, 403},
		{"an app's frame takes the bridge", "POST", "/api/bridge", `{"method":"db.find"}`, []string{cookie, "Origin: null", "X-App-Capability: cap"}, 403},
		{"another site posts to a ticket", "POST", "/app/t1/", "x", []string{"Origin: https://evil.example"}, 403},
		{"an app's frame posts to the API", "POST", "/api/ask", "x", []string{"Origin: null"}, 403},
		{"an app's frame reads the desktop", "GET", "/", "", []string{"Origin: null"}, 403},
		{"an app's frame reads a library", "GET", "/runtime/manifest.json", "", []string{"Origin: null"}, 403},
		{"two origins", "POST", "/api/ask", ask, []string{cookie, w.origin(), evil}, 403},
		{"no origin", "POST", "/api/ask", ask, []string{cookie}, 403},
		{"no origin, as a form", "POST", "/api/ask", "text=hi", []string{cookie, "Content-Type: application/x-www-form-urlencoded"}, 403},
		{"a form to another port", "POST", "/api/stop", "", []string{cookie, w.origin(), "Sec-Fetch-Site: same-site"}, 403},
		{"a form of another site", "POST", "/api/stop", "", []string{cookie, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}, 403},
		{"a picture of another site", "GET", "/api/raw?path=docs/readme.md", "", []string{cookie, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"}, 403},
		{"a link of another site to the API", "GET", "/api/session", "", []string{cookie, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-User: ?1"}, 403},
		{"a frame of another site", "GET", "/", "", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"}, 403},
		{"a sign-in nobody clicked", "GET", "/signin?code=x", "", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}, 403},
		{"a preflight", "OPTIONS", "/api/ask", "", []string{evil, "Access-Control-Request-Method: POST"}, 403},
		{"dots in the path", "GET", "/app/../api/session", "", []string{cookie}, 400},
		{"two slashes", "GET", "//api/session", "", []string{cookie}, 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := w.do(c.method, c.path, c.body, c.headers...)
			if a.StatusCode != c.status {
				t.Fatalf("got %d, want %d: %s", a.StatusCode, c.status, a.body)
			}
			if p := a.problem(t); p.Hint == "" || p.Kind == "" || p.Status != c.status {
				t.Errorf("no way out: %+v", p)
			}
			if a.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Error("the answer may be read elsewhere")
			}
		})
	}
	if n := w.kernel.count(); n != 0 {
		t.Errorf("%d requests reached the kernel", n)
	}
}

// What the owner does passes.
func TestFromHere(t *testing.T) {
	w := newWorld(t)
	cookie := w.signIn()
	clicked := []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-User: ?1"}
	for _, c := range []struct {
		name    string
		method  string
		path    string
		body    string
		headers []string
		status  int
	}{
		{"the desktop asks", "POST", "/api/ask", `{"text":"hi"}`, []string{cookie, w.origin(), "Sec-Fetch-Site: same-origin"}, 200},
		{"the desktop reads", "GET", "/api/session", "", []string{cookie, "Sec-Fetch-Site: same-origin"}, 200},
		{"the command line asks", "POST", "/api/ask", `{"text":"hi"}`, []string{bearer}, 200},
		{"by the name localhost", "POST", "/api/ask", `{"text":"hi"}`, []string{cookie, "Host: localhost:" + port(w), "Origin: http://localhost:" + port(w)}, 200},
		{"in capitals", "GET", "/api/session", "", []string{cookie, "Host: LocalHost:" + port(w)}, 200},
		{"an app's frame posts to its server", "POST", "/app/t1/api", "x", []string{"Origin: null", "Sec-Fetch-Site: cross-site"}, 200},
		{"an app's frame reads its files", "GET", "/app/t1/app.js", "", []string{"Origin: null", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors"}, 200},
		{"the shell reads libraries", "GET", "/runtime/manifest.json", "", []string{"Sec-Fetch-Site: same-origin"}, 200},
		{"an address typed by hand", "GET", "/", "", []string{"Sec-Fetch-Site: none"}, 200},
		{"a link in a mail", "GET", "/", "", clicked, 200},
		{"health", "GET", "/healthz", "", nil, 200},
		{"the API's document", "GET", "/api/openapi.json", "", nil, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			if a := w.do(c.method, c.path, c.body, c.headers...); a.StatusCode != c.status {
				t.Fatalf("got %d, want %d: %s", a.StatusCode, c.status, a.body)
			}
		})
	}
}

// A proxy's origin is allowed by name, and cookies for it are for TLS only.
func TestBehindAProxy(t *testing.T) {
	w := newWorld(t, func(o *gateway.Options) { o.Origins = []string{"https://desk.example.org"} })
	link, _, err := w.g.SignInLink("/")
	if err != nil || !strings.HasPrefix(link, "https://desk.example.org/signin?") {
		t.Fatalf("link %q, %v", link, err)
	}
	a := w.do("GET", strings.TrimPrefix(link, "https://desk.example.org"), "", "Host: desk.example.org")
	if len(a.Cookies()) != 1 || !a.Cookies()[0].Secure {
		t.Fatalf("cookie %v", a.Cookies())
	}
	cookie := "Cookie: " + a.Cookies()[0].Name + "=" + a.Cookies()[0].Value
	if a := w.do("POST", "/api/ask", `{"text":"x"}`, cookie, "Host: desk.example.org", "Origin: https://desk.example.org"); a.StatusCode != http.StatusOK {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if a := w.do("POST", "/api/ask", `{"text":"x"}`, cookie, "Host: desk.example.org", "Origin: http://desk.example.org"); a.StatusCode != http.StatusForbidden {
		t.Errorf("without TLS: %d", a.StatusCode)
	}
	if _, err := gateway.New(t.Context(), gateway.Options{Origins: []string{"desk.example.org"}}); sys.KindOf(err) != sys.Invalid {
		t.Errorf("an origin without a scheme: %v", err)
	}
}

func TestOriginsOf(t *testing.T) {
	tcp := func(s string) net.Addr {
		a, err := net.ResolveTCPAddr("tcp", s)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for addr, want := range map[string][]string{
		"127.0.0.1:4000":   {"http://127.0.0.1:4000", "http://localhost:4000", "http://[::1]:4000"},
		"0.0.0.0:4000":     {"http://127.0.0.1:4000", "http://localhost:4000", "http://[::1]:4000"},
		"192.168.1.7:4000": {"http://192.168.1.7:4000"},
		"192.168.1.7:80":   {"http://192.168.1.7:80", "http://192.168.1.7"},
	} {
		if got := gateway.OriginsOf(tcp(addr)); !slices.Equal(got, want) {
			t.Errorf("%s: %v", addr, got)
		}
	}
}

func port(w *world) string {
	_, p, _ := strings.Cut(strings.TrimPrefix(w.server.URL, "http://"), ":")
	return p
}
