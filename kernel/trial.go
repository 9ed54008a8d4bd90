package kernel

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"matrixos/policy"
	"matrixos/sys"
)

// A program or a skill that a process writes is adopted only after its own trial:
// it is run on a task that its author states, in a transaction that is dropped,
// with nothing outside in reach, and what its author says must hold is checked.
// What the owner writes by hand needs none.

// trialFile states the trial of a skill, beside its SKILL.md; a program states it
// in its front matter.
const trialFile = "trial.yaml"

// trialTurns is the most that a trial may take.
const trialTurns = 15

// Trial is a task and what must hold when it is done.
type Trial struct {
	Task  string `json:"task" yaml:"task"`
	Never names  `json:"never,omitempty" yaml:"never"` // calls that it may not even try
	Says  names  `json:"says,omitempty" yaml:"says"`   // text that must appear in the answer
	Files names  `json:"files,omitempty" yaml:"files"` // files that it must write
}

func (t Trial) check() error {
	switch {
	case strings.TrimSpace(t.Task) == "":
		return errors.New("trial: task is missing; say what it is to do")
	case len(t.Never)+len(t.Says)+len(t.Files) == 0:
		return errors.New("trial: nothing has to hold; name never (calls), says (text in the answer) or files (that it writes)")
	}
	return nil
}

// proof is a trial that runs, and what it has come to.
type proof struct {
	Trial
	skill string // that has to be loaded
	seeds map[sys.Path][]byte
	calls []string // guarded by the process's mu
	fault error
}

// candidate is something new that a landing brings.
type candidate struct {
	path    sys.Path // its main file
	program Program  // that runs the trial
	proof   *proof
}

// adopt runs the trial of every program and skill that the changes bring. The
// error is of kind NotVerified, or Refused where a program is given more than its
// author has.
func (p *process) adopt(ctx context.Context, dir string, changes []sys.Change) error {
	list, err := p.candidates(dir, changes)
	if err != nil || len(list) == 0 {
		return err
	}
	if err := p.running(ctx); err != nil {
		return err
	}
	for _, c := range list {
		key := fmt.Sprintf("%s %x", c.path, sha256.Sum256(fmt.Append(nil, c.proof.seeds)))
		if p.proved[key] {
			continue
		}
		if err := p.try(ctx, c); err != nil {
			return err
		}
		if p.proved == nil {
			p.proved = map[string]bool{}
		}
		p.proved[key] = true
	}
	return p.move(ctx, sys.Landing, wait{})
}

