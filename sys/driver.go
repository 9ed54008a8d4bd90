package sys

import "time"

// DriverState says how an attached thing is.
type DriverState string

// The states of a driver.
const (
	DriverOff     DriverState = "off"     // its owner has switched it off
	DriverFault   DriverState = "fault"   // its file is wrong
	DriverNew     DriverState = "new"     // its tools are not known yet
	DriverReady   DriverState = "ready"   // it is started when it is needed
	DriverRunning DriverState = "running" // it runs
	DriverWaiting DriverState = "waiting" // it broke, and is given time before the next try
	DriverBroken  DriverState = "broken"  // it broke too often
	DriverBlocked DriverState = "blocked" // its tools have changed; the owner has to look
)

// DriverInfo is an attached thing as its owner sees it. Names and texts of tools are
// its own word.
type DriverInfo struct {
	Name     string        `json:"name"`
	State    DriverState   `json:"state"`
	Why      string        `json:"why,omitempty"`     // it is so, for people
	Runs     string        `json:"runs"`              // its command line or address
	Reach    string        `json:"reach"`             // the most its tools may do, as in DriverTool
	Folders  []string      `json:"folders,omitempty"` // of the owner's that it sees; "… (may change it)"
	Network  []string      `json:"network,omitempty"` // hosts that it may reach
	Tools    []DriverTool  `json:"tools"`
	Refused  []string      `json:"refused,omitempty"` // tools that cannot be used, and why
	Change   *DriverChange `json:"change,omitempty"`  // what waits for the owner's yes
	Calls    int64         `json:"calls"`
	Failures int           `json:"failures"`          // in a row
	SignIn   bool          `json:"sign_in,omitempty"` // it asks for a sign-in, which only its owner can give
	Retry    time.Time     `json:"retry,omitzero"`
}

// DriverTool is one tool of a driver.
type DriverTool struct {
	Name        string `json:"name"` // in full, such as mcp__files__read
	Description string `json:"description,omitempty"`
	May         string `json:"may"` // own, read, write, external or off
}

// DriverChange is what a driver has changed about its tools.
type DriverChange struct {
	Hash  string   `json:"hash"`
	Lines []string `json:"lines"` // "+ …" is new, "- …" is gone
}

// DriverData is the payload of EventDriver.
type DriverData struct {
	Name  string      `json:"name"`
	State DriverState `json:"state"`
	Why   string      `json:"why,omitempty"`
}
