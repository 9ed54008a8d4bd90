package disk

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"matrixos/disk/git"
	"matrixos/disk/merge"
	"matrixos/sys"
)

// Explanation says why a file or folder is as it is.
type Explanation struct {
	Path   sys.Path      `json:"path"`
	At     sys.LandingID `json:"at"`     // as of which landing
	Kind   string        `json:"kind"`   // "text", "binary", "folder" or "deleted"
	Lines  []Line        `json:"lines"`  // of a text: all, or the one asked for
	Causes []Cause       `json:"causes"` // newest first; of a deleted file only its last
	// MovedTo is the name under which a deleted file went on, if it did.
	MovedTo sys.Path `json:"moved_to,omitempty"`
}

// Line is one line of a text and the landing that wrote it.
type Line struct {
	Number  int           `json:"number"` // from 1
	Text    string        `json:"text"`   // without its line feed
	Landing sys.LandingID `json:"landing"`
	From    sys.Path      `json:"from,omitempty"` // the file's name then, if it was another
}

// Cause is a landing that made a file or folder what it is: who, why and at what
// cost.
type Cause struct {
	Landing    sys.LandingID   `json:"landing"`
	Kind       sys.LandingKind `json:"kind"`
	Title      string          `json:"title"`
	Time       time.Time       `json:"time"`
	Provenance sys.Provenance  `json:"provenance"`
	UndoneBy   sys.LandingID   `json:"undone_by,omitempty"`
	Request    string          `json:"request,omitempty"` // what the owner had asked for, in their words
	Lines      int             `json:"lines,omitempty"`   // how many of a text's lines are from it
	Files      []sys.Path      `json:"files,omitempty"`   // which of a folder's files were last changed by it
}

// WhyOptions are what a caller may say about Why.
type WhyOptions struct {
	Line int           // only this line, from 1; 0 means all
	At   sys.LandingID // as of this landing; 0 means now, edits by hand recorded first
}

// Why says by which landings a file, one of its lines, or a folder has become
// what it is. It follows files through renames; a line that an undo or a restore
// brought back is from the landing that first wrote it. Of a file that is
// gone it says who deleted it.
func (d *Disk) Why(ctx context.Context, path sys.Path, o WhyOptions) (Explanation, error) {
	e, err := d.why(ctx, string(path), o)
	return e, explain("explain", string(path), err)
}

func (d *Disk) why(ctx context.Context, path string, o WhyOptions) (Explanation, error) {
	if err := d.usable("explain"); err != nil {
		return Explanation{}, err
	}
	if o.At == 0 {
		if err := d.settle(ctx, []string{""}); err != nil { // everything: it may have been renamed by hand
			return Explanation{}, err
		}
		o.At = d.Head()
	}
	tree, err := d.treeOf(ctx, o.At)
	if err != nil {
		return Explanation{}, err
	}
	e := Explanation{Path: sys.Path(path), At: o.At, Lines: []Line{}}
	n, err := d.objects().lookup(tree, path)
	switch {
	case err != nil:
	case n.IsFolder():
		e.Kind = "folder"
		err = d.whyFolder(ctx, &e)
	case n.IsZero():
		e.Kind = "deleted"
		err = d.whyGone(ctx, &e)
	default:
		err = d.whyFile(ctx, &e, n, o.Line)
	}
	return e, err
}

func (d *Disk) whyFile(ctx context.Context, e *Explanation, n git.Node, line int) error {
	text, err := d.objects().content(n.Hash)
	if err != nil {
		return err
	}
	e.Kind = "text"
	if merge.Binary(text) {
		e.Kind = "binary"
	}
	lines := merge.SplitLines(text)
	switch {
	case line == 0:
	case e.Kind == "binary":
		return &sys.Error{Op: "explain", Path: string(e.Path), Kind: sys.Invalid, Err: errors.New("it has no lines: it is not text"), Hint: "leave the line out"}
	case line < 1 || line > len(lines):
		return &sys.Error{Op: "explain", Path: string(e.Path), Kind: sys.Invalid, Err: fmt.Errorf("there is no line %d: it has %d", line, len(lines)), Hint: "name a line that it has, or leave it out"}
	}
	origins, err := d.blame(ctx, string(e.Path), e.At, n, line-1)
	if err != nil {
		return err
	}
	counts := map[sys.LandingID]int{}
	for i, from := range origins {
		if line != 0 && i != line-1 {
			continue
		}
		counts[from.landing]++
		if e.Kind == "binary" {
			continue
		}
		l := Line{Number: i + 1, Text: string(trimEnd(lines[i])), Landing: from.landing}
		if from.path != string(e.Path) {
			l.From = sys.Path(from.path)
		}
		e.Lines = append(e.Lines, l)
	}
	if len(origins) == 0 { // an empty file: whoever touched it last
		last, err := d.Log(ctx, Query{Path: e.Path, Before: e.At + 1, Limit: 1})
		if err != nil {
			return err
		}
		for _, l := range last {
			counts[l.ID] = 0
		}
	}
	return d.causes(ctx, e, counts, nil)
}

