package gateway

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

const (
	sessionLife = 30 * 24 * time.Hour // since it was last seen
	touchEvery  = time.Hour           // how often "last seen" is written down
)

// session is one signed-in browser. Its cookie is kept as a hash only.
type session struct {
	ID      string
	Agent   string
	Created time.Time
	Seen    time.Time

	hash [sha256.Size]byte
	gone chan struct{} // closed when it is signed out
}

// sessions are the signed-in browsers: the table in kernel.db, and all of it in
// memory, because it is small and asked for on every request.
type sessions struct {
	journal *journal.Journal
	log     *slog.Logger
	now     func() time.Time

	mu   sync.Mutex
	live map[[sha256.Size]byte]*session
}

var sessionTable = []string{`CREATE TABLE gateway_session (
	id TEXT PRIMARY KEY,
	hash BLOB NOT NULL UNIQUE,
	agent TEXT NOT NULL,
	created INTEGER NOT NULL,
	seen INTEGER NOT NULL
) STRICT`}

func openSessions(ctx context.Context, j *journal.Journal, log *slog.Logger, now func() time.Time) (*sessions, error) {
	if err := j.Migrate(ctx, "gateway", sessionTable...); err != nil {
		return nil, err
	}
	t := &sessions{journal: j, log: log, now: now, live: map[[sha256.Size]byte]*session{}}
	rows, err := j.Query(ctx, `SELECT id, hash, agent, created, seen FROM gateway_session WHERE seen > ?`, now().Add(-sessionLife).Unix())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		s := &session{gone: make(chan struct{})}
		var hash []byte
		var created, seen int64
		if err := rows.Scan(&s.ID, &hash, &s.Agent, &created, &seen); err != nil {
			return nil, err
		}
		if copy(s.hash[:], hash) != sha256.Size {
			continue // not a hash of ours: nobody can sign in with it
		}
		s.Created, s.Seen = time.Unix(created, 0), time.Unix(seen, 0)
		t.live[s.hash] = s
	}
	return t, rows.Err()
}

// start makes a session durable and returns the cookie's value, which is not
// kept anywhere.
func (t *sessions) start(ctx context.Context, agent string) (string, *session, error) {
	value, id := secret(), make([]byte, 6)
	_, _ = rand.Read(id) // never returns an error since Go 1.24
	s := &session{
		ID: hex.EncodeToString(id), Agent: agent[:min(len(agent), 300)],
		Created: t.now(), Seen: t.now(), hash: sha256.Sum256([]byte(value)), gone: make(chan struct{}),
	}
	err := t.journal.Update(ctx, func(tx *journal.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM gateway_session WHERE seen <= ?`, t.now().Add(-sessionLife).Unix()); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO gateway_session (id, hash, agent, created, seen) VALUES (?, ?, ?, ?, ?)`,
			s.ID, s.hash[:], s.Agent, s.Created.Unix(), s.Seen.Unix())
		return err
	})
	if err != nil {
		return "", nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.live[s.hash] = s
	return value, s, nil
}

// find returns the live session that a cookie stands for, or nil. The lookup
// goes by hash, so its timing tells nothing about the cookie.
func (t *sessions) find(ctx context.Context, value string) *session {
	hash, now := sha256.Sum256([]byte(value)), t.now()
	t.mu.Lock()
	s := t.live[hash]
	if s != nil && now.Sub(s.Seen) > sessionLife {
		delete(t.live, hash)
		close(s.gone)
		s = nil
	}
	touch := s != nil && now.Sub(s.Seen) > touchEvery
	if touch {
		s.Seen = now
	}
	t.mu.Unlock()
	if touch {
		err := t.journal.Update(ctx, func(tx *journal.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE gateway_session SET seen = ? WHERE id = ?`, now.Unix(), s.ID)
			return err
		})
		if err != nil { // the session is good all the same; it ends earlier after a restart
			t.log.WarnContext(ctx, "session not noted as seen", slog.Any("error", err))
		}
	}
	return s
}

// list returns copies of all live sessions, newest first.
func (t *sessions) list() []session {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]session, 0, len(t.live))
	for _, s := range t.live {
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b session) int {
		return cmp.Or(b.Seen.Compare(a.Seen), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// end signs a browser out: at once, durably, and its event socket too.
func (t *sessions) end(ctx context.Context, id string) error {
	err := t.journal.Update(ctx, func(tx *journal.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM gateway_session WHERE id = ?`, id)
		return err
	})
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for hash, s := range t.live {
		if s.ID == id {
			delete(t.live, hash)
			close(s.gone)
			return nil
		}
	}
	return &sys.Error{Op: "sign out", Path: id, Kind: sys.NotFound, Hint: "the list is at /api/sessions"}
}

