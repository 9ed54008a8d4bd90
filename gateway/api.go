package gateway

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"matrixos/sys"
)

// reply is an answer whose body is a T.
type reply[T any] struct{ Body T }

// apiConfig describes the API as a whole. The library's own pages are off: they
// load scripts from elsewhere.
func apiConfig(version string) huma.Config {
	c := huma.DefaultConfig("Matrix OS", version)
	c.Info.Description = "One home's gateway. Sign in with a cookie or a bearer token; failures are problem+json with a kind and a hint."
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.CreateHooks = nil // no $schema links in answers
	c.Transformers = append(c.Transformers, problems)
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: cookieName, Description: "HttpOnly, SameSite=Strict; from a one-time sign-in link"},
		"token":   {Type: "http", Scheme: "bearer", Description: "the token in .disk/run/daemon.json of the home"},
	}
	c.Security = []map[string][]string{{"session": {}}, {"token": {}}}
	return c
}

// register adds one typed call. Errors become Problems.
func register[I, O any](g *Gateway, method, path, id, summary string, fn func(context.Context, *I) (*O, error), more ...func(*huma.Operation)) {
	op := huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary}
	op.MaxBodyBytes = 1 << 20
	for _, m := range more {
		m(&op)
	}
	op.Middlewares = append(op.Middlewares, announced(op.MaxBodyBytes))
	huma.Register(g.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := fn(ctx, in)
		if err != nil {
			return nil, g.failed(ctx, id, err)
		}
		return out, nil
	})
}

// announced refuses a body by its announced length before any of it is read;
// the library stops reading one that announces none.
func announced(limit int64) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if r, w := humago.Unwrap(ctx); r.ContentLength > limit {
			tooLarge(limit).write(w)
			return
		}
		next(ctx)
	}
}

// upTo sets a call's own limit on its body.
func upTo(bytes int64) func(*huma.Operation) {
	return func(op *huma.Operation) {
		op.MaxBodyBytes = bytes
		op.BodyReadTimeout = 5*time.Second + time.Duration(bytes>>17)*time.Second // what comes at 128 kB a second is in time
	}
}

func (g *Gateway) registerAPI() {
	g.sessionAPI()
	g.askAPI()
	g.processAPI()
	g.jobAPI()
	g.policyAPI()
	g.capsAPI()
	g.bindingAPI()
	g.mindAPI()
	g.driversAPI()
	g.tokenAPI()
	g.deviceAPI()
	g.appAPI()
	g.landingAPI()
	g.dataAPI()
	g.historyAPI()
	g.conflictAPI()
	g.bisectAPI()
	g.healAPI()
	g.trialAPI()
	g.fileAPI()
	g.settingsAPI()
	g.upkeepAPI()
	g.diskAPI()
	g.backupAPI()
	g.syncAPI()
	g.handleAPI()
	g.peopleAPI()
	g.securityAPI()
	g.moderationAPI()
	g.socialAPI()
	describe(g.api.OpenAPI())
}

// Session is what the desktop needs to know before it shows anything.
type Session struct {
	Handle  sys.Handle `json:"handle"`
	Name    string     `json:"name"`
	Home    string     `json:"home" doc:"The folder, as its owner calls it"`
	Version string     `json:"version"`
	Model   Model      `json:"model"`
	Seq     sys.Seq    `json:"seq" doc:"The newest event; open the socket after it"`
	Safe    bool       `json:"safe,omitempty" doc:"Safe mode: it crashed again and again, and no model runs"`
	Stopped bool       `json:"stopped,omitempty" doc:"The owner has stopped everything"`
	// Commands is for people.
	Commands string `json:"commands" doc:"How commands of agents are confined, or why they are refused"`
}

// AskBody is a request of the owner.
type AskBody struct {
	Text         string           `json:"text" minLength:"1" maxLength:"200000"`
	Conversation sys.Conversation `json:"conversation,omitempty" maxLength:"200" doc:"A new one if absent"`
	Model        string           `json:"model,omitempty" maxLength:"200"`
	App          sys.Slug         `json:"app,omitempty" maxLength:"64" doc:"The app in front of the owner"`
	From         string           `json:"from,omitempty" enum:"desktop,cli" default:"desktop"`
}

// AskReply says where to look for what happens.
type AskReply struct {
	Request      sys.RequestID    `json:"request"`
	Conversation sys.Conversation `json:"conversation"`
	PID          sys.PID          `json:"pid"`
}

// askAPI registers the session, asking, questions and conversations.
func (g *Gateway) askAPI() {
	register(g, http.MethodGet, "/api/session", "get-session", "Who and what this home is", func(context.Context, *struct{}) (*reply[Session], error) {
		o := g.o.Owner()
		return &reply[Session]{Session{o.Handle, o.Name, g.o.Disk.Root(), g.o.Version, g.o.Models.Current(), g.journal.Last(), g.o.Safe, g.o.Kernel.Stopped(), g.o.Commands}}, nil
	})
	register(g, http.MethodPost, "/api/ask", "ask", "Ask for something; progress comes as events", func(ctx context.Context, in *reply[AskBody]) (*reply[AskReply], error) {
		t, err := g.o.Kernel.Ask(ctx, Ask{Text: in.Body.Text, Conversation: in.Body.Conversation, Model: in.Body.Model, From: in.Body.From, App: in.Body.App})
		if err != nil {
			return nil, err
		}
		return &reply[AskReply]{AskReply(t)}, nil
	})
	register(g, http.MethodPost, "/api/questions/{id}", "answer-question", "Answer a question of the system", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"200"`
		Body struct {
			Text string `json:"text" maxLength:"20000"`
		}
	}) (*struct{}, error,
	) {
		return nil, g.o.Kernel.Answer(ctx, in.ID, in.Body.Text)
	})
	g.conversationAPI()
}
