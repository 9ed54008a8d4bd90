package kernel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"

	"matrixos/journal"
	"matrixos/model"
	"matrixos/sys"
)

// Turn is one place in a conversation that was found. A summary stands for the
// turns From to To, which are still there to be read.
type Turn struct {
	Conversation sys.Conversation `json:"conversation"`
	Title        string           `json:"title"`
	Entry        string           `json:"entry"`
	Time         time.Time        `json:"time"`
	Role         string           `json:"role"` // "user", "assistant" or "summary"
	Excerpt      string           `json:"excerpt"`
	From         string           `json:"from,omitempty"`
	To           string           `json:"to,omitempty"`
}

// SearchTalks finds what was said in the owner's conversations, the best first.
func (k *Kernel) SearchTalks(ctx context.Context, query string, limit int) ([]Turn, error) {
	files, err := os.ReadDir(k.talks.folder())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var sources []source
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), ".jsonl")
		id := sys.Conversation(name)
		if !ok || k.talks.valid(id) != nil || id != rootTalk(id) {
			continue
		}
		info, err := f.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		sources = append(sources, source{name, fmt.Sprint(info.Size(), info.ModTime().UnixNano()), func() ([]passage, error) {
			entries, err := k.talks.entries(id)
			return passages(entries), err
		}})
	}
	hits, err := k.talkIndex.search(ctx, sources, query, limit)
	if err != nil {
		return nil, err
	}
	var out []Turn
	for _, h := range hits {
		entries, err := k.talks.entries(sys.Conversation(h.source))
		if err != nil {
			return nil, err
		}
		if t, ok := turnOf(entries, h); ok {
			out = append(out, t)
		}
	}
	return out, nil
}

// passages are what is found of a conversation: each message's words, by the id of
// its entry, or its place where it has none.
func passages(entries []Entry) (out []passage) {
	for i, e := range entries {
		if text := spoken(e); text != "" {
			out = append(out, passage{talkKey(e, i), text})
		}
	}
	return out
}

func talkKey(e Entry, i int) string { return cmp.Or(e.ID, fmt.Sprintf("#%d", i+1)) }

// spoken are the words of an entry, without the system's state and what calls
// returned.
func spoken(e Entry) string {
	list := []model.Message{e.Message}
	if len(e.Compacted) > 0 {
		list = e.Compacted
	}
	var words []string
	for _, m := range list {
		for _, b := range m.Blocks {
			if b.Kind == model.Text && !strings.HasPrefix(b.Text, "<state>") {
				words = append(words, b.Text)
			}
		}
	}
	return strings.TrimSpace(strings.Join(words, "\n"))
}

func turnOf(entries []Entry, h found) (Turn, bool) {
	from := ""
	for i, e := range entries {
		key := talkKey(e, i)
		if key == h.key {
			id := sys.Conversation(h.source)
			t := Turn{Conversation: id, Title: summarize(id, entries).Title, Entry: key, Time: e.Time, Role: string(e.Message.Role), Excerpt: strings.Join(strings.Fields(h.excerpt), " ")}
			if len(e.Compacted) > 0 && i > 0 {
				t.Role, t.From, t.To = "summary", from, cmp.Or(e.Parent, talkKey(entries[i-1], i-1))
			}
			return t, true
		}
		if from == "" || len(e.Compacted) > 0 { // the next summary begins behind this one
			from = key
		}
	}
	return Turn{}, false
}

// SearchTalks finds what was said before. What is returned counts as shown, with
// all that its conversation was in touch with.
func (c *Call) SearchTalks(ctx context.Context, query string, limit int) ([]Turn, error) {
	list, err := c.p.k.SearchTalks(ctx, query, limit)
	if err != nil {
		return nil, err
	}
	c.Shows()
	if len(list) > 0 {
		c.Reads(sys.Label{Confidentiality: sys.OwnerOnly})
	}
	for _, t := range list {
		l, err := c.p.k.talkLabel(ctx, t.Conversation)
		if err != nil {
			return nil, err
		}
		c.Reads(l)
	}
	return list, nil
}

// NewTalk names a new conversation. It begins with the label of the process that
// asks for it: what that has in mind goes there with it.
func (c *Call) NewTalk(ctx context.Context) (sys.Conversation, error) {
	id := newTalkID(c.p.k.now())
	l := c.p.snapshot().Label
	return id, c.p.k.journal.Update(ctx, func(tx *journal.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO kernel_talk_label(conversation, integrity, confidentiality) VALUES(?,?,?)`, string(id), l.Integrity, l.Confidentiality)
		return err
	})
}

func newTalkID(now time.Time) sys.Conversation {
	return sys.Conversation(now.Format("20060102-150405-") + uuid.NewString()[:8])
}