// SessionInfo is a signed-in browser, as the owner sees it.
type SessionInfo struct {
	ID      string    `json:"id"`
	Agent   string    `json:"agent" doc:"What the browser calls itself"`
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen"`
	Current bool      `json:"current" doc:"The one that asks"`
}

// sessionAPI registers signing in and out, and the list of signed-in browsers.
func (g *Gateway) sessionAPI() {
	register(g, http.MethodPost, "/api/signin", "sign-in", "Sign in with a one-time code", func(ctx context.Context, in *struct {
		Agent string `header:"User-Agent"`
		Body  struct {
			Code string `json:"code" minLength:"1" maxLength:"200"`
		}
	}) (*struct {
		Cookie http.Cookie `header:"Set-Cookie"`
	}, error,
	) {
		if p := g.codes.redeem(in.Body.Code); p != nil {
			g.count(`matrixos_sign_ins_total{result="refused"}`)
			return nil, p
		}
		value, s, err := g.sessions.start(ctx, in.Agent)
		if err != nil {
			return nil, err
		}
		g.count(`matrixos_sign_ins_total{result="ok"}`)
		g.log.InfoContext(ctx, "signed in", slog.String("session", s.ID), slog.String("agent", s.Agent))
		return &struct {
			Cookie http.Cookie `header:"Set-Cookie"`
		}{*sessionCookie(value, int(sessionLife/time.Second), isHTTPS(originOf(ctx)))}, nil
	})
	register(g, http.MethodPost, "/api/signout", "sign-out", "Sign this browser out", func(ctx context.Context, _ *struct{}) (*struct {
		Cookie http.Cookie `header:"Set-Cookie"`
	}, error,
	) {
		if s := callerOf(ctx).session; s != nil {
			if err := g.sessions.end(ctx, s.ID); err != nil {
				return nil, err
			}
		}
		return &struct {
			Cookie http.Cookie `header:"Set-Cookie"`
		}{*sessionCookie("", -1, isHTTPS(originOf(ctx)))}, nil
	})
	register(g, http.MethodGet, "/api/sessions", "list-sessions", "Browsers that are signed in", func(ctx context.Context, _ *struct{}) (*reply[[]SessionInfo], error) {
		list := []SessionInfo{}
		own := callerOf(ctx).session
		for _, s := range g.sessions.list() {
			list = append(list, SessionInfo{s.ID, s.Agent, s.Created, s.Seen, own != nil && own.ID == s.ID})
		}
		return &reply[[]SessionInfo]{list}, nil
	})
	register(g, http.MethodDelete, "/api/sessions/{id}", "end-session", "Sign a browser out", func(ctx context.Context, in *struct {
		ID string `path:"id" maxLength:"64"`
	}) (*struct{}, error,
	) {
		return nil, g.sessions.end(ctx, in.ID)
	})
	register(g, http.MethodPost, "/api/signin/links", "make-sign-in-link", "A fresh one-time sign-in link", func(context.Context, *struct{}) (*reply[SignInLink], error) {
		url, expires, err := g.SignInLink("/")
		if err != nil {
			return nil, err
		}
		return &reply[SignInLink]{SignInLink{url, expires}}, nil
	})
}

// SignInLink opens the desktop once.
type SignInLink struct {
	URL     string    `json:"url"`
	Expires time.Time `json:"expires"`
}
