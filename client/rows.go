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

// Enter adds rows to a table, all or none, as one landing.
func (c *Client) Enter(ctx context.Context, app sys.Slug, table string, rows []json.RawMessage) (l Landing, err error) {
	err = c.call(ctx, "import rows", http.MethodPost, rowsPath(app, table), map[string]any{"rows": rows}, &l)
	return l, err
}
