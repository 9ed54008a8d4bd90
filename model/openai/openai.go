// Package openai answers requests through the chat completions API: that of
// OpenAI, and the many servers that speak it (Ollama, llama.cpp, vLLM,
// OpenRouter), with the differences between them. It makes its own further
// attempts and notices a stream that falls silent or ends early. It reads no
// environment and runs no tools.
package openai

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/packages/ssestream"

	"matrixos/model"
	"matrixos/model/internal/attempt"
	"matrixos/sys"
)

// Provider marks the blocks whose Raw came from here.
const Provider = "openai"

// DefaultBaseURL is where requests go unless Options says otherwise.
const DefaultBaseURL = "https://api.openai.com/v1"

const op = "ask model"

// Options sets up a Model. Servers on one's own machine need no Key.
type Options struct {
	Key        string
	BaseURL    string        // DefaultBaseURL if empty; includes the version, as in http://127.0.0.1:11434/v1
	HTTP       *http.Client  // a plain one if nil; redirects are never followed
	Idle       time.Duration // a stream silent for this long is broken off; 90 s, 10 min on one's own machine or network
	MaxRetries int           // further attempts; 4; negative means none
	MaxWait    time.Duration // the longest pause granted to the provider; 60 s
	Backoff    time.Duration // the first pause, doubling from there; 500 ms
	Context    int64         // tokens that a model of unknown size takes; 128,000
	Logger     *slog.Logger
}

// Model is one endpoint with one key.
type Model struct {
	chat    sdk.ChatCompletionService
	base    string
	context int64
	policy  attempt.Policy

	mu      sync.Mutex
	dialect map[string]dialect // by model: what its server was found to want
}

var _ model.Model = (*Model)(nil)

// New makes a Model. It connects to nothing; an address that is none, or no key
// for a server that is known to want one, are errors at once.
func New(o Options) (*Model, error) {
	if o.BaseURL == "" {
		o.BaseURL = DefaultBaseURL
	}
	base, err := attempt.Base("set up the OpenAI-compatible model", o.BaseURL)
	if err != nil {
		return nil, err
	}
	if o.Key == "" && official(base) {
		return nil, &sys.Error{
			Op: "set up the OpenAI-compatible model", Path: base, Kind: sys.Unauthorized, Err: errors.New("there is no key"),
			Hint: "set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own; `--model offline` works without one",
		}
	}
	if o.Context == 0 {
		o.Context = 128_000
	}
	if o.Idle == 0 && near(base) {
		o.Idle = 10 * time.Minute // without a large GPU, reading a long prompt takes minutes, in silence
	}
	opts := []option.RequestOption{
		option.WithBaseURL(base), option.WithHTTPClient(attempt.Client(o.HTTP)), option.WithMaxRetries(0),
	}
	if o.Key != "" {
		opts = append(opts, option.WithAPIKey(o.Key))
	}
	return &Model{
		chat: sdk.NewChatCompletionService(opts...), // unlike sdk.NewClient, this reads no environment
		base: base, context: o.Context, dialect: map[string]dialect{},
		policy: attempt.Policy{
			Retries: o.MaxRetries, Backoff: o.Backoff, MaxWait: o.MaxWait, Idle: o.Idle, Logger: o.Logger,
		},
	}, nil
}

func official(base string) bool {
	u, err := url.Parse(base)
	return err == nil && u.Hostname() == "api.openai.com"
}

// near reports whether a server stands on this machine or its network.
func near(base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip.IsLoopback() || ip.IsPrivate()
}

// Limits implements model.Model.
func (m *Model) Limits(id string) model.Limits {
	if f, ok := model.Lookup(id); ok {
		return model.Limits{Context: f.Context, MaxOutput: f.MaxOutput}
	}
	return model.Limits{Context: m.context, MaxOutput: min(16_384, m.context/4)}
}

// Stream implements model.Model.
func (m *Model) Stream(ctx context.Context, r *model.Request, sink func(model.Delta)) (*model.Reply, error) {
	return m.policy.Run(ctx, sink, func(ctx context.Context, sink func(model.Delta), dog *attempt.Dog) (*model.Reply, *attempt.Failure) {
		for {
			lang := m.speaks(r.Model)
			body, invalid := encode(r, lang)
			if invalid != nil {
				return nil, &attempt.Failure{Err: invalid}
			}
			rep, err := m.once(ctx, r.Model, body, sink, dog)
			if err == nil {
				return rep, nil
			}
			if m.learn(r.Model, lang, err) {
				continue // a complaint about the wording comes before anything streamed
			}
			if full, ok := overflow(r.Model, err); ok {
				return full, nil
			}
			f := m.classify(r.Model, err)
			if rep != nil {
				f.Cost = rep.Cost
			}
			return nil, f
		}
	})
}

var errTruncated = errors.New("the answer broke off before its end")

// once makes one request. With an error, the reply holds only a cost.
func (m *Model) once(ctx context.Context, id string, body json.RawMessage, sink func(model.Delta), dog *attempt.Dog) (*model.Reply, error) {
	p := param.Override[sdk.ChatCompletionNewParams](body)
	listen := func(req *http.Request, next option.MiddlewareNext) (*http.Response, error) {
		resp, err := next(req)
		dog.Listen(resp)
		return resp, err
	}
	stream := m.chat.NewStreaming(ctx, p, option.WithMiddleware(listen))
	defer stream.Close() //nolint:errcheck // nothing was written, and what matters was read
	d := decoder{model: id, sink: sink, prompt: int64(len(body) / 4)}
	for stream.Next() {
		d.chunk(stream.Current())
	}
	err := stream.Err()
	switch {
	case d.failed:
		err = errors.New("the provider ended the answer with an error")
	case err == nil && d.finish == "":
		err = errTruncated
	case d.finish != "" && ctx.Err() == nil:
		err = nil // the answer is whole; some servers hang up without a [DONE]
	}
	if err != nil {
		if !d.started {
			return nil, err
		}
		return &model.Reply{Cost: d.cost()}, err
	}
	return d.reply(), nil
}

func overflow(id string, err error) (*model.Reply, bool) {
	status, text := 0, ""
	var api *sdk.Error
	var mid *ssestream.StreamError
	switch {
	case errors.As(err, &api):
		status, text = api.StatusCode, api.Code+" "+api.Message+" "+api.RawJSON()
	case errors.As(err, &mid):
		status, text = http.StatusBadRequest, mid.Message
	}
	if !attempt.Overflow(status, text) {
		return nil, false
	}
	return &model.Reply{Message: model.Message{Role: model.Assistant}, Stop: model.StopOverflow, Model: id}, true
}

func (m *Model) classify(id string, err error) *attempt.Failure {
	var api *sdk.Error
	var mid *ssestream.StreamError
	switch {
	case errors.As(err, &api):
		header := http.Header{}
		if api.Response != nil {
			header = api.Response.Header
		}
		return attempt.Status(op, m.base, "OPENAI_API_KEY", id, api.StatusCode, header, message(api))
	case errors.As(err, &mid):
		return attempt.Status(op, m.base, "OPENAI_API_KEY", id, http.StatusBadGateway, http.Header{}, cut(mid.Message))
	}
	return attempt.Transport(op, m.base, id, err)
}

func message(e *sdk.Error) string {
	text := strings.TrimSpace(e.Message)
	if text == "" {
		text = strings.TrimSpace(e.RawJSON())
	}
	if e.Code != "" && !strings.Contains(text, e.Code) {
		text += " (" + e.Code + ")"
	}
	if text == "" {
		text = http.StatusText(e.StatusCode)
	}
	return cut(text)
}

func cut(s string) string {
	const most = 500
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
