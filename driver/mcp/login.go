package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
	"golang.org/x/oauth2"

	"matrixos/keyring"
	"matrixos/sys"
)

// signInWithin is how long the owner has to sign in at a service.
const signInWithin = 10 * time.Minute

// Keys keeps what a sign-in came to; *keyring.Keyring is one.
type Keys interface {
	Get(name string) (keyring.Secret, error)
	Set(name string, s keyring.Secret) error
}

// Logins signs in at services by OAuth 2.1, as the protocol has it: it finds the
// authorization server by the service's metadata, registers there, sends the owner's
// browser there with a proof key, and takes the code that comes back to Redirect. A
// token is asked for one service and is sent to no other; it lies in the keyring, and
// is renewed when it has run out. Fields are required; methods may be called from any
// goroutine.
type Logins struct {
	Keys     Keys
	Client   func() *http.Client // the gate's
	Redirect string              // where the browser comes back to; "" means that no browser can
	Version  string

	mu      sync.Mutex
	waiting map[string]waiting // by the state that the browser brings back
}

// waiting is a sign-in at whose end the browser has not come back yet.
type waiting struct {
	server string
	back   chan auth.AuthorizationResult
	done   chan error // how it ended
}

// kept is a sign-in, as the keyring has it.
type kept struct {
	URL    string        `json:"url"` // of the service: the token is for it alone
	Client oauth2.Config `json:"client"`
	Token  *oauth2.Token `json:"token"`
}

// KeyOf is the name under which the keyring has a server's sign-in.
func KeyOf(server string) string { return "mcp/" + server }

// Login implements Login for an Opener: it brings the token that is there, and
// refuses where one is needed and missing.
func (l *Logins) Login(c Config, client *http.Client) (auth.OAuthHandler, error) {
	h := &signedIn{l: l, c: c}
	k, err := l.kept(c)
	if err != nil || k == nil {
		return h, err
	}
	h.source = l.source(context.Background(), c, k.Client, k.Token, client)
	return h, nil
}

// kept is the sign-in at exactly this service; nil if there is none.
func (l *Logins) kept(c Config) (*kept, error) {
	s, err := l.Keys.Get(KeyOf(c.Name))
	if errors.Is(err, sys.NotFound) {
		return nil, nil //nolint:nilnil // there is none
	}
	if err != nil {
		return nil, err
	}
	var k kept
	if err := json.Unmarshal([]byte(s.Reveal()), &k); err != nil || k.URL != c.URL || k.Token == nil {
		return nil, nil //nolint:nilerr,nilnil // it is of another service, or none of ours: sign in anew
	}
	return &k, nil
}

func (l *Logins) keep(c Config, o oauth2.Config, t *oauth2.Token) error {
	text, err := json.Marshal(kept{c.URL, o, t})
	if err != nil {
		return err
	}
	return l.Keys.Set(KeyOf(c.Name), keyring.NewSecret(string(text)))
}

// source renews a token when it has run out, for the same service, and keeps it.
func (l *Logins) source(ctx context.Context, c Config, o oauth2.Config, t *oauth2.Token, client *http.Client) oauth2.TokenSource {
	bound := *client
	bound.Transport = renewing{client.Transport, c.URL}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &bound)
	return &keeping{l: l, c: c, o: o, from: o.TokenSource(ctx, t), last: t.AccessToken}
}

// keeping is a source of tokens that keeps each new one.
type keeping struct {
	l    *Logins
	c    Config
	o    oauth2.Config
	from oauth2.TokenSource

	mu   sync.Mutex
	last string
}

// Token implements oauth2.TokenSource.
func (k *keeping) Token() (*oauth2.Token, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	t, err := k.from.Token()
	if err != nil {
		return nil, unsigned(k.c.Name, err)
	}
	if t.AccessToken == k.last {
		return t, nil
	}
	k.last = t.AccessToken
	return t, k.l.keep(k.c, k.o, t)
}

// renewing names, in requests for a new token, the service that it is for: see RFC
// 8707.
type renewing struct {
	http.RoundTripper
	resource string
}

// RoundTrip implements http.RoundTripper.
func (r renewing) RoundTrip(q *http.Request) (*http.Response, error) {
	if q.Method != http.MethodPost || q.Body == nil || !strings.HasPrefix(q.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return r.RoundTripper.RoundTrip(q)
	}
	text, err := io.ReadAll(io.LimitReader(q.Body, 1<<16))
	if err = errors.Join(err, q.Body.Close()); err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(text))
	if err != nil {
		return nil, err
	}
	if form.Get("grant_type") == "refresh_token" {
		form.Set("resource", r.resource)
	}
	q = q.Clone(q.Context())
	body := form.Encode()
	q.Body, q.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	q.GetBody = nil
	return r.RoundTripper.RoundTrip(q)
}

// signedIn brings a token along, if there is one.
type signedIn struct {
	l      *Logins
	c      Config
	source oauth2.TokenSource
}

// TokenSource implements auth.OAuthHandler.
func (s *signedIn) TokenSource(context.Context) (oauth2.TokenSource, error) { return s.source, nil }

// Authorize implements auth.OAuthHandler: only the owner signs in.
func (s *signedIn) Authorize(_ context.Context, _ *http.Request, r *http.Response) error {
	return errors.Join(unsigned(s.c.Name, errors.New("it asks for a sign-in: "+r.Status)), r.Body.Close())
}

