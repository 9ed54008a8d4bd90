package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"matrixos/sys"
)

// Query selects landings; what is empty does not.
type Query struct {
	Limit  int
	Before sys.LandingID
	Path   string // touched this file or folder
	By     string // of this kind or program
	Since  string // since this time, such as "3 days ago"
	Text   string // with this in the title, files or request
}

// Explanation says why a file or folder is as it is.
type Explanation struct {
	Path    sys.Path      `json:"path"`
	At      sys.LandingID `json:"at"`
	Kind    string        `json:"kind"` // "text", "binary", "folder" or "deleted"
	Lines   []Line        `json:"lines"`
	Causes  []Cause       `json:"causes"`
	MovedTo sys.Path      `json:"moved_to,omitempty"`
}

// Line is one line of a text and the landing that wrote it.
type Line struct {
	Number  int           `json:"number"`
	Text    string        `json:"text"`
	Landing sys.LandingID `json:"landing"`
	From    sys.Path      `json:"from,omitempty"`
}

// Cause is a landing that made a file or folder what it is.
type Cause struct {
	Landing    sys.LandingID   `json:"landing"`
	Kind       sys.LandingKind `json:"kind"`
	Title      string          `json:"title"`
	Time       time.Time       `json:"time"`
	Provenance sys.Provenance  `json:"provenance"`
	UndoneBy   sys.LandingID   `json:"undone_by,omitempty"`
	Request    string          `json:"request,omitempty"`
	Lines      int             `json:"lines,omitempty"`
	Files      []sys.Path      `json:"files,omitempty"`
}

// Comparison is what is different between two landings.
type Comparison struct {
	From  sys.LandingID `json:"from"`
	To    sys.LandingID `json:"to"`
	Files []FileDiff    `json:"files"`
}

// Restored is what a restore did, or would do.
type Restored struct {
	Landing sys.LandingInfo `json:"landing"`
	Files   []FileDiff      `json:"files"`
	Skipped []sys.Path      `json:"skipped"`
}

// Snapshot is a landing with a name.
type Snapshot struct {
	Name    string        `json:"name"`
	Landing sys.LandingID `json:"landing"`
	Title   string        `json:"title"`
	Time    time.Time     `json:"time"`
}

// PastView is a past landing as a read-only folder.
type PastView struct {
	Landing sys.LandingID `json:"landing"`
	Dir     string        `json:"dir"`
}

// FindLandings lists landings, newest first.
func (c *Client) FindLandings(ctx context.Context, q Query) (list []sys.LandingInfo, err error) {
	v := url.Values{"limit": {strconv.Itoa(q.Limit)}}
	if q.Before > 0 {
		v.Set("before", strconv.FormatInt(int64(q.Before), 10))
	}
	for key, value := range map[string]string{"path": q.Path, "by": q.By, "since": q.Since, "text": q.Text} {
		if value != "" {
			v.Set(key, value)
		}
	}
	err = c.call(ctx, "list landings", http.MethodGet, "/api/landings?"+v.Encode(), nil, &list)
	return list, err
}

// LandingAt shows the landing that a landing's name, a snapshot or a time stands
// for.
func (c *Client) LandingAt(ctx context.Context, moment string) (l Landing, err error) {
	err = c.call(ctx, "show landing", http.MethodGet, "/api/landings/"+url.PathEscape(moment), nil, &l)
	return l, err
}

// Moment finds the landing that a landing's name, a snapshot or a time stands for.
func (c *Client) Moment(ctx context.Context, moment string) (sys.LandingInfo, error) {
	var out struct {
		Landing sys.LandingInfo `json:"landing"`
	}
	err := c.call(ctx, "find moment", http.MethodGet, "/api/moment?"+url.Values{"at": {moment}}.Encode(), nil, &out)
	return out.Landing, err
}

// Why explains a file, a line of it (0: all), or a folder, as of a moment ("": now).
func (c *Client) Why(ctx context.Context, path string, line int, at string) (e Explanation, err error) {
	q := url.Values{"path": {path}, "line": {strconv.Itoa(line)}}
	if at != "" {
		q.Set("at", at)
	}
	err = c.call(ctx, "explain", http.MethodGet, "/api/why?"+q.Encode(), nil, &e)
	return e, err
}

// Diff compares two moments, at or below path ("": everywhere); to is "" for what
// the files are now.
func (c *Client) Diff(ctx context.Context, from, to, path string, stat bool) (d Comparison, err error) {
	q := url.Values{"from": {from}, "to": {to}, "path": {path}, "stat": {strconv.FormatBool(stat)}}
	err = c.call(ctx, "compare", http.MethodGet, "/api/diff?"+q.Encode(), nil, &d)
	return d, err
}

// Restore brings a file or folder ("": everything) back to a moment.
func (c *Client) Restore(ctx context.Context, path, at string, preview bool) (r Restored, err error) {
	err = c.call(ctx, "restore", http.MethodPost, "/api/restore", map[string]any{"path": path, "at": at, "preview": preview}, &r)
	return r, err
}

// Snapshots lists the landings that have a name.
func (c *Client) Snapshots(ctx context.Context) (list []Snapshot, err error) {
	err = c.call(ctx, "list snapshots", http.MethodGet, "/api/snapshots", nil, &list)
	return list, err
}

// NameSnapshot names a moment; "" is now.
func (c *Client) NameSnapshot(ctx context.Context, name, at string) (s Snapshot, err error) {
	err = c.call(ctx, "name snapshot", http.MethodPost, "/api/snapshots", map[string]string{"name": name, "at": at}, &s)
	return s, err
}

// DeleteSnapshot takes a name away.
func (c *Client) DeleteSnapshot(ctx context.Context, name string) error {
	return c.call(ctx, "delete snapshot", http.MethodDelete, "/api/snapshots/"+url.PathEscape(name), nil, nil)
}

// View writes a past moment into a read-only folder, dir or one in the store.
func (c *Client) View(ctx context.Context, at, dir string) (v PastView, err error) {
	err = c.call(ctx, "view", http.MethodPost, "/api/views", map[string]string{"at": at, "dir": dir}, &v)
	return v, err
}
