package gateway

import (
	"context"
	"net/http"

	"matrixos/disk"
	"matrixos/sys"
)

// ConflictFile is one file in conflict, with what each side did to it.
type ConflictFile struct {
	Path        sys.Path           `json:"path"`
	Binary      bool               `json:"binary"`
	Choice      sys.ConflictChoice `json:"choice,omitempty" enum:"ours,theirs,both,file" doc:"What the owner has said so far"`
	Ours        SideOfConflict     `json:"ours" doc:"The home as it is"`
	Theirs      SideOfConflict     `json:"theirs" doc:"What was refused"`
	OursPatch   string             `json:"ours_patch" doc:"What the home did since; empty if binary"`
	TheirsPatch string             `json:"theirs_patch" doc:"What the refused work did; empty if binary"`
}

// SideOfConflict is a file as one side has it.
type SideOfConflict struct {
	Exists bool   `json:"exists"`
	Size   int    `json:"size"`
	Text   string `json:"text,omitempty" doc:"Absent if the file is binary or above a megabyte"`
}

// ConflictReply is refused work with its files.
type ConflictReply struct {
	Conflict sys.ConflictInfo `json:"conflict"`
	Files    []ConflictFile   `json:"files" nullable:"false"`
}

// ResolveBody is the owner's answer.
type ResolveBody struct {
	Path    string             `json:"path,omitempty" maxLength:"4096" doc:"Absent: every file that has no answer yet"`
	Choice  sys.ConflictChoice `json:"choice" enum:"ours,theirs,both,file"`
	Content []byte             `json:"content,omitempty" doc:"Of the choice file"`
}

// ResolveReply says how the conflict stands now.
type ResolveReply struct {
	Conflict sys.ConflictInfo `json:"conflict"`
	Landing  *sys.LandingInfo `json:"landing,omitempty" doc:"There once every file had an answer and something landed"`
}

// ConflictIn names refused work in a path.
type ConflictIn struct {
	ID string `path:"id" maxLength:"64"`
}

const (
	longestSide  = 1 << 20
	longestReply = 96 << 20 // the largest versioned file, as base64
)

// conflictAPI registers what can be done with work that was refused.
func (g *Gateway) conflictAPI() {
	register(g, http.MethodGet, "/api/conflicts", "list-conflicts", "Work that was refused because of a conflict, newest first", func(ctx context.Context, in *struct {
		All bool `query:"all" doc:"Also what is settled"`
	}) (*reply[[]sys.ConflictInfo], error,
	) {
		list, err := g.o.Disk.Conflicts(ctx, in.All)
		list = all(list)
		for i := range list {
			list[i] = whole(list[i])
		}
		return replyOf(list, err)
	})
	register(g, http.MethodGet, "/api/conflicts/{id}", "get-conflict", "Refused work and both sides of each file", func(ctx context.Context, in *ConflictIn) (*reply[ConflictReply], error) {
		c, files, err := g.o.Disk.Conflict(ctx, in.ID)
		out := ConflictReply{whole(c), []ConflictFile{}}
		for i, f := range files {
			out.Files = append(out.Files, conflictFile(f, c.Files[i].Choice))
		}
		return replyOf(out, err)
	})
	register(g, http.MethodPost, "/api/conflicts/{id}/resolve", "resolve-conflict", "Say what is to become of a file; with the last answer the work lands", func(ctx context.Context, in *struct {
		ConflictIn
		Body ResolveBody
	}) (*reply[ResolveReply], error,
	) {
		p, err := optionalPath(in.Body.Path)
		if err != nil {
			return nil, err
		}
		c, landing, err := g.o.Disk.Resolve(ctx, in.ID, disk.Answer{Path: p, Choice: in.Body.Choice, Content: in.Body.Content})
		out := ResolveReply{Conflict: whole(c)}
		if landing.ID != 0 {
			landing.Changes = all(landing.Changes)
			out.Landing = &landing
		}
		return replyOf(out, err)
	}, upTo(longestReply))
	register(g, http.MethodDelete, "/api/conflicts/{id}", "drop-conflict", "Let refused work go: the home stays as it is", func(ctx context.Context, in *ConflictIn) (*struct{}, error) {
		return nil, g.o.Disk.DropConflict(ctx, in.ID)
	})
}

// whole has empty lists where there is none.
func whole(c sys.ConflictInfo) sys.ConflictInfo {
	c.Files, c.Changes = all(c.Files), all(c.Changes)
	return c
}

func conflictFile(f disk.ConflictFile, choice sys.ConflictChoice) ConflictFile {
	side := func(b []byte) SideOfConflict {
		s := SideOfConflict{Exists: b != nil, Size: len(b)}
		if !f.Binary && len(b) <= longestSide {
			s.Text = string(b)
		}
		return s
	}
	out := ConflictFile{Path: f.Path, Binary: f.Binary, Choice: choice, Ours: side(f.Ours), Theirs: side(f.Theirs)}
	out.OursPatch, out.TheirsPatch = f.Patches()
	return out
}
