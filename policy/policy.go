// Package policy decides, deterministically, what a process may do: which
// system calls its program may make, which files its landing may change, what
// may leave the home (effect.go), and what has to be asked of the owner, whose
// own rules come first (rules.go). It reads no prose: a decision depends on
// who asks, what is asked and on labels, never on what a text claims. It stores
// nothing and performs nothing; the kernel asks it before every effect.
package policy

import (
	"fmt"
	"slices"
	"strings"

	"matrixos/sys"
)

// Grant is what a program may do, as its definition file states it.
type Grant struct {
	Calls  []string // names of system calls
	Writes []string // path prefixes such as "apps/"; empty means nothing
}

// Subject is the process on whose behalf something is asked.
type Subject struct {
	PID     sys.PID
	Program sys.Program
	Grant   Grant
	Label   sys.Label
	App     sys.Slug // when set, of apps/ only this app's folder may change
}

// Call decides on one system call. The error is a *sys.Error of kind Refused.
func Call(s Subject, name string) error {
	if slices.ContainsFunc(s.Grant.Calls, func(c string) bool { return granted(c, name) }) {
		return nil
	}
	return &sys.Error{
		Op: "call", Path: name, Kind: sys.Refused,
		Err:  fmt.Errorf("%s may not call %s", s.Program, name),
		Hint: fmt.Sprintf("its definition allows %s", strings.Join(s.Grant.Calls, ", ")),
	}
}

// granted reports whether an entry of a grant means a call. Only tools of attached
// servers, whose names begin with mcp__, may be granted by a beginning: mcp__files__*.
func granted(entry, name string) bool {
	if beginning, ok := strings.CutSuffix(entry, "*"); ok && strings.HasPrefix(entry, "mcp__") {
		return strings.HasPrefix(name, beginning)
	}
	return entry == name
}

// Write decides whether s may change path. The error is a *sys.Error of kind
// Refused that names the allowed places.
func Write(s Subject, path sys.Path) error {
	if err := ByHandOnly(path); err != nil {
		return err
	}
	if Promise(path) {
		return &sys.Error{
			Op: "change", Path: string(path), Kind: sys.Refused, Err: fmt.Errorf("it says what the app has to do, and %s may not change that", s.Program),
			Hint: "make the app do it; a contract changes only at the owner's request, and the main agent hands it over with spawn",
		}
	}
	if under(path, s.places()) {
		return nil
	}
	return &sys.Error{
		Op: "change", Path: string(path), Kind: sys.Refused,
		Err:  fmt.Errorf("%s may not change it", s.Program),
		Hint: "it may change " + strings.Join(s.places(), ", "),
	}
}

// ByHandOnly refuses files that no program may change, whatever its definition
// says: they say what programs may do.
func ByHandOnly(path sys.Path) error {
	if !under(path, own) {
		return nil
	}
	return &sys.Error{
		Op: "change", Path: string(path), Kind: sys.Refused, Err: fmt.Errorf("it says what programs may do, and is changed by the owner's hand only"),
		Hint: "tell the owner what to change in it, and why",
	}
}

// Found decides whether s may write the contract at path of an app that does not
// exist yet: whoever may make the app may. Once the app has landed, Write decides.
func Found(s Subject, path sys.Path) error { return Write(s, beside(path, "matrix.json")) }

// Unpromised lists the contracts that are missing beside the apps that changes make;
// there reports whether a file is in the tree that lands.
func Unpromised(changes []sys.Change, there func(sys.Path) (bool, error)) (out []sys.Path, _ error) {
	for _, c := range changes {
		if c.Op != sys.Added || !strings.HasPrefix(string(c.Path), "apps/") || c.Path.Base() != "matrix.json" {
			continue
		}
		ok, err := there(beside(c.Path, "contract.json"))
		if err != nil {
			return nil, err
		}
		if !ok {
			out = append(out, beside(c.Path, "contract.json"))
		}
	}
	return out, nil
}

// Promise reports whether path is the contract of an app.
func Promise(path sys.Path) bool {
	return strings.HasPrefix(string(path), "apps/") && path.Base() == "contract.json"
}

// under reports whether path is one of the places, or in one.
func under(path sys.Path, places []string) bool {
	for _, p := range places {
		place := strings.TrimSuffix(p, "/")
		if string(path) == place || strings.HasPrefix(string(path), place+"/") {
			return true
		}
	}
	return false
}

// places lists the path prefixes that s may change, narrowed to its app.
func (s Subject) places() []string {
	if len(s.Grant.Writes) == 0 {
		return []string{"nothing"}
	}
	if s.App == "" {
		return s.Grant.Writes
	}
	var out []string
	for _, w := range s.Grant.Writes {
		if top := strings.TrimSuffix(w, "/"); top == "apps" || top == "data" {
			w = top + "/" + string(s.App) + "/"
		}
		out = append(out, w)
	}
	return out
}

// Landing decides whether s may land changes: every one of them must be a
// write that it may make, however it was made; a shell command is held to the
// same rule as a tool.
//
// The contract of an app goes with the app: who removes one removes the other, and
// who makes one says what it has to do (Found).
func Landing(s Subject, changes []sys.Change) error {
	for _, c := range changes {
		write := Write
		if Promise(c.Path) && slices.Contains(changes, sys.Change{Path: beside(c.Path, "matrix.json"), Op: c.Op}) {
			switch c.Op {
			case sys.Deleted:
				continue
			case sys.Added:
				write = Found
			case sys.Modified:
			}
		}
		if err := write(s, c.Path); err != nil {
			return err
		}
	}
	return nil
}

// beside is the file of another name in the same folder.
func beside(path sys.Path, name string) sys.Path {
	return sys.Path(strings.TrimSuffix(string(path), string(path.Base())) + name)
}
