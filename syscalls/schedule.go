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
	Action  string        `json:"action"`
	Name    string        `json:"name"`
	Message string        `json:"message"`
	Ask     string        `json:"ask"`
	At      time.Time     `json:"at"`
	Every   string        `json:"every"`
	Cron    string        `json:"cron"`
	Zone    string        `json:"zone"`
	Missed  kernel.Missed `json:"missed"`
	AtMost  int           `json:"at_most"`
	USD     float64       `json:"usd"`
}

func manageCron() kernel.Syscall {
	return define("manage_cron", false, []string{"action"}, `
		"action":{"type":"string","enum":["add","remove","list","pause","resume"]},
		"name":{"type":"string","maxLength":200,"description":"a short name; for remove, pause and resume the name or id"},
		"message":{"type":"string","maxLength":2000,"description":"a reminder: what the owner will read"},
		"ask":{"type":"string","maxLength":8000,"description":"instead of message: what an agent is to do then, with all it needs to know"},
		"at":{"type":"string","description":"once, RFC 3339 with offset"},
		"every":{"type":"string","description":"again and again: hour | day 08:00 | week mon 09:00 | month 1 09:00"},
		"cron":{"type":"string","maxLength":200,"description":"instead of every: five fields, such as 30 7 * * 1-5"},
		"zone":{"type":"string","maxLength":64,"description":"IANA time zone, if not the owner's"},
		"missed":{"type":"string","enum":["skip","once","all"],"description":"what becomes of times that passed while the machine was off"},
		"at_most":{"type":"integer","minimum":1,"maximum":100,"description":"for all: so many, the newest"},
		"usd":{"type":"number","exclusiveMinimum":0,"maximum":100,"description":"for ask: what one run may cost"}`,
		func(in cronIn) string {
			switch in.Action {
			case "add":
				if in.Ask != "" {
					return "Scheduling a job"
				}
				return "Setting a reminder"
			case "remove":
				return "Removing a reminder"
			case "pause":
				return "Pausing a job"
			case "resume":
				return "Letting a job run again"
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
			now := c.State().Now.In(c.Kernel().Zone())
			switch in.Action {
			case "list":
				return jobList(ctx, c, jobs, now)
			case "remove":
				return removeJob(ctx, c, jobs, in.Name)
			case "pause", "resume":
				return switchJob(ctx, c, jobs, in.Name, in.Action == "pause")
			}
			return addJob(ctx, c, jobs, in, now)
		})
}

func addJob(ctx context.Context, c *kernel.Call, jobs []kernel.Job, in cronIn, now time.Time) (string, error) {
	j := kernel.Job{
		ID: uuid.NewString()[:8], Name: cmp.Or(in.Name, in.Message, in.Ask), Message: in.Message, Ask: in.Ask, At: in.At, Every: in.Every, Cron: in.Cron,
		Zone: in.Zone, Missed: in.Missed, AtMost: in.AtMost, Budget: sys.Budget{USD: in.USD}, Created: now,
	}
	if r := []rune(j.Name); len(r) > 80 {
		j.Name = string(r[:79]) + "…"
	}
	if err := j.Check(); err != nil {
		return "", err
	}
	next, ok := j.Next(now)
	if !ok {
		return "", &sys.Error{Op: "set a reminder for", Path: in.At.Format(time.RFC3339), Kind: sys.Invalid, Err: fmt.Errorf("that time has passed"), Hint: "it is " + now.Format(time.RFC3339) + " now"}
	}
	kept := slices.DeleteFunc(jobs, func(old kernel.Job) bool { // those for one time that is past
		return !old.At.IsZero() && old.At.Before(now.Add(-24*time.Hour))
	})
	if err := saveJobs(ctx, c, append(kept, j)); err != nil {
		return "", err
	}
	what := "Reminder"
	if j.Ask != "" {
		what = "Job"
	}
	return fmt.Sprintf("%s %s is set: %q, next on %s.", what, j.ID, cmp.Or(j.Message, j.Ask), next.Format("Monday 2 January at 15:04")), nil
}

// named reports whether an owner may mean j by name.
func named(j kernel.Job, name string) bool {
	return j.ID == name || strings.EqualFold(j.Name, name) || j.Message != "" && strings.EqualFold(j.Message, name)
}

func noJob(ctx context.Context, c *kernel.Call, op, name string, jobs []kernel.Job) error {
	list, err := jobList(ctx, c, jobs, c.State().Now.In(c.Kernel().Zone()))
	if err != nil {
		return err
	}
	return &sys.Error{Op: op, Path: name, Kind: sys.NotFound, Hint: list}
}

func removeJob(ctx context.Context, c *kernel.Call, jobs []kernel.Job, name string) (string, error) {
	rest := slices.DeleteFunc(slices.Clone(jobs), func(j kernel.Job) bool { return named(j, name) })
	if len(rest) == len(jobs) {
		return "", noJob(ctx, c, "remove reminder", name, jobs)
	}
	if err := saveJobs(ctx, c, rest); err != nil {
		return "", err
	}
	return fmt.Sprintf("Removed %s.", count(len(jobs)-len(rest), "reminder")), nil
}

// switchJob pauses jobs, or lets them run again. A pause is an entry of the file,
// and lands; one that the kernel or the owner made is lifted in the kernel.
func switchJob(ctx context.Context, c *kernel.Call, jobs []kernel.Job, name string, pause bool) (string, error) {
	changed := slices.Clone(jobs)
	found, edited := 0, false
	for i := range changed {
		if !named(changed[i], name) {
			continue
		}
		found++
		edited = edited || changed[i].Paused != pause
		changed[i].Paused = pause
		if !pause {
			if err := c.Kernel().ResumeJob(ctx, changed[i].ID); err != nil && sys.KindOf(err) != sys.NotFound && sys.KindOf(err) != sys.Refused { // not landed yet, or paused in the file only
				return "", err
			}
		}
	}
	if found == 0 {
		return "", noJob(ctx, c, "find job", name, jobs)
	}
	if edited {
		if err := saveJobs(ctx, c, changed); err != nil {
			return "", err
		}
	}
	if pause {
		return fmt.Sprintf("Paused %s.", count(found, "job")), nil
	}
	return fmt.Sprintf("%s can run again.", count(found, "job")), nil
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

// jobList says what is scheduled and how it went. What runs have said is not
// shown: it may be of another label than the schedule.
func jobList(ctx context.Context, c *kernel.Call, jobs []kernel.Job, now time.Time) (string, error) {
	list, err := c.Kernel().JobStatus(ctx, jobs)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, j := range list {
		if !j.At.IsZero() && !j.At.After(now) && j.Result == kernel.ResultTold {
			continue // done
		}
		fmt.Fprintf(&b, "%s  %s", j.ID, cmp.Or(j.Message, j.Name))
		if !j.Next.IsZero() {
			fmt.Fprintf(&b, "  next %s", j.Next.Format("Mon 2 Jan 15:04 MST"))
		}
		if how := cmp.Or(j.Every, j.Cron); how != "" {
			fmt.Fprintf(&b, "  every %s", how)
		}
		if j.Result != "" {
			fmt.Fprintf(&b, "  last %s %s", j.LastRun.In(now.Location()).Format("Mon 2 Jan 15:04"), j.Result)
		}
		if j.MissedN > 0 {
			fmt.Fprintf(&b, "  %d missed", j.MissedN)
		}
		if j.Why != "" {
			fmt.Fprintf(&b, "  paused: %s", j.Why)
		}
		if j.Problem != "" {
			fmt.Fprintf(&b, "  cannot run: %s", j.Problem)
		}
		b.WriteByte('\n')
	}
	if b.Len() == 0 {
		return "No reminders are set.", nil
	}
	return b.String(), nil
}
