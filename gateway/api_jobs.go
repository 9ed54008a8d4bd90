package gateway

import (
	"context"
	"net/http"
	"time"

	"matrixos/kernel"
	"matrixos/sys"
)

// JobBody is a reminder or a request for the schedule: message or ask, and one of
// at, every and cron.
type JobBody struct {
	Name    string    `json:"name,omitempty" maxLength:"200"`
	Message string    `json:"message,omitempty" maxLength:"2000" doc:"What the owner is to read then"`
	Ask     string    `json:"ask,omitempty" maxLength:"8000" doc:"What an agent is to do then"`
	At      time.Time `json:"at,omitzero" doc:"Once"`
	Every   string    `json:"every,omitempty" maxLength:"100" doc:"hour, day 08:00, week mon 09:00 or month 1 09:00"`
	Cron    string    `json:"cron,omitempty" maxLength:"200" doc:"Five fields, such as 30 7 * * 1-5"`
	Zone    string    `json:"zone,omitempty" maxLength:"64" doc:"The owner's if absent"`
	Missed  string    `json:"missed,omitempty" enum:"skip,once,all" doc:"What becomes of times that passed while it could not run"`
	AtMost  int       `json:"at_most,omitempty" minimum:"0" maximum:"100" doc:"For all: so many, the newest"`
	USD     float64   `json:"usd,omitempty" minimum:"0" maximum:"100" doc:"What one run of a request may cost"`
}

// JobIn is the job that a path names. (The library reads exported fields only.)
type JobIn struct {
	ID string `path:"id" maxLength:"100"`
}

// jobAPI registers the owner's schedule.
func (g *Gateway) jobAPI() {
	register(g, http.MethodGet, "/api/jobs", "list-jobs", "Reminders and scheduled requests: when they are due, and how they went", func(ctx context.Context, _ *struct{}) (*reply[[]JobStatus], error) {
		list, err := g.o.Kernel.Jobs(ctx)
		return replyOf(all(list), err)
	})
	register(g, http.MethodPost, "/api/jobs", "add-job", "Put a reminder or a request on the schedule", func(ctx context.Context, in *reply[JobBody]) (*reply[JobStatus], error) {
		b := in.Body
		s, err := g.o.Kernel.AddJob(ctx, Job{
			Name: b.Name, Message: b.Message, Ask: b.Ask, At: b.At, Every: b.Every, Cron: b.Cron, Zone: b.Zone,
			Missed: kernel.Missed(b.Missed), AtMost: b.AtMost, Budget: sys.Budget{USD: b.USD},
		})
		return &reply[JobStatus]{s}, err
	})
	register(g, http.MethodDelete, "/api/jobs/{id}", "remove-job", "Take a job off the schedule; a landing, which can be undone", func(ctx context.Context, in *JobIn) (*struct{}, error) {
		return nil, g.o.Kernel.RemoveJob(ctx, in.ID)
	})
	register(g, http.MethodPost, "/api/jobs/{id}/run", "run-job", "Run a job now, beside its times", func(ctx context.Context, in *JobIn) (*reply[JobStatus], error) {
		s, err := g.o.Kernel.RunJob(ctx, in.ID)
		return &reply[JobStatus]{s}, err
	})
	register(g, http.MethodPost, "/api/jobs/{id}/pause", "pause-job", "Keep a job from running", func(ctx context.Context, in *JobIn) (*struct{}, error) {
		return nil, g.o.Kernel.PauseJob(ctx, in.ID, "you paused it")
	})
	register(g, http.MethodPost, "/api/jobs/{id}/resume", "resume-job", "Let a paused job run again", func(ctx context.Context, in *JobIn) (*struct{}, error) {
		return nil, g.o.Kernel.ResumeJob(ctx, in.ID)
	})
}
