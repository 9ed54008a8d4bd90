package openai

import (
	"errors"
	"net/http"
	"strings"

	sdk "github.com/openai/openai-go/v3"
)

// dialect is how a server wants a request worded. Nothing announces it; a 400
// that names a field teaches it, once per model.
type dialect struct {
	limits    []string // names of the output limit still worth trying, the current one first; "" sends none
	noOptions bool     // no stream_options
	noEffort  bool     // no reasoning_effort
}

const (
	oldLimit = "max_tokens"
	newLimit = "max_completion_tokens"
)

func (m *Model) speaks(id string) dialect {
	m.mu.Lock()
	defer m.mu.Unlock()
	if d, ok := m.dialect[id]; ok {
		return d
	}
	if official(m.base) {
		return dialect{limits: []string{newLimit, oldLimit, ""}}
	}
	return dialect{limits: []string{oldLimit, newLimit, ""}}
}

// learn reports whether err says that the request was worded wrongly and the
// next one will be worded differently. Every lesson goes one way, so that a
// stubborn server cannot keep us asking.
func (m *Model) learn(id string, now dialect, err error) bool {
	var api *sdk.Error
	if !errors.As(err, &api) || (api.StatusCode != http.StatusBadRequest && api.StatusCode != http.StatusUnprocessableEntity) {
		return false
	}
	text := api.Param + " " + api.Message + " " + api.RawJSON()
	switch limit := now.limits[0]; {
	case !now.noOptions && strings.Contains(text, "stream_options"):
		now.noOptions = true
	case !now.noEffort && strings.Contains(text, "reasoning_effort"):
		now.noEffort = true
	case limit != "" && strings.Contains(text, limit):
		now.limits = now.limits[1:]
	default:
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dialect[id] = now
	return true
}
