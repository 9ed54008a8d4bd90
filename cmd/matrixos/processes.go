package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

func (p *program) psCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "ps",
		Short: "List what is running",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				list, err := c.Processes(ctx)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(list)
				}
				return p.showProcesses(list)
			})
		},
	}
}

func (p *program) showProcesses(list []sys.Process) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(p.err, "Nothing is running.")
		return err
	}
	rows := [][]string{{"PID", "PROGRAM", "STATE", "STARTED", "STEPS", "CALLS", "COST", "TASK"}}
	for _, r := range list {
		rows = append(rows, []string{
			fmt.Sprint(r.PID), string(r.Program), stateWords(r), ago(r.Started, time.Now()),
			strconv.Itoa(r.Steps), strconv.Itoa(r.Calls), price(r.Cost), oneLine(r.Task, 50),
		})
	}
	return table(p.out, rows)
}

// stateWords says where a process stands, and why it does not move.
func stateWords(r sys.Process) string {
	switch {
	case r.State == sys.Waiting && r.WaitingFor == sys.ForTool:
		return fmt.Sprintf("%s (%s)", r.State, r.WaitingOn)
	case r.State == sys.Waiting && (r.WaitingFor == sys.ForTimer || r.WaitingFor == sys.ForMessage):
		return fmt.Sprintf("%s (%s %s)", r.State, r.WaitingFor, r.WaitingOn)
	case r.State == sys.Waiting && r.WaitingFor != "":
		return fmt.Sprintf("%s (%s)", r.State, r.WaitingFor)
	case r.State == sys.Parked && r.Parked != "":
		return fmt.Sprintf("%s (%s)", r.State, r.Parked)
	}
	return string(r.State)
}

func (p *program) killCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "kill PID…",
		Short: "End processes; what they had not landed is dropped",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			pids, err := parsePIDs(cmd, args)
			if err != nil {
				return err
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				return p.signal(ctx, c, pids, "kill")
			})
		},
	}
}

func (p *program) stopCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "stop [PID…]",
		Short: "Stop everything that runs, or single processes",
		Long:  "Without a PID everything that runs is stopped within a second, and stays stopped until\n`matrixos cont`: the emergency brake. With PIDs those rest until they are continued.",
		RunE: func(cmd *cobra.Command, args []string) error {
			pids, err := parsePIDs(cmd, args)
			if err != nil {
				return err
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				if len(pids) > 0 {
					return p.signal(ctx, c, pids, "stop")
				}
				if err := c.StopAll(ctx); err != nil {
					return err
				}
				return p.did("Everything is stopped. `matrixos cont` lets it go on.", map[string]any{"stopped": "all"})
			})
		},
	}
}

func (p *program) signal(ctx context.Context, c *client.Client, pids []sys.PID, signal string) error {
	var failed error
	for _, pid := range pids {
		failed = errors.Join(failed, c.Signal(ctx, pid, signal))
	}
	if failed != nil {
		return failed
	}
	return p.did("Sent "+signal+" to "+count(len(pids), "process")+".", map[string]any{"signal": signal, "pids": pids})
}

// did tells that something is done, in words or as a document.
func (p *program) did(words string, doc any) error {
	if p.json {
		return p.printJSON(doc)
	}
	_, err := fmt.Fprintln(p.err, words)
	return err
}

func parsePIDs(cmd *cobra.Command, args []string) ([]sys.PID, error) {
	pids := []sys.PID{}
	for _, a := range args {
		n, err := strconv.ParseInt(a, 10, 64)
		if err != nil || n < 1 {
			return nil, usage(cmd, fmt.Errorf("%q is not a PID; `matrixos ps` lists them", a))
		}
		pids = append(pids, sys.PID(n))
	}
	return pids, nil
}
