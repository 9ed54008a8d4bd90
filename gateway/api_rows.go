package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"matrixos/app"
	"matrixos/sys"
)

// TableRows are the rows of one table of an app.
type TableRows struct {
	Columns map[string]string `json:"columns" doc:"The columns of the manifest and their types"`
	Rows    []map[string]any  `json:"rows" nullable:"false"`
}

// EnterBody are rows to add to a table.
type EnterBody struct {
	Rows []json.RawMessage `json:"rows" nullable:"false" minItems:"1" maxItems:"200000" doc:"As db.insert takes them; an id that is brought along is kept"`
}

// TableText is a table as text.
type TableText struct {
	Text string `json:"text"`
}

// ImportBody is a text with rows.
type ImportBody struct {
	Form     string `json:"form" enum:"csv,json"`
	Text     string `json:"text"`
	LeaveOut bool   `json:"leave_out,omitempty" doc:"Add the others where some rows break a rule of the app, rather than none"`
}

// ImportReply says what was added.
type ImportReply struct {
	Landing sys.LandingInfo `json:"landing"`
	Rows    int             `json:"rows"`
	Left    []int           `json:"left,omitempty" doc:"The lines of what was left out because it breaks a rule of the app"`
}

// Entries are rows that the owner brings from somewhere: they are held to the rules that
// the app has for its data.
type Entries struct {
	Rows     []json.RawMessage
	Lines    []int // of the file that they come from, one for each; nil where there is none
	LeaveOut bool  // the rows that break a rule, and only them
}

// Entered says what became of entries.
type Entered struct {
	Landing sys.LandingInfo
	Left    []int // places of what was left out, from 0
}

// TableIn names a table of an app.
type TableIn struct {
	SlugIn
	Table string `path:"table" pattern:"^[a-z0-9_]{1,63}$"`
}

// rowsAPI registers export and import of the rows of apps.
func (g *Gateway) rowsAPI() {
	register(g, http.MethodGet, "/api/apps/{slug}/rows/{table}", "read-rows", "All rows of a table of an app", func(ctx context.Context, in *TableIn) (*reply[TableRows], error) {
		out, err := g.o.Apps.Rows(ctx, in.Slug, in.Table)
		if err != nil {
			return nil, err
		}
		out.Rows = all(out.Rows)
		return &reply[TableRows]{out}, nil
	})
	register(g, http.MethodPost, "/api/apps/{slug}/rows/{table}", "enter-rows", "Add rows to a table of an app, all or none, held to the rules that the app has for its data: a landing, which can be undone", func(ctx context.Context, in *struct {
		TableIn
		Body EnterBody
	}) (*reply[LandingReply], error,
	) {
		e, err := g.o.Apps.Enter(ctx, in.Slug, in.Table, Entries{Rows: in.Body.Rows})
		if err != nil {
			return nil, err
		}
		return &reply[LandingReply]{LandingReply{Landing: e.Landing, Files: []FileDiff{}}}, nil
	}, upTo(bodyLimit))
	register(g, http.MethodGet, "/api/apps/{slug}/rows/{table}/csv", "export-rows", "A table of an app as CSV", func(ctx context.Context, in *TableIn) (*reply[TableText], error) {
		t, err := g.o.Apps.Rows(ctx, in.Slug, in.Table)
		if err != nil {
			return nil, err
		}
		var b strings.Builder
		err = app.WriteCSV(&b, t.Columns, appRows(t.Rows))
		return &reply[TableText]{TableText{b.String()}}, err
	})
	register(g, http.MethodPost, "/api/apps/{slug}/rows/{table}/text", "import-rows", "Add the rows of a CSV or JSON text to a table, all or none, held to the rules that the app has for its data: a landing, which can be undone", func(ctx context.Context, in *struct {
		TableIn
		Body ImportBody
	}) (*reply[ImportReply], error,
	) {
		t, err := g.o.Apps.Rows(ctx, in.Slug, in.Table)
		if err != nil {
			return nil, err
		}
		rows, lines, err := app.ReadRows(in.Body.Form, []byte(in.Body.Text), in.Table, t.Columns)
		if err != nil {
			return nil, err
		}
		e, err := g.o.Apps.Enter(ctx, in.Slug, in.Table, Entries{rows, lines, in.Body.LeaveOut})
		if err != nil {
			return nil, err
		}
		out := ImportReply{Landing: e.Landing, Rows: len(rows) - len(e.Left)}
		for _, i := range e.Left {
			out.Left = append(out.Left, lines[i])
		}
		return &reply[ImportReply]{out}, nil
	}, upTo(bodyLimit))
	register(g, http.MethodGet, "/api/rows", "search-rows", "Rows of all apps that have these words, a few of each app", func(ctx context.Context, in *struct {
		Text string `query:"q" required:"true" maxLength:"200"`
	}) (*reply[[]app.FoundRow], error,
	) {
		found, err := g.o.Apps.Search(ctx, in.Text, mostFound)
		return &reply[[]app.FoundRow]{all(found)}, err
	})
	g.appBackupAPI()
}

// mostFound bounds a search over all apps.
const mostFound = 30

func appRows(list []map[string]any) []app.Row {
	out := make([]app.Row, len(list))
	for i, r := range list {
		out[i] = r
	}
	return out
}
