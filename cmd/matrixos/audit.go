package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

func (p *program) auditCommand() *cobra.Command {
	audit := &cobra.Command{
		Use:   "audit",
		Short: "List what policy and you have decided; `audit verify` checks the journal",
		Long:  "Lists every decision about an effect on the outside world, oldest first; with --json, one event per line.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error { return p.listAudit(ctx, c) })
		},
	}
	audit.AddCommand(&cobra.Command{
		Use:   "verify",
		Short: "Check that nobody has changed, cut or reordered the journal",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error { return p.verifyAudit(ctx, c) })
		},
	})
	return audit
}

func (p *program) listAudit(ctx context.Context, c *client.Client) error {
	for after := sys.Seq(0); ; {
		list, err := c.Audits(ctx, after)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, e := range list {
			after = e.Seq
			if p.json {
				if err := p.printJSON(e); err != nil {
					return err
				}
				continue
			}
			var d sys.AuditData
			if err := json.Unmarshal(e.Data, &d); err != nil {
				return err
			}
			if _, err := fmt.Fprintf(p.out, "%s  %-7s  %-9s %s  %s\n", e.Time.Local().Format("2006-01-02 15:04:05"), d.Verdict, d.What, oneLine(d.Target, 50), p.style(p.out).dim(oneLine(d.By+": "+d.Why, 90))); err != nil {
				return err
			}
		}
	}
}

func (p *program) verifyAudit(ctx context.Context, c *client.Client) error {
	a, err := c.VerifyAudit(ctx)
	if err != nil {
		return err
	}
	if p.json {
		if err := p.printJSON(a); err != nil {
			return err
		}
	}
	if a.Broken != 0 {
		return &sys.Error{
			Op: "verify the journal", Path: fmt.Sprintf("event %d", a.Broken), Kind: sys.NotVerified, Err: fmt.Errorf("%s", a.Why),
			Hint: "somebody has changed kernel.db, or the file is damaged; a backup from before has what it was",
		}
	}
	if p.json {
		return nil
	}
	_, err = fmt.Fprintf(p.out, "%s as they were written, up to %s.\n", count(a.Events, "event"), a.Head)
	return err
}
