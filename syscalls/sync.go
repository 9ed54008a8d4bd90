package syscalls

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"matrixos/kernel"
	"matrixos/policy"
	"matrixos/sys"
)

// Remotes lets the home meet other devices of the owner; boot has one.
type Remotes interface {
	SyncFiles(ctx context.Context, r SyncRequest) (SyncReply, error)
}

// SyncRequest is one action. Remote is origin if empty.
type SyncRequest struct{ Action, Message, Remote, URL string }

// SyncReply says what was done, and how the remotes are.
type SyncReply struct {
	Text    string
	Merged  sys.LandingID // that a pull made
	Remotes []Remote
}

// Remote is how the home and one remote stand.
type Remote struct {
	Name, URL string
	Time      time.Time // of the last meeting
	Ahead     int       // landings that it does not have yet
	Conflicts []sys.Path
}

type syncIn struct {
	Action  string `json:"action"`
	Message string `json:"message"`
	Remote  string `json:"remote_name"`
	URL     string `json:"remote_url"`
}

func syncFiles(o Options) kernel.Syscall {
	return define("sync_files", false, []string{"action"}, `
		"action":{"type":"string","enum":["status","commit","push","pull","add_remote","remove_remote"]},
		"message":{"type":"string","maxLength":2000,"description":"for push and pull: a word on it"},
		"remote_name":{"type":"string","maxLength":40,"description":"origin if absent"},
		"remote_url":{"type":"string","maxLength":2048,"description":"for add_remote: https://HOST/REPO, ssh://USER@HOST/REPO or a whole path"}`,
		func(in syncIn) string {
			at := cmp.Or(in.Remote, "origin")
			switch in.Action {
			case "commit":
				return "Recording edits by hand"
			case "push":
				return "Sending your home to " + at
			case "pull":
				return "Merging from " + at
			case "add_remote":
				return "Adding a place to sync with"
			case "remove_remote":
				return "Removing a place to sync with"
			}
			return "Looking at where your devices meet"
		},
		func(ctx context.Context, c *kernel.Call, in syncIn) (string, error) {
			c.Shows()
			if o.Remotes == nil {
				return "", &sys.Error{Op: "sync files", Kind: sys.Unavailable, Err: errors.New("this system has no device sync")}
			}
			in.Remote = cmp.Or(in.Remote, "origin")
			if err := mayMeet(ctx, o, c, in); err != nil {
				return "", err
			}
			r, err := o.Remotes.SyncFiles(ctx, SyncRequest(in))
			if err != nil {
				if in.Action == "pull" {
					c.Reads(outside) // a conflict names files from there
				}
				return "", err
			}
			if r.Merged != 0 {
				l, _, err := c.Disk().Show(ctx, r.Merged)
				if err != nil {
					return "", err
				}
				c.Landed(ctx, l)
			}
			return remoteList(c, r), nil
		})
}

// mayMeet asks for what goes out, or lets things in.
func mayMeet(ctx context.Context, o Options, c *kernel.Call, in syncIn) error {
	e := policy.Effect{Kind: policy.Push, Target: in.Remote}
	at := in.URL
	switch in.Action {
	case "status", "commit":
		return nil
	case "add_remote":
		if err := bare(in.URL); err != nil {
			return err
		}
		e.Kind, e.Text = policy.Connect, fmt.Sprintf("Let this home be sent to, and merged with, %s, as %s.", in.URL, in.Remote)
	default:
		now, err := o.Remotes.SyncFiles(ctx, SyncRequest{Action: "status"})
		if err != nil {
			return err
		}
		for _, r := range now.Remotes {
			if r.Name == in.Remote {
				at = r.URL
			}
		}
		if at == "" {
			return &sys.Error{Op: "sync with", Path: in.Remote, Kind: sys.NotFound, Hint: "there is no such remote; add_remote with its address makes one"}
		}
		e.Text = map[string]string{
			"push": fmt.Sprintf("Send this home and its history to %s (%s).", in.Remote, at), "pull": fmt.Sprintf("Merge what is at %s (%s) into this home.", in.Remote, at),
			"remove_remote": fmt.Sprintf("Forget %s (%s) and its credentials.", in.Remote, at),
		}[in.Action]
		e.Named = true // the owner said yes to it when it was added
	}
	e.Args = args(map[string]string{"action": in.Action, "remote_name": in.Remote, "remote_url": at, "message": in.Message})
	return c.Effect(ctx, e)
}

// bare refuses an address with credentials: what a model writes is kept for good.
func bare(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.User == nil || u.Scheme == "ssh" {
		return nil // what it may be is said by whoever adds it
	}
	return &sys.Error{
		Op: "add remote", Path: u.Host, Kind: sys.Refused, Err: errors.New("there is a user or token in the address, which would stay in this conversation"),
		Hint: "have the owner run: matrixos sync add_remote NAME URL; it keeps the token in the keyring",
	}
}

func remoteList(c *kernel.Call, r SyncReply) string {
	var b strings.Builder
	b.WriteString(r.Text)
	for _, m := range r.Remotes {
		fmt.Fprintf(&b, "\n%s  %s  %s ahead", m.Name, m.URL, count(m.Ahead, "landing"))
		if !m.Time.IsZero() {
			fmt.Fprintf(&b, "  last met %s", m.Time.Local().Format("2006-01-02 15:04"))
		}
		for _, p := range m.Conflicts {
			c.Reads(outside)
			fmt.Fprintf(&b, "\n    in conflict: %s", p)
		}
	}
	if len(r.Remotes) == 0 {
		b.WriteString("\nThere are none yet.")
	}
	return b.String()
}
