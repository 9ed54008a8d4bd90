package gateway

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"matrixos/journal"
	"matrixos/kernel"
	"matrixos/sys"
)

// Scope is a part of the home that a token lets an agent of somebody else into.
type Scope string

// The scopes.
const (
	MayRead  Scope = "read"  // apps, their data, files, the history
	MayData  Scope = "data"  // change rows of apps
	MayFiles Scope = "files" // change files, in the token's folders
	MayTasks Scope = "tasks" // make tasks, take them, and end them
	MayAsk   Scope = "ask"   // put requests to the main agent
)

// scopes says what each scope lets a guest call, and change.
var scopes = map[Scope]kernel.Guest{
	MayRead:  {Calls: []string{"read_state", "Read", "Glob", "Grep", "app_data", "list_landings", "list_tasks"}},
	MayData:  {Calls: []string{"app_data"}, Writes: []string{"data/"}},
	MayFiles: {Calls: []string{"Read", "Glob", "Grep", "Write", "Edit"}},
	MayTasks: {Calls: []string{"list_tasks", "create_task", "claim_task", "complete_task", "fail_task"}},
	MayAsk:   {Ask: true},
}

// tokenFolders are what a token with MayFiles may change unless it names others.
var tokenFolders = []string{"apps/", "projects/"}

// Token lets an agent of somebody else in. Its value is kept as a hash only.
type Token struct {
	ID      string    `json:"id"`
	Name    sys.Slug  `json:"name" doc:"Whom it was given to, as its owner calls it"`
	May     []Scope   `json:"may"`
	Folders []string  `json:"folders,omitempty" doc:"What it may change files in"`
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen,omitzero"`
	Expires time.Time `json:"expires"`
}

// Guest is what the token's holder may do.
func (t Token) Guest() kernel.Guest {
	g := kernel.Guest{Name: t.Name}
	for _, s := range t.May {
		of := scopes[s]
		for _, c := range of.Calls {
			if !slices.Contains(g.Calls, c) {
				g.Calls = append(g.Calls, c)
			}
		}
		g.Writes = append(g.Writes, of.Writes...)
		g.Ask = g.Ask || of.Ask
		if s == MayFiles {
			g.Writes = append(g.Writes, t.Folders...)
		}
	}
	return g
}

// MCP serves agents of others by the Model Context Protocol; gateway/mcp is it. Each
// request has passed the gateway, which tells whose it is: see TokenOf.
type MCP interface {
	http.Handler
	// Leave ends what a token's holder had begun.
	Leave(token string)
}

// tokens are the tokens of guests: the table in kernel.db, and all of it in memory.
type tokens struct {
	journal *journal.Journal
	now     func() time.Time

	mu   sync.Mutex
	live map[[sha256.Size]byte]*Token
}

var tokenTable = []string{`CREATE TABLE gateway_token (
	id TEXT PRIMARY KEY,
	hash BLOB NOT NULL UNIQUE,
	token TEXT NOT NULL, -- JSON
	expires INTEGER NOT NULL
) STRICT`}

func openTokens(ctx context.Context, j *journal.Journal, now func() time.Time) (_ *tokens, err error) {
	if err := j.Migrate(ctx, "gateway_token", tokenTable...); err != nil {
		return nil, err
	}
	t := &tokens{journal: j, now: now, live: map[[sha256.Size]byte]*Token{}}
	rows, err := j.Query(ctx, `SELECT hash, token FROM gateway_token WHERE expires > ?`, now().Unix())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var hash, text []byte
		one := &Token{}
		if err := rows.Scan(&hash, &text); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, one); err != nil || len(hash) != sha256.Size {
			continue // nobody can come in by it
		}
		t.live[[sha256.Size]byte(hash)] = one
	}
	return t, rows.Err()
}

// make makes a token durable, and returns its value, which is not kept anywhere.
func (t *tokens) make(ctx context.Context, o Token) (string, Token, error) {
	id := make([]byte, 6)
	_, _ = rand.Read(id) // never returns an error since Go 1.24
	value := "mx_" + secret()
	o.ID, o.Created = hex.EncodeToString(id), t.now().UTC()
	hash := sha256.Sum256([]byte(value))
	text, err := json.Marshal(o)
	if err != nil {
		return "", o, err
	}
	err = t.journal.Update(ctx, func(tx *journal.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM gateway_token WHERE expires <= ?`, t.now().Unix()); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO gateway_token(id, hash, token, expires) VALUES(?,?,?,?)`, o.ID, hash[:], string(text), o.Expires.Unix()); err != nil {
			return err
		}
		return tx.Append(sys.NewEvent(sys.EventAudit, sys.AuditData{What: "token", Target: string(o.Name), Verdict: "allow", Why: "may " + joined(o.May), By: "owner"}))
	})
	if err != nil {
		return "", o, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.live[hash] = &o
	return value, o, nil
}

func joined(list []Scope) string {
	words := make([]string, len(list))
	for i, s := range list {
		words[i] = string(s)
	}
	return strings.Join(words, ", ")
}

// find is the token with a value; the lookup goes by hash, so its timing tells
// nothing about the value.
func (t *tokens) find(value string) (Token, bool) {
	hash := sha256.Sum256([]byte(value))
	t.mu.Lock()
	defer t.mu.Unlock()
	o := t.live[hash]
	if o == nil {
		return Token{}, false
	}
	if !t.now().Before(o.Expires) {
		delete(t.live, hash)
		return Token{}, false
	}
	o.Seen = t.now().UTC()
	return *o, true
}

// list is all that are good, by name.
func (t *tokens) list() []Token {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := []Token{}
	for _, o := range t.live {
		if t.now().Before(o.Expires) {
			out = append(out, *o)
		}
	}
	slices.SortFunc(out, func(a, b Token) int { return strings.Compare(string(a.Name)+a.ID, string(b.Name)+b.ID) })
	return out
}

// end revokes a token, at once and durably.
func (t *tokens) end(ctx context.Context, id string) error {
	hash, o, ok := t.named(id)
	if !ok {
		return &sys.Error{Op: "revoke the token", Path: id, Kind: sys.NotFound, Hint: "`matrixos tokens` lists them"}
	}
	err := t.journal.Update(ctx, func(tx *journal.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM gateway_token WHERE id = ?`, id); err != nil {
			return err
		}
		return tx.Append(sys.NewEvent(sys.EventAudit, sys.AuditData{What: "token", Target: string(o.Name), Verdict: "refuse", Why: "it was revoked", By: "owner"}))
	})
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.live, hash)
	return nil
}

func (t *tokens) named(id string) (hash [sha256.Size]byte, _ Token, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for hash, o := range t.live {
		if o.ID == id {
			return hash, *o, true
		}
	}
	return hash, Token{}, false
}

type tokenKey struct{}

// TokenOf is the token by which a request to MCP came.
func TokenOf(ctx context.Context) Token {
	t, _ := ctx.Value(tokenKey{}).(Token)
	return t
}

// guest lets only holders of tokens pass.
func (g *Gateway) guest(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		value, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		t, ok := g.tokens.find(value)
		if !ok {
			w.Header().Set("WWW-Authenticate", `Bearer realm="Matrix OS"`)
			newProblem(http.StatusUnauthorized, sys.Unauthorized, "no token of this home is with the request",
				"make one with `matrixos tokens add NAME`, and send it as Authorization: Bearer …").write(w)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tokenKey{}, t)))
	})
}
