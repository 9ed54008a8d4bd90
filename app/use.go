package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"matrixos/app/contract"
	"matrixos/app/internal/store"
	"matrixos/sys"
)

// mostState bounds the rows of an app that are looked at before and after a recorded use.
const mostState = 5000

// State is the data of an app as they are: what a recorded use begins or ends with.
func (r *Runtime) State(ctx context.Context, slug sys.Slug) (contract.State, error) {
	r.mu.Lock()
	a := r.apps[slug]
	r.mu.Unlock()
	if a == nil {
		return contract.State{}, notFound("record", slug)
	}
	return state(ctx, r.data, slug, a.app.Manifest)
}

// State is the data of the window.
func (w *Window) State(ctx context.Context) (contract.State, error) {
	return state(ctx, w.l.preview.data, w.t.Slug(), w.t.app.Manifest)
}

func state(ctx context.Context, data *store.Store, slug sys.Slug, m Manifest) (contract.State, error) {
	s := contract.State{Rows: map[string][]contract.Row{}, Keys: map[string]json.RawMessage{}}
	tables, left := data.Tables(slug, m.Storage.Tables), mostState
	for name := range m.Storage.Tables {
		n := left + 1
		rows, err := tables.Find(ctx, name, Query{OrderBy: json.RawMessage(`{"created_at":"asc"}`), Limit: &n})
		if err != nil {
			return s, err
		}
		if left -= len(rows); left < 0 {
			return s, &sys.Error{Op: "record", Path: string(slug), Kind: sys.Refused, Err: fmt.Errorf("it has more than %d entries", mostState), Hint: "write the scenario yourself, or ask for it: doc/contract.md says how"}
		}
		raw, err := json.Marshal(rows)
		if err != nil {
			return s, err
		}
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		var plain []contract.Row
		if err := d.Decode(&plain); err != nil {
			return s, err
		}
		s.Rows[name] = plain
	}
	entries, err := os.ReadDir(data.Dir(slug))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	for _, e := range entries {
		key, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok || !e.Type().IsRegular() {
			continue
		}
		if v, err := data.ReadKey(slug, key); err == nil { // what is no key is none of the app's
			s.Keys[key] = v
		}
	}
	return s, nil
}

// Play makes s the only scenario of the trial, whatever the app's contract has beside it.
func (t *Trial) Play(s contract.Scenario) {
	t.Contract.Version, t.Contract.Scenarios, t.None = 1, []contract.Scenario{s}, false
}

// AddScenario is the text of a contract with one scenario more; raw is nil for an app
// that has none. A name that is there already gets a number. What comes of it is a sound
// contract, or the error says what is wrong.
func AddScenario(raw []byte, s contract.Scenario, file sys.Path) (string, error) {
	c, tree := contract.Contract{}, map[string]json.RawMessage{"version": json.RawMessage("1")}
	if raw != nil {
		var found []sys.Diagnostic
		if c, found = contract.Parse(raw, file); len(found) > 0 {
			return "", wrongContract(file, found)
		}
		if err := json.Unmarshal(raw, &tree); err != nil {
			return "", &sys.Error{Op: "read", Path: string(file), Kind: sys.Invalid, Err: err}
		}
	}
	taken := func(name string) bool {
		return slices.ContainsFunc(c.Scenarios, func(o contract.Scenario) bool { return o.Name == name }) ||
			slices.ContainsFunc(c.Invariants, func(o contract.Invariant) bool { return o.Name == name }) ||
			slices.ContainsFunc(c.Properties, func(o contract.Property) bool { return o.Name == name })
	}
	for i, name := 2, s.Name; taken(s.Name); i++ {
		s.Name = fmt.Sprintf("%s (%d)", name, i)
	}
	var err error
	if tree["scenarios"], err = json.Marshal(append(c.Scenarios, s)); err != nil {
		return "", err
	}
	text, err := ordered(tree)
	if err != nil {
		return "", err
	}
	if _, found := contract.Parse([]byte(text), file); len(found) > 0 {
		return "", wrongContract(file, found)
	}
	return text, nil
}

func wrongContract(file sys.Path, found []sys.Diagnostic) error {
	return &sys.Error{Op: "add to", Path: string(file), Kind: sys.Invalid, Err: fmt.Errorf("line %d: %s", found[0].Line, found[0].Text), Hint: "mend the file, or undo what made it so"}
}

// withoutRecorded takes from the text of a contract what the owner recorded: it has
// entries of theirs in it, and they stay at home. It is nil if nothing else was promised.
// A text that is no contract has nothing recorded, and stays.
func withoutRecorded(raw []byte) ([]byte, error) {
	c, found := contract.Parse(raw, contract.Name)
	recorded := func(s contract.Scenario) bool { return s.Recorded != "" }
	if len(found) > 0 || !slices.ContainsFunc(c.Scenarios, recorded) {
		return raw, nil
	}
	rest := slices.DeleteFunc(c.Scenarios, recorded)
	if len(rest)+len(c.Invariants)+len(c.Properties) == 0 {
		return nil, nil
	}
	tree := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &tree); err != nil {
		return nil, err
	}
	delete(tree, "scenarios")
	if len(rest) > 0 {
		list, err := json.Marshal(rest)
		if err != nil {
			return nil, err
		}
		tree["scenarios"] = list
	}
	text, err := ordered(tree)
	return []byte(text), err
}
