package gateway

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"matrixos/sys"
)

// cookieName is the session cookie.
const cookieName = "matrixos_session"

// caller is who a request is from, once that is known.
type caller struct {
	session *session // nil for the bearer token
}

type callerKey struct{}

func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// owner lets only the owner pass: a live session, or the bearer token.
func (g *Gateway) owner(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, ok := g.identify(r)
		if !ok {
			newProblem(http.StatusUnauthorized, sys.Unauthorized, "nobody is signed in here",
				"open the link that `matrixos up` or `matrixos signin` prints").write(w)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, c)))
	})
}

// identify finds out who r is from. A wrong token is not made good by a cookie.
func (g *Gateway) identify(r *http.Request) (caller, bool) {
	if h := r.Header.Get("Authorization"); h != "" {
		t, ok := strings.CutPrefix(h, "Bearer ")
		if !ok || g.token == nil {
			return caller{}, false
		}
		sum := sha256.Sum256([]byte(t))
		return caller{}, subtle.ConstantTimeCompare(sum[:], g.token[:]) == 1
	}
	for _, c := range r.CookiesNamed(cookieName) {
		if s := g.sessions.find(r.Context(), c.Value); s != nil {
			return caller{session: s}, true
		}
	}
	return caller{}, false
}

// signIn answers the one-time link.
func (g *Gateway) signIn(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Sec-Purpose") != "" || r.Header.Get("Purpose") != "" {
		newProblem(http.StatusForbidden, sys.Refused, "a sign-in link is not to be fetched ahead", "click it").write(w)
		return
	}
	q := r.URL.Query()
	if p := g.codes.redeem(q.Get("code")); p != nil {
		g.count(`matrixos_sign_ins_total{result="refused"}`)
		if g.signedIn(r) { // the link was used in this very browser
			http.Redirect(w, r, localPath(q.Get("next")), http.StatusSeeOther)
			return
		}
		if strings.Contains(r.Header.Get("Accept"), "text/html") && g.shell.built() { // the desktop asks for another one
			http.Redirect(w, r, "/?error=code", http.StatusSeeOther)
			return
		}
		g.page(w, p.Status, "This link does not work any more", p.Detail+".", "Run <code>matrixos signin</code> in a terminal for a new one.")
		return
	}
	if err := g.startSession(w, r); err != nil {
		problemOf(err).write(w)
		return
	}
	http.Redirect(w, r, localPath(q.Get("next")), http.StatusSeeOther)
}

func (g *Gateway) signedIn(r *http.Request) bool {
	_, ok := g.identify(r)
	return ok
}

// startSession makes a session and hands its cookie out.
func (g *Gateway) startSession(w http.ResponseWriter, r *http.Request) error {
	value, s, err := g.sessions.start(r.Context(), r.UserAgent())
	if err != nil {
		return err
	}
	g.count(`matrixos_sign_ins_total{result="ok"}`)
	g.log.InfoContext(r.Context(), "signed in", slog.String("session", s.ID), slog.String("agent", s.Agent))
	http.SetCookie(w, sessionCookie(value, int(sessionLife/time.Second), secure(r)))
	return nil
}

func sessionCookie(value string, age int, secure bool) *http.Cookie {
	return &http.Cookie{
		Name: cookieName, Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode,
	}
}

// secure reports whether the browser came over TLS: to us, or to a proxy whose
// origin was allowed as an https one.
func secure(r *http.Request) bool {
	return r.TLS != nil || strings.HasPrefix(originOf(r.Context()), "https://")
}

// localPath keeps a redirect on this origin.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") || u.Host != "" {
		return "/"
	}
	return next
}
