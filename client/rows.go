package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"matrixos/sys"
)

// TableRows are the rows of one table of an app, with its columns and their types.
type TableRows struct {
	Columns map[string]string `json:"columns"`
	Rows    []map[string]any  `json:"rows"`
}

func rowsPath(app sys.Slug, table string) string {
	return "/api/apps/" + url.PathEscape(string(app)) + "/rows/" + url.PathEscape(table)
}

// Rows reads all rows of a table.
func (c *Client) Rows(ctx context.Context, app sys.Slug, table string) (t TableRows, err error) {
	err = c.call(ctx, "read rows", http.MethodGet, rowsPath(app, table), nil, &t)
	return t, err
}

// ExportCSV is a table as CSV.
func (c *Client) ExportCSV(ctx context.Context, app sys.Slug, table string) (text string, err error) {
	var out struct {
		Text string `json:"text"`
	}
	err = c.call(ctx, "export rows", http.MethodGet, rowsPath(app, table)+"/csv", nil, &out)
	return out.Text, err
}

// Import adds the rows of a text of the form csv or json to a table, all or none, as
// one landing. What breaks a rule of the app refuses all of it, unless leaveOut says to
// add the others.
func (c *Client) Import(ctx context.Context, app sys.Slug, table, form, text string, leaveOut bool) (out Imported, err error) {
	err = c.call(ctx, "import rows", http.MethodPost, rowsPath(app, table)+"/text", map[string]any{"form": form, "text": text, "leave_out": leaveOut}, &out)
	return out, err
}

// Imported says what an import has added.
type Imported struct {
	Landing
	Rows int   `json:"rows"`
	Left []int `json:"left,omitempty"` // lines of what was left out
}

// FoundRow is a row of an app in which a text was found.
type FoundRow struct {
	App   sys.Slug `json:"app"`
	Name  string   `json:"name"`
	Table string   `json:"table"`
	ID    string   `json:"id"`
	Text  string   `json:"text"`
}

// Search finds rows of all apps by words.
func (c *Client) Search(ctx context.Context, text string) (out []FoundRow, err error) {
	err = c.call(ctx, "search rows", http.MethodGet, "/api/rows?q="+url.QueryEscape(text), nil, &out)
	return out, err
}

// AppBackup is one app with its data, as a JSON document.
func (c *Client) AppBackup(ctx context.Context, app sys.Slug) (raw json.RawMessage, err error) {
	err = c.call(ctx, "back up app", http.MethodGet, "/api/apps/"+url.PathEscape(string(app))+"/backup", nil, &raw)
	return raw, err
}

// RestoreApp brings an app and its data back from such a document.
func (c *Client) RestoreApp(ctx context.Context, raw json.RawMessage) (r RestoredApp, err error) {
	err = c.call(ctx, "restore app", http.MethodPost, "/api/apps/restore", raw, &r)
	return r, err
}

// RestoredApp says what came back.
type RestoredApp struct {
	App       sys.Slug          `json:"app"`
	Installed bool              `json:"installed"`
	Rows      int               `json:"rows"`
	Keys      int               `json:"keys"`
	Files     int               `json:"files"`
	Landings  []sys.LandingInfo `json:"landings"`
}
