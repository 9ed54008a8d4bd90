package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if p.json {
				return p.printJSON(map[string]string{"version": version, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH})
			}
			_, err := fmt.Fprintf(p.out, "matrixos %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// status is what `matrixos status --json` prints.
type status struct {
	Home    string          `json:"home"`
	Running bool            `json:"running"` // as a daemon
	Address string          `json:"address,omitempty"`
	Version string          `json:"version"`
	Handle  sys.Handle      `json:"handle"`
	Model   client.Model    `json:"model"`
	Apps    int             `json:"apps"`
	Broken  []sys.Slug      `json:"broken"` // apps that do not compile
	Working int             `json:"working"`
	Landing sys.LandingID   `json:"landing"` // the newest
	Event   sys.Seq         `json:"event"`   // the newest
	Idle    bool            `json:"idle"`
	Upkeep  sys.UpkeepState `json:"upkeep"`
	Safe    bool            `json:"safe"`    // safe mode
	Stopped bool            `json:"stopped"` // by the owner

	Workspaces client.Workspaces `json:"workspaces"`
	Keyring    string            `json:"keyring"`  // how keys are protected
	Commands   string            `json:"commands"` // how they are confined

	Homeserver client.Handle `json:"homeserver"`

	Backup   client.BackupStatus `json:"backup"`
	landings []sys.LandingInfo
}

func (p *program) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Say how the home is",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			home, err := p.folder()
			if err != nil {
				return err
			}
			running := false
			if c, err := p.connect(cmd.Context(), home); err == nil {
				running = true
				c.Close()
			} else if !errors.Is(err, sys.NotFound) {
				return err
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				s, err := readStatus(ctx, c, running)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(s)
				}
				return p.showStatus(s)
			})
		},
	}
}

func readStatus(ctx context.Context, c *client.Client, running bool) (status, error) {
	s := status{Running: running, Broken: []sys.Slug{}}
	session, err := c.Session(ctx)
	if err != nil {
		return s, err
	}
	apps, err := c.Apps(ctx)
	if err != nil {
		return s, err
	}
	if s.Backup, err = c.Backup(ctx); err != nil {
		return s, err
	}
	if s.Homeserver, err = c.Handle(ctx); err != nil {
		return s, err
	}
	procs, err := c.Processes(ctx)
	if err != nil {
		return s, err
	}
	if s.landings, err = c.Landings(ctx, 1, 0); err != nil {
		return s, err
	}
	if s.Upkeep, err = c.Upkeep(ctx); err != nil {
		return s, err
	}
	s.Home, s.Version, s.Handle, s.Model, s.Event, s.Apps = session.Home, session.Version, session.Handle, session.Model, session.Seq, len(apps)
	if s.Keyring, err = c.Keyring(ctx); err != nil {
		return s, err
	}
	if s.Workspaces, err = c.Workspaces(ctx); err != nil {
		return s, err
	}
	if running {
		s.Address = c.Base()
	}
	for _, a := range apps {
		if !a.OK {
			s.Broken = append(s.Broken, a.Slug)
		}
	}
	for _, r := range procs {
		if !r.State.Ended() {
			s.Working++
		}
	}
	if len(s.landings) > 0 {
		s.Landing = s.landings[0].ID
	}
	s.Idle = s.Working == 0
	s.Safe, s.Stopped, s.Commands = session.Safe, session.Stopped, session.Commands
	return s, nil
}

func (p *program) showStatus(s status) error {
	st := p.style(p.out)
	state := "not running; this command started the kernel for itself"
	if s.Running {
		state = "running at " + s.Address
	}
	work := "nothing is running"
	if s.Working > 0 {
		work = count(s.Working, "process") + " at work"
	}
	if s.Safe {
		state += ", in safe mode: it crashed three times within a minute, and no model runs"
	}
	if s.Stopped {
		work += "; everything was stopped, `matrixos cont` lets it go on"
	}
	model := s.Model.Label
	if !s.Model.Attached {
		model += " (not attached)"
	}
	rows := [][]string{
		{"Home", s.Home},
		{"State", state},
		{"Version", s.Version},
		{"Owner", string(s.Handle)},
		{"Model", model},
		{"Apps", fmt.Sprint(s.Apps)},
		{"Work", work},
		{"Checked", checked(s.Upkeep, time.Now())},
		{"Keys", s.Keyring},
		{"Commands", s.Commands},
		{"Matrix", homeserverWords(s.Homeserver)},
		{"Folders", s.Workspaces.Kind + ", " + s.Workspaces.Detail},
	}
	if disk := s.Upkeep.Storage; disk.ReadOnly {
		rows = append(rows, []string{"Storage", st.bad("no changes are taken") + ": " + disk.Why + "; " + disk.Hint})
	}
	if len(s.landings) > 0 {
		l := s.landings[0]
		rows = append(rows, []string{"Last", l.ID.String() + ", " + ago(l.Time, time.Now()) + ": " + oneLine(l.Title, 60)})
	}
	for _, b := range s.Broken {
		rows = append(rows, []string{"Broken", st.bad(string(b))})
	}
	return table(p.out, append(rows, p.backupRows(s.Backup)...))
}

func (p *program) appsCommand() *cobra.Command {
	apps := &cobra.Command{
		Use:   "apps",
		Short: "List installed apps; publish, fork and install them",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				list, err := c.Apps(ctx)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(list)
				}
				return p.showApps(list)
			})
		},
	}
	apps.AddCommand(p.bundleCommands()...)
	for _, c := range apps.Commands() {
		c.Args = explained(c.Args)
	}
	return apps
}

func (p *program) showApps(list []sys.AppInfo) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(p.err, "There are no apps yet. Ask for one: matrixos ask \"Build me a …\"")
		return err
	}
	rows := [][]string{{"SLUG", "NAME", "STATE", "CHANGED", "DESCRIPTION"}}
	for _, a := range list {
		state := "ok"
		switch {
		case !a.OK:
			state = "broken"
		case a.Verified != "":
			state = "ok (" + a.Verified + ")"
		}
		rows = append(rows, []string{string(a.Slug), oneLine(a.Name, 24), state, ago(a.Updated, time.Now()), oneLine(a.Description, 60)})
	}
	return table(p.out, rows)
}
