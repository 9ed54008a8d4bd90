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
	audit.AddCommand(&cobra.Command{
		Use:   "report",
		Short: "Say how safe this home is, and how to mend what is not",
		Long:  "Looks at the journal, your rules, files that hold secrets, the keyring, the sandbox, the address, what came from outside, apps, refusals and backups. No model is asked. Exits with 7 if something is wrong; warnings are not.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error { return p.safety(ctx, c) })
		},
	})
	for _, c := range audit.Commands() {
		c.Args = explained(c.Args)
	}
	return audit
}

func (p *program) safety(ctx context.Context, c *client.Client) error {
	r, err := c.SafetyReport(ctx)
	if err != nil {
		return err
	}
	if p.json {
		if err := p.printJSON(r); err != nil {
			return err
		}
	} else {
		st := p.style(p.out)
		for _, f := range r.Findings {
			mark := map[string]string{"ok": st.good("ok     "), "note": st.dim("note   "), "warning": st.paint("33", "warning"), "bad": st.bad("bad    ")}[f.Level]
			if _, err := fmt.Fprintf(p.out, "%s  %-9s %s\n", mark, f.Check, f.Text); err != nil {
				return err
			}
			if f.Hint != "" && f.Level != "ok" {
				if _, err := fmt.Fprintf(p.out, "%20s%s\n", "", st.dim(f.Hint)); err != nil {
					return err
				}
			}
		}
	}
	if r.Worst == "bad" {
		return errShown{sys.NotVerified}
	}
	return nil
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
