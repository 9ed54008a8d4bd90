package gateway

import (
	"context"
	"net/http"

	"matrixos/audit"
	"matrixos/journal"
	"matrixos/kernel"
	"matrixos/sys"
)

// Policy is what only the owner decides; *kernel.Kernel is one.
type Policy interface {
	Approvals(ctx context.Context) ([]Approval, error)
	Approve(ctx context.Context, id string, v Verdict) error
	Untrusted(ctx context.Context) ([]Labelled, error)
	Trust(ctx context.Context, p sys.Path) error
	// LabelBelow and Mark carry labels over to files that the owner brings.
	LabelBelow(ctx context.Context, folder sys.Path) (sys.Label, error)
	Mark(ctx context.Context, l sys.Label, paths ...sys.Path) error
}

// Audit looks at the home's own safety; *audit.Auditor is one.
type Audit interface {
	Report(ctx context.Context) (audit.Report, error)
}

// Keys is the keyring as an owner sees it: names, never values.
type Keys interface {
	Names() []string
	Set(name, value string) error
	Delete(name string) error
	// Status says how the keys are protected, or why they cannot be read.
	Status() string
}

// Approval is kernel.Approval, by the name that the gateway's own API uses; so
// are the following.
type Approval = kernel.Approval

// Verdict is the owner's answer to an Approval.
type Verdict = kernel.Verdict

// Labelled is a file that holds text from outside.
type Labelled = kernel.Labelled

// TrustBody names what may be believed.
type TrustBody struct {
	Path string `json:"path" minLength:"1" maxLength:"4096"`
}

// Keyring says, for people, how the keys are protected, or why they are closed.
type Keyring struct {
	Status string `json:"status"`
}

// policyAPI registers approvals, what is not trusted, and the keyring.
func (g *Gateway) policyAPI() {
	register(g, http.MethodGet, "/api/approvals", "list-approvals", "What waits for the owner's yes or no", func(ctx context.Context, _ *struct{}) (*reply[[]Approval], error) {
		list, err := g.o.Policy.Approvals(ctx)
		return &reply[[]Approval]{all(list)}, err
	})
	register(g, http.MethodPost, "/api/approvals/{id}", "answer-approval", "Allow or refuse one exact effect", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"100"`
		Body struct {
			Allow  bool   `json:"allow"`
			Always bool   `json:"always,omitempty" doc:"Keep the answer as a rule in system/policy.json"`
			From   string `json:"from,omitempty" enum:"desktop,cli" default:"desktop"`
		}
	}) (*struct{}, error,
	) {
		return nil, g.o.Policy.Approve(ctx, in.ID, Verdict{Allow: in.Body.Allow, Always: in.Body.Always, From: in.Body.From})
	})
	register(g, http.MethodGet, "/api/untrusted", "list-untrusted", "Files that hold text from outside", func(ctx context.Context, _ *struct{}) (*reply[[]Labelled], error) {
		list, err := g.o.Policy.Untrusted(ctx)
		return &reply[[]Labelled]{all(list)}, err
	})
	register(g, http.MethodPost, "/api/trust", "trust", "Say that a file, or all in a folder, may be believed", func(ctx context.Context, in *reply[TrustBody]) (*struct{}, error) {
		p, err := sys.ParsePath(in.Body.Path)
		if err != nil {
			return nil, err
		}
		return nil, g.o.Policy.Trust(ctx, p)
	})
	g.auditAPI()
	g.keysAPI()
}

// auditAPI registers what was decided, and how safe the home is.
func (g *Gateway) auditAPI() {
	register(g, http.MethodGet, "/api/audit/verify", "verify-audit", "Check that the journal is as it was written", func(ctx context.Context, _ *struct{}) (*reply[journal.Audit], error) {
		a, err := g.o.Disk.VerifyJournal(ctx)
		return &reply[journal.Audit]{a}, err
	})
	register(g, http.MethodGet, "/api/audit/report", "audit-report", "How safe this home is: what is weaker than it has to be, and how to mend it", func(ctx context.Context, _ *struct{}) (*reply[audit.Report], error) {
		r, err := g.o.Audit.Report(ctx)
		return &reply[audit.Report]{r}, err
	})
	register(g, http.MethodGet, "/api/audit", "list-audit", "What policy and the owner have decided, oldest first", func(ctx context.Context, in *struct {
		After sys.Seq `query:"after" minimum:"0"`
		Limit int     `query:"limit" minimum:"1" maximum:"10000" default:"1000"`
	}) (*reply[[]sys.Event], error,
	) {
		rows, err := g.journal.Query(ctx, `SELECT seq, time, kind, pid, conversation, request, data FROM event WHERE kind = ? AND seq > ? ORDER BY seq LIMIT ?`, string(sys.EventAudit), in.After, in.Limit)
		if err != nil {
			return nil, err
		}
		list, err := journal.Scan(rows)
		return &reply[[]sys.Event]{all(list)}, err
	})
}

// keysAPI registers the keyring.
func (g *Gateway) keysAPI() {
	register(g, http.MethodGet, "/api/keys", "list-keys", "Names of the keys there are, never their values", func(context.Context, *struct{}) (*reply[[]string], error) {
		return &reply[[]string]{all(g.o.Keys.Names())}, nil
	})
	register(g, http.MethodGet, "/api/keyring", "keyring", "How the keys are protected", func(context.Context, *struct{}) (*reply[Keyring], error) {
		return &reply[Keyring]{Keyring{g.o.Keys.Status()}}, nil
	})
	register(g, http.MethodPut, "/api/keys/{name}", "set-key", "Keep a key in the keyring", func(_ context.Context, in *struct {
		Name string `path:"name" maxLength:"100"`
		Body struct {
			Value string `json:"value" minLength:"1" maxLength:"16384" writeOnly:"true"`
		}
	}) (*struct{}, error,
	) {
		return nil, g.o.Keys.Set(in.Name, in.Body.Value)
	})
	register(g, http.MethodDelete, "/api/keys/{name}", "delete-key", "Forget a key", func(_ context.Context, in *struct {
		Name string `path:"name" maxLength:"100"`
	}) (*struct{}, error,
	) {
		return nil, g.o.Keys.Delete(in.Name)
	})
}
