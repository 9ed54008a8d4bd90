package feed

import (
	"encoding/json"
	"strings"
	"time"

	"matrixos/matrix"
	"matrixos/matrix/talk"
	"matrixos/sys"
)

// Bounds of what is kept of one message: beyond, it is cut off.
const (
	longestBody    = 20 << 10
	longestContent = 16 << 10
	longestKey     = 64
	longestID      = 255
)

// Kind is what a message of a feed is.
type Kind string

// The kinds.
const (
	Nothing   Kind = ""        // not for the feed, such as talk of others outside of threads
	Posted    Kind = "post"    // of the feed's owner or their AI
	Commented Kind = "comment" // an answer to a post
	Liked     Kind = "like"    // a reaction to one
	Reworded  Kind = "edit"    // new words for a post or a comment
)

// Post is something said in a feed: a post, or a comment if it has a Root.
type Post struct {
	Event     string
	Source    Source
	Author    sys.Handle
	At        time.Time
	Type      string // such as m.text or m.image
	Body      string
	Content   json.RawMessage // as Matrix has it, if it is not too long
	Root      string          // the post that it answers
	Edited    bool
	AI        bool // an AI has written it
	Encrypted bool
	Verified  bool
	Likes     []sys.Handle // who likes it, each once
	Liked     string       // the event with which the reader likes it
	Comments  int
}

// read says what a message of f is, and what it is about: the post that it answers,
// likes or changes.
func (f Source) read(m talk.Message) (kind Kind, about string) {
	if len(m.Event) > longestID || len(m.Sender) > longestID {
		return Nothing, ""
	}
	switch {
	case m.Type == "m.reaction":
		var content struct {
			Relates struct {
				Type  string `json:"rel_type"`
				Event string `json:"event_id"`
				Key   string `json:"key"`
			} `json:"m.relates_to"`
		}
		r := &content.Relates
		if json.Unmarshal(m.Content, &content) != nil || r.Type != "m.annotation" || r.Event == "" || len(r.Event) > longestID || r.Key == "" || len(r.Key) > longestKey {
			return Nothing, ""
		}
		return Liked, r.Event
	case m.Type != "m.room.message" || m.Kind == "" || len(m.Kind) > longestKey:
		return Nothing, ""
	case m.Edits != "":
		return Reworded, m.Edits
	case m.Thread != "":
		return Commented, m.Thread
	case m.ReplyTo != "": // of a client that has no threads
		return Commented, m.ReplyTo
	case m.Sender == f.Of || m.Sender == matrix.AI(f.Of):
		return Posted, ""
	}
	return Nothing, ""
}

// post is a message as it is kept; its time is no later than now, so that nobody stays
// on top by a clock that goes wrong.
func (f Source) post(m talk.Message, now time.Time) Post {
	p := Post{
		Event: m.Event, Source: f, Author: m.Sender, At: m.At, Type: m.Kind, Body: cut(m.Body), Content: m.Content,
		AI: matrix.IsAI(m.Sender) || saysAI(m.Content), Encrypted: m.Encrypted, Verified: m.Verified,
	}
	if p.At.After(now) {
		p.At = now
	}
	if len(p.Content) == 0 || len(p.Content) > longestContent || !json.Valid(p.Content) {
		p.Content = json.RawMessage("{}")
	}
	return p
}

func cut(body string) string {
	if len(body) > longestBody {
		body = body[:longestBody] + "…"
	}
	return strings.ToValidUTF8(body, "")
}

func saysAI(content json.RawMessage) bool {
	var keys map[string]json.RawMessage
	return json.Unmarshal(content, &keys) == nil && keys[ByAI] != nil
}

// Signed marks the content of a message as written by the AI of somebody.
func Signed(content map[string]any, of sys.Handle) map[string]any {
	content[ByAI] = map[string]any{"of": of}
	return content
}
