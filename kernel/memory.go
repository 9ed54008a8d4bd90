package kernel

import (
	"cmp"
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
	"time"

	"matrixos/disk"
	"matrixos/journal"
	"matrixos/sys"
)

// Memory is one thing that is remembered: a markdown file of agents/memory, its
// first line "category · date", then the words. The file is the truth; where it
// comes from and what it is labelled is known from the landing that wrote it.
type Memory struct {
	ID       string    `json:"id"`
	Category string    `json:"category"`
	Date     string    `json:"date"`
	Text     string    `json:"text"`
	Label    sys.Label `json:"label"`
	// By is the program that wrote it, or "owner"; empty if it has not landed yet.
	By           string           `json:"by,omitempty"`
	Time         time.Time        `json:"time,omitzero"`
	Conversation sys.Conversation `json:"conversation,omitempty"`
	Landing      sys.LandingID    `json:"landing,omitempty"`
	// Against are memories that negate this one, or say something else about the
	// same thing, as far as their words show.
	Against []string `json:"against,omitempty"`
}

// Path is the memory's file.
func (m Memory) Path() sys.Path { return memoryFolder + sys.Path("/"+m.ID+".md") }

// NewMemory is a memory of today that has not been written yet.
func NewMemory(id, category, text string, now time.Time) Memory {
	return Memory{ID: id, Category: category, Date: now.Format("2006-01-02"), Text: strings.TrimSpace(text)}
}

// File is the text of the memory's file.
func (m Memory) File() []byte {
	return fmt.Appendf(nil, "%s · %s\n\n%s\n", m.Category, m.Date, m.Text)
}

// MemoryQuery says which memories are wanted.
type MemoryQuery struct {
	Text     string // ranked by these words; empty: all, the newest first
	Category string
	Limit    int // 0: no limit
}

// Memories lists what is remembered in the live home.
func (k *Kernel) Memories(ctx context.Context, q MemoryQuery) ([]Memory, error) {
	view, err := k.disk.View(0)
	if err != nil {
		return nil, err
	}
	return k.memories(ctx, view, q)
}

// Memories lists what is remembered, as the process sees it. What is returned
// counts as shown.
func (c *Call) Memories(ctx context.Context, q MemoryQuery) ([]Memory, error) {
	tree, err := c.p.homeTree(ctx)
	if err != nil {
		return nil, err
	}
	list, err := c.p.k.memories(ctx, tree, q)
	c.Shows()
	for _, m := range list {
		c.Shows(m.Path())
	}
	return list, err
}

// Contradicted lists what is remembered and said otherwise by m. What is returned
// counts as shown.
func (c *Call) Contradicted(ctx context.Context, m Memory) ([]Memory, error) {
	all, err := c.Memories(ctx, MemoryQuery{})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(o Memory) bool { return o.ID == m.ID || !contradicts(o.Text, m.Text) }), nil
}

// memories reads, ranks and judges what a tree of the home has remembered.
func (k *Kernel) memories(ctx context.Context, tree fs.FS, q MemoryQuery) ([]Memory, error) {
	all, err := readMemories(tree)
	if err != nil {
		return nil, err
	}
	out := all
	if q.Text != "" {
		if out, err = k.ranked(ctx, all, q.Text); err != nil {
			return nil, err
		}
	}
	out = slices.DeleteFunc(slices.Clone(out), func(m Memory) bool { return q.Category != "" && m.Category != q.Category })
	if q.Limit > 0 && len(out) > q.Limit {
		out = out[:q.Limit]
	}
	for i := range out {
		if err := k.origin(ctx, &out[i]); err != nil {
			return nil, err
		}
		for _, o := range all {
			if o.ID != out[i].ID && contradicts(o.Text, out[i].Text) {
				out[i].Against = append(out[i].Against, o.ID)
			}
		}
	}
	return out, nil
}

