// Package door decides what the words of somebody who writes to the owner's AI are
// worth: who wrote, through which room, and how far the owner lets them go. It reads
// two files of the owner's, system/contacts.json and system/privacy.json, and no
// prose: what a message claims about its author counts for nothing.
//
// Only the owner's own account, in a room with nobody else, speaks for the owner.
// Everybody else is text from outside, whatever they may do. Strangers get the call
// centre (call.go): what privacy.json publishes, word for word, without a model.
//
// It sends nothing, and stores nothing but what was used of the quotas of an hour.
package door

import (
	"slices"
	"strings"

	"matrixos/sys"
)

// Who is what somebody is to the owner.
type Who string

// Those who write.
const (
	Owner    Who = "owner"
	Contact  Who = "contact"
	Stranger Who = "stranger"
	Blocked  Who = "blocked"
)

// May is how far somebody may go. Each level holds those before it.
type May string

// The levels.
const (
	Nothing May = ""     // not even an answer
	Call    May = "call" // the call centre: what is published for everybody
	Read    May = "read" // what is published for contacts, too
	Ask     May = "ask"  // questions to the AI, which changes nothing for them
	Act     May = "act"  // requests to the AI, within what policy lets text from outside do
)

var levels = []May{Nothing, Call, Read, Ask, Act}

// Least reports whether m is at least the level n.
func (m May) Least(n May) bool { return slices.Index(levels, m) >= slices.Index(levels, n) }

// Visit is a message as the network tells it.
type Visit struct {
	Sender    sys.Handle
	Members   []sys.Handle // who is in the room, or invited, the AI included
	Encrypted bool         // the message was
	Verified  bool         // and from a device that its author has verified
	Changed   bool         // its author's identity is not the one that the owner knows
}

// Pass is what the door says.
type Pass struct {
	Who   Who
	May   May
	Label sys.Label // of what is said in this room
	Why   string    // for the journal
}

// outside is the label of everything that somebody else could have written.
var outside = sys.Label{Integrity: sys.Untrusted, Confidentiality: sys.OwnerOnly}

// Admit judges a message to ai, the AI of owner.
func Admit(owner, ai sys.Handle, c Contacts, v Visit) Pass {
	alone := !slices.ContainsFunc(v.Members, func(m sys.Handle) bool { return m != owner && m != ai })
	switch {
	case v.Sender == ai:
		return Pass{Blocked, Nothing, outside, "it is the AI's own message"}
	case c.Blocks(v.Sender) && v.Sender != owner:
		return Pass{Blocked, Nothing, outside, "the owner has blocked them"}
	case v.Changed && v.Sender == owner:
		return Pass{Contact, Read, outside, "the identity of the owner's account has changed, and the owner has not accepted it"}
	case v.Changed:
		return Pass{Stranger, Call, outside, "their identity has changed, and the owner has not accepted it"}
	case v.Sender == owner && v.Encrypted && !v.Verified:
		return Pass{Contact, Ask, outside, "it is from a device of the owner's account that is not verified"}
	case v.Sender == owner && alone && slices.Contains(v.Members, owner):
		return Pass{Owner, Act, sys.Label{}, "only the owner writes here"}
	case v.Sender == owner:
		return Pass{Owner, Act, outside, "it is the owner, in a room where others write"}
	}
	if p, ok := c.Find(v.Sender); ok {
		return Pass{Contact, p.May, outside, "the owner's contacts say so"}
	}
	return Pass{Stranger, Call, outside, "the owner's contacts do not name them"}
}

// Address reports whether a message in a group is meant for ai, and the text without
// the address: it is named by its handle, by its name, or by a mention that the
// client has made.
func Address(ai sys.Handle, name, text string, mentioned bool) (string, bool) {
	local, _ := ai.Parts()
	rest := strings.TrimSpace(text)
	for _, call := range []string{string(ai), "@" + local, local, name, "@" + name} {
		if call == "" || call == "@" || len(rest) < len(call) || !strings.EqualFold(rest[:len(call)], call) {
			continue
		}
		after := rest[len(call):]
		trimmed := strings.TrimLeft(after, ",:;!? \t\n")
		if trimmed == after && after != "" {
			continue // only the beginning of a longer word
		}
		return trimmed, true
	}
	return rest, mentioned || strings.Contains(strings.ToLower(rest), strings.ToLower(string(ai)))
}