// candidates finds the programs and skills in the changes, and reads them.
func (p *process) candidates(dir string, changes []sys.Change) (out []candidate, err error) {
	tree := os.DirFS(dir)
	seeds := map[sys.Path][]byte{}
	var programs []sys.Path
	var skills []string
	for _, c := range changes {
		if c.Op == sys.Deleted || !strings.HasPrefix(string(c.Path), "agents/") || strings.HasPrefix(string(c.Path), string(memoryFolder)+"/") {
			if name := skillOf(c.Path); name == "" || slices.Contains(skills, name) {
				continue
			}
		}
		text, err := fs.ReadFile(tree, string(c.Path))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err == nil {
			seeds[c.Path] = text
		}
		name := skillOf(c.Path)
		folder := path.Dir(string(c.Path))
		switch {
		case name != "" && !slices.Contains(skills, name):
			skills = append(skills, name)
		case name == "" && strings.HasSuffix(string(c.Path), ".md") && (folder == "agents/custom" || folder == "agents" && isProgram(text)):
			programs = append(programs, c.Path)
		}
	}
	for _, f := range programs {
		c, err := p.newProgram(f, seeds)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	for _, name := range skills {
		if _, err := fs.Stat(tree, string(skillFolder)+"/"+name); errors.Is(err, fs.ErrNotExist) {
			continue // deleted whole
		}
		c, err := p.newSkill(tree, name, seeds)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func skillOf(p sys.Path) string {
	rest, ok := strings.CutPrefix(string(p), string(skillFolder)+"/")
	name, _, nested := strings.Cut(rest, "/")
	if !ok || !nested {
		return ""
	}
	return name
}

func notAdopted(file sys.Path, err error, hint string) error {
	return &sys.Error{Op: "adopt", Path: string(file), Kind: sys.NotVerified, Err: err, Hint: hint}
}

const trialHint = "add to its front matter: trial: {task: \"…\", never: [Bash], says: [\"…\"], files: [projects/x.md]}"

func (p *process) newProgram(file sys.Path, seeds map[sys.Path][]byte) (candidate, error) {
	name := strings.TrimSuffix(path.Base(string(file)), ".md")
	prog, err := ParseProgram(name, seeds[file])
	if err != nil {
		return candidate{}, notAdopted(file, err, sys.HintOf(err))
	}
	if string(prog.Name) != name {
		return candidate{}, notAdopted(file, fmt.Errorf("name is %q, and the file is %s.md", prog.Name, name), "make them the same")
	}
	if prog.Trial == nil {
		return candidate{}, notAdopted(file, errors.New("it states no trial"), trialHint)
	}
	if err := prog.Trial.check(); err != nil {
		return candidate{}, notAdopted(file, err, trialHint)
	}
	if err := p.within(prog); err != nil {
		return candidate{}, err
	}
	return candidate{file, prog, &proof{Trial: *prog.Trial, seeds: seeds}}, nil
}

func (p *process) newSkill(tree fs.FS, name string, seeds map[sys.Path][]byte) (candidate, error) {
	file := skillFolder + sys.Path("/"+name+"/SKILL.md")
	s, err := readSkill(tree, name)
	if err != nil {
		return candidate{}, notAdopted(file, err, sys.HintOf(err))
	}
	hint := "write " + trialFile + " beside it: task, and never, says or files"
	t, err := skillTrial(tree, name)
	if err == nil && t == nil {
		err = errors.New("it states no trial")
	}
	if err == nil {
		err = t.check()
	}
	if err != nil {
		return candidate{}, notAdopted(file, err, hint)
	}
	runs := p.program
	if !slices.Contains(runs.Tools, "load_skill") {
		runs.Tools = append(slices.Clone(runs.Tools), "load_skill")
	}
	return candidate{file, runs, &proof{Trial: *t, skill: s.Name, seeds: seeds}}, nil
}

// skillTrial reads the trial that a skill states; nil if it states none.
func skillTrial(tree fs.FS, name string) (*Trial, error) {
	text, err := fs.ReadFile(tree, string(skillFolder)+"/"+name+"/"+trialFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var t Trial
	return &t, yaml.Unmarshal(text, &t)
}

// within holds a new program to what its author may do, or may have done by a
// program of the home.
func (p *process) within(prog Program) error {
	calls, writes := slices.Clone([]string(p.program.Tools)), slices.Clone([]string(p.program.Writes))
	if slices.Contains(calls, "spawn") {
		list, err := p.k.Agents(context.Background())
		if err != nil {
			return err
		}
		for _, a := range list {
			calls, writes = append(calls, a.Tools...), append(writes, a.Writes...)
		}
	}
	for _, t := range prog.Tools {
		if !slices.Contains(calls, t) {
			return &sys.Error{Op: "adopt", Path: string(prog.Name), Kind: sys.Refused, Err: fmt.Errorf("tools: %s is more than %s may do", t, p.program.Name), Hint: "leave it out; the owner can add it by hand"}
		}
	}
	for _, w := range prog.Writes {
		if policy.Write(policy.Subject{Program: prog.Name, Grant: policy.Grant{Writes: writes}}, sys.Path(strings.TrimSuffix(w, "/"))) != nil {
			return &sys.Error{Op: "adopt", Path: string(prog.Name), Kind: sys.Refused, Err: fmt.Errorf("writes: %s is more than %s may change", w, p.program.Name), Hint: "leave it out; the owner can add it by hand"}
		}
	}
	return nil
}

// try runs a candidate's trial as a child and returns why it failed.
func (p *process) try(ctx context.Context, c candidate) error {
	c.proof.fault = errors.New("it did not come to its end")
	row := p.snapshot()
	p.mu.Lock()
	deadline := p.memo.Deadline
	p.mu.Unlock()
	if c.program.MaxTurns == 0 || c.program.MaxTurns > trialTurns {
		c.program.MaxTurns = trialTurns
	}
	c.program.Effect = "" // what it writes is dropped
	child, err := p.k.prepare(ctx, spec{
		program: c.program.Name, fixed: &c.program, proof: c.proof, task: c.proof.Task, model: row.Model, class: row.Class, deadline: deadline,
		request: p.req(), parent: p, call: "trial of " + string(c.path),
	})
	if err != nil {
		return notAdopted(c.path, err, "see whether its model is attached")
	}
	if err := p.waiting(ctx, sys.ForChild, "trial of "+string(c.path)); err != nil {
		return err
	}
	err = child.seed(ctx)
	childCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	child.arm(childCtx, cancel)
	if err != nil {
		cancel(err)
	}
	_, err = child.live(childCtx)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	var rest *parked
	if errors.As(err, &rest) {
		err = errors.Join(err, p.k.Signal(child.pid(), Kill)) // it is tried anew, not taken up
	}
	if e := p.shown(ctx, child.snapshot().Label); e != nil {
		return e
	}
	if e := p.running(ctx); e != nil {
		return e
	}
	if err == nil {
		err = c.proof.fault
	}
	if err != nil {
		return notAdopted(c.path, fmt.Errorf("its trial failed: %w", err), "mend it, or what its trial says must hold")
	}
	return nil
}

// seed gives a trial the new files.
func (p *process) seed(ctx context.Context) error {
	t, err := p.begun(ctx)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(t.Dir())
	if err != nil {
		return err
	}
	defer root.Close()
	for f, text := range p.proof.seeds {
		if err := root.MkdirAll(filepath.Dir(string(f)), 0o755); err != nil {
			return err
		}
		if err := root.WriteFile(string(f), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// tryCall notes a call of a trial. Only those that reach no further than its own
// transaction are made.
func (p *process) tryCall(name string) error {
	if p.proof == nil {
		return nil
	}
	p.mu.Lock()
	p.proof.calls = append(p.proof.calls, name)
	p.mu.Unlock()
	if c, ok := p.k.calls[name]; ok && !c.ReadOnly && !c.Replay && !c.Workspace {
		return &sys.Error{Op: "call", Path: name, Kind: sys.Refused, Err: errors.New("this is a trial: it reaches nobody, and nothing of it lands"), Hint: "go on as if it had been done"}
	}
	return nil
}

// prove ends a trial: it checks what must hold, and drops the rest.
func (p *process) prove(ctx context.Context) error {
	changes, err := p.transaction().Changes(ctx)
	if err != nil {
		return err
	}
	changes = slices.DeleteFunc(changes, func(c sys.Change) bool { return p.proof.seeds[c.Path] != nil })
	p.mu.Lock()
	calls, said := slices.Clone(p.proof.calls), p.report.Text
	p.mu.Unlock()
	p.proof.fault = errors.Join(policy.Landing(p.subject, changes), p.proof.holds(calls, said, changes))
	return p.forget()
}

func (t *proof) holds(calls []string, said string, changes []sys.Change) error {
	for _, n := range t.Never {
		if slices.Contains(calls, n) {
			return fmt.Errorf("it called %s, which it may never", n)
		}
	}
	for _, s := range t.Says {
		if !strings.Contains(strings.ToLower(said), strings.ToLower(s)) {
			return fmt.Errorf("its answer does not have %q; it said %q", s, firstLine(said))
		}
	}
	for _, f := range t.Files {
		if !slices.ContainsFunc(changes, func(c sys.Change) bool { return string(c.Path) == f && c.Op != sys.Deleted }) {
			return fmt.Errorf("it did not write %s", f)
		}
	}
	if t.skill != "" && !slices.Contains(calls, "load_skill") {
		return fmt.Errorf("it did not load the skill %s", t.skill)
	}
	return nil
}
