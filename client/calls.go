package client

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"matrixos/sys"
)

// Model describes what answers.
type Model struct {
	ID       string `json:"id"`
	Label    string `json:"label"`
	Note     string `json:"note"`
	NeedsKey bool   `json:"needs_key"`
	Attached bool   `json:"attached"`
}

// Session is who and what a home is.
type Session struct {
	Handle  sys.Handle `json:"handle"`
	Name    string     `json:"name"`
	Home    string     `json:"home"`
	Version string     `json:"version"`
	Model   Model      `json:"model"`
	Seq     sys.Seq    `json:"seq"`
	Safe    bool       `json:"safe,omitempty"`
	Stopped bool       `json:"stopped,omitempty"`

	Commands string `json:"commands"` // how they are confined, or why they are refused
}

// Workspaces is how the folders of transactions are made on the home's machine.
type Workspaces struct {
	Kind   string   `json:"kind"`
	Detail string   `json:"detail"`
	Why    []string `json:"why"`
}

// Ask is a request of the owner.
type Ask struct {
	Text         string           `json:"text"`
	Conversation sys.Conversation `json:"conversation,omitempty"`
	Model        string           `json:"model,omitempty"`
	App          sys.Slug         `json:"app,omitempty"`
	From         string           `json:"from,omitempty"`
}

// Ticket says where to look for what happens.
type Ticket struct {
	Request      sys.RequestID    `json:"request"`
	Conversation sys.Conversation `json:"conversation"`
	PID          sys.PID          `json:"pid"`
}

// Summary is one conversation in a list.
type Summary struct {
	ID       sys.Conversation `json:"id"`
	Title    string           `json:"title"`
	Updated  time.Time        `json:"updated"`
	Messages int              `json:"messages"`
}

// Launch is one window of an app.
type Launch struct {
	URL        string `json:"url"`
	Nonce      string `json:"nonce"`
	Capability string `json:"capability"`
}

// Link signs one browser in, once.
type Link struct {
	URL     string    `json:"url"`
	Expires time.Time `json:"expires"`
}

// FileDiff is one file of a landing.
type FileDiff struct {
	Path         sys.Path     `json:"path"`
	From         sys.Path     `json:"from,omitempty"`
	Op           sys.ChangeOp `json:"op"`
	Binary       bool         `json:"binary"`
	AddedLines   int          `json:"added_lines"`
	DeletedLines int          `json:"deleted_lines"`
	Patch        string       `json:"patch"`
	Left         string       `json:"left,omitempty"` // of a partial undo: what stays of the landing in this file
}

// Landing is one landing with its files.
type Landing struct {
	Landing sys.LandingInfo `json:"landing"`
	Files   []FileDiff      `json:"files"`
}

