package sys

import "time"

// LandingKind says who made a landing.
type LandingKind string

// The kinds of landing.
const (
	ByAgent  LandingKind = "agent"  // a process
	ByOwner  LandingKind = "owner"  // an edit by hand, found by the disk
	ByUndo   LandingKind = "undo"   // the inverse of an earlier landing
	BySystem LandingKind = "system" // the template of a new home, a migration
	ByHealer LandingKind = "healer" // a rung of the ladder
	ByMerge  LandingKind = "merge"  // what another device of the owner did
)

// Provenance says who made a change, why, and at what cost. It is stored as
// git trailers of the landing's commit.
type Provenance struct {
	Process      PID          `json:"process,omitempty"`
	Parent       PID          `json:"parent,omitempty"`
	Program      Program      `json:"program,omitempty"`
	Request      RequestID    `json:"request,omitempty"`
	Conversation Conversation `json:"conversation,omitempty"`
	Model        string       `json:"model,omitempty"`
	Cost         Cost         `json:"cost,omitzero"`
	Label        Label        `json:"label,omitzero"`
	Verified     string       `json:"verified,omitempty"` // the level that was green: "static" or "browser"
	Contract     string       `json:"contract,omitempty"` // the hash of the contracts that held, if there were any
	Undoes       LandingID    `json:"undoes,omitempty"`
	Remote       string       `json:"remote,omitempty"`   // the name and commit that a merge took in
	Restores     LandingID    `json:"restores,omitempty"` // the landing as of which it brings files back
}

// ChangeOp is what happened to one file.
type ChangeOp string

// The file changes.
const (
	Added    ChangeOp = "added"
	Modified ChangeOp = "modified"
	Deleted  ChangeOp = "deleted"
	Renamed  ChangeOp = "renamed" // in comparisons; a landing lists what went and what came
)

// Change is one file of a landing.
type Change struct {
	Path Path     `json:"path"`
	Op   ChangeOp `json:"op"`
}

// LandingInfo describes one committed change of the home.
type LandingInfo struct {
	ID         LandingID    `json:"id"`
	Commit     string       `json:"commit"` // 40 hex digits
	Kind       LandingKind  `json:"kind"`
	Title      string       `json:"title"` // one line for people
	Time       time.Time    `json:"time"`
	Changes    []Change     `json:"changes"`
	Apps       []Slug       `json:"apps,omitempty"` // apps whose folder was touched
	Created    []Slug       `json:"created,omitempty"`
	Kept       []string     `json:"kept,omitempty"` // what an undo has left in place, in words; not in the history
	Data       []DataChange `json:"data,omitempty"` // what happened to databases of apps
	Provenance Provenance   `json:"provenance"`
	UndoneBy   LandingID    `json:"undone_by,omitempty"`
}

// DataChange is what a landing did to one database of an app.
type DataChange struct {
	Path     Path     `json:"path"`
	Tables   []string `json:"tables,omitempty"` // those that are different now
	Added    int      `json:"added,omitempty"`  // rows
	Changed  int      `json:"changed,omitempty"`
	Removed  int      `json:"removed,omitempty"`
	Schema   []string `json:"schema,omitempty"`   // in words, such as "new column tasks.due"
	Migrated bool     `json:"migrated,omitempty"` // by the app runtime, which follows the manifest
}
