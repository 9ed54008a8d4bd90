package gateway

import (
	"context"
	"encoding/json"
	"net/http"

	"matrixos/app"
	"matrixos/kernel"
	"matrixos/sys"
)

// The parts of the system that the gateway speaks for, as it needs them.

// Kernel runs what the owner asks for; *kernel.Kernel is one.
type Kernel interface {
	Asker
	Processes
	Accounts
	Schedule
	Mind
}

// Asker takes requests and keeps conversations.
type Asker interface {
	Ask(ctx context.Context, a Ask) (Ticket, error)
	Answer(ctx context.Context, question, text string) error
	Conversations(ctx context.Context) ([]Summary, error)
	Fork(ctx context.Context, id sys.Conversation, at string) (sys.Conversation, error)
}

// Processes is the process table and what one can do to it.
type Processes interface {
	Processes() []sys.Process
	Signal(pid sys.PID, s Signal) error
	Continue(ctx context.Context, pid sys.PID, g Grant) (Ticket, error)
	StopAll(ctx context.Context) error
	ContinueAll(ctx context.Context) ([]Ticket, error)
	Stopped() bool
}

// Accounts says what was spent, and on what.
type Accounts interface {
	Spending(ctx context.Context, days int) (Spending, error)
	Prompt(ctx context.Context, program sys.Program) (Prompt, error)
}

// Schedule is what runs by the clock.
type Schedule interface {
	Jobs(ctx context.Context) ([]JobStatus, error)
	AddJob(ctx context.Context, j Job) (JobStatus, error)
	RemoveJob(ctx context.Context, id string) error
	RunJob(ctx context.Context, id string) (JobStatus, error)
	PauseJob(ctx context.Context, id, why string) error
	ResumeJob(ctx context.Context, id string) error
}

// AppRows is the owner's way to the rows of apps.
type AppRows interface {
	// Rows reads all rows of a table.
	Rows(ctx context.Context, slug sys.Slug, table string) (TableRows, error)
	// Enter adds rows to a table as a landing: all, or none if one of them breaks a rule of
	// the app.
	Enter(ctx context.Context, slug sys.Slug, table string, e Entries) (Entered, error)
	// Restore brings rows of tables back as they were, all or none, as a landing.
	Restore(ctx context.Context, slug sys.Slug, tables map[string][]app.Row) (sys.LandingInfo, error)
	// ServerFiles is what the server of an app keeps, by path below its folder.
	ServerFiles(ctx context.Context, slug sys.Slug) (map[string][]byte, error)
	// RestoreServerFiles stops the server and brings files that it kept back, all or
	// none, as a landing.
	RestoreServerFiles(ctx context.Context, slug sys.Slug, files map[string][]byte) (sys.LandingInfo, error)
	// Search finds rows of all apps.
	Search(ctx context.Context, text string, limit int) ([]app.FoundRow, error)
}

// Apps compiles, serves and connects apps; *app.Runtime is one.
type Apps interface {
	List() []sys.AppInfo
	Launch(slug sys.Slug, preview *Preview) (Launch, error)
	Call(ctx context.Context, capability, method string, params json.RawMessage) (json.RawMessage, error)
	Leave(capability string)
	AppRows
	// Install installs what apps lack of npm, as far as the owner has allowed it.
	Install(ctx context.Context) error
	// ServerLog is what the server of an app with the runtime node has said lately.
	ServerLog(slug sys.Slug) (string, error)
	// Check tries an app against its contract, at the highest level there is here.
	Check(ctx context.Context, slug sys.Slug) (*sys.ContractReport, error)
	// Strength measures how many small wrong changes of an app its contract finds.
	Strength(ctx context.Context, slug sys.Slug) (*sys.StrengthReport, error)
	http.Handler
}

// Models is the owner's choice of what answers.
type Models interface {
	Current() Model
	Choices(ctx context.Context) ([]Model, error)
	Choose(ctx context.Context, c ModelChoice) error
}

// Model describes one model to the owner.
type Model struct {
	ID       string `json:"id" doc:"Such as offline or anthropic:claude-opus-4-6"`
	Label    string `json:"label"`
	Note     string `json:"note" doc:"What to expect of it, in a sentence"`
	NeedsKey bool   `json:"needs_key"`
	Attached bool   `json:"attached" doc:"It can be used now"`
}

// ModelChoice is what the owner picks. Key goes to the keyring and nowhere else.
type ModelChoice struct {
	Model   string `json:"model" minLength:"1" maxLength:"200"`
	Key     string `json:"key,omitempty" maxLength:"4096" writeOnly:"true"`
	BaseURL string `json:"base_url,omitempty" maxLength:"2048"`
}

// Owner is whom the home belongs to.
type Owner struct {
	Handle sys.Handle
	Name   string
}

// Ask is kernel.Ask, by the name that the gateway's own API uses; so are the
// following.
type Ask = kernel.Ask

// Ticket says where to watch for an answer.
type Ticket = kernel.Ticket

// Summary is one conversation in a list.
type Summary = kernel.Summary

// Signal is what is sent to a process.
type Signal = kernel.Signal

// Grant is what the owner gives a process that goes on.
type Grant = kernel.Grant

// Spending is what was spent.
type Spending = kernel.Spending

// Job is what is to be done by the clock.
type Job = kernel.Job

// JobStatus is a job of the schedule, with what became of it.
type JobStatus = kernel.JobStatus

// Prompt is what a program's model is sent.
type Prompt = kernel.Prompt

// Preview shows an app as a process that has not landed yet sees it.
type Preview = app.Preview

// Launch is how the desktop opens an app.
type Launch = app.Launch