// File is an entry of a folder.
type File struct {
	Name     string    `json:"name"`
	Path     sys.Path  `json:"path"`
	Dir      bool      `json:"dir"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
}

// Text is a file's content, with the hash to save it against.
type Text struct {
	Path    sys.Path `json:"path"`
	Content string   `json:"content"`
	Hash    string   `json:"hash,omitempty"`
}

// Models is what may answer.
type Models struct {
	Current string  `json:"current"`
	Choices []Model `json:"choices"`
}

// Session asks who and what the home is.
func (c *Client) Session(ctx context.Context) (s Session, err error) {
	err = c.call(ctx, "read session", http.MethodGet, "/api/session", nil, &s)
	return s, err
}

// Workspaces asks how the folders of transactions are made.
func (c *Client) Workspaces(ctx context.Context) (w Workspaces, err error) {
	err = c.call(ctx, "read workspaces", http.MethodGet, "/api/workspaces", nil, &w)
	return w, err
}

// Ask starts a request; what happens comes as events.
func (c *Client) Ask(ctx context.Context, a Ask) (t Ticket, err error) {
	err = c.call(ctx, "ask", http.MethodPost, "/api/ask", a, &t)
	return t, err
}

// Answer answers a question of the system.
func (c *Client) Answer(ctx context.Context, question, text string) error {
	return c.call(ctx, "answer question", http.MethodPost, "/api/questions/"+url.PathEscape(question), map[string]string{"text": text}, nil)
}

// Conversations lists all conversations, newest first.
func (c *Client) Conversations(ctx context.Context) (list []Summary, err error) {
	err = c.call(ctx, "list conversations", http.MethodGet, "/api/conversations", nil, &list)
	return list, err
}

// Conversation returns the durable events of a conversation.
func (c *Client) Conversation(ctx context.Context, id sys.Conversation) ([]sys.Event, error) {
	var out struct {
		Events []sys.Event `json:"events"`
	}
	err := c.call(ctx, "read conversation", http.MethodGet, "/api/conversations/"+url.PathEscape(string(id)), nil, &out)
	return out.Events, err
}

// Apps lists the installed apps.
func (c *Client) Apps(ctx context.Context) (list []sys.AppInfo, err error) {
	err = c.call(ctx, "list apps", http.MethodGet, "/api/apps", nil, &list)
	return list, err
}

// Launch opens a window of an app.
func (c *Client) Launch(ctx context.Context, slug sys.Slug) (l Launch, err error) {
	err = c.call(ctx, "launch app", http.MethodPost, "/api/apps/"+url.PathEscape(string(slug))+"/launch", struct{}{}, &l)
	return l, err
}

// Open shows an app on the desktops that are open, and returns a link for a
// browser that has none.
func (c *Client) Open(ctx context.Context, slug sys.Slug) (l Link, err error) {
	err = c.call(ctx, "open app", http.MethodPost, "/api/apps/"+url.PathEscape(string(slug))+"/open", struct{}{}, &l)
	return l, err
}

// RemoveApp removes an app's folder by a landing.
func (c *Client) RemoveApp(ctx context.Context, slug sys.Slug) (l Landing, err error) {
	err = c.call(ctx, "remove app", http.MethodDelete, "/api/apps/"+url.PathEscape(string(slug)), nil, &l)
	return l, err
}

// Bridge makes a call as an app's window does.
func (c *Client) Bridge(ctx context.Context, capability, method string, params any) (json.RawMessage, error) {
	var out struct {
		Value json.RawMessage `json:"value"`
	}
	in := map[string]any{"method": method}
	if params != nil {
		in["params"] = params
	}
	err := c.call(ctx, "call "+method, http.MethodPost, "/api/bridge", in, &out, "X-App-Capability", capability)
	return out.Value, err
}

// Landings lists at most limit landings, newest first, older than before unless
// that is 0.
func (c *Client) Landings(ctx context.Context, limit int, before sys.LandingID) (list []sys.LandingInfo, err error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	if before > 0 {
		q.Set("before", strconv.FormatInt(int64(before), 10))
	}
	err = c.call(ctx, "list landings", http.MethodGet, "/api/landings?"+q.Encode(), nil, &list)
	return list, err
}

// Landing shows one landing.
func (c *Client) Landing(ctx context.Context, id sys.LandingID) (l Landing, err error) {
	return c.LandingAt(ctx, id.String())
}

// Copy is a kept copy of an app's database, as it was just before Landing.
type Copy struct {
	App     sys.Slug      `json:"app"`
	Path    sys.Path      `json:"path"`
	Landing sys.LandingID `json:"landing"`
	Time    time.Time     `json:"time"`
	Size    int64         `json:"size"`
	Added   int64         `json:"added"`  // bytes that were written for it
	Shared  int64         `json:"shared"` // bytes that an earlier copy had already
}

// Copies lists the copies of the databases of an app, or of all, newest first.
func (c *Client) Copies(ctx context.Context, app sys.Slug) (list []Copy, err error) {
	err = c.call(ctx, "list copies", http.MethodGet, "/api/data?"+url.Values{"app": {string(app)}}.Encode(), nil, &list)
	return list, err
}

// UndoOptions say how a landing is taken back.
type UndoOptions struct {
	Preview bool   // only show what would come back
	Partial bool   // where the whole cannot, what later changes do not build on
	What    string // "code" means its files, "data" the rows of databases, "both" or nothing both
}

// Undo takes a landing back.
func (c *Client) Undo(ctx context.Context, id sys.LandingID, o UndoOptions) (l Landing, err error) {
	in := map[string]any{"preview": o.Preview, "partial": o.Partial, "what": cmp.Or(o.What, "both")}
	err = c.call(ctx, "undo", http.MethodPost, "/api/landings/"+id.String()+"/undo", in, &l)
	return l, err
}

// Files lists a folder of the home; "" is the home itself.
func (c *Client) Files(ctx context.Context, folder string) (list []File, err error) {
	err = c.call(ctx, "list files", http.MethodGet, "/api/files?"+url.Values{"path": {folder}}.Encode(), nil, &list)
	return list, err
}

// ReadFile returns a text file.
func (c *Client) ReadFile(ctx context.Context, path string) (t Text, err error) {
	err = c.call(ctx, "read file", http.MethodGet, "/api/file?"+url.Values{"path": {path}}.Encode(), nil, &t)
	return t, err
}

// WriteFile saves a text file under the owner's name. With t.Hash set it fails
// with Conflict if the file is another one by now.
func (c *Client) WriteFile(ctx context.Context, t Text) (hash string, err error) {
	var out Text
	err = c.call(ctx, "write file", http.MethodPut, "/api/file", t, &out)
	return out.Hash, err
}

// Models lists what may answer.
func (c *Client) Models(ctx context.Context) (m Models, err error) {
	err = c.call(ctx, "list models", http.MethodGet, "/api/models", nil, &m)
	return m, err
}

// SignInLink makes a fresh one-time link.
func (c *Client) SignInLink(ctx context.Context) (l Link, err error) {
	err = c.call(ctx, "make sign-in link", http.MethodPost, "/api/signin/links", struct{}{}, &l)
	return l, err
}
