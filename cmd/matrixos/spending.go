package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

func (p *program) contCommand() *cobra.Command {
	var budget float64
	cmd := &cobra.Command{
		Use:   "cont [PID]",
		Short: "Let what rests go on",
		Long: "Without a PID, `matrixos stop` is lifted: what it stopped goes on. With a PID that\n" +
			"process goes on, with its whole request; if its budget was spent, it gets as much\n" +
			"again, or what --budget says. --model lets another model go on.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			pids, err := parsePIDs(cmd, args)
			if err != nil {
				return err
			}
			if budget < 0 || len(pids) == 0 && budget > 0 {
				return usage(cmd, errors.New("--budget takes dollars, for one PID"))
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				if len(pids) == 0 {
					return p.continueAll(ctx, c)
				}
				start := func(ctx context.Context) (client.Ticket, error) { return c.Continue(ctx, pids[0], budget, p.model) }
				if !p.attached { // it would end with this command
					return p.follow(ctx, c, start)
				}
				t, err := start(ctx)
				if err != nil {
					return err
				}
				return p.did(fmt.Sprintf("Process %d goes on.", t.PID), t)
			})
		},
	}
	cmd.Flags().Float64Var(&budget, "budget", 0, "dollars that it may spend on top")
	return cmd
}

func (p *program) continueAll(ctx context.Context, c *client.Client) error {
	list, err := c.ContinueAll(ctx)
	if err != nil {
		return err
	}
	if !p.attached && len(list) > 0 {
		return p.did("The stop is lifted. `matrixos up` lets "+count(len(list), "process")+" go on.", list)
	}
	return p.did("The stop is lifted; "+count(len(list), "process")+" go on.", list)
}

func (p *program) topCommand() *cobra.Command {
	var follow bool
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Show what runs, what it waits for and what it spends",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
				defer stop()
				for {
					if err := p.showTop(ctx, c); err != nil || !follow {
						return err
					}
					select {
					case <-ctx.Done():
						return nil
					case <-time.After(2 * time.Second):
					}
				}
			})
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "show it again every two seconds until Ctrl-C")
	return cmd
}

// top is what `matrixos top --json` prints.
type top struct {
	Processes []sys.Process   `json:"processes"`
	Spending  client.Spending `json:"spending"` // of today
}

func (p *program) showTop(ctx context.Context, c *client.Client) error {
	list, err := c.Processes(ctx)
	if err != nil {
		return err
	}
	s, err := c.Spending(ctx, 1)
	if err != nil {
		return err
	}
	if p.json {
		return p.printJSON(top{list, s})
	}
	limit := "no cap"
	if s.Today.Cap != nil {
		limit = fmt.Sprintf("of $%.2f", *s.Today.Cap)
	}
	if _, err := fmt.Fprintf(p.out, "Today: $%.2f %s, $%.2f reserved, %s.\n\n", s.Today.USD, limit, s.Today.Reserved, count(s.Total.Requests, "model request")); err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b sys.Process) int { return int(a.Class) - int(b.Class) })
	rows := [][]string{{"PID", "PARENT", "PROGRAM", "STATE", "MODEL", "RUN", "WAIT", "QUEUE", "STEPS", "CALLS", "COST", "OF", "TASK"}}
	ms := func(n int64) string { return took(time.Duration(n) * time.Millisecond) }
	for _, r := range list {
		of := "-"
		if r.Budget.USD > 0 {
			of = fmt.Sprintf("$%.2f", r.Budget.USD)
		}
		rows = append(rows, []string{
			fmt.Sprint(r.PID), fmt.Sprint(r.Parent), string(r.Program), stateWords(r), r.Model, ms(r.RunMillis), ms(r.WaitMillis),
			ms(r.ReadyMillis), fmt.Sprint(r.Steps), fmt.Sprint(r.Calls), price(r.Cost), of, oneLine(r.Task, 40),
		})
	}
	return table(p.out, rows)
}

func (p *program) spendingCommand() *cobra.Command {
	var days int
	cmd := &cobra.Command{
		Use:   "spending",
		Short: "Show what models have cost",
		Long:  "By day, program, app and model. An ~ marks figures that are estimated. Caps are in\nsystem/config.json: {\"caps\": {\"day\": {\"usd\": 20}, \"request\": {\"usd\": 10}}}.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if days < 1 || days > 3660 {
				return usage(cmd, errors.New("--days needs a number from 1"))
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				s, err := c.Spending(ctx, days)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(s)
				}
				return p.showSpending(s)
			})
		},
	}
	cmd.Flags().IntVar(&days, "days", 30, "how many days, today included")
	return cmd
}

func (p *program) showSpending(s client.Spending) error {
	rows := [][]string{{"BY", "NAME", "REQUESTS", "TOKENS", "COST"}}
	add := func(by string, list []client.Spent) {
		for _, x := range list {
			usd := fmt.Sprintf("$%.4f", x.Cost.USD)
			if x.Cost.Estimated {
				usd = "~" + usd
			}
			rows = append(rows, []string{by, orElse(x.Name, "(no app)"), fmt.Sprint(x.Requests), fmt.Sprint(x.Cost.Tokens()), usd})
		}
	}
	add("day", s.Days)
	add("program", s.Programs)
	add("app", s.Apps)
	add("model", s.Models)
	add("total", []client.Spent{s.Total})
	return table(p.out, rows)
}

func (p *program) promptCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "prompt [PROGRAM]",
		Short: "Show the exact prompt of a program, and its size by section",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := sys.ProgramKernel
			if len(args) > 0 {
				name = sys.Program(args[0])
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				pr, err := c.Prompt(ctx, name)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(pr)
				}
				return p.showPrompt(pr)
			})
		},
	}
}

func (p *program) showPrompt(pr client.Prompt) error {
	st := p.style(p.out)
	rows := [][]string{{"SECTION", "TOKENS"}}
	for _, s := range pr.Sections {
		if _, err := fmt.Fprintf(p.out, "%s\n%s\n\n", st.bold("# "+s.Name), printable(s.Text)); err != nil {
			return err
		}
		rows = append(rows, []string{s.Name, fmt.Sprint(s.Tokens)})
	}
	tools := 0
	for _, t := range pr.Tools {
		tools += t.Tokens
	}
	rows = append(rows, []string{count(len(pr.Tools), "tool"), fmt.Sprint(tools)},
		[]string{"together, about", fmt.Sprint(pr.Tokens)}, []string{"state, with each message", fmt.Sprint(pr.State.Tokens)})
	return table(p.out, rows)
}
