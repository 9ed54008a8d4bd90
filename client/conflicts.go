package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"matrixos/sys"
)

// ConflictSide is a file in conflict as one side has it.
type ConflictSide struct {
	Exists bool   `json:"exists"`
	Size   int    `json:"size"`
	Text   string `json:"text,omitempty"`
}

// ConflictFile is one file in conflict, with what each side did to it.
type ConflictFile struct {
	Path        sys.Path           `json:"path"`
	Binary      bool               `json:"binary"`
	Choice      sys.ConflictChoice `json:"choice,omitempty"`
	Ours        ConflictSide       `json:"ours"`
	Theirs      ConflictSide       `json:"theirs"`
	OursPatch   string             `json:"ours_patch"`
	TheirsPatch string             `json:"theirs_patch"`
}

// Conflict is refused work with its files.
type Conflict struct {
	Conflict sys.ConflictInfo `json:"conflict"`
	Files    []ConflictFile   `json:"files"`
}

// Answer is what is to become of a file in conflict ("": of all without an answer).
type Answer struct {
	Path    string             `json:"path,omitempty"`
	Choice  sys.ConflictChoice `json:"choice"`
	Content []byte             `json:"content,omitempty"` // of sys.ChooseFile
}

// Resolved says how a conflict stands after an answer.
type Resolved struct {
	Conflict sys.ConflictInfo `json:"conflict"`
	Landing  *sys.LandingInfo `json:"landing,omitempty"`
}

// Conflicts lists refused work; with all, also what is settled.
func (c *Client) Conflicts(ctx context.Context, all bool) (list []sys.ConflictInfo, err error) {
	err = c.call(ctx, "list conflicts", http.MethodGet, "/api/conflicts?all="+strconv.FormatBool(all), nil, &list)
	return list, err
}

// Conflict shows refused work and both sides of its files.
func (c *Client) Conflict(ctx context.Context, id string) (out Conflict, err error) {
	err = c.call(ctx, "show conflict", http.MethodGet, "/api/conflicts/"+url.PathEscape(id), nil, &out)
	return out, err
}

// Resolve answers for one file or all; with the last answer the work lands.
func (c *Client) Resolve(ctx context.Context, id string, a Answer) (out Resolved, err error) {
	err = c.call(ctx, "resolve", http.MethodPost, "/api/conflicts/"+url.PathEscape(id)+"/resolve", a, &out)
	return out, err
}

// DropConflict lets refused work go.
func (c *Client) DropConflict(ctx context.Context, id string) error {
	return c.call(ctx, "drop conflict", http.MethodDelete, "/api/conflicts/"+url.PathEscape(id), nil, nil)
}

// Search says what to look for in the past of an app.
type Search struct {
	App  sys.Slug `json:"app"`
	Good string   `json:"good,omitempty"`
	Bad  string   `json:"bad,omitempty"`
	Run  string   `json:"run,omitempty"`
}

// SearchStep is one landing that was tested.
type SearchStep struct {
	Landing sys.LandingID `json:"landing"`
	Verdict string        `json:"verdict"`
	Why     string        `json:"why,omitempty"`
	Runs    int           `json:"runs"`
	Millis  int64         `json:"millis"`
}

// Found is how a search ended.
type Found struct {
	First    sys.LandingID   `json:"first"`
	Suspects []sys.LandingID `json:"suspects,omitempty"`
	Why      string          `json:"why"`
	Of       int             `json:"of"`
	Steps    []SearchStep    `json:"steps"`
}

// Bisect finds the landing that broke an app and tells of each that it tests.
func (c *Client) Bisect(ctx context.Context, s Search, progress func(SearchStep)) (Found, error) {
	const op = "bisect"
	body, err := json.Marshal(s)
	if err != nil {
		return Found{}, &sys.Error{Op: op, Kind: sys.Invalid, Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/api/bisect", bytes.NewReader(body))
	if err != nil {
		return Found{}, &sys.Error{Op: op, Path: c.base, Kind: sys.Invalid, Err: err}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+c.token)
	res, err := c.http.Do(req)
	if err != nil {
		return Found{}, c.unreachable(ctx, op, err)
	}
	defer res.Body.Close()
	if res.StatusCode >= http.StatusMultipleChoices {
		b, err := io.ReadAll(io.LimitReader(res.Body, answerLimit))
		if err != nil {
			return Found{}, c.unreachable(ctx, op, err)
		}
		return Found{}, failure(op, res.StatusCode, b)
	}
	dec := json.NewDecoder(res.Body)
	for {
		var line struct {
			Step   *SearchStep `json:"step"`
			Result *Found      `json:"result"`
			Failed *problem    `json:"failed"`
		}
		if err := dec.Decode(&line); err != nil {
			return Found{}, c.unreachable(ctx, op, err)
		}
		switch {
		case line.Step != nil:
			progress(*line.Step)
		case line.Failed != nil:
			return Found{}, &sys.Error{Op: op, Kind: line.Failed.Kind, Err: errors.New(line.Failed.Detail), Hint: line.Failed.Hint}
		case line.Result != nil:
			return *line.Result, nil
		}
	}
}
