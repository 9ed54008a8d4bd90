package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

func (p *program) backupCommand() *cobra.Command {
	run := func(cmd *cobra.Command, _ []string) error {
		return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			s, err := c.RunBackup(ctx)
			if err != nil {
				return err
			}
			return p.did(fmt.Sprintf("Backed up %s (%s, %s) as %s; %s were new.", s.Landing, count(s.Files, "file"), bytesOf(s.Bytes), s.ID, bytesOf(s.Added)), s)
		})
	}
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Back up the home, encrypted; list, restore, and prove it",
		Long: "Without a word more: back up now. A running home does it by itself, every day\n" +
			"once `matrixos backup init` has chosen a place, and tries to restore it every\n" +
			"month; \"backup\" in system/config.json says how often, and what is kept.",
		Args: cobra.NoArgs, RunE: run,
	}
	cmd.AddCommand(
		&cobra.Command{Use: "run", Short: "Back up now", Args: cobra.NoArgs, RunE: run},
		p.backupInitCommand(), p.backupListCommand(), p.backupRestoreCommand(), p.backupStatusCommand(), p.backupVerifyCommand(),
		&cobra.Command{
			Use: "drill", Short: "Restore the newest backup into a scratch folder, compare it, and remove it", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
					d, err := c.DrillBackup(ctx)
					if err != nil {
						return err
					}
					return p.did(fmt.Sprintf("%s can be restored: %s, %s, every hash as it was, and it opens as a home.", d.Snapshot.ID, count(d.Files, "file"), bytesOf(d.Bytes)), d)
				})
			},
		})
	for _, c := range cmd.Commands() {
		c.Args = explained(c.Args)
	}
	return cmd
}

// place reads what a place of backups needs beside its address.
type place struct{ endpoint, region, keyFile, passFile string }

func (f *place) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.endpoint, "endpoint", "", "address of an S3-compatible store, such as https://s3.example.org")
	cmd.Flags().StringVar(&f.region, "region", "", "region of the bucket")
	cmd.Flags().StringVar(&f.keyFile, "key-file", "", "file with the key of backups that are there")
	cmd.Flags().StringVar(&f.passFile, "passphrase-file", "", "file with the passphrase under which the key is kept with the backups")
}

func (p *program) placeOf(dest string, f place) (client.BackupPlace, error) {
	b := client.BackupPlace{Dest: dest, Endpoint: f.endpoint, Region: f.region, AccessKey: p.getenv("AWS_ACCESS_KEY_ID"), SecretKey: p.getenv("AWS_SECRET_ACCESS_KEY")}
	if !strings.Contains(dest, "://") {
		abs, err := filepath.Abs(dest)
		if err != nil {
			return b, err
		}
		b.Dest = abs
	}
	var err error
	if b.Key, err = p.secretFrom(f.keyFile, ""); err == nil {
		b.Passphrase, err = p.secretFrom(f.passFile, "MATRIXOS_PASSPHRASE")
	}
	return b, err
}

// secretFrom reads a secret from a file, or else from the environment: on the
// command line itself other users could read it.
func (p *program) secretFrom(file, env string) (string, error) {
	if file == "" {
		if env == "" {
			return "", nil
		}
		return p.getenv(env), nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", &sys.Error{Op: "read", Path: file, Kind: sys.Invalid, Err: err}
	}
	return strings.TrimSpace(string(b)), nil
}

func (p *program) backupInitCommand() *cobra.Command {
	var f place
	cmd := &cobra.Command{
		Use:   "init DEST",
		Short: "Choose where backups go: a folder, or s3://bucket/prefix",
		Long: "Choose where backups go: a folder (of another disk), or s3://bucket/prefix with\n" +
			"the credentials in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Everything is\n" +
			"encrypted before it leaves this machine. The key is printed once and kept in the\n" +
			"keyring: write it down, for without it nobody can read the backups, you included.\n" +
			"With --passphrase-file the place also keeps the key, locked with that passphrase.\n" +
			"With --key-file go on with backups that are there.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := p.placeOf(args[0], f)
			if err != nil {
				return err
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				key, err := c.BeginBackup(ctx, b)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(map[string]string{"dest": b.Dest, "key": key})
				}
				if b.Key != "" {
					_, err = fmt.Fprintln(p.err, "Backups go on at "+b.Dest+".")
					return err
				}
				fmt.Fprintln(p.err, "Backups go to "+b.Dest+". This is their key; keep it away from this machine:")
				if _, err := fmt.Fprintln(p.out, key); err != nil {
					return err
				}
				_, err = fmt.Fprintln(p.err, "Make the first one with `matrixos backup`; a running home does within a minute.")
				return err
			})
		},
	}
	f.flags(cmd)
	return cmd
}

