package sys

import "time"

// ConflictState says whose turn it is.
type ConflictState string

// The states of a conflict.
const (
	ConflictRetrying ConflictState = "retrying" // the process that made it tries again
	ConflictWaiting  ConflictState = "waiting"  // the owner decides
	ConflictSettled  ConflictState = "settled"  // landed, resolved or dropped
)

// ConflictChoice is what is to become of one file in conflict.
type ConflictChoice string

// The choices. "Ours" is the home as it is, "theirs" what was refused.
const (
	ChooseOurs   ConflictChoice = "ours"
	ChooseTheirs ConflictChoice = "theirs"
	ChooseBoth   ConflictChoice = "both" // theirs becomes a second file beside ours
	ChooseFile   ConflictChoice = "file" // a content that is given
)

// ConflictInfo is work that was refused because somebody else had changed the same
// places first. It is kept until it lands or is decided.
type ConflictInfo struct {
	ID         string         `json:"id"`
	State      ConflictState  `json:"state"`
	Time       time.Time      `json:"time"` // of the last refusal
	Title      string         `json:"title"`
	Tries      int            `json:"tries"`
	Base       LandingID      `json:"base"` // on which the work was made
	Met        LandingID      `json:"met"`  // which it did not fit
	Files      []ConflictPath `json:"files"`
	Changes    []Change       `json:"changes"` // all of the work
	Provenance Provenance     `json:"provenance"`
	Landing    LandingID      `json:"landing,omitempty"` // that settled it; 0 if it was dropped
}

// ConflictPath is one file in conflict.
type ConflictPath struct {
	Path   Path           `json:"path"`
	Binary bool           `json:"binary,omitempty"`
	Choice ConflictChoice `json:"choice,omitempty"` // what the owner has said so far
}
