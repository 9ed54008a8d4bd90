package boot

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"matrixos/app"
	"matrixos/disk"
	"matrixos/gateway"
	"matrixos/sys"
)

const (
	mostLines = 12 // rows that a refusal names
	mostTurns = 8  // times that rows are left out: without some, others may break a rule
)

// Enter implements gateway.AppRows: what the owner brings is a landing that can be undone,
// and held to the rules that an agent's rows are held to.
func (a *apps) Enter(ctx context.Context, slug sys.Slug, table string, e gateway.Entries) (out gateway.Entered, err error) {
	if err := a.disk.RoomForData(ctx, slug); err != nil {
		return out, err
	}
	gone := map[int]bool{}
	for turn := 0; ; turn++ {
		in := &entering{slug: slug, table: table, e: e}
		for i := range e.Rows {
			if !gone[i] {
				in.places = append(in.places, i)
			}
		}
		out.Landing, err = a.enter(ctx, in)
		broken, refused := errors.AsType[*brokenRules](err)
		if !refused {
			break
		}
		wrong := in.wrong(broken)
		if !e.LeaveOut || len(wrong.at) == 0 || len(wrong.at) == len(in.places) || turn == mostTurns {
			return out, wrong.told()
		}
		for i := range wrong.at {
			gone[i] = true
		}
	}
	if err != nil {
		return out, err
	}
	out.Left = slices.Sorted(maps.Keys(gone))
	a.Landed(ctx, out.Landing) // open windows hear of it
	return out, nil
}

// entering are rows on their way into a table.
type entering struct {
	slug   sys.Slug
	table  string
	e      gateway.Entries
	places []int // of those that are entered now
	ids    map[string]int
	types  map[string]string
	saying map[string]map[string][]int // places by what some columns say, by these columns
}

func (a *apps) enter(ctx context.Context, in *entering) (info sys.LandingInfo, err error) {
	err = a.inRows(ctx, in.slug, func(rows *app.Rows, t *disk.Txn) error {
		in.ids, in.types = map[string]int{}, rows.Schema()[in.table]
		for part := range slices.Chunk(in.places, rowsAtOnce) {
			list := make([]json.RawMessage, len(part))
			for i, place := range part {
				list[i] = in.e.Rows[place]
			}
			ids, err := rows.Insert(ctx, in.table, list)
			if err != nil {
				return err
			}
			for i, id := range ids {
				in.ids[id] = part[i]
			}
		}
		if err := rows.Close(); err != nil { // before the folder lands
			return err
		}
		info, err = t.Land(ctx, disk.Landing{Kind: sys.ByOwner, Held: true, Title: fmt.Sprintf("Imported %d rows into %s of %s", len(in.places), in.table, in.slug)})
		return err
	})
	return info, err
}

// wrongRows are rows that are refused, in terms of where they came from.
type wrongRows struct {
	in    *entering
	of    string           // the app
	at    map[int][]string // the rules that each row breaks, by its place
	other []string         // what is broken and no one row can be named for
}

// wrong finds the rows that break rules: by their ids, or else by what a rule shows of
// them.
func (in *entering) wrong(b *brokenRules) *wrongRows {
	w := &wrongRows{in: in, of: b.of.Manifest.Name, at: map[int][]string{}}
	for _, r := range b.rules {
		name := "“" + r.rule + "”"
		named := false
		for _, row := range r.rows {
			for _, i := range in.found(row.cells) {
				if named = true; !slices.Contains(w.at[i], name) {
					w.at[i] = append(w.at[i], name)
				}
			}
		}
		if !named {
			w.other = append(w.other, name+": "+r.said())
		}
	}
	return w
}

// found are the places of the rows that a rule has shown these cells of.
func (in *entering) found(cells map[string]any) []int {
	for _, v := range cells {
		if i, ok := in.ids[cellText(v)]; ok {
			return []int{i}
		}
	}
	var names []string
	for name := range cells {
		if _, ok := in.types[name]; ok {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	of := strings.Join(names, ",")
	if in.saying[of] == nil {
		by := map[string][]int{}
		for _, i := range in.places {
			var row map[string]any
			if json.Unmarshal(in.e.Rows[i], &row) == nil { // another would not have been entered
				said := saying(names, row)
				by[said] = append(by[said], i)
			}
		}
		if in.saying == nil {
			in.saying = map[string]map[string][]int{}
		}
		in.saying[of] = by
	}
	return in.saying[of][saying(names, cells)]
}

func saying(names []string, row map[string]any) string {
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "%q,", cellText(row[name]))
	}
	return b.String()
}

// cellText is a value of a row or of JSON in one form.
func cellText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []byte:
		return string(v)
	case bool:
		if v {
			return "1"
		}
		return "0"
	case float64, int64:
		return fmt.Sprint(v)
	case string:
		return v
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(raw)
}

// told is the refusal.
func (w *wrongRows) told() error {
	var words []string
	places := slices.Sorted(maps.Keys(w.at))
	for _, i := range places[:min(len(places), mostLines)] {
		words = append(words, fmt.Sprintf("%s breaks %s: %s", w.in.name(i), strings.Join(w.at[i], " and "), sayRow(w.in.e.Rows[i])))
	}
	if more := len(places) - mostLines; more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	for _, o := range w.other {
		words = append(words, "all of it together breaks "+o)
	}
	hint := "correct them in the file and import it again, or import all but these rows"
	if len(places) == 0 || len(places) == len(w.in.places) {
		hint = "correct the file and import it again"
	}
	return &sys.Error{
		Op: "import rows into", Path: w.in.table + " of " + w.of, Kind: sys.NotVerified,
		Err:  errors.New("nothing was imported, because of what " + w.of + " holds its data to:\n" + strings.Join(words, "\n")),
		Hint: hint,
	}
}

// name is a row as the owner finds it.
func (in *entering) name(i int) string {
	if in.e.Lines == nil || in.e.Lines[i] == 0 {
		return fmt.Sprintf("row %d", i+1)
	}
	return fmt.Sprintf("line %d", in.e.Lines[i])
}

// sayRow is what a row says, in short.
func sayRow(row json.RawMessage) string {
	var cells map[string]any
	if err := json.Unmarshal(row, &cells); err != nil {
		return string(row[:min(len(row), 100)])
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(cells)) {
		if v := cellText(cells[name]); v != "" && name != "id" {
			out = append(out, name+" "+v)
		}
	}
	all := []rune(cmp.Or(strings.Join(out, ", "), "it is empty"))
	if len(all) > 100 {
		return string(all[:99]) + "…"
	}
	return string(all)
}
