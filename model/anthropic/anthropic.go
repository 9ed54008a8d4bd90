// Package anthropic answers requests through the Anthropic Messages API, by the
// official SDK. It always streams, makes its own further attempts, notices a
// stream that falls silent or ends early, and lays out the prompt for the
// provider's cache. It reads no environment and runs no tools.
package anthropic

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	sdk "github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
	"github.com/anthropics/anthropic-sdk-go/packages/param"

	"matrixos/model"
	"matrixos/model/internal/attempt"
	"matrixos/sys"
)

// Provider marks the blocks whose Raw came from here.
const Provider = "anthropic"

// DefaultBaseURL is where requests go unless Options says otherwise.
const DefaultBaseURL = "https://api.anthropic.com"

const op = "ask model"

// Options sets up a Model. Only Key is required.
type Options struct {
	Key        string
	BaseURL    string        // DefaultBaseURL if empty
	HTTP       *http.Client  // a plain one if nil; redirects are never followed
	Idle       time.Duration // a stream silent for this long is broken off; 90 s
	MaxRetries int           // further attempts; 4; negative means none
	MaxWait    time.Duration // the longest pause granted to the provider; 60 s
	Backoff    time.Duration // the first pause, doubling from there; 500 ms
	Logger     *slog.Logger
}

// Model is the Anthropic API with one key.
type Model struct {
	messages sdk.MessageService
	base     string
	policy   attempt.Policy
}

var _ model.Model = (*Model)(nil)

// New makes a Model. It connects to nothing; a missing key or an address that
// is none are errors at once.
func New(o Options) (*Model, error) {
	if o.BaseURL == "" {
		o.BaseURL = DefaultBaseURL
	}
	base, err := attempt.Base("set up the Anthropic model", o.BaseURL)
	if err != nil {
		return nil, err
	}
	if o.Key == "" {
		return nil, &sys.Error{
			Op: "set up the Anthropic model", Path: base, Kind: sys.Unauthorized, Err: errors.New("there is no key"),
			Hint: "set ANTHROPIC_API_KEY, or enter a key in the settings; `--model offline` works without one",
		}
	}
	client := sdk.NewClient(
		option.WithoutEnvironmentDefaults(), option.WithoutOpenTelemetry(),
		option.WithBaseURL(base), option.WithAPIKey(o.Key),
		option.WithHTTPClient(attempt.Client(o.HTTP)), option.WithMaxRetries(0),
	)
	return &Model{
		messages: client.Messages,
		base:     base,
		policy: attempt.Policy{
			Retries: o.MaxRetries, Backoff: o.Backoff, MaxWait: o.MaxWait, Idle: o.Idle, Logger: o.Logger,
		},
	}, nil
}

// Limits implements model.Model. A model that the price table does not list is
// taken for a small one.
func (m *Model) Limits(id string) model.Limits {
	if f, ok := model.Lookup(id); ok {
		return model.Limits{Context: f.Context, MaxOutput: f.MaxOutput}
	}
	return model.Limits{Context: 200_000, MaxOutput: 32_000}
}

// Stream implements model.Model.
func (m *Model) Stream(ctx context.Context, r *model.Request, sink func(model.Delta)) (*model.Reply, error) {
	if r.MaxTokens == 0 {
		c := *r
		c.MaxTokens = m.Limits(r.Model).MaxOutput
		r = &c
	}
	params, err := encode(r)
	if err != nil {
		return nil, &sys.Error{Op: op, Path: r.Model, Kind: sys.Invalid, Err: err, Hint: "the conversation holds what is no JSON; begin a new one"}
	}
	var opts []option.RequestOption
	if f, ok := model.Lookup(r.Model); ok {
		for _, beta := range f.Betas {
			opts = append(opts, option.WithHeaderAdd("anthropic-beta", beta))
		}
	}
	return m.send(ctx, r.Model, params, opts, sink)
}

// Relay sends a request that another program has made, under the contract of
// Stream. The reply's blocks carry what that program needs to read it.
func (m *Model) Relay(ctx context.Context, r *model.Raw, sink func(model.Delta)) (*model.Reply, error) {
	var opts []option.RequestOption
	for _, beta := range r.Betas {
		opts = append(opts, option.WithHeaderAdd("anthropic-beta", beta))
	}
	return m.send(ctx, r.Model, param.Override[sdk.MessageNewParams](r.Body), opts, sink)
}

func (m *Model) send(ctx context.Context, id string, p sdk.MessageNewParams, opts []option.RequestOption, sink func(model.Delta)) (*model.Reply, error) {
	return m.policy.Run(ctx, sink, func(ctx context.Context, sink func(model.Delta), dog *attempt.Dog) (*model.Reply, *attempt.Failure) {
		return m.once(ctx, id, p, opts, sink, dog)
	})
}

var errTruncated = errors.New("the answer broke off before its end")

func (m *Model) once(ctx context.Context, id string, p sdk.MessageNewParams, opts []option.RequestOption,
	sink func(model.Delta), dog *attempt.Dog,
) (*model.Reply, *attempt.Failure) {
	listen := func(req *http.Request, next option.MiddlewareNext) (*http.Response, error) {
		resp, err := next(req)
		dog.Listen(resp)
		return resp, err
	}
	stream := m.messages.NewStreaming(ctx, p, append(slices.Clip(opts), option.WithMiddleware(listen))...)
	defer stream.Close() //nolint:errcheck // nothing was written, and what matters was read
	d := decoder{model: id, sink: sink}
	var err error
	for err == nil && !d.done && stream.Next() {
		err = d.event(stream.Current())
	}
	if err == nil && !d.done {
		if err = stream.Err(); err == nil {
			err = errTruncated
		}
	}
	if err == nil {
		return d.reply(), nil
	}
	if rep, ok := overflow(id, err); ok {
		return rep, nil
	}
	f := m.classify(id, err)
	f.Cost = d.cost()
	return nil, f
}

// overflow turns the provider's complaint about a long prompt into a reply, so
// that callers see one thing whichever way a full window shows.
func overflow(id string, err error) (*model.Reply, bool) {
	var api *sdk.Error
	if !errors.As(err, &api) || !attempt.Overflow(api.StatusCode, api.RawJSON()) {
		return nil, false
	}
	return &model.Reply{
		Message: model.Message{Role: model.Assistant}, Stop: model.StopOverflow, Model: id, ID: api.RequestID,
	}, true
}

// classify says what a failure means. An error event in the middle of a stream
// carries the status 200 of its response, so that its type has to decide.
func (m *Model) classify(id string, err error) *attempt.Failure {
	var api *sdk.Error
	if !errors.As(err, &api) {
		return attempt.Transport(op, m.base, id, err)
	}
	status := api.StatusCode
	if status < 300 {
		status = statusOf(string(api.Type()))
	}
	header := http.Header{}
	if api.Response != nil && api.StatusCode >= 300 {
		header = api.Response.Header
	}
	return attempt.Status(op, m.base, "ANTHROPIC_API_KEY", id, status, header, complaint(api))
}

func statusOf(errorType string) int {
	switch errorType {
	case "invalid_request_error":
		return http.StatusBadRequest
	case "authentication_error":
		return http.StatusUnauthorized
	case "permission_error":
		return http.StatusForbidden
	case "not_found_error":
		return http.StatusNotFound
	case "request_too_large":
		return http.StatusRequestEntityTooLarge
	case "rate_limit_error":
		return http.StatusTooManyRequests
	case "overloaded_error":
		return 529
	default:
		return http.StatusInternalServerError
	}
}
