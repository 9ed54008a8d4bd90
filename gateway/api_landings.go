package gateway

import (
	"context"
	"net/http"

	"matrixos/disk"
	"matrixos/sys"
)

// FileDiff is one file of a landing, with what changed in it.
type FileDiff struct {
	Path         sys.Path     `json:"path"`
	From         sys.Path     `json:"from,omitempty" doc:"What a renamed file was called before"`
	Op           sys.ChangeOp `json:"op" enum:"added,modified,deleted,renamed"`
	Binary       bool         `json:"binary"`
	AddedLines   int          `json:"added_lines"`
	DeletedLines int          `json:"deleted_lines"`
	Patch        string       `json:"patch" doc:"A unified diff"`
	Left         string       `json:"left,omitempty" doc:"Of a partial undo: what stays of the landing in this file, as a unified diff"`
}

// LandingReply is one landing with its files.
type LandingReply struct {
	Landing sys.LandingInfo `json:"landing"`
	Files   []FileDiff      `json:"files" nullable:"false"`
}

// LandingIn names a landing in a path: "L12", "12", a snapshot or a time.
type LandingIn struct {
	ID string `path:"id" maxLength:"100" example:"L12"`
}

// landingAPI registers the history of the home.
func (g *Gateway) landingAPI() {
	register(g, http.MethodGet, "/api/landings", "list-landings", "Landings, newest first", func(ctx context.Context, in *struct {
		Limit  int           `query:"limit" minimum:"1" maximum:"500" default:"50"`
		Before sys.LandingID `query:"before" minimum:"0" doc:"Only older ones than this"`
		Path   string        `query:"path" maxLength:"4096" doc:"Only those that touched this file or folder"`
		By     string        `query:"by" maxLength:"100" doc:"Only those of this kind (owner, agent, undo, system, healer) or program"`
		Since  string        `query:"since" maxLength:"100" doc:"Only those since this time, such as 2026-11-20 or 3 days ago"`
		Text   string        `query:"text" maxLength:"200" doc:"Only those with this text in their title, files or request"`
	}) (*reply[[]sys.LandingInfo], error,
	) {
		q := disk.Query{Limit: in.Limit, Before: in.Before, By: in.By, Text: in.Text}
		if in.Since != "" {
			var err error
			if q.Since, err = disk.Since(in.Since, g.now()); err != nil {
				return nil, err
			}
		}
		if in.Path != "" {
			p, err := sys.ParsePath(in.Path)
			if err != nil {
				return nil, err
			}
			q.Path = p
		}
		list, err := g.o.Disk.Log(ctx, q)
		if err != nil {
			return nil, err
		}
		list = all(list)
		for i := range list {
			list[i].Changes = all(list[i].Changes)
		}
		return &reply[[]sys.LandingInfo]{list}, nil
	})
	register(g, http.MethodGet, "/api/landings/{id}", "get-landing", "One landing and what it changed", func(ctx context.Context, in *LandingIn) (*reply[LandingReply], error) {
		id, err := g.moment(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return landingReply(g.o.Disk.Show(ctx, id))
	})
	register(g, http.MethodPost, "/api/landings/{id}/undo", "undo-landing", "Take a landing back, keeping what came after it", func(ctx context.Context, in *struct {
		LandingIn
		Body struct {
			Preview bool   `json:"preview,omitempty" doc:"Only show what would come back"`
			Partial bool   `json:"partial,omitempty" doc:"Where the whole cannot come back, what later changes do not build on"`
			What    string `json:"what,omitempty" enum:"code,data,both" doc:"Files only, rows of databases only, or both"`
		}
	}) (*reply[LandingReply], error,
	) {
		id, err := g.moment(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return landingReply(g.o.Disk.Undo(ctx, id, disk.UndoOptions{Preview: in.Body.Preview, Partial: in.Body.Partial, What: undoWhat(in.Body.What)}))
	})
}

func undoWhat(s string) disk.UndoWhat {
	if s == "both" {
		return disk.UndoBoth
	}
	return disk.UndoWhat(s)
}

func landingReply(l sys.LandingInfo, diffs []disk.FileDiff, err error) (*reply[LandingReply], error) {
	if err != nil {
		return nil, err
	}
	l.Changes = all(l.Changes)
	return &reply[LandingReply]{LandingReply{l, fileDiffs(diffs)}}, nil
}
