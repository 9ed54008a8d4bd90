package syscalls

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/google/uuid"

	"matrixos/kernel"
	"matrixos/sys"
)

// personaFile is what people of a kind often begin with: data of the home, which
// the owner may change.
const personaFile sys.Path = "agents/knowledge/personas.json"

// persona is one kind of owner.
type persona struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Words    []string          `json:"words,omitempty"`
	Apps     []kernel.PlanStep `json:"apps"`
	Skills   []kernel.PlanStep `json:"skills"`
	Schedule []kernel.Job      `json:"schedule"`
	Soul     string            `json:"soul"`
}

type roleIn struct {
	Role string `json:"role"`
}

func personaSuggestions() kernel.Syscall {
	return define("get_persona_suggestions", true, []string{"role"}, `"role":{"type":"string","minLength":1,"maxLength":500,"description":"what the owner does, or what the home is for, in their words"}`,
		func(roleIn) string { return "Looking for what fits you" },
		func(ctx context.Context, c *kernel.Call, in roleIn) (string, error) {
			if strings.TrimSpace(in.Role) == "" {
				return "", &sys.Error{Op: "look for suggestions", Kind: sys.Invalid, Err: errors.New("there is nothing in role"), Hint: "give the owner's words"}
			}
			tree, err := c.Tree(ctx)
			if err != nil {
				return "", err
			}
			text, err := fs.ReadFile(tree, string(personaFile))
			var all []persona
			if err == nil {
				err = json.Unmarshal(text, &all)
			}
			if err != nil {
				return "", &sys.Error{Op: "look for suggestions", Path: string(personaFile), Kind: sys.NotFound, Err: err, Hint: "suggest something from the owner's words yourself"}
			}
			c.Shows(personaFile)
			fit, exact := fitting(all, in.Role)
			return lines(map[string]any{"exact": exact, "personas": fit})
		})
}

// fitting ranks personas by how many of their words are in role, two at most. If
// none fits it is the general one, and exact is false.
func fitting(all []persona, role string) (out []persona, exact bool) {
	said := map[string]bool{}
	for _, w := range strings.FieldsFunc(strings.ToLower(role), func(r rune) bool { return strings.ContainsRune(" ,.;:!?/()\n\t", r) }) {
		said[w] = true
	}
	score := func(p persona) (n int) {
		for _, w := range p.Words {
			if said[w] {
				n++
			}
		}
		return n
	}
	for _, p := range all {
		if score(p) > 0 {
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b persona) int { return cmp.Compare(score(b), score(a)) })
	out = out[:min(2, len(out))]
	exact = len(out) > 0
	for _, p := range all {
		if !exact && p.ID == "general" {
			out = append(out, p)
		}
	}
	for i := range out {
		out[i].Words = nil
	}
	return out, exact
}

type planIn struct {
	Plan string `json:"plan_json"`
}

func writeSetupPlan() kernel.Syscall {
	return define("write_setup_plan", false, []string{"plan_json"}, `"plan_json":{"type":"string","minLength":2,"maxLength":60000,"description":"{\"role\":…,\"apps\":[{\"title\":…,\"request\":…}],\"skills\":[…],\"schedule\":[{\"name\":…,\"message\":…,\"every\":…}],\"soul\":…}"}`,
		func(planIn) string { return "Planning the setup" },
		func(ctx context.Context, c *kernel.Call, in planIn) (string, error) {
			c.Shows()
			plan, err := kernel.ParsePlan([]byte(in.Plan))
			if err != nil {
				return "", err
			}
			if plan.Soul != "" {
				if err := writeFile(ctx, c, "system/soul.md", "# Soul\n\n"+strings.TrimSpace(plan.Soul)+"\n"); err != nil {
					return "", err
				}
			}
			if err := planJobs(ctx, c, plan.Schedule); err != nil {
				return "", err
			}
			text, err := json.MarshalIndent(plan, "", "  ")
			if err != nil {
				return "", err
			}
			if err := writeFile(ctx, c, string(kernel.PlanFile), string(text)+"\n"); err != nil {
				return "", err
			}
			n := len(plan.Apps) + len(plan.Skills)
			return fmt.Sprintf("The plan is written: %s to build, %s. When it lands it is worked off by itself, one after the other, as tasks of type setup; list_tasks shows how far it is.", count(n, "thing"), count(len(plan.Schedule), "reminder")), nil
		})
}

func writeFile(ctx context.Context, c *kernel.Call, file, text string) error {
	p, root, err := target(ctx, c, file)
	if err != nil {
		return err
	}
	return errors.Join(put(root, p, []byte(text)), root.Close())
}

// planJobs adds a plan's jobs to the schedule; one that is there stays as it is.
func planJobs(ctx context.Context, c *kernel.Call, add []kernel.Job) error {
	if len(add) == 0 {
		return nil
	}
	tree, err := c.Tree(ctx)
	if err != nil {
		return err
	}
	jobs, err := kernel.ReadJobs(tree)
	if err != nil {
		return err
	}
	for _, j := range add {
		j.ID = uuid.NewSHA1(uuid.NameSpaceOID, []byte(j.Name+"\n"+j.Message+j.Ask+"\n"+j.Every+j.Cron)).String()[:8]
		j.Created = c.State().Now
		if !slices.ContainsFunc(jobs, func(have kernel.Job) bool { return have.ID == j.ID }) {
			jobs = append(jobs, j)
		}
	}
	c.Shows()
	return saveJobs(ctx, c, jobs)
}
