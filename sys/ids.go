package sys

import (
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// PID names one process: one run of a program. PIDs start at 1, grow, and are
// never reused within a home.
type PID int64

// Seq is a position in a home's journal. The first event has Seq 1.
type Seq int64

// LandingID numbers the landings of a home, from 1, without gaps.
type LandingID int64

// String returns the form that people read and type, such as "L12".
func (l LandingID) String() string { return "L" + strconv.FormatInt(int64(l), 10) }

// ParseLandingID reads "L12", "l12" or "12".
func ParseLandingID(s string) (LandingID, error) {
	n, err := strconv.ParseInt(strings.TrimLeft(s, "Ll"), 10, 64)
	if err != nil || n < 1 {
		return 0, &Error{Op: "read landing", Path: s, Kind: Invalid, Hint: "landings are named L1, L2, …; `matrixos log` lists them"}
	}
	return LandingID(n), nil
}

// Program names an agent definition, such as "kernel" or "builder".
type Program string

// The main agent and the sub-agent that writes apps.
const (
	ProgramKernel  Program = "kernel"
	ProgramBuilder Program = "builder"
)

// Conversation names one conversation: the file name of its JSONL, without
// extension.
type Conversation string

// RequestID names one thing that an owner asked for.
type RequestID string

// Handle is a Matrix user id such as "@you:example.org".
type Handle string

// Slug names an app: the last folder of its path under apps/.
type Slug string

var slugForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// Valid reports whether s has the form that the app manifest asks for.
func (s Slug) Valid() bool { return slugForm.MatchString(string(s)) }

// Path is a file of a home: slash-separated, relative to the home, clean, never
// empty, never leading outside, never inside the store.
type Path string

// Store is the folder of a home that belongs to the disk; no Path leads there.
const Store = ".disk"

// ParsePath makes a Path of what a model or a person wrote. Leading "~/" and
// "./" are accepted; absolute paths are not, because only the caller knows
// where its home is mounted.
func ParsePath(s string) (Path, error) {
	fail := func(hint string) (Path, error) {
		return "", &Error{Op: "read path", Path: s, Kind: Invalid, Hint: hint}
	}
	switch {
	case strings.ContainsRune(s, 0):
		return fail("a path holds no NUL byte")
	case strings.HasPrefix(s, "/"):
		return fail("write the path relative to the home, such as apps/notes/index.html")
	}
	p := path.Clean(strings.TrimPrefix(s, "~/"))
	switch {
	case p == "." || p == "~" || s == "":
		return fail("name a file, such as apps/notes/index.html")
	case p == ".." || strings.HasPrefix(p, "../"):
		return fail("the path leads outside the home")
	}
	if first, _, _ := strings.Cut(p, "/"); strings.EqualFold(first, Store) || strings.EqualFold(first, ".git") {
		return fail(fmt.Sprintf("%s belongs to the disk", first))
	}
	return Path(p), nil
}

// Base returns the last element.
func (p Path) Base() string { return path.Base(string(p)) }

// App returns the slug of the app whose folder holds p, if p lies in apps/.
// Nested folders (apps/games/chess) count by their manifest, which the caller
// knows; App names the first folder.
func (p Path) App() (Slug, bool) {
	rest, ok := strings.CutPrefix(string(p), "apps/")
	if !ok {
		return "", false
	}
	first, _, nested := strings.Cut(rest, "/")
	return Slug(first), nested && Slug(first).Valid()
}
