package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"matrixos/client"
)

func (p *program) cronCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cron",
		Short: "List reminders and scheduled work: when it is due, and how it went",
		Long:  "The schedule is system/cron.json: each entry has a message or an ask, and at, every or\ncron. It runs while `matrixos up` does; what was missed meanwhile is counted.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				list, err := c.Jobs(ctx)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(list)
				}
				return p.showJobs(list)
			})
		},
	}
	cmd.AddCommand(
		p.addJobCommand(),
		p.jobCommand("remove", "Take a job off the schedule", (*client.Client).RemoveJob, "Job %s is off the schedule. `matrixos undo` brings it back."),
		p.jobCommand("run", "Run a job now, beside its times", (*client.Client).RunJob, "Job %s runs now. `matrixos cron` says how it went."),
		p.jobCommand("pause", "Keep a job from running", (*client.Client).PauseJob, "Job %s is paused. `matrixos cron resume %[1]s` lets it run again."),
		p.jobCommand("resume", "Let a paused job run again", (*client.Client).ResumeJob, "Job %s can run again."),
	)
	return cmd
}

func (p *program) addJobCommand() *cobra.Command {
	var j client.NewJob
	var at string
	cmd := &cobra.Command{
		Use: "add", Short: "Put a reminder or a request on the schedule",
		Example: "  matrixos cron add --remind \"Water the plants\" --every \"week mon 09:00\"\n  matrixos cron add --ask \"Sum up yesterday's expenses\" --cron \"30 7 * * 1-5\" --budget 0.5",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if at != "" {
				t, err := time.Parse(time.RFC3339, at)
				if err != nil {
					return usage(cmd, errors.New("--at needs a time such as 2026-12-01T09:00:00+01:00"))
				}
				j.At = t
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				job, err := c.AddJob(ctx, j)
				if err != nil {
					return err
				}
				return p.did(fmt.Sprintf("Job %s is scheduled, next %s.", job.ID, job.Next.Format("Mon 2 Jan 15:04 MST")), job)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&j.Message, "remind", "", "what to remind you of")
	f.StringVar(&j.Ask, "ask", "", "what an agent is to do")
	f.StringVar(&j.Name, "name", "", "what to call it")
	f.StringVar(&at, "at", "", "once, at this time (RFC 3339)")
	f.StringVar(&j.Every, "every", "", "hour, \"day 08:00\", \"week mon 09:00\" or \"month 1 09:00\"")
	f.StringVar(&j.Cron, "cron", "", "five fields: minute, hour, day, month, weekday")
	f.StringVar(&j.Zone, "zone", "", "time zone, if not yours")
	f.StringVar(&j.Missed, "missed", "", "what becomes of missed times: skip, once or all")
	f.Float64Var(&j.USD, "budget", 0, "dollars that one run may cost")
	return cmd
}

func (p *program) jobCommand(name, short string, do func(*client.Client, context.Context, string) error, words string) *cobra.Command {
	return &cobra.Command{
		Use: name + " ID", Short: short, Args: explained(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				if err := do(c, ctx, args[0]); err != nil {
					return err
				}
				return p.did(fmt.Sprintf(words, args[0]), map[string]string{"job": args[0], "did": name})
			})
		},
	}
}

func (p *program) showJobs(list []client.Job) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(p.err, "Nothing is scheduled.")
		return err
	}
	rows := [][]string{{"ID", "WHAT", "WHEN", "NEXT", "LAST", "RESULT", "MISSED"}}
	for _, j := range list {
		when := cmp.Or(j.Every, j.Cron, "once")
		if j.Zone != "" {
			when += " " + j.Zone
		}
		next, last := "-", "-"
		switch {
		case j.Problem != "":
			next = "cannot run: " + oneLine(j.Problem, 60)
		case j.Why != "":
			next = "paused: " + j.Why
		case !j.Next.IsZero():
			next = j.Next.Format("Mon 2 Jan 15:04 MST")
		}
		if !j.LastRun.IsZero() {
			last = ago(j.LastRun, time.Now())
		}
		result := cmp.Or(j.Result, "-")
		if j.Text != "" {
			result += ": " + oneLine(j.Text, 50)
		}
		rows = append(rows, []string{j.ID, oneLine(cmp.Or(j.Message, j.Name), 40), when, next, last, result, fmt.Sprint(j.MissedN)})
	}
	return table(p.out, rows)
}
