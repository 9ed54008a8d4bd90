package sys

import "time"

// ScrubProblem is one thing whose stored bytes were not what they should be.
type ScrubProblem struct {
	What    string    `json:"what" doc:"live file, object, pack, ref, index or landing"`
	Path    Path      `json:"path,omitempty"`    // the file it belongs to, if any
	Landing LandingID `json:"landing,omitempty"` // the newest that needs it
	Object  string    `json:"object,omitempty"`  // git's name of it
	Fixed   bool      `json:"fixed"`
	How     string    `json:"how"` // what was done, or what can be
}

// ScrubReport is what a check of all stored bytes has found.
type ScrubReport struct {
	Started  time.Time      `json:"started"`
	Finished time.Time      `json:"finished,omitzero"` // zero while it runs
	Objects  int            `json:"objects"`           // of the history, each copy counted
	Files    int            `json:"files"`             // live ones compared
	Landings int            `json:"landings"`
	Bytes    int64          `json:"bytes"` // read
	Problems []ScrubProblem `json:"problems" nullable:"false"`
}

// Lost counts the problems that could not be mended.
func (r ScrubReport) Lost() int {
	n := 0
	for _, p := range r.Problems {
		if !p.Fixed {
			n++
		}
	}
	return n
}

// GCReport is what a collection of garbage has done.
type GCReport struct {
	Time        time.Time `json:"time"`
	Millis      int64     `json:"millis"`
	Packed      int       `json:"packed"` // loose objects that are in a pack now
	Packs       int       `json:"packs"`  // packs that there are now
	Refs        int       `json:"refs"`   // names of refused or replaced work that expired
	Unreachable int       `json:"unreachable"`
	Displaced   int       `json:"displaced"` // old bytes of hand edits that were removed
	Before      int64     `json:"before"`    // bytes of the store
	After       int64     `json:"after"`
	NoRoom      bool      `json:"no_room,omitempty" doc:"The disk was too full to pack in; what only removes was done"`
}

// SpaceItem is a named number of bytes.
type SpaceItem struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

// AppSpace is what one app takes.
type AppSpace struct {
	App     Slug  `json:"app"`
	Files   int64 `json:"files"`   // its folder
	Data    int64 `json:"data"`    // its data
	History int64 `json:"history"` // stored versions of its files, each counted once
}

// SpaceReport says what takes room in a home, in bytes on the disk.
type SpaceReport struct {
	Home    int64       `json:"home"`  // live files, databases included
	Store   int64       `json:"store"` // everything in .disk
	Free    int64       `json:"free"`  // on the disk that the home is on
	Total   int64       `json:"total"`
	Apps    []AppSpace  `json:"apps" nullable:"false"`
	Parts   []SpaceItem `json:"parts" nullable:"false" doc:"What the store is made of"`
	Garbage int64       `json:"garbage" doc:"About what a collection would free"`
	Largest []SpaceItem `json:"largest" nullable:"false" doc:"The largest files of the home"`
}

// UpkeepState is how the home's care of itself stands.
type UpkeepState struct {
	Scrub *ScrubReport `json:"scrub,omitempty"` // the newest that finished
	GC    *GCReport    `json:"gc,omitempty"`

	Storage StorageState `json:"storage"`
}

// StorageState says whether a home takes changes. On a full or failing disk it is
// read-only for landings: everything can be read, and deleted by hand.
type StorageState struct {
	ReadOnly bool      `json:"read_only"`
	Kind     Kind      `json:"kind,omitempty" doc:"no space, or unavailable if the device fails"`
	Why      string    `json:"why,omitempty"`
	Hint     string    `json:"hint,omitempty" doc:"What to delete, with sizes"`
	Since    time.Time `json:"since,omitzero"`
	Free     int64     `json:"free"`
	Reserve  int64     `json:"reserve" doc:"With less than this free, nothing new is taken"`
}
