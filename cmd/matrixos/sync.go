package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"matrixos/client"
)

// syncActions are what sync takes, with the most words that may follow.
var syncActions = map[string]int{"status": 0, "commit": 0, "push": 1, "pull": 1, "add_remote": 2, "remove_remote": 1}

func (p *program) syncCommand() *cobra.Command {
	var s client.Sync
	cmd := &cobra.Command{
		Use:   "sync [ACTION] [REMOTE] [URL]",
		Short: "Meet your other devices at a git remote",
		Long: "Actions: status, commit, push [REMOTE], pull [REMOTE], add_remote REMOTE URL,\n" +
			"remove_remote REMOTE. REMOTE is origin if absent. A pull merges what other\n" +
			"devices did, as one change that can be undone, and sends the result. A conflict\n" +
			"changes nothing; --prefer ours or theirs decides it, and keeps the other version\n" +
			"in the history. Databases and conversations do not travel: see `matrixos export`.",
		Args: cobra.MaximumNArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			s.Action = "status"
			if len(args) > 0 {
				s.Action, args = args[0], args[1:]
			}
			most, ok := syncActions[s.Action]
			if !ok || len(args) > most || s.Action == "add_remote" && len(args) == 0 {
				return usage(cmd, errors.New("there is no such action, or it takes other words"))
			}
			if s.Action == "add_remote" {
				s.URL, args = args[len(args)-1], args[:len(args)-1]
			}
			if len(args) > 0 {
				s.Remote = args[0]
			}
			if !slices.Contains([]string{"", "ours", "theirs"}, s.Prefer) {
				return usage(cmd, errors.New("--prefer takes ours or theirs"))
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				r, err := c.Sync(ctx, s)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(r)
				}
				return p.showSync(r)
			})
		},
	}
	cmd.Flags().StringVarP(&s.Message, "message", "m", "", "what to call this meeting in the remote's history")
	cmd.Flags().StringVar(&s.Prefer, "prefer", "", "decide conflicts of a pull: ours or theirs")
	return cmd
}

func (p *program) showSync(r client.Synced) error {
	fmt.Fprintln(p.err, r.Text)
	for _, f := range r.Decided {
		fmt.Fprintf(p.err, "Decided as you said: %s\n", printable(string(f)))
	}
	if len(r.Remotes) == 0 {
		_, err := fmt.Fprintln(p.err, "There is no remote yet. Add one: matrixos sync add_remote origin URL")
		return err
	}
	rows := [][]string{{"REMOTE", "ADDRESS", "LAST MET", "TO SEND", "CONFLICTS"}}
	for _, m := range r.Remotes {
		met := "never"
		if !m.Time.IsZero() {
			met = ago(m.Time, time.Now())
		}
		var files []string
		for _, f := range m.Conflicts {
			files = append(files, string(f))
		}
		rows = append(rows, []string{m.Name, m.URL, met, fmt.Sprint(m.Ahead), oneLine(strings.Join(files, ", "), 80)})
	}
	return table(p.out, rows)
}
