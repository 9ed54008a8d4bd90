package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

func (p *program) logsCommand() *cobra.Command {
	var follow bool
	var lines int
	cmd := &cobra.Command{
		Use:   "logs [PID…]",
		Short: "Show what happened, event by event",
		Long:  "Show the home's journal, or the part that is about single processes. With --json\neach event is a line.",
		RunE: func(cmd *cobra.Command, args []string) error {
			pids, err := parsePIDs(cmd, args)
			if err != nil {
				return err
			}
			if lines < 1 {
				return usage(cmd, errors.New("-n needs a number from 1"))
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				return p.logs(ctx, c, pids, lines, follow)
			})
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on showing what happens until Ctrl-C")
	cmd.Flags().IntVarP(&lines, "lines", "n", 200, "how many of the newest events")
	return cmd
}

// logs reads the journal to its end, shows the newest events that are wanted,
// and goes on if asked to.
func (p *program) logs(ctx context.Context, c *client.Client, pids []sys.PID, lines int, follow bool) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	s, err := c.Session(ctx)
	if err != nil {
		return err
	}
	wanted := func(e sys.Event) bool {
		if slices.Contains(pids, e.PID) {
			return true
		}
		return len(pids) == 0
	}
	from := sys.Seq(0)
	if len(pids) == 0 { // every event counts: no need to read them all
		from = max(0, s.Seq-sys.Seq(lines))
	}
	stream, err := c.Events(ctx, from)
	if err != nil {
		return err
	}
	defer stream.Close()
	var past []sys.Event
	caughtUp := from >= s.Seq
	for !caughtUp || follow {
		batch, err := stream.Next(ctx)
		if err != nil {
			if errors.Is(err, sys.Canceled) {
				return nil // Ctrl-C is how following ends
			}
			return err
		}
		for _, e := range batch {
			if e.Seq != 0 && wanted(e) {
				past = append(past, e)
			}
			caughtUp = caughtUp || e.Seq >= s.Seq
		}
		if !caughtUp {
			past = past[max(0, len(past)-lines):]
			continue
		}
		if err := p.showEvents(past[max(0, len(past)-lines):]); err != nil {
			return err
		}
		past = nil
	}
	return nil
}

func (p *program) showEvents(list []sys.Event) error {
	for _, e := range list {
		if p.json {
			if err := p.printJSON(e); err != nil {
				return err
			}
			continue
		}
		st := p.style(p.out)
		pid := ""
		if e.PID != 0 {
			pid = fmt.Sprint(e.PID)
		}
		_, err := fmt.Fprintf(p.out, "%s  %4s  %s  %s\n", st.dim(e.Time.Local().Format("15:04:05.000")), pid,
			st.dim(fmt.Sprintf("%-8s", e.Kind)), oneLine(gist(e), 110))
		if err != nil {
			return err
		}
	}
	return nil
}

// gist is one line about an event: the first telling field of its payload.
func gist(e sys.Event) string {
	var d struct {
		Text, Title, Name, Reason, State, Task, Level string
		ID                                            json.RawMessage
		Program                                       sys.Program
		App                                           json.RawMessage
		Failed, Removed                               bool
	}
	if json.Unmarshal(e.Data, &d) != nil {
		return string(e.Data)
	}
	switch e.Kind {
	case sys.EventProcess:
		return strings.TrimSpace(string(d.Program) + " " + d.State + "  " + d.Task)
	case sys.EventLanding:
		return "L" + string(d.ID) + "  " + d.Title
	case sys.EventResult:
		if d.Failed {
			return d.Name + " failed: " + d.Text
		}
		return d.Name + "  " + d.Text
	case sys.EventApp:
		var a sys.AppInfo
		if json.Unmarshal(d.App, &a) == nil {
			return string(a.Slug) + map[bool]string{true: " removed"}[d.Removed]
		}
	case sys.EventCall, sys.EventRequest, sys.EventMessage, sys.EventDelta, sys.EventRetry, sys.EventData,
		sys.EventAnswer, sys.EventQuestion, sys.EventApproval, sys.EventAudit, sys.EventSpeak, sys.EventNotice, sys.EventOpen, sys.EventSettings,
		sys.EventTask, sys.EventMail, sys.EventEffect, sys.EventDriver, sys.EventConflict, sys.EventHeal, sys.EventRoom, sys.EventDeal, sys.EventTrial:
	}
	for _, s := range []string{d.Title, d.Text, d.Reason, d.Name} {
		if s != "" {
			return s
		}
	}
	return string(e.Data)
}