func unsigned(server string, err error) error {
	return &sys.Error{Op: "sign in at", Path: server, Kind: sys.Unauthorized, Err: err, Hint: "sign in: `matrixos drivers signin " + server + "`, or Settings, under Drivers"}
}

// SignIn begins a sign-in at a service and returns the address that the owner's
// browser has to open. Then is called once the sign-in is there, or has failed.
func (l *Logins) SignIn(ctx context.Context, c Config, then func(error)) (string, error) {
	refuse := func(err error, hint string) (string, error) {
		return "", &sys.Error{Op: "sign in at", Path: c.Name, Kind: sys.Unavailable, Err: err, Hint: hint}
	}
	switch {
	case c.URL == "":
		return refuse(errors.New("it is a program, not an address"), "give it keys in its file")
	case l.Redirect == "":
		return refuse(errors.New("no desktop is served that your browser could come back to"), "start Matrix OS with `matrixos up`")
	}
	client := l.Client()
	req, res, err := greet(ctx, client, c.URL)
	if err != nil {
		return refuse(err, "check its address, and that it can be reached")
	}
	if res.StatusCode != http.StatusUnauthorized {
		return refuse(fmt.Errorf("it does not ask for a sign-in: %s", res.Status), "restart it")
	}
	opened := make(chan string, 1)
	w := waiting{server: c.Name, back: make(chan auth.AuthorizationResult, 1), done: make(chan error, 1)}
	h, err := l.handler(c, client, w, opened)
	if err != nil {
		return "", err
	}
	life, cancel := context.WithTimeout(context.WithoutCancel(ctx), signInWithin)
	ended := make(chan error, 1)
	go func() {
		defer cancel()
		err := h.Authorize(life, req, res)
		l.forget(w.back)
		if err != nil {
			err = unsigned(c.Name, err)
		}
		ended <- err
		then(err)
		w.done <- err
	}()
	select {
	case address := <-opened:
		return address, nil
	case err := <-ended:
		return "", errors.Join(err, ctx.Err())
	case <-ctx.Done():
		cancel()
		return "", context.Cause(ctx)
	}
}

// greet asks a service without a token, so that it says where to sign in.
func greet(ctx context.Context, client *http.Client, address string) (*http.Request, *http.Response, error) {
	body := `{"jsonrpc":"2.0","id":1,"method":"ping"}`
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	res, err := client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<16)) // what is read now does not end with ctx
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return nil, nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(text))
	return req, res, nil
}

// handler does the flow; when the browser has to be opened it says so.
func (l *Logins) handler(c Config, client *http.Client, w waiting, opened chan<- string) (auth.OAuthHandler, error) {
	return auth.NewAuthorizationCodeHandler(&auth.AuthorizationCodeHandlerConfig{
		Client: client, RedirectURL: l.Redirect, RequestRefreshToken: true, AcceptUnadvertisedIss: true,
		DynamicClientRegistrationConfig: &auth.DynamicClientRegistrationConfig{Metadata: &oauthex.ClientRegistrationMetadata{
			ClientName: "Matrix OS", SoftwareID: "matrixos", SoftwareVersion: l.Version, RedirectURIs: []string{l.Redirect},
			GrantTypes: []string{"authorization_code", "refresh_token"}, ResponseTypes: []string{"code"}, TokenEndpointAuthMethod: "none",
		}},
		NewTokenSource: func(ctx context.Context, o *oauth2.Config, t *oauth2.Token) (oauth2.TokenSource, error) {
			return oauth2.StaticTokenSource(t), l.keep(c, *o, t)
		},
		AuthorizationCodeFetcher: func(ctx context.Context, a *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
			u, err := url.Parse(a.URL)
			if err != nil || !safeAddress(u) || u.Query().Get("state") == "" {
				return nil, fmt.Errorf("it wants the browser to open %q: %w", a.URL, err)
			}
			l.mu.Lock()
			if l.waiting == nil {
				l.waiting = map[string]waiting{}
			}
			l.waiting[u.Query().Get("state")] = w
			l.mu.Unlock()
			opened <- a.URL
			select {
			case r := <-w.back:
				return &r, nil
			case <-ctx.Done():
				return nil, errors.New("nobody signed in in time")
			}
		},
	})
}

// safeAddress reports whether a browser may sign in there: encrypted, or on this
// machine.
func safeAddress(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

func (l *Logins) forget(back chan auth.AuthorizationResult) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for state, w := range l.waiting {
		if w.back == back {
			delete(l.waiting, state)
		}
	}
}

// Back takes what the owner's browser has brought back, once, and waits for how the
// sign-in ends. It returns the server's name.
func (l *Logins) Back(ctx context.Context, q url.Values) (string, error) {
	state := q.Get("state")
	l.mu.Lock()
	w, ok := l.waiting[state]
	delete(l.waiting, state)
	l.mu.Unlock()
	if !ok {
		return "", &sys.Error{Op: "sign in", Kind: sys.NotFound, Err: errors.New("nobody waits for this sign-in any more"), Hint: "begin again in Settings, under Drivers"}
	}
	w.back <- auth.AuthorizationResult{Code: q.Get("code"), State: state, Iss: q.Get("iss")}
	select {
	case err := <-w.done:
		if fault := q.Get("error"); fault != "" {
			err = unsigned(w.server, fmt.Errorf("the sign-in was not given: %s", fault))
		}
		return w.server, err
	case <-ctx.Done():
		return w.server, context.Cause(ctx)
	}
}
