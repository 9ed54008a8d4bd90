package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"matrixos/sys"
)

// bodyLimit bounds any request; single calls set tighter ones. What brings an app back
// has all of its data in one document.
const (
	bodyLimit    = 32 << 20
	restoreLimit = 512 << 20
	restorePath  = "/api/apps/restore"
)

func limitOf(path string) int64 {
	if path == restorePath {
		return restoreLimit
	}
	return bodyLimit
}

type originKey struct{}

// originOf is the origin under which the request's browser sees us.
func originOf(ctx context.Context) string {
	s, _ := ctx.Value(originKey{}).(string)
	return s
}

func isHTTPS(origin string) bool { return strings.HasPrefix(origin, "https://") }

// admitting is the outer door: where the request comes from, how large it may
// be, and the headers that every answer carries.
func (g *Gateway) admitting(allowed origins, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		if p := allowed.admit(r); p != nil {
			g.count(`matrixos_http_refused_total{status="` + strconv.Itoa(p.Status) + `"}`)
			p.write(w)
			return
		}
		if !strings.HasPrefix(r.URL.Path, "/app/") && !strings.HasPrefix(r.URL.Path, "/runtime/") { // those set their own
			h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
			h.Set("Cross-Origin-Resource-Policy", "same-origin")
			h.Set("Cross-Origin-Opener-Policy", "same-origin")
			h.Set("Cache-Control", "no-store")
		}
		limit := limitOf(r.URL.Path)
		if r.ContentLength > limit {
			tooLarge(limit).write(w)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		ctx := context.WithValue(r.Context(), originKey{}, allowed[strings.ToLower(r.Host)])
		r = r.WithContext(ctx)
		began := g.now()
		next.ServeHTTP(w, r)
		g.metrics.GetOrCreateHistogram(`matrixos_http_seconds{route="` + area(r.URL.Path) + `"}`).Update(g.now().Sub(began).Seconds())
	})
}

func tooLarge(limit int64) *Problem {
	return newProblem(http.StatusRequestEntityTooLarge, sys.Invalid, "the request is too large", "send at most "+strconv.FormatInt(limit>>10, 10)+" KB")
}

// area groups paths for the figures, so that their number is bounded.
func area(p string) string {
	switch first, _, _ := strings.Cut(strings.TrimPrefix(p, "/"), "/"); first {
	case "api", "app", "runtime", "assets", "debug", "metrics", "healthz", "signin", "signedin", "mcp":
		return first
	}
	return "shell"
}

// recovering answers a request whose handler panicked, and keeps serving.
func (g *Gateway) recovering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler { //nolint:errorlint // the server compares it so, too
				panic(v)
			}
			g.count("matrixos_http_panics_total")
			g.log.ErrorContext(r.Context(), "request panicked", slog.String("path", r.URL.Path),
				slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
			newProblem(http.StatusInternalServerError, sys.Internal, "something inside Matrix OS failed",
				"`matrixos logs` says more; please report it").write(w)
		}()
		next.ServeHTTP(w, r)
	})
}

// health answers whoever asks whether the home is served; it says nothing else.
func (g *Gateway) health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	state := `{"status":"ok"}`
	if kind := g.o.Disk.ReadOnly(); kind != "" {
		state = `{"status":"read-only","reason":"` + string(kind) + `"}`
	}
	_, _ = w.Write([]byte(state + "\n")) // the prober went away
}

func noSuchCall(w http.ResponseWriter, r *http.Request) {
	newProblem(http.StatusNotFound, sys.NotFound, "there is no call "+r.Method+" "+r.URL.Path, "the API is described at /api/openapi.json").write(w)
}

// writeWithin bounds how long a slow reader may hold a connection.
const writeWithin = 20 * time.Second
