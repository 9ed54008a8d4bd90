package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"matrixos/sys"
)

// Problem is how every failure leaves the gateway (RFC 9457), with the kind
// that callers decide by and the way out in words for the owner.
type Problem struct {
	Type   string   `json:"type" doc:"Always about:blank; decide by kind"`
	Title  string   `json:"title"`
	Status int      `json:"status"`
	Detail string   `json:"detail" doc:"What happened and why"`
	Kind   sys.Kind `json:"kind" doc:"From a closed set"`
	Hint   string   `json:"hint,omitempty" doc:"The way out"`
}

var (
	_ huma.StatusError       = (*Problem)(nil)
	_ huma.ContentTypeFilter = (*Problem)(nil)
)

func (p *Problem) Error() string { return p.Detail }

// GetStatus is the HTTP status to answer with.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType names the media type of a Problem.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// newProblem makes a Problem with an explicit status; the middlewares use it.
func newProblem(status int, kind sys.Kind, detail, hint string) *Problem {
	return &Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status,
		Detail: detail, Kind: kind, Hint: hint,
	}
}

// problemOf turns any error into a Problem.
func problemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	kind := sys.KindOf(err)
	detail := err.Error()
	var e *sys.Error
	if errors.As(err, &e) && e.Hint != "" {
		detail = strings.TrimSuffix(detail, "; "+e.Hint)
	}
	return newProblem(statusOf(kind), kind, detail, sys.HintOf(err))
}

// statusOf maps an error kind to a status. Unauthorized from below means that a
// model's key is wrong, which must not look like a lost session: hence 424.
func statusOf(k sys.Kind) int {
	switch k {
	case sys.Invalid:
		return http.StatusBadRequest
	case sys.NotFound:
		return http.StatusNotFound
	case sys.Exists, sys.Conflict, sys.TooNew:
		return http.StatusConflict
	case sys.Refused, sys.NeedsApproval:
		return http.StatusForbidden
	case sys.OverBudget:
		return http.StatusPaymentRequired
	case sys.NotVerified:
		return http.StatusUnprocessableEntity
	case sys.Held:
		return http.StatusLocked
	case sys.NoSpace:
		return http.StatusInsufficientStorage
	case sys.Unavailable, sys.Canceled:
		return http.StatusServiceUnavailable
	case sys.Unauthorized:
		return http.StatusFailedDependency
	case sys.Internal:
		return http.StatusInternalServerError
	}
	return http.StatusInternalServerError
}

// kindOfStatus gives the kind of a failure that the HTTP library found.
func kindOfStatus(status int) sys.Kind {
	switch {
	case status == http.StatusNotFound:
		return sys.NotFound
	case status == http.StatusUnauthorized:
		return sys.Unauthorized
	case status == http.StatusForbidden:
		return sys.Refused
	case status == http.StatusConflict:
		return sys.Conflict
	case status >= http.StatusInternalServerError:
		return sys.Internal
	}
	return sys.Invalid
}

// problems is the huma transformer that gives the library's own errors
// (validation, oversize, malformed) the shape of ours.
func problems(_ huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	var why []string
	for _, e := range m.Errors {
		why = append(why, strings.TrimPrefix(e.Location+": "+e.Message, ": "))
	}
	detail := m.Detail
	if len(why) > 0 {
		detail += ": " + strings.Join(why, "; ")
	}
	return newProblem(m.Status, kindOfStatus(m.Status), detail, "the API is described at /api/openapi.json"), nil
}

// write sends p as the whole answer.
func (p *Problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the caller went away; there is nobody left to tell
}

// failed turns err into what the caller gets, and tells the operator of faults
// that are ours.
func (g *Gateway) failed(ctx context.Context, op string, err error) error {
	p := problemOf(err)
	if p.Kind == sys.Internal && ctx.Err() == nil {
		g.log.ErrorContext(ctx, "request failed", slog.String("op", op), slog.Any("error", err))
	}
	return p
}
