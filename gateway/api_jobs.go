package gateway

import (
	"context"
	"net/http"
)

// jobAPI registers the owner's schedule.
func (g *Gateway) jobAPI() {
	register(g, http.MethodGet, "/api/jobs", "list-jobs", "Reminders and scheduled requests: when they are due, and how they went", func(ctx context.Context, _ *struct{}) (*reply[[]JobStatus], error) {
		list, err := g.o.Kernel.Jobs(ctx)
		return replyOf(all(list), err)
	})
	register(g, http.MethodPost, "/api/jobs/{id}/pause", "pause-job", "Keep a job from running", func(ctx context.Context, in *struct {
		ID string `path:"id" maxLength:"100"`
	}) (*struct{}, error,
	) {
		return nil, g.o.Kernel.PauseJob(ctx, in.ID, "you paused it")
	})
	register(g, http.MethodPost, "/api/jobs/{id}/resume", "resume-job", "Let a paused job run again", func(ctx context.Context, in *struct {
		ID string `path:"id" maxLength:"100"`
	}) (*struct{}, error,
	) {
		return nil, g.o.Kernel.ResumeJob(ctx, in.ID)
	})
}
