package kernel

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"

	"matrixos/disk"
	"matrixos/policy"
	"matrixos/sys"
)

// Syscall is one entry of the system call table: what a model sees of it, and
// what runs. Run gets input that is valid by Schema; its error becomes a failed
// result that the model reads, so it says what to do instead.
type Syscall struct {
	Name        string
	Description string
	Schema      json.RawMessage
	ReadOnly    bool // runs beside other read-only calls of the same turn
	// What becomes of a call that a crash cut off, when its process is taken up.
	// Again: it is made again, and does no harm by that. Replay: it changes nothing
	// but the process's transaction, or reads it, and does the same each time; so a
	// lost transaction is made anew of such calls. Neither: the model is told that
	// nobody knows whether it took effect.
	Again, Replay bool
	// Workspace: it may change files of the transaction, but not the same way each
	// time; so these changes are lost with the transaction.
	Workspace bool
	Title     func(input json.RawMessage) string
	Run       func(ctx context.Context, c *Call) (string, error)
}

// Call is one system call as its implementation sees it. What it shows to the
// model is labelled when it returns: by Shows, Saw and Reads where the call says
// exactly what it shows, else by every file that it opened.
type Call struct {
	ID    string // the model's own, unique in the process's newest step
	Input json.RawMessage
	p     *process
	reads reads
}

// Bind decodes the input into v.
func (c *Call) Bind(v any) error {
	if err := json.Unmarshal(c.Input, v); err != nil {
		return &sys.Error{Op: "read the arguments", Kind: sys.Invalid, Err: err}
	}
	return nil
}

// Kernel is the kernel that dispatches the call.
func (c *Call) Kernel() *Kernel { return c.p.k }

// Disk is the home.
func (c *Call) Disk() *disk.Disk { return c.p.k.disk }

// Tree is the home as the process sees it: its own changes over the landing it
// started from. It is read-only and confined to the home.
func (c *Call) Tree(ctx context.Context) (fs.FS, error) {
	tree, err := c.p.tree(ctx)
	return tracked{tree, &c.reads}, err
}

// Root is the process's transaction: a private folder that becomes the home's
// next landing. The first call begins it. Close what it returns.
func (c *Call) Root(ctx context.Context) (*os.Root, error) {
	c.reads.everything()
	t, err := c.p.begun(ctx)
	if err != nil {
		return nil, err
	}
	return os.OpenRoot(t.Dir())
}

// Place is where a command finds that folder.
func (c *Call) Place(ctx context.Context) (disk.Place, error) {
	c.reads.everything()
	t, err := c.p.begun(ctx)
	if err != nil {
		return disk.Place{}, err
	}
	return t.Place(), nil
}

// ProvideData puts copies of app databases into that folder, for a command that
// may want them. What it changes in them lands as changes of rows.
func (c *Call) ProvideData(ctx context.Context) error { return c.p.transaction().ProvideData(ctx) }

// Data is the process's own copy of an app's database, such as
// data/notes/notes.sqlite: where to open it. What is changed there lands as changes
// of rows, with the files. Close it before the call returns.
func (c *Call) Data(ctx context.Context, p sys.Path) (string, error) {
	t, err := c.p.begun(ctx)
	if err != nil {
		return "", err
	}
	return t.Data(ctx, p)
}

// MayWrite asks policy whether the process may change path.
func (c *Call) MayWrite(path sys.Path) error { return c.p.mayWrite(path) }

// Saw records that the process has read path as content, and shows it.
func (c *Call) Saw(path sys.Path, content []byte) {
	c.Shows(path)
	c.p.saw(path, content)
}

// Shows says of which files the result has something, and that it has nothing of
// any other. Without paths: of none.
func (c *Call) Shows(paths ...sys.Path) { c.reads.exactly(paths) }

// ShowsBelow says that the result may have something of any file in a folder.
func (c *Call) ShowsBelow(folder sys.Path) { c.reads.inFolder(folder) }

// Reads says that the result has something with label l.
func (c *Call) Reads(l sys.Label) { c.reads.labelled(l) }

// Knows reports whether an address was given by the owner, or found outside, so
// that nothing private can be in it.
func (c *Call) Knows(address string) bool { return c.p.req().known.has(address) }

// Names reports whether the owner has named a host in this conversation.
func (c *Call) Names(ctx context.Context, host string) (bool, error) { return c.p.named(ctx, host) }

// NamesPerson reports whether the owner has named a handle in this conversation.
func (c *Call) NamesPerson(ctx context.Context, h sys.Handle) (bool, error) {
	return c.p.namesPerson(ctx, h)
}

// Learns notes addresses that were found outside.
func (c *Call) Learns(addresses ...string) { c.p.req().known.add(addresses...) }

// Effect asks whether something may leave the home, and the owner if need be; it
// returns nil if it may happen now, once.
func (c *Call) Effect(ctx context.Context, e policy.Effect) error { return c.p.effect(ctx, e) }

// Settle labels the process now by what the call has read so far, for an effect
// that follows within the same call.
func (c *Call) Settle(ctx context.Context) error { return c.p.label(ctx, &c.reads) }

// Searched records that the process has looked for something in a folder, and
// so depends on all of it; "" is the home.
func (c *Call) Searched(folder sys.Path) { c.p.searched(folder) }

// Fresh reports whether the process has read or written path, and it is still
// as it was then.
func (c *Call) Fresh(path sys.Path, content []byte) bool { return c.p.fresh(path, content) }

// Spawn is what a child is given.
type Spawn struct {
	Program sys.Program
	Task    string
	App     sys.Slug
	// Contract is what App has to do, the text of its contract.json. It is part of what
	// the child lands, and the child cannot change it; empty leaves the one there is.
	Contract string
}

// Spawn runs a program as a child of the process, to its landing, and returns
// its report.
func (c *Call) Spawn(ctx context.Context, o Spawn) (Report, error) {
	return c.p.spawn(ctx, c.ID, o)
}

// Ask puts a question to the owner and waits for the answer, which is empty if they
// leave it to the process. app is the app to be made that it is about, if any. A
// request has at most sys.MostQuestions; then the error is Refused.
func (c *Call) Ask(ctx context.Context, text string, choices []string, app sys.Slug) (string, error) {
	return c.p.consult(ctx, c.ID, sys.QuestionData{Text: text, Choices: choices, App: app})
}

// Answers is what the owner said when the process asked, about app or in general.
func (c *Call) Answers(app sys.Slug) []sys.Asked { return c.p.answers(app) }

// Words is what the owner said, the request.
func (c *Call) Words() string { return c.p.req().text }

// Show notes that the owner wants to see app now, and tells the desktop.
func (c *Call) Show(app sys.Slug) { c.p.show(app) }

// Speak asks the desktop to say something aloud.
func (c *Call) Speak(d sys.SpeakData) {
	c.p.k.journal.Publish(c.p.event(sys.EventSpeak, d))
}

// Landed notes a landing that the call itself made, such as an undo.
func (c *Call) Landed(ctx context.Context, l sys.LandingInfo) { c.p.landed(ctx, l) }

// Provenance is how a landing that the call itself makes is signed.
func (c *Call) Provenance() sys.Provenance { return c.p.provenance() }

// State is what the process's prompt was told about the system, anew.
func (c *Call) State() State { return c.p.k.state(c.p) }
