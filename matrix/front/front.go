package front

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"matrixos/matrix"
	"matrixos/sys"
)

// Options say what to stand in front of. Backend, Dir and Logger are required.
type Options struct {
	Backend matrix.Homeserver
	// Dir keeps what must survive a restart: fields of profiles, and messages to
	// devices that have not been fetched.
	Dir    string
	Logger *slog.Logger
	Now    func() time.Time // time.Now if nil
}

// Front serves clients and other servers of one homeserver. It may be used from any
// goroutine.
type Front struct {
	backend  matrix.Homeserver
	base     *url.URL
	log      *slog.Logger
	proxy    *httputil.ReverseProxy
	sliding  *sliding
	profiles *profiles
	logins   *limiter
	invites  *limiter
	peers    *places
}

// New makes a front. Errors are of kind Invalid if the address of the backend is none,
// or come from reading Dir.
func New(o Options) (*Front, error) {
	base, err := url.Parse(o.Backend.BaseURL())
	if err != nil {
		return nil, &sys.Error{Op: "read the address of the homeserver", Path: o.Backend.BaseURL(), Kind: sys.Invalid, Err: err}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	f := &Front{
		backend: o.Backend, base: base, log: o.Logger,
		logins: newLimiter(loginsMost, loginsEvery, o.Now), invites: newLimiter(invitesMost, invitesEvery, o.Now), peers: newPlaces(peersMost, peerMost),
	}
	if f.profiles, err = openProfiles(o.Dir); err != nil {
		return nil, err
	}
	f.sliding = newSliding(f, o.Dir)
	f.proxy = &httputil.ReverseProxy{
		Transport: o.Backend.Transport(), FlushInterval: -1, ErrorLog: slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(base)
			r.Out.Host = r.In.Host
			r.SetXForwarded()
			r.Out.Body = sys.ByLength(r.Out.Body, r.In.ContentLength)
			r.Out.Header.Del("Cookie")
		},
		ModifyResponse: func(r *http.Response) error {
			r.Header.Del("Set-Cookie")
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				o.Logger.WarnContext(r.Context(), "the homeserver did not answer", "path", r.URL.Path, "error", err)
			}
			refuse(w, http.StatusBadGateway, "M_UNKNOWN", "the homeserver does not answer; try again")
		},
	}
	return f, nil
}

// uploadMost bounds any request of a client; the homeserver's own limit is below it.
const uploadMost = 64 << 20

// Client serves the client API, and /.well-known/matrix/client. It authenticates by the
// token of the Matrix API alone, and lets pages of any origin ask, as that API wants.
func (f *Front) Client() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_matrix/client/versions", f.versions)
	mux.HandleFunc("POST /_matrix/client/unstable/org.matrix.simplified_msc3575/sync", f.sliding.serve)
	mux.HandleFunc("GET /_matrix/client/v1/rooms/{room}/threads", f.threads)
	for _, p := range []string{"/_matrix/client/v1/room_summary/{room}", "/_matrix/client/unstable/im.nheko.summary/summary/{room}", "/_matrix/client/unstable/im.nheko.summary/rooms/{room}/summary"} {
		mux.HandleFunc("GET "+p, f.summary)
	}
	for _, p := range []string{"/_matrix/client/v3/profile/{user}", "/_matrix/client/unstable/uk.tcpip.msc4133/profile/{user}"} {
		mux.HandleFunc("GET "+p, f.profile)
		mux.HandleFunc("GET "+p+"/{field}", f.profileField)
		mux.HandleFunc("PUT "+p+"/{field}", f.setProfileField)
		mux.HandleFunc("DELETE "+p+"/{field}", f.setProfileField)
	}
	for _, v := range []string{"v3", "r0"} {
		mux.HandleFunc("POST /_matrix/client/"+v+"/login", f.login)
	}
	mux.Handle("/_matrix/client/", f.proxy)
	mux.Handle("/_matrix/media/", f.proxy)
	mux.Handle("GET /.well-known/matrix/client", f.proxy)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "M_UNRECOGNIZED", "there is no such call here")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Cookie")
		r.Body = http.MaxBytesReader(w, r.Body, uploadMost)
		if r.Method == http.MethodOptions { // the homeserver answers for all paths alike
			f.proxy.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// answerMost bounds what is read of an answer of the homeserver that is looked into.
const answerMost = 64 << 20

// ask makes a request to the homeserver as whoever made r, and reads its JSON. With an
// error status, into is not filled and the answer's body comes back.
func (f *Front) ask(ctx context.Context, r *http.Request, path string, q url.Values, into any) (status int, body []byte, err error) {
	u := *f.base
	u.Path, u.RawPath = unescaped(path), path
	u.RawQuery = q.Encode()
	out, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return 0, nil, err
	}
	out.Header.Set("Authorization", authorization(r))
	res, err := f.backend.Transport().RoundTrip(out)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(io.LimitReader(res.Body, answerMost))
	if err != nil || res.StatusCode != http.StatusOK {
		return res.StatusCode, body, err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return 0, nil, fmt.Errorf("read what the homeserver says of %s: %w", path, err)
	}
	return res.StatusCode, nil, nil
}

// authorization is r's token, also where old clients put it.
func authorization(r *http.Request) string {
	if h := r.Header.Get("Authorization"); h != "" {
		return h
	}
	if t := r.URL.Query().Get("access_token"); t != "" {
		return "Bearer " + t
	}
	return ""
}

func unescaped(path string) string {
	if p, err := url.PathUnescape(path); err == nil {
		return p
	}
	return path
}

// pass hands on what the homeserver said instead of an answer, or that it said
// nothing.
func (f *Front) pass(w http.ResponseWriter, r *http.Request, status int, body []byte, err error) {
	if err != nil || status == 0 {
		f.proxy.ErrorHandler(w, r, err)
		return
	}
	headers(w)
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has gone
}

func headers(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "X-Requested-With, Content-Type, Authorization")
	h.Set("Cache-Control", "no-store")
}

func write(w http.ResponseWriter, v any) {
	headers(w)
	_ = json.NewEncoder(w).Encode(v) // the client has gone
}

// refuse answers as Matrix does.
func refuse(w http.ResponseWriter, status int, code, text string) {
	headers(w)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"errcode": code, "error": text}) // the client has gone
}

// versions adds what this package supplies to what the homeserver supports.
func (f *Front) versions(w http.ResponseWriter, r *http.Request) {
	var v struct {
		Versions []string        `json:"versions"`
		Features map[string]bool `json:"unstable_features"`
	}
	if status, body, err := f.ask(r.Context(), r, r.URL.Path, nil, &v); err != nil || status != http.StatusOK {
		f.pass(w, r, status, body, err)
		return
	}
	if v.Features == nil {
		v.Features = map[string]bool{}
	}
	for _, name := range []string{"org.matrix.simplified_msc3575", "uk.tcpip.msc4133", "uk.tcpip.msc4133.stable", "im.nheko.summary", "org.matrix.msc3266"} {
		v.Features[name] = true
	}
	write(w, v)
}

// localUser reports whether id is a user of the homeserver.
func (f *Front) localUser(id string) bool {
	_, domain, ok := strings.Cut(id, ":")
	return ok && strings.HasPrefix(id, "@") && domain == f.backend.Domain()
}

// caller is the user and device of r's token.
func (f *Front) caller(r *http.Request) (who caller, status int, body []byte, err error) {
	status, body, err = f.ask(r.Context(), r, "/_matrix/client/v3/account/whoami", nil, &who)
	return who, status, body, err
}

type caller struct {
	User   string `json:"user_id"`
	Device string `json:"device_id"`
}