func (p *program) backupListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the backups, oldest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				list, err := c.BackupList(ctx)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(list)
				}
				if len(list) == 0 {
					_, err := fmt.Fprintln(p.err, "There is no backup yet. Make one with `matrixos backup`.")
					return err
				}
				rows := [][]string{{"ID", "WHEN", "LANDING", "FILES", "SIZE", "NEW"}}
				for _, s := range list {
					rows = append(rows, []string{s.ID, s.Time.Local().Format("2006-01-02 15:04"), s.Landing.String(), fmt.Sprint(s.Files), bytesOf(s.Bytes), bytesOf(s.Added)})
				}
				return table(p.out, rows)
			})
		},
	}
}

func (p *program) backupRestoreCommand() *cobra.Command {
	var f place
	var at, from string
	var partial bool
	cmd := &cobra.Command{
		Use:   "restore --home DIR",
		Short: "Make a home of a backup, in an empty or new folder",
		Long: "Make a home of a backup in the folder that --home names, which must be empty or\n" +
			"new: nothing is ever replaced. Without --from the backup is that of $MATRIXOS_HOME,\n" +
			"else of ~/matrixos; when that is lost, name the place with --from and give the key\n" +
			"with --key-file or the passphrase with --passphrase-file.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if p.home == "" {
				return usage(cmd, errors.New("--home names the folder to restore into"))
			}
			into, err := p.folder()
			if err != nil {
				return err
			}
			r := client.RestoreHome{At: at, Into: into, Partial: partial}
			var got client.RestoredHome
			if from != "" {
				b, err := p.placeOf(from, f)
				if err == nil {
					got, err = restoreFrom(cmd.Context(), b, r)
				}
				if err != nil {
					return err
				}
			} else {
				p.home = ""
				err := p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
					got, err = c.RestoreBackup(ctx, r)
					return err
				})
				if err != nil {
					return err
				}
			}
			return p.did(fmt.Sprintf("%s of %s is in %s: %s, every hash as it was.", got.Snapshot.Landing, got.Snapshot.Time.Local().Format("2 Jan 2006, 15:04"), into, count(got.Files, "file")), got)
		},
	}
	f.flags(cmd)
	cmd.Flags().StringVar(&at, "at", "", "which: a date such as 2026-03-01, a time, or an ID of `matrixos backup list` (default the newest)")
	cmd.Flags().StringVar(&from, "from", "", "where the backups are, if the home that made them is lost")
	cmd.Flags().BoolVar(&partial, "partial", false, "bring back what can be, if the backup is damaged")
	return cmd
}

func (p *program) backupVerifyCommand() *cobra.Command {
	var quick bool
	cmd := &cobra.Command{
		Use: "verify", Short: "Read all backups and compare every object with its name", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				list, err := c.VerifyBackup(ctx, quick)
				if err != nil {
					return err
				}
				if p.json {
					if err := p.printJSON(list); err != nil {
						return err
					}
				}
				for _, d := range list {
					fmt.Fprintf(p.err, "%s: %s (in %s; affects %s)\n", d.Object, d.Why, count(len(d.Snapshots), "snapshot"), oneLine(strings.Join(d.Files, ", "), 200))
				}
				if len(list) > 0 {
					fmt.Fprintln(p.err, "Restore the rest with `matrixos backup restore --partial`; the next backup uploads again what is missing.")
					return errShown{sys.NotVerified}
				}
				if !p.json {
					fmt.Fprintln(p.err, "Every object of the backups is whole.")
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&quick, "quick", false, "only look whether everything is there, with the right size")
	return cmd
}

func (p *program) backupStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Say where backups go, and when the last one and the last drill were", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				s, err := c.Backup(ctx)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(s)
				}
				return table(p.out, p.backupRows(s))
			})
		},
	}
}

// backupRows is what a status says about backups.
func (p *program) backupRows(s client.BackupStatus) [][]string {
	st := p.style(p.out)
	if s.Dest == "" {
		return [][]string{{"Backup", "none; choose a place with `matrixos backup init DEST`"}}
	}
	when := func(r *client.BackupRun) string {
		if r == nil {
			return st.bad("never")
		}
		return ago(r.Started, time.Now()) + ", " + r.Started.Local().Format("2 Jan 2006, 15:04")
	}
	rows := [][]string{{"Backup", when(s.LastBackup)}, {"Drill", when(s.LastDrill)}, {"Backups in", s.Dest}}
	if !s.Key {
		rows = append(rows, []string{"Key", st.bad("missing on this machine") + "; `matrixos backup init DEST --key-file FILE`"})
	}
	if s.Failed != nil {
		rows = append(rows, []string{"Failed", st.bad(oneLine(s.Failed.Text, 200))})
	}
	return rows
}
