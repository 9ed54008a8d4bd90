package kernel

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
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

	"matrixos/model"
	"matrixos/sys"
)

// Entry is one line of a conversation's file: a message, and whose it was.
type Entry struct {
	Time    time.Time     `json:"time"`
	Request sys.RequestID `json:"request"`
	PID     sys.PID       `json:"pid"`
	Cost    sys.Cost      `json:"cost,omitzero"`
	Message model.Message `json:"message"`
}

// Summary is one conversation in a list.
type Summary struct {
	ID       sys.Conversation `json:"id"`
	Title    string           `json:"title"`
	Updated  time.Time        `json:"updated"`
	Messages int              `json:"messages"`
}

// talks keeps conversations as JSONL files, append-only, each line durable
// before append returns. A line that a crash cut off is dropped when the file
// is next appended to.
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

func (t *talks) append(id sys.Conversation, e Entry) error {
	if err := t.valid(id); err != nil {
		return err
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
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
		_, err = f.WriteAt(append(line, '\n'), end)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
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

// load is the history for an engine.
func (t *talks) load(id sys.Conversation) ([]model.Message, error) {
	entries, err := t.entries(id)
	if err != nil {
		return nil, err
	}
	out := make([]model.Message, 0, len(entries))
	for _, e := range entries {
		out = append(out, e.Message)
	}
	return out, nil
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
