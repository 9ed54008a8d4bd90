package egress

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"matrixos/keyring"
	"matrixos/sys"
)

// Service describes a web API that may be called by the names of its actions, in a
// file that an owner can read. Its key is in the keyring, under the name that
// KeyName returns, and nowhere else.
type Service struct {
	Title   string            `json:"title,omitempty"`
	Base    string            `json:"base_url"`
	Auth    Auth              `json:"auth"`
	Actions map[string]Action `json:"actions"`
}

// Auth says how a request carries the key.
type Auth struct {
	Style string `json:"style"`          // none, bearer, basic, header or query
	Name  string `json:"name,omitempty"` // of the header, or of the parameter
}

// Action is one thing that a service does.
type Action struct {
	Description string          `json:"description,omitempty"`
	Method      string          `json:"method"`
	Path        string          `json:"path"` // "/items/{id}"; the parameter goes in there
	Params      json.RawMessage `json:"params,omitempty"`
}

// Writes reports whether the action changes something out there.
func (a Action) Writes() bool { return a.Method != http.MethodGet }

// KeyName is the name of a service's key in the keyring.
func KeyName(service string) string { return "service/" + service }

// mostAnswer is how much of an answer is read.
const mostAnswer = 1 << 20

var (
	headerName = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)
	actionName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	holeForm   = regexp.MustCompile(`\{([a-zA-Z_][a-zA-Z0-9_]*)\}`)
	methods    = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
)

// ParseService reads a description. Errors are of kind Invalid and name the field.
func ParseService(text []byte) (Service, error) {
	var s Service
	bad := func(format string, args ...any) (Service, error) {
		return Service{}, &sys.Error{Op: "read service", Kind: sys.Invalid, Err: fmt.Errorf(format, args...), Hint: `write {"base_url": "https://api.example.org", "auth": {"style": "bearer"}, "actions": {"list": {"method": "GET", "path": "/items"}}}`}
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return bad("%w", err)
	}
	u, err := ParseURL(s.Base)
	switch {
	case err != nil:
		return bad("base_url: %w", err)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return bad("base_url has more than a host and a path")
	case u.Scheme == "http" && s.Auth.Style != "none" && !near(u.Hostname()):
		return bad("base_url is http, which would show the key to everybody on the way")
	case !slices.Contains([]string{"none", "bearer", "basic", "header", "query"}, s.Auth.Style):
		return bad("auth.style is %q; it is none, bearer, basic, header or query", s.Auth.Style)
	case (s.Auth.Style == "header" || s.Auth.Style == "query") && !headerName.MatchString(s.Auth.Name):
		return bad("auth.name is %q, and has to name the header or parameter", s.Auth.Name)
	case len(s.Actions) == 0 || len(s.Actions) > 100:
		return bad("it has %d actions, and may have 1 to 100", len(s.Actions))
	}
	for name, a := range s.Actions {
		switch {
		case !actionName.MatchString(name):
			return bad("action %q: a name has a-z, 0-9 and _", name)
		case !slices.Contains(methods, a.Method):
			return bad("action %s: method is %q; it is one of %v", name, a.Method, methods)
		case !strings.HasPrefix(a.Path, "/") || strings.Contains(a.Path, "..") || strings.ContainsAny(a.Path, "?#\\ \n"):
			return bad("action %s: path is %q, and has to begin with / and have no parameters", name, a.Path)
		}
		if _, err := a.schema(name); err != nil {
			return bad("action %s: params: %w", name, err)
		}
	}
	return s, nil
}

// near reports whether a host is of this machine or its network, where http does.
func near(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && !Public(a)
}

