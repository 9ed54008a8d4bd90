package policy

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"matrixos/sys"
)

// Removal is what a landing takes from one table of a database.
type Removal struct {
	Path    sys.Path `json:"path"`
	Table   string   `json:"table,omitempty"` // "" stands for all tables of the database together
	Removed int      `json:"removed"`
	Emptied int      `json:"emptied,omitempty"` // rows that stay and say next to nothing any more
	Of      int      `json:"of"`                // rows that there were
	Dropped bool     `json:"dropped,omitempty"`
	Sum     string   `json:"sum,omitempty"` // names exactly the rows that go or are emptied
	Key     string   `json:"key,omitempty"` // of an app, whose entries are counted instead of rows
}

// fewRows is how many rows a table has of which an agent may remove any.
const fewRows = 10

// most reports whether r is most of what the owner keeps there: half or more of a table,
// or of a database, of ten rows or over, be they removed or emptied, or a table that is
// removed with rows in it; or half or more of the entries of a key, or of all keys, of ten or
// over.
func (r Removal) most() bool {
	if r.Dropped && r.Of > 0 {
		return true
	}
	return r.Of >= fewRows && 2*(r.Removed+r.Emptied) >= r.Of
}

// Erases returns what a landing removes that the owner is asked about, one effect for each
// database. It does not count that the request may have asked for it: what a request
// means, only a model could say.
func Erases(list []Removal) (out []Effect) {
	var paths []sys.Path
	for _, r := range list {
		if r.most() && !slices.Contains(paths, r.Path) {
			paths = append(paths, r.Path)
		}
	}
	for _, p := range paths {
		var tables []Removal
		var gone, emptied []string
		for _, r := range list {
			if r.Path != p || r.Table == "" && r.Key == "" {
				continue
			}
			tables = append(tables, r)
			switch {
			case r.Dropped:
				gone = append(gone, fmt.Sprintf("the table %s with its %s", r.Table, counted(r.Of, "row")))
			case r.Removed > 0:
				gone = append(gone, r.share(r.Removed))
			}
			if r.Emptied > 0 {
				emptied = append(emptied, r.share(r.Emptied))
			}
		}
		args, err := json.Marshal(tables)
		if err != nil {
			panic("policy: " + err.Error())
		}
		out = append(out, Effect{Kind: Erase, Target: string(p), Args: args, Text: sentence(gone, emptied) + ", " + keeper(p) + "."})
	}
	return out
}

// sentence says what is deleted and what emptied.
func sentence(gone, emptied []string) string {
	switch {
	case len(emptied) == 0:
		return "Delete " + joined(gone)
	case len(gone) == 0:
		return "Empty " + joined(emptied)
	}
	return "Delete " + joined(gone) + ", and empty " + joined(emptied)
}

func (r Removal) share(n int) string {
	of, noun := "the table "+r.Table, "row"
	if r.Key != "" {
		of, noun = r.Key, "entry"
	}
	if n == r.Of {
		return fmt.Sprintf("all %s of %s", counted(r.Of, noun), of)
	}
	return fmt.Sprintf("%d of the %s of %s", n, counted(r.Of, noun), of)
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if noun == "entry" {
		return fmt.Sprintf("%d entries", n)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func joined(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// keeper says whose the database at p is.
func keeper(p sys.Path) string {
	slug := path.Base(path.Dir(string(p)))
	if path.Ext(string(p)) == "" { // the folder of what an app keeps
		return "which the app " + path.Base(string(p)) + " keeps"
	}
	if string(p.Base()) == slug+".sqlite" {
		return "which the app " + slug + " keeps"
	}
	return "in " + string(p)
}
