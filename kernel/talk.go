package kernel

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"matrixos/journal"
	"matrixos/model"
	"matrixos/sys"
)

// Entry is one line of a conversation's file: a message, and whose it was. Each
// goes on from its parent, so that a conversation can branch; without one it goes
// on from the line before.
type Entry struct {
	ID      string        `json:"id,omitempty"`
	Parent  string        `json:"parent,omitempty"`
	Time    time.Time     `json:"time"`
	Request sys.RequestID `json:"request"`
	PID     sys.PID       `json:"pid"`
	Cost    sys.Cost      `json:"cost,omitzero"`
	Message model.Message `json:"message"`
	// Compacted, where it is set, stands for everything before it: from here on the
	// model sees these messages instead.
	Compacted []model.Message `json:"compacted,omitempty"`
	By        string          `json:"by,omitempty"` // who compacted: "model", or "cut"
}

// Summary is one conversation in a list.
type Summary struct {
	ID       sys.Conversation `json:"id"`
	Title    string           `json:"title"`
	Updated  time.Time        `json:"updated"`
	Messages int              `json:"messages"`
}

// talks keeps conversations as JSONL files, append-only. A line is durable before
// it gets here: it is in the journal, until sync has made the file safe. A line
// that a crash cut off is dropped when the file is next appended to, and restore
// puts back what the journal has and the file has not.
type talks struct {
	root string // the home

	mu sync.Mutex // one writer at a time
}

var talkForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,80}(\.p[0-9]+)?$`)

// childTalk names the conversation of a sub-agent, rootTalk the one it belongs
// to.
func childTalk(root sys.Conversation, pid sys.PID) sys.Conversation {
	return sys.Conversation(fmt.Sprintf("%s.p%d", root, pid))
}

func rootTalk(id sys.Conversation) sys.Conversation {
	root, _, _ := strings.Cut(string(id), ".p")
	return sys.Conversation(root)
}

func (t *talks) folder() string { return filepath.Join(t.root, "system", "conversations") }

func (t *talks) file(id sys.Conversation) string {
	return filepath.Join(t.folder(), string(id)+".jsonl")
}

func (t *talks) valid(id sys.Conversation) error {
	if talkForm.MatchString(string(id)) {
		return nil
	}
	return &sys.Error{Op: "open conversation", Path: string(id), Kind: sys.Invalid, Hint: "an id is made of letters, digits, _ and -"}
}

// write appends lines to a conversation's file.
func (t *talks) write(id sys.Conversation, lines []talkLine) error {
	if err := t.valid(id); err != nil {
		return err
	}
	var text []byte
	for _, l := range lines {
		text = append(text, l.text...)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := os.MkdirAll(t.folder(), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(t.file(id), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	end, err := wholeLines(f)
	if err == nil {
		err = f.Truncate(end)
	}
	if err == nil {
		_, err = f.WriteAt(text, end)
	}
	return errors.Join(err, f.Close())
}

// sync makes a conversation's file safe against a power cut.
func (t *talks) sync(id sys.Conversation) error {
	f, err := os.OpenFile(t.file(id), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// restore makes the files of conversations whole with the lines that are in the
// journal, and drops those there.
func (t *talks) restore(ctx context.Context, j *journal.Journal) (err error) {
	rows, err := j.Query(ctx, `SELECT conversation, id, line FROM kernel_line ORDER BY seq`)
	if err != nil {
		return err
	}
	lines := map[sys.Conversation][]talkLine{}
	for rows.Next() {
		var c, id, text string
		if err := rows.Scan(&c, &id, &text); err != nil {
			return errors.Join(err, rows.Close())
		}
		lines[sys.Conversation(c)] = append(lines[sys.Conversation(c)], talkLine{id, []byte(text)})
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || len(lines) == 0 {
		return err
	}
	for c, list := range lines {
		have, err := t.entries(c)
		if err != nil {
			return err
		}
		known := map[string]bool{}
		for _, e := range have {
			known[e.ID] = true
		}
		list = slices.DeleteFunc(list, func(l talkLine) bool { return known[l.id] })
		if err := errors.Join(t.write(c, list), t.sync(c)); err != nil {
			return err
		}
	}
	return j.Update(ctx, func(tx *journal.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM kernel_line`)
		return err
	})
}

// newEntryID names an entry; it is unique in its conversation.
func newEntryID() string { return rand.Text()[:12] }

