package egress

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"matrixos/keyring"
	"matrixos/sys"
)

type ring map[string]string

func (r ring) Get(name string) (keyring.Secret, error) {
	v, ok := r[name]
	if !ok {
		return keyring.Secret{}, &sys.Error{Op: "find key", Path: name, Kind: sys.NotFound}
	}
	return keyring.NewSecret(v), nil
}

const canary = "k-canary-4711"

// shop is a service on the wire: it notes what it is sent, and echoes the key back
// as a service should not.
type shop struct {
	*httptest.Server
	got []string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		user, password, _ := r.BasicAuth()
		s.got = append(s.got, strings.Join([]string{r.Method, r.URL.String(), string(body), r.Header.Get("Authorization"), r.Header.Get("X-Key"), user, password, r.Header.Get("Idempotency-Key")}, "|"))
		switch r.URL.Path {
		case "/v1/away":
			http.Redirect(w, r, "http://evil.example/", http.StatusFound)
		case "/v1/denied":
			http.Error(w, "bad key "+canary, http.StatusForbidden)
		default:
			_, _ = io.WriteString(w, `{"made":true,"echo":"`+canary+`"}`)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *shop) service(t *testing.T, style, name string) Service {
	t.Helper()
	d, err := ParseService([]byte(`{"base_url":"` + s.URL + `/v1","auth":{"style":"` + style + `","name":"` + name + `"},"actions":{
		"show":{"method":"GET","path":"/items/{id}","params":{"type":"object","properties":{"id":{"type":"integer"},"q":{"type":"string"}},"required":["id"],"additionalProperties":false}},
		"add":{"method":"POST","path":"/items"},"away":{"method":"GET","path":"/away"},"denied":{"method":"GET","path":"/denied"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func caller(keys ring) *Caller {
	return NewCaller(New(Options{Allow: func(a netip.AddrPort) bool { return a.Addr().IsLoopback() }}), keys)
}

func call(t *testing.T, c *Caller, s Service, action, params string) (string, error) {
	t.Helper()
	method, address, body, err := s.Prepare(action, []byte(params))
	if err != nil {
		return "", err
	}
	if strings.Contains(address+string(body), canary) {
		t.Error("the key is in what the owner is asked about")
	}
	return c.Call(t.Context(), "shop", s, method, address, body, "once-1")
}

func TestServiceCarriesItsKey(t *testing.T) {
	for style, want := range map[string]string{
		"none": "GET|/v1/items/7?q=a+b|||||", "bearer": "|Bearer " + canary + "|", "basic": "|k-canary-4711||", "header": "||" + canary + "|", "query": "X-Key=" + canary,
	} {
		s := newShop(t)
		text, err := call(t, caller(ring{"service/shop": canary}), s.service(t, style, "X-Key"), "show", `{"id":7,"q":"a b"}`)
		if err != nil || !strings.Contains(text, `"made":true`) || !strings.Contains(strings.Join(s.got, "\n"), want) {
			t.Errorf("%s: %q %v; it was sent %q, want %q", style, text, err, s.got, want)
		}
		if style != "none" && strings.Contains(text, canary) {
			t.Errorf("%s: the key comes back: %q", style, text)
		}
	}
}

func TestServiceWrites(t *testing.T) {
	s := newShop(t)
	if _, err := call(t, caller(ring{"service/shop": canary}), s.service(t, "header", "X-Key"), "add", `{"name":"rye"}`); err != nil {
		t.Fatal(err)
	}
	if len(s.got) != 1 || !strings.HasPrefix(s.got[0], `POST|/v1/items|{"name":"rye"}|`) || !strings.HasSuffix(s.got[0], "|once-1") {
		t.Errorf("it was sent %q", s.got)
	}
}

func TestServiceSaysWhatIsWrong(t *testing.T) {
	s := newShop(t)
	d := s.service(t, "bearer", "")
	full, empty := caller(ring{"service/shop": canary}), caller(ring{})
	for name, c := range map[string]struct {
		c              *Caller
		action, params string
		kind           sys.Kind
		says           string
	}{
		"no key":           {empty, "show", `{"id":1}`, sys.NotFound, "matrixos keys set service/shop"},
		"no action":        {full, "fly", `{}`, sys.Invalid, "no such action"},
		"wrong params":     {full, "show", `{"id":"x"}`, sys.Invalid, "params of this action"},
		"a way up":         {full, "show", `{}`, sys.Invalid, "id"},
		"a redirect":       {full, "away", `{}`, sys.Unavailable, "302"},
		"a key refused":    {full, "denied", `{}`, sys.Unauthorized, "may be wrong"},
		"params of a list": {full, "add", `[1]`, sys.Invalid, "params"},
	} {
		text, err := call(t, c.c, d, c.action, c.params)
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error()+sys.HintOf(err), c.says) {
			t.Errorf("%s: %v, want %s with %q", name, err, c.kind, c.says)
		}
		if strings.Contains(text+err.Error(), canary) {
			t.Errorf("%s: the key is in %q %v", name, text, err)
		}
	}
	closed := NewCaller(New(Options{}), ring{"service/shop": canary})
	if _, err := call(t, closed, d, "show", `{"id":1}`); !errors.Is(err, sys.Refused) {
		t.Errorf("the gate lets it through: %v", err)
	}
}

func TestParseServiceRefuses(t *testing.T) {
	for text, says := range map[string]string{
		`{}`: "base_url",
		`{"base_url":"ftp://x.example","auth":{"style":"none"},"actions":{"a":{"method":"GET","path":"/"}}}`:                                         "base_url",
		`{"base_url":"https://u:p@x.example","auth":{"style":"none"},"actions":{"a":{"method":"GET","path":"/"}}}`:                                   "base_url",
		`{"base_url":"http://x.example","auth":{"style":"bearer"},"actions":{"a":{"method":"GET","path":"/"}}}`:                                      "http",
		`{"base_url":"https://x.example","auth":{"style":"cookie"},"actions":{"a":{"method":"GET","path":"/"}}}`:                                     "auth.style",
		`{"base_url":"https://x.example","auth":{"style":"header","name":"A\nB"},"actions":{"a":{"method":"GET","path":"/"}}}`:                       "auth.name",
		`{"base_url":"https://x.example","auth":{"style":"none"},"actions":{}}`:                                                                      "0 actions",
		`{"base_url":"https://x.example","auth":{"style":"none"},"actions":{"a":{"method":"TRACE","path":"/"}}}`:                                     "method",
		`{"base_url":"https://x.example","auth":{"style":"none"},"actions":{"a":{"method":"GET","path":"/../b"}}}`:                                   "path",
		`{"base_url":"https://x.example","auth":{"style":"none"},"actions":{"a":{"method":"GET","path":"/","params":{"$ref":"file:///etc/hosts"}}}}`: "params",
		`{"base_url":"https://x.example","auth":{"style":"none"},"secret":"x","actions":{"a":{"method":"GET","path":"/"}}}`:                          "secret",
	} {
		if _, err := ParseService([]byte(text)); !errors.Is(err, sys.Invalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want it to name %s", text, err, says)
		}
	}
}

func FuzzParseService(f *testing.F) {
	f.Add([]byte(`{"base_url":"https://x.example","auth":{"style":"query","name":"k"},"actions":{"a":{"method":"GET","path":"/{id}","params":{"type":"object"}}}}`), []byte(`{"id":"../x"}`))
	f.Add([]byte(`{}`), []byte(`[]`))
	f.Fuzz(func(t *testing.T, text, params []byte) {
		s, err := ParseService(text)
		if err != nil {
			return
		}
		for name := range s.Actions {
			_, address, _, err := s.Prepare(name, params)
			if err == nil && !strings.HasPrefix(address, strings.TrimRight(s.Base, "/")+"/") {
				t.Errorf("%q leads to %q", s.Base, address)
			}
		}
	})
}