// readMemories reads the files, the newest first. A file without a first line of
// ours counts as a fact: the owner may just write one.
func readMemories(tree fs.FS) ([]Memory, error) {
	files, err := fs.Glob(tree, string(memoryFolder)+"/*.md")
	if err != nil {
		return nil, err
	}
	var out []Memory
	for _, f := range files {
		text, err := fs.ReadFile(tree, f)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		m := Memory{ID: strings.TrimSuffix(path.Base(f), ".md"), Category: "fact", Text: strings.TrimSpace(string(text))}
		head, body, _ := strings.Cut(string(text), "\n")
		if category, date, ok := strings.Cut(head, " · "); ok {
			m.Category, m.Date, m.Text = category, strings.TrimSpace(date), strings.TrimSpace(body)
		}
		out = append(out, m)
	}
	slices.SortStableFunc(out, func(a, b Memory) int { return cmp.Compare(b.Date, a.Date) })
	return out, nil
}

func (k *Kernel) ranked(ctx context.Context, all []Memory, text string) ([]Memory, error) {
	byID := map[string]Memory{}
	var sources []source
	for _, m := range all {
		byID[m.ID] = m
		sources = append(sources, source{m.ID, fmt.Sprintf("%x", sha256.Sum256([]byte(m.Text))), func() ([]passage, error) {
			return []passage{{m.ID, m.Text}}, nil
		}})
	}
	hits, err := k.memoryIndex.search(ctx, sources, text, len(all)+1)
	if err != nil {
		return nil, err
	}
	var out []Memory
	for _, h := range hits {
		out = append(out, byID[h.source])
	}
	return out, nil
}

// origin fills in where a memory comes from, and its label.
func (k *Kernel) origin(ctx context.Context, m *Memory) (err error) {
	if m.Label, err = k.LabelOf(ctx, m.Path()); err != nil {
		return err
	}
	list, err := k.disk.Log(ctx, disk.Query{Path: m.Path(), Limit: 1})
	if err != nil || len(list) == 0 {
		return err
	}
	l := list[0]
	m.By, m.Time, m.Landing, m.Conversation = cmp.Or(string(l.Provenance.Program), string(l.Kind)), l.Time, l.ID, l.Provenance.Conversation
	return nil
}

// Forget erases the words of a memory from the journal, together with the landing
// of the process's files; the file itself the caller has removed.
func (c *Call) Forget(ctx context.Context, m Memory) error {
	_, err := c.p.hand(ctx, act{Forget: &forgotten{m.ID, m.Text}})
	return err
}

// ForgetMemory is the owner's word: the file goes, in a landing of its own, and
// with it the words in the journal. It returns what was forgotten.
func (k *Kernel) ForgetMemory(ctx context.Context, id string) (Memory, error) {
	all, err := k.Memories(ctx, MemoryQuery{})
	if err != nil {
		return Memory{}, err
	}
	i := slices.IndexFunc(all, func(m Memory) bool { return m.ID == id })
	if i < 0 {
		return Memory{}, &sys.Error{Op: "forget", Path: id, Kind: sys.NotFound, Hint: "`matrixos memory` lists the ids"}
	}
	m := all[i]
	t, err := k.disk.Begin(ctx, "forget")
	if err != nil {
		return m, err
	}
	drop := func(err error) error { return errors.Join(err, t.Drop()) }
	if err := os.Remove(filepath.Join(t.Dir(), filepath.FromSlash(string(m.Path())))); err != nil {
		return m, drop(err)
	}
	l, err := t.Land(ctx, disk.Landing{Kind: sys.ByOwner, Title: "Forgot a memory", Update: func(tx *journal.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM kernel_label WHERE path = ?`, string(m.Path())); err != nil {
			return err
		}
		return k.erase(ctx, tx, forgotten{m.ID, m.Text})
	}})
	if err != nil {
		return m, drop(err)
	}
	k.apps.Landed(ctx, l)
	return m, nil
}

// StillHeld says honestly what else has the words of a memory that is forgotten.
func StillHeld(m Memory) string {
	said := "The history of the home still has the file as it was"
	if m.Landing != 0 {
		said += ", from " + m.Landing.String() + " on"
	}
	if m.Conversation != "" {
		said += ", and conversation " + string(m.Conversation) + " has what was said there"
	}
	said += "; the title of a change has it if you asked for the change in these words"
	return said + "; this release cannot take them out of these."
}
