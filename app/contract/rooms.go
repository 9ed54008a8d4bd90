package contract

import (
	"encoding/json"
	"regexp"
	"slices"
)

// Room is a room of the app in a trial, in which what others do is given.
type Room struct {
	Title string `json:"title"`
	Turns bool   `json:"turns,omitempty"`
	// New says that the app makes it: it is not there at the beginning.
	New  bool     `json:"new,omitempty"`
	With []string `json:"with"` // who else is in it, or joins when invited
	Then []Other  `json:"then,omitempty"`
}

// Other is what somebody else does in a room of a trial, once this window has written
// so often.
type Other struct {
	Writes int             `json:"writes"`
	By     string          `json:"by"`
	Set    string          `json:"set,omitempty"` // the key
	Move   bool            `json:"move,omitempty"`
	Score  string          `json:"score,omitempty"` // the board
	Value  json.RawMessage `json:"value"`
	// AtOnce says that they had not seen what this window wrote last there: lose or win
	// is what becomes of theirs.
	AtOnce string `json:"at_once,omitempty"`
}

var personForm = regexp.MustCompile(`^@[^:\s]+:\S+$`)

// room finds what is wrong with a room of a scenario.
func (p *parser) room(at string, m map[string]any) {
	p.known(at, m, "title", "turns", "new", "with", "then")
	with, _ := m["with"].([]any)
	for _, who := range with {
		if name, ok := who.(string); !ok || !personForm.MatchString(name) {
			p.fail(at, "with names people, such as \"@ann:example.org\"")
		}
	}
	p.each(at, m, "then", func(at string, m map[string]any) {
		p.known(at, m, "writes", "by", "set", "move", "score", "value", "at_once")
		if !slices.Contains(with, m["by"]) {
			p.fail(at, "by is nobody whom the room names under with")
		}
		acts := 0
		for _, name := range []string{"set", "move", "score"} {
			if _, ok := m[name]; ok {
				acts++
			}
		}
		if acts != 1 {
			p.fail(at, "somebody sets a key, moves or claims a score; name one of set, move and score")
		}
		if _, ok := m["value"]; !ok {
			p.fail(at, "a value is missing")
		}
		if once, ok := m["at_once"]; ok && once != "lose" && once != "win" {
			p.fail(at, "at_once is lose or win")
		}
	})
}