func (a Action) schema(name string) (*jsonschema.Schema, error) {
	raw := a.Params
	if len(raw) == 0 {
		raw = json.RawMessage(`{"type":"object"}`)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(nowhere{})
	if err := c.AddResource("params.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("params.json")
}

// nowhere loads no schema: a description refers to nothing outside itself.
type nowhere struct{}

// Load implements jsonschema.URLLoader.
func (nowhere) Load(address string) (any, error) {
	return nil, fmt.Errorf("it refers to %s, which is not in it", address)
}

// SecretStore lends secrets by name; a keyring is one. It fails with NotFound.
type SecretStore interface {
	Get(name string) (keyring.Secret, error)
}

// Caller calls services through a Gate, and puts their keys in on the way.
type Caller struct {
	gate *Gate
	keys SecretStore
}

// NewCaller makes a Caller.
func NewCaller(g *Gate, keys SecretStore) *Caller { return &Caller{g, keys} }

// Ready reports whether the service has the key that it needs.
func (c *Caller) Ready(name string, s Service) bool {
	_, err := c.key(name, s)
	return err == nil
}

func (c *Caller) key(name string, s Service) (keyring.Secret, error) {
	if s.Auth.Style == "none" {
		return keyring.Secret{}, nil
	}
	k, err := c.keys.Get(KeyName(name))
	if errors.Is(err, sys.NotFound) || err == nil && k.Empty() {
		return k, &sys.Error{Op: "call service", Path: name, Kind: sys.NotFound, Err: errors.New("its key is not there"), Hint: "the owner enters it: matrixos keys set " + KeyName(name)}
	}
	return k, err
}

// Prepare checks parameters and makes the request of an action, without the key:
// what is asked of the owner is what is done.
func (s Service) Prepare(action string, params json.RawMessage) (method, address string, body []byte, err error) {
	bad := func(err error, hint string) (string, string, []byte, error) {
		return "", "", nil, &sys.Error{Op: "call service", Path: action, Kind: sys.Invalid, Err: err, Hint: hint}
	}
	a, ok := s.Actions[action]
	if !ok {
		var have []string
		for name := range s.Actions {
			have = append(have, name)
		}
		slices.Sort(have)
		return bad(errors.New("the service has no such action"), "it has "+strings.Join(have, ", "))
	}
	fields, err := a.fields(action, params)
	if err != nil {
		return bad(err, "the params of this action are "+string(a.Params))
	}
	path := holeForm.ReplaceAllStringFunc(a.Path, func(hole string) string {
		name := hole[1 : len(hole)-1]
		v, ok := fields[name]
		text := fmt.Sprint(v)
		if !ok || text == "" || text == "." || text == ".." {
			err = errors.Join(err, fmt.Errorf("params.%s is missing, or cannot be in a path", name))
		}
		delete(fields, name)
		return url.PathEscape(text)
	})
	if err != nil {
		return bad(err, "give every parameter that is in "+a.Path)
	}
	address = strings.TrimRight(s.Base, "/") + path
	if !a.Writes() {
		q := url.Values{}
		for k, v := range fields {
			if text, ok := v.(string); ok {
				q.Set(k, text)
			} else if raw, err := json.Marshal(v); err == nil {
				q.Set(k, string(raw))
			}
		}
		if len(q) > 0 {
			address += "?" + q.Encode()
		}
		return a.Method, address, nil, nil
	}
	if len(fields) > 0 {
		body, err = json.Marshal(fields)
	}
	return a.Method, address, body, err
}

// fields are the parameters of a call, as the action wants them.
func (a Action) fields(name string, params json.RawMessage) (map[string]any, error) {
	if len(params) == 0 {
		params = json.RawMessage(`{}`)
	}
	values, err := jsonschema.UnmarshalJSON(bytes.NewReader(params))
	if err != nil {
		return nil, err
	}
	schema, err := a.schema(name)
	if err != nil {
		return nil, err
	}
	fields, ok := values.(map[string]any)
	if !ok {
		return nil, errors.New("they are not a JSON object")
	}
	return fields, schema.Validate(values)
}

// Call makes a prepared request, once; redirects are not followed, so that the key
// goes to its service only. once names the act, for services that know idempotency
// keys. What comes back is untrusted text.
func (c *Caller) Call(ctx context.Context, name string, s Service, method, address string, body []byte, once string) (text string, err error) {
	key, err := c.key(name, s)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return "", &sys.Error{Op: "call service", Path: name, Kind: sys.Invalid, Err: errors.New("the address does not parse")}
	}
	r.Header.Set("Accept", "application/json, text/plain;q=0.5")
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	if method != http.MethodGet {
		r.Header.Set("Idempotency-Key", once)
	}
	s.Auth.put(r, key)
	client := c.gate.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(r)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) { // it quotes the address, which may have the key in it
			err = wrapped.Err
		}
		return "", &sys.Error{Op: "call service", Path: name, Kind: sys.KindOf(err), Err: err, Hint: sys.HintOf(err)}
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if err != nil {
		return "", &sys.Error{Op: "call service", Path: name, Kind: sys.Unavailable, Err: err}
	}
	text = strings.ToValidUTF8(string(raw), "�")
	if !key.Empty() {
		text = strings.ReplaceAll(text, key.Reveal(), "[secret]")
	}
	if resp.StatusCode < 300 {
		return text, nil
	}
	e := &sys.Error{Op: "call service", Path: name, Kind: sys.Unavailable, Err: fmt.Errorf("it answers %s", resp.Status)}
	if resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden {
		e.Kind, e.Hint = sys.Unauthorized, "the key may be wrong: matrixos keys set "+KeyName(name)
	}
	return text[:min(len(text), 2000)], e
}

func (a Auth) put(r *http.Request, key keyring.Secret) {
	switch a.Style {
	case "bearer":
		r.Header.Set("Authorization", "Bearer "+key.Reveal())
	case "basic":
		user, password, _ := strings.Cut(key.Reveal(), ":")
		r.SetBasicAuth(user, password)
	case "header":
		r.Header.Set(a.Name, key.Reveal())
	case "query":
		q := r.URL.Query()
		q.Set(a.Name, key.Reveal())
		r.URL.RawQuery = q.Encode()
	}
}
