package sys

import "time"

// Diagnostic is one finding in a source file, of the compiler or of a schema.
type Diagnostic struct {
	Severity string `json:"severity"` // "error" or "warning"
	Text     string `json:"text"`
	File     Path   `json:"file,omitempty"`   // relative to the home
	Line     int    `json:"line,omitempty"`   // from 1
	Column   int    `json:"column,omitempty"` // from 1
	Source   string `json:"source,omitempty"` // the line itself
	Hint     string `json:"hint,omitempty"`
}

// ShippedBy is the author of the apps that a new home comes with.
const ShippedBy = "Matrix OS"

// AppInfo is what the desktop, the command line and agents see of an app.
type AppInfo struct {
	Slug        Slug         `json:"slug"`
	Name        string       `json:"name"`
	Description string       `json:"description,omitempty"`
	Icon        string       `json:"icon,omitempty"` // a lucide icon name such as "wallet", or a file of the app
	Category    string       `json:"category,omitempty"`
	Author      string       `json:"author,omitempty"`      // ShippedBy for what a new home comes with
	Permissions []string     `json:"permissions,omitempty"` // what it may ask the owner for, such as "net:api.example.org"
	Version     string       `json:"version"`
	Runtime     string       `json:"runtime"` // static, vite or node
	Folder      Path         `json:"folder"`  // such as apps/notes
	Hidden      bool         `json:"hidden,omitempty"`
	OK          bool         `json:"ok"`                 // compiles and its manifest is valid
	Verified    string       `json:"verified"`           // "static", "browser" or ""
	Contract    bool         `json:"contract,omitempty"` // it has one
	Failing     []string     `json:"failing,omitempty"`  // what of its contract does not hold, in words
	Strength    *Strength    `json:"strength,omitempty"` // of its contract, if that was measured
	Weak        []string     `json:"weak,omitempty"`     // why its contract would be green with nearly everything, in words
	Tables      []string     `json:"tables,omitempty"`
	Packages    []string     `json:"packages,omitempty"` // what it lacks of npm, until the owner allows it
	Diagnostics []Diagnostic `json:"diagnostics,omitempty"`
	Landing     LandingID    `json:"landing"` // the newest that touched it
	Updated     time.Time    `json:"updated"`
}
