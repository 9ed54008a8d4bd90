package sys

import "time"

// HealState says how it stands with something that was found broken.
type HealState string

// The states of a HealCase.
const (
	HealDone     HealState = "healed"      // a repair has landed
	HealProposed HealState = "proposed"    // a repair is ready and waits for the owner: it would take back what the owner did
	HealRests    HealState = "quarantined" // no repair holds; the owner has to look at it
	HealGone     HealState = "gone"        // it holds again, by somebody else's doing
	HealBack     HealState = "taken back"  // the owner has taken the repair back
	HealLeft     HealState = "left"        // the owner leaves it as it is
	HealUnproven HealState = "unproven"    // something was reported that no check brings about
	HealEscaped  HealState = "escaped"     // the owner reported it, and no detector had seen it
)

// Rung is a remedy of the healer's ladder.
type Rung string

// The rungs, in the order in which they are tried.
const (
	RungBytes  Rung = "last good bytes" // the file is as it was before it broke
	RungHunk   Rung = "guilty part"     // only what broke it was taken back, by lines or by words
	RungReplay Rung = "replay"          // the last good app, with the later changes done again
	RungSyntax Rung = "syntax"          // a file that could not be read was made readable
	RungModel  Rung = "model"           // an agent mended it
)

// HealCase is one thing that was found broken, and what became of it. It is the
// payload of EventHeal.
type HealCase struct {
	ID         int64       `json:"id"`
	App        Slug        `json:"app,omitempty"`
	Path       Path        `json:"path"`                          // the app's folder, or a file of the settings or of an app's data
	Mode       int         `json:"mode" doc:"Of doc/failures.md"` // of the catalogue
	Detector   string      `json:"detector"`                      // what noticed it
	Check      string      `json:"check,omitempty"`               // the scenario, rule or file that was gone by
	Seen       []string    `json:"seen" nullable:"false"`         // what does not hold, in words
	State      HealState   `json:"state"`
	Rung       Rung        `json:"rung,omitempty"`       // of the repair, landed or proposed
	Culprit    LandingID   `json:"culprit,omitempty"`    // the landing that broke it
	By         LandingKind `json:"by,omitempty"`         // whose that was
	Landing    LandingID   `json:"landing,omitempty"`    // the repair
	Files      []Path      `json:"files,omitempty"`      // that the repair changes
	Patch      string      `json:"patch,omitempty"`      // what it does to them, if it is proposed
	Collateral []LandingID `json:"collateral,omitempty"` // later changes that a proposed repair would lose; one that lands by itself loses none
	Why        string      `json:"why"`                  // what happened and what was done, for the owner
	Ways       []string    `json:"ways,omitempty"`       // out, in words
	Level      string      `json:"level,omitempty"`      // at which the repair was verified
	Runs       int         `json:"runs"`                 // of contracts, or of parts of them
	Look       int64       `json:"look_millis"`          // from the beginning of the look to when it was noticed
	Millis     int64       `json:"millis"`               // from when it was noticed to the repair
	Opened     time.Time   `json:"opened"`
	Closed     time.Time   `json:"closed,omitzero"`
}

// HealOptions say what a run of the healer looks at.
type HealOptions struct {
	App   Slug `json:"app,omitempty"`   // only this; all apps, the settings and the disk if empty
	Quick bool `json:"quick,omitempty"` // files only: leave scenarios out
	Again bool `json:"again,omitempty"` // also what was given up, or left as it is
}

// HealReport is what a run of the healer found.
type HealReport struct {
	Looked int          `json:"looked" doc:"Apps and files of settings"`
	Cases  []HealCase   `json:"cases" nullable:"false"`
	Notes  []string     `json:"notes,omitempty" doc:"What was not looked at, and why, in words"`
	Stored *ScrubReport `json:"stored,omitempty" doc:"What the check of all stored bytes found"`
	Level  string       `json:"level"` // to which apps were held
	Millis int64        `json:"millis"`
}

// Reliability counts failures by mode.
type Reliability struct {
	Since time.Time   `json:"since,omitzero"`
	Cases int         `json:"cases"`
	Modes []ModeCount `json:"modes" nullable:"false"`
	Total ModeCount   `json:"total"`
	Green int         `json:"green" doc:"Runs of whole contracts that found nothing"`
	False int         `json:"false" doc:"Alarms that went by themselves with nothing changed"`
	// Refused is apart from the cases: nothing of it ever came into the home.
	Refused []RefusedCount `json:"refused" nullable:"false" doc:"Landings that the checks before them refused, by app and mode, the most frequent first"`
	// Contracts says of each app with a contract how much that was last found to notice.
	Contracts []ContractStrength `json:"contracts" nullable:"false"`
}

// RefusedCount is how often a landing was refused because of what it would have made of an
// app.
type RefusedCount struct {
	App  Slug      `json:"app"`
	Mode int       `json:"mode" doc:"Of doc/failures.md"`
	Name string    `json:"name"`
	N    int       `json:"n"`
	Last time.Time `json:"last"`
	Why  string    `json:"why" doc:"What did not hold the last time, in words"`
}

// ContractStrength is an app with a contract; Strength is nil if it was not measured yet.
type ContractStrength struct {
	App      Slug      `json:"app"`
	Strength *Strength `json:"strength,omitempty"`
	Weak     []string  `json:"weak,omitempty" doc:"Why it would be green with nearly everything, in words"`
}

// ModeCount is what became of the cases of one failure mode.
type ModeCount struct {
	Mode        int            `json:"mode"`
	Name        string         `json:"name"`
	Seen        int            `json:"seen"`
	Healed      int            `json:"healed"` // proposals that the owner took included
	Waiting     int            `json:"waiting"`
	Quarantined int            `json:"quarantined"`
	Gone        int            `json:"gone"`
	TakenBack   int            `json:"taken_back"`
	Escaped     int            `json:"escaped"`
	Collateral  int            `json:"collateral"` // later changes that repairs have lost
	Detectors   map[string]int `json:"detectors" nullable:"false"`
	Rungs       map[Rung]int   `json:"rungs" nullable:"false"`
	P50         int64          `json:"p50_ms"` // until a repair, of those healed
	P95         int64          `json:"p95_ms"`
	Low         float64        `json:"low"` // of the share healed of those decided: its 95 % interval
	High        float64        `json:"high"`
}