func trimEnd(line []byte) []byte {
	if k := len(line) - 1; k >= 0 && line[k] == '\n' {
		line = line[:k]
	}
	if k := len(line) - 1; k >= 0 && line[k] == '\r' {
		line = line[:k]
	}
	return line
}

// whyFolder names, for each file below a folder, the landing that touched it last.
func (d *Disk) whyFolder(ctx context.Context, e *Explanation) (err error) {
	rows, err := d.j.Query(ctx, `SELECT path, max(landing) FROM disk_touched WHERE path > ? AND path < ? AND landing <= ? GROUP BY path`,
		string(e.Path)+"/", string(e.Path)+"0", e.At)
	if err != nil {
		return err
	}
	files := map[sys.LandingID][]sys.Path{}
	counts := map[sys.LandingID]int{}
	err = each(rows, func() error {
		var path string
		var id sys.LandingID
		if err := rows.Scan(&path, &id); err != nil {
			return err
		}
		files[id], counts[id] = append(files[id], sys.Path(path)), 0
		return nil
	})
	if err != nil {
		return err
	}
	return d.causes(ctx, e, counts, files)
}

func each(rows *sql.Rows, fn func() error) (err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := fn(); err != nil {
			return err
		}
	}
	return rows.Err()
}

// whyGone names the landing that deleted what was there.
func (d *Disk) whyGone(ctx context.Context, e *Explanation) error {
	last, err := d.Log(ctx, Query{Path: e.Path, Before: e.At + 1, Limit: 1})
	if err != nil {
		return err
	}
	if len(last) == 0 {
		if d.ignore.Load().match(string(e.Path), false) {
			return &sys.Error{Op: "explain", Path: string(e.Path), Kind: sys.Invalid, Err: errors.New("this file is not versioned"), Hint: "the history keeps everything but databases and what " + ignoreFile + " leaves out"}
		}
		return &sys.Error{Op: "explain", Path: string(e.Path), Kind: sys.NotFound, Err: errors.New("there is no such file, and there never was"), Hint: "`matrixos log` lists what there was"}
	}
	id := last[0].ID
	_, after, before, err := d.landing(ctx, id)
	if err != nil {
		return err
	}
	var changes []change
	if err := d.objects().diff(before, after, "", &changes); err != nil {
		return err
	}
	sortChanges(changes)
	moved, err := d.objects().renames(changes)
	if err != nil {
		return err
	}
	for to, from := range moved {
		if from.path == string(e.Path) {
			e.MovedTo = sys.Path(to)
		}
	}
	return d.causes(ctx, e, map[sys.LandingID]int{id: 0}, nil)
}

// causes describes landings, newest first.
func (d *Disk) causes(ctx context.Context, e *Explanation, lines map[sys.LandingID]int, files map[sys.LandingID][]sys.Path) error {
	e.Causes = make([]Cause, 0, len(lines))
	for id, n := range lines {
		c, err := d.cause(ctx, id)
		if err != nil {
			return err
		}
		c.Lines, c.Files = n, files[id]
		e.Causes = append(e.Causes, c)
	}
	slices.SortFunc(e.Causes, func(a, b Cause) int { return int(b.Landing - a.Landing) })
	return nil
}

func (d *Disk) cause(ctx context.Context, id sys.LandingID) (c Cause, err error) {
	c.Landing = id
	var at int64
	var provenance []byte
	err = d.j.QueryRow(ctx, `SELECT kind, title, time, provenance, undone_by FROM disk_landing WHERE landing = ?`, id).
		Scan(&c.Kind, &c.Title, &at, &provenance, &c.UndoneBy)
	if errors.Is(err, sql.ErrNoRows) {
		return c, noLanding(id)
	}
	if err != nil {
		return c, err
	}
	c.Time = time.Unix(0, at).UTC()
	if err := json.Unmarshal(provenance, &c.Provenance); err != nil {
		return c, fmt.Errorf("landing %s: %w", id, err)
	}
	c.Request, err = d.requestText(ctx, c.Provenance.Request)
	return c, err
}

// requestText is what the owner had asked for; "" if nobody did, or if the journal
// does not know any more.
func (d *Disk) requestText(ctx context.Context, id sys.RequestID) (string, error) {
	if id == "" {
		return "", nil
	}
	var raw []byte
	err := d.j.QueryRow(ctx, `SELECT data FROM event WHERE request = ? AND kind = ? ORDER BY seq LIMIT 1`, string(id), string(sys.EventRequest)).Scan(&raw)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var r sys.RequestData
	if err := json.Unmarshal(raw, &r); err != nil {
		return "", fmt.Errorf("request %s: %w", id, err)
	}
	return r.Text, nil
}
