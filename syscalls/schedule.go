package syscalls

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"matrixos/kernel"
	"matrixos/sys"
)

type cronIn struct {
	Action  string    `json:"action"`
	Name    string    `json:"name"`
	Message string    `json:"message"`
	At      time.Time `json:"at"`
	Every   string    `json:"every"`
}

func manageCron() kernel.Syscall {
	return define("manage_cron", false, []string{"action"}, `
		"action":{"type":"string","enum":["add","remove","list"]},
		"name":{"type":"string","description":"a short name; for remove, the name or id"},
		"message":{"type":"string","description":"what the owner will read"},
		"at":{"type":"string","description":"once, RFC 3339 with offset"},
		"every":{"type":"string","description":"again and again: hour | day 08:00 | week mon 09:00 | month 1 09:00"}`,
		func(in cronIn) string {
			switch in.Action {
			case "add":
				return "Setting a reminder"
			case "remove":
				return "Removing a reminder"
			}
			return "Looking at reminders"
		},
		func(ctx context.Context, c *kernel.Call, in cronIn) (string, error) {
			tree, err := c.Tree(ctx)
			if err != nil {
				return "", err
			}
			jobs, err := kernel.ReadJobs(tree)
			if err != nil {
				return "", err
			}
			now := c.State().Now
			switch in.Action {
			case "list":
				return jobList(jobs, now), nil
			case "remove":
				return removeJob(ctx, c, jobs, in.Name)
			}
			return addJob(ctx, c, jobs, in, now)
		})
}

func addJob(ctx context.Context, c *kernel.Call, jobs []kernel.Job, in cronIn, now time.Time) (string, error) {
	j := kernel.Job{ID: uuid.NewString()[:8], Name: cmp.Or(in.Name, in.Message), Message: in.Message, At: in.At, Every: in.Every, Created: now}
	if err := j.Check(); err != nil {
		return "", err
	}
	next, ok := j.Next(now)
	if !ok {
		return "", &sys.Error{Op: "set a reminder for", Path: in.At.Format(time.RFC3339), Kind: sys.Invalid, Err: fmt.Errorf("that time has passed"), Hint: "it is " + now.Format(time.RFC3339) + " now"}
	}
	kept := slices.DeleteFunc(jobs, func(old kernel.Job) bool { // one-time reminders of the past
		_, ahead := old.Next(now.Add(-24 * time.Hour))
		return !ahead
	})
	if err := saveJobs(ctx, c, append(kept, j)); err != nil {
		return "", err
	}
	return fmt.Sprintf("Reminder %s is set: %q, next on %s.", j.ID, j.Message, next.Format("Monday 2 January at 15:04")), nil
}

func removeJob(ctx context.Context, c *kernel.Call, jobs []kernel.Job, name string) (string, error) {
	rest := slices.DeleteFunc(slices.Clone(jobs), func(j kernel.Job) bool {
		return j.ID == name || strings.EqualFold(j.Name, name) || strings.EqualFold(j.Message, name)
	})
	if len(rest) == len(jobs) {
		return "", &sys.Error{Op: "remove reminder", Path: name, Kind: sys.NotFound, Hint: jobList(jobs, c.State().Now)}
	}
	if err := saveJobs(ctx, c, rest); err != nil {
		return "", err
	}
	return fmt.Sprintf("Removed %s.", count(len(jobs)-len(rest), "reminder")), nil
}

func saveJobs(ctx context.Context, c *kernel.Call, jobs []kernel.Job) error {
	_, root, err := target(ctx, c, string(kernel.ScheduleFile))
	if err != nil {
		return err
	}
	defer root.Close()
	text, err := json.MarshalIndent(jobs, "", "  ")
	if err != nil {
		return err
	}
	return put(root, kernel.ScheduleFile, append(text, '\n'))
}

func jobList(jobs []kernel.Job, now time.Time) string {
	var b strings.Builder
	for _, j := range jobs {
		next, ok := j.Next(now)
		if !ok {
			continue
		}
		fmt.Fprintf(&b, "%s  %s  next %s", j.ID, j.Message, next.Format("Mon 2 Jan 15:04"))
		if j.Every != "" {
			fmt.Fprintf(&b, "  every %s", j.Every)
		}
		b.WriteByte('\n')
	}
	if b.Len() == 0 {
		return "No reminders are set."
	}
	return b.String()
}