// chain is the branch of a conversation that ends with its newest entry, in
// order. Entries of old files, which have no id, hang together as they stand.
func chain(entries []Entry) []Entry {
	at := make(map[string]int, len(entries))
	for i, e := range entries {
		if e.ID != "" {
			at[e.ID] = i
		}
	}
	var out []Entry
	for i := len(entries) - 1; i >= 0; {
		e := entries[i]
		out = append(out, e)
		before, ok := at[e.Parent]
		if e.Parent == "" || !ok || before >= i {
			before = i - 1
		}
		i = before
	}
	slices.Reverse(out)
	return out
}

// messages are what a model is to see of a branch.
func messages(entries []Entry) []model.Message {
	var out []model.Message
	for _, e := range entries {
		if len(e.Compacted) > 0 {
			out = slices.Clone(e.Compacted)
			continue
		}
		out = append(out, e.Message)
	}
	return out
}

// wholeLines is the length of f up to its last line end.
func wholeLines(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	end := info.Size()
	buf := make([]byte, 4096)
	for end > 0 {
		n := min(int64(len(buf)), end)
		if _, err := f.ReadAt(buf[:n], end-n); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			return end - n + int64(i) + 1, nil
		}
		end -= n
	}
	return 0, nil
}

// entries reads a conversation; one that does not exist is empty. A line that
// cannot be read is skipped: it was cut off by a crash, or an owner's edit
// broke it, and the rest still counts.
func (t *talks) entries(id sys.Conversation) ([]Entry, error) {
	if err := t.valid(id); err != nil {
		return nil, err
	}
	f, err := os.Open(t.file(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []Entry
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadBytes('\n')
		var e Entry
		if len(line) > 0 && json.Unmarshal(line, &e) == nil {
			out = append(out, e)
		}
		if err != nil {
			return out, nil //nolint:nilerr // the end of the file
		}
	}
}

// Conversations lists the owner's conversations, the newest first. Those of
// sub-agents are part of them and not listed.
func (k *Kernel) Conversations(ctx context.Context) ([]Summary, error) {
	files, err := os.ReadDir(k.talks.folder())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []Summary
	for _, f := range files {
		id, ok := strings.CutSuffix(f.Name(), ".jsonl")
		if !ok || sys.Conversation(id) != rootTalk(sys.Conversation(id)) || !talkForm.MatchString(id) {
			continue
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		entries, err := k.talks.entries(sys.Conversation(id))
		if err != nil {
			return nil, err
		}
		if len(entries) > 0 {
			out = append(out, summarize(sys.Conversation(id), entries))
		}
	}
	slices.SortFunc(out, func(a, b Summary) int { return cmp.Or(b.Updated.Compare(a.Updated), cmp.Compare(a.ID, b.ID)) })
	return out, nil
}

func summarize(id sys.Conversation, entries []Entry) Summary {
	s := Summary{ID: id, Updated: entries[len(entries)-1].Time, Messages: len(entries)}
	for _, b := range entries[0].Message.Blocks {
		if b.Kind == model.Text && !strings.HasPrefix(b.Text, "<state>") {
			s.Title = firstLine(b.Text)
			break
		}
	}
	return s
}

// Conversation reads one conversation's messages.
func (k *Kernel) Conversation(_ context.Context, id sys.Conversation) ([]Entry, error) {
	entries, err := k.talks.entries(id)
	if err == nil && len(entries) == 0 {
		err = &sys.Error{Op: "open conversation", Path: string(id), Kind: sys.NotFound}
	}
	return entries, err
}

// Fork begins a new conversation that shares the past of another, up to and
// including entry at; empty means all of it.
func (k *Kernel) Fork(_ context.Context, id sys.Conversation, at string) (sys.Conversation, error) {
	entries, err := k.talks.entries(id)
	if err != nil {
		return "", err
	}
	if at != "" {
		i := slices.IndexFunc(entries, func(e Entry) bool { return e.ID == at })
		if i < 0 {
			return "", &sys.Error{Op: "fork conversation", Path: string(id), Kind: sys.NotFound, Err: fmt.Errorf("it has no entry %s", at)}
		}
		entries = entries[:i+1]
	}
	if len(entries) == 0 {
		return "", &sys.Error{Op: "fork conversation", Path: string(id), Kind: sys.NotFound}
	}
	fork := newTalkID(k.now())
	var lines []talkLine
	for _, e := range chain(entries) {
		e.PID = 0 // nobody's work: a process takes up only its own
		raw, err := json.Marshal(e)
		if err != nil {
			return "", err
		}
		lines = append(lines, talkLine{e.ID, append(raw, '\n')})
	}
	return fork, errors.Join(k.talks.write(fork, lines), k.talks.sync(fork))
}
