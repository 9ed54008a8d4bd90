package gateway

import (
	"context"
	"net/http"

	"matrixos/sys"
)

// Moderation is what the owner does about those who do harm.
type Moderation interface {
	Blocked(ctx context.Context) ([]string, error)
	// Block hides somebody from the owner and their AI, or no longer.
	Block(ctx context.Context, who string, blocked bool) error
	// Report keeps what was said in the home, and tells the homeserver.
	Report(ctx context.Context, room string, b ReportBody) (ReportReply, error)
}

// BlockBody names whom to block.
type BlockBody struct {
	Handle  string `json:"handle" minLength:"1" maxLength:"255" doc:"A handle, or a pattern such as *:spam.example"`
	Blocked bool   `json:"blocked"`
}

// ReportBody is what was said, and what is wrong with it.
type ReportBody struct {
	Events []string `json:"events" minItems:"1" maxItems:"20"`
	Reason string   `json:"reason,omitempty" maxLength:"1000"`
}

// ReportReply is what became of a report.
type ReportReply struct {
	Path sys.Path `json:"path" doc:"The file with what was said"`
	Told bool     `json:"told" doc:"The homeserver was told"`
	Why  string   `json:"why,omitempty" doc:"Why it was not"`
}

func (g *Gateway) moderationAPI() {
	register(g, http.MethodGet, "/api/people/blocked", "list-blocked", "List whom the owner has blocked", func(ctx context.Context, _ *struct{}) (*reply[[]string], error) {
		list, err := g.o.Moderation.Blocked(ctx)
		return &reply[[]string]{all(list)}, err
	})
	register(g, http.MethodPost, "/api/people/block", "block-person", "Hide somebody from the owner and their AI, or no longer", func(ctx context.Context, in *reply[BlockBody]) (*struct{}, error) {
		return nil, g.o.Moderation.Block(ctx, in.Body.Handle, in.Body.Blocked)
	})
	register(g, http.MethodPost, "/api/rooms/{room}/report", "report-events", "Keep what somebody has said in the home, and tell the homeserver", func(ctx context.Context, in *struct {
		RoomIn
		Body ReportBody
	},
	) (*reply[ReportReply], error) {
		r, err := g.o.Moderation.Report(ctx, in.Room, in.Body)
		return &reply[ReportReply]{r}, err
	})
}
