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
	Of      int      `json:"of"` // rows that there were
	Dropped bool     `json:"dropped,omitempty"`
	Sum     string   `json:"sum,omitempty"` // names exactly the rows that go
}

// fewRows is how many rows a table has of which an agent may remove any.
const fewRows = 10

// most reports whether r is most of what the owner keeps there: half or more of a table,
// or of a database, of ten rows or over, or a table that is removed with rows in it.
func (r Removal) most() bool {
	if r.Dropped && r.Of > 0 {
		return true
	}
	return r.Of >= fewRows && 2*r.Removed >= r.Of
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
		var words []string
		for _, r := range list {
			if r.Path != p || r.Table == "" {
				continue
			}
			tables, words = append(tables, r), append(words, r.words())
		}
		args, err := json.Marshal(tables)
		if err != nil {
			panic("policy: " + err.Error())
		}
		out = append(out, Effect{Kind: Erase, Target: string(p), Args: args, Text: "Delete " + joined(words) + ", " + keeper(p) + "."})
	}
	return out
}

func (r Removal) words() string {
	switch {
	case r.Dropped:
		return fmt.Sprintf("the table %s with its %s", r.Table, counted(r.Of))
	case r.Removed == r.Of:
		return fmt.Sprintf("all %s of the table %s", counted(r.Of), r.Table)
	}
	return fmt.Sprintf("%d of the %s of the table %s", r.Removed, counted(r.Of), r.Table)
}

func counted(n int) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
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
	if string(p.Base()) == slug+".sqlite" {
		return "which the app " + slug + " keeps"
	}
	return "in " + string(p)
}
