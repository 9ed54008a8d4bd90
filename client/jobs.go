package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"matrixos/sys"
)

// Job is a reminder or a scheduled request, with what became of it.
type Job struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Message  string    `json:"message,omitempty"` // a reminder
	Ask      string    `json:"ask,omitempty"`     // a request
	At       time.Time `json:"at,omitzero"`
	Every    string    `json:"every,omitempty"`
	Cron     string    `json:"cron,omitempty"`
	Zone     string    `json:"zone,omitempty"`
	Missed   string    `json:"missed,omitempty"` // the policy: "skip", "once" or "all"
	Next     time.Time `json:"next,omitzero"`
	LastDue  time.Time `json:"last_due,omitzero"`
	LastRun  time.Time `json:"last_run,omitzero"`
	PID      sys.PID   `json:"pid,omitempty"`
	Result   string    `json:"result,omitempty"`
	Text     string    `json:"text,omitempty"`
	Failures int       `json:"failures,omitempty"`
	MissedN  int       `json:"missed_runs"`
	Why      string    `json:"paused_because,omitempty"`
	Problem  string    `json:"problem,omitempty"`
}

// Jobs lists the owner's schedule.
func (c *Client) Jobs(ctx context.Context) (list []Job, err error) {
	err = c.call(ctx, "list jobs", http.MethodGet, "/api/jobs", nil, &list)
	return list, err
}

// PauseJob keeps a job from running.
func (c *Client) PauseJob(ctx context.Context, id string) error {
	return c.call(ctx, "pause job", http.MethodPost, "/api/jobs/"+url.PathEscape(id)+"/pause", nil, nil)
}

// ResumeJob lets a paused job run again.
func (c *Client) ResumeJob(ctx context.Context, id string) error {
	return c.call(ctx, "resume job", http.MethodPost, "/api/jobs/"+url.PathEscape(id)+"/resume", nil, nil)
}

// NewJob is a job to put on the schedule: Message or Ask, and one of At, Every and
// Cron.
type NewJob struct {
	Name    string    `json:"name,omitempty"`
	Message string    `json:"message,omitempty"`
	Ask     string    `json:"ask,omitempty"`
	At      time.Time `json:"at,omitzero"`
	Every   string    `json:"every,omitempty"`
	Cron    string    `json:"cron,omitempty"`
	Zone    string    `json:"zone,omitempty"`
	Missed  string    `json:"missed,omitempty"`
	USD     float64   `json:"usd,omitempty"` // what one run of a request may cost
}

// AddJob puts a job on the schedule.
func (c *Client) AddJob(ctx context.Context, j NewJob) (out Job, err error) {
	err = c.call(ctx, "schedule", http.MethodPost, "/api/jobs", j, &out)
	return out, err
}

// RemoveJob takes a job off the schedule.
func (c *Client) RemoveJob(ctx context.Context, id string) error {
	return c.call(ctx, "remove job", http.MethodDelete, "/api/jobs/"+url.PathEscape(id), nil, nil)
}

// RunJob runs a job now.
func (c *Client) RunJob(ctx context.Context, id string) error {
	return c.call(ctx, "run job", http.MethodPost, "/api/jobs/"+url.PathEscape(id)+"/run", nil, nil)
}
