package feed

import (
	"encoding/json"
	"regexp"

	"matrixos/matrix"
	"matrixos/sys"
)

// Names in events, which other programs read (doc/social.md).
const (
	Mark       = "os.matrix.feed"    // in the first event of a room: it is a feed
	ByAI       = "os.matrix.ai"      // in a message: an AI has written it
	Introduced = "os.matrix.profile" // a piece of a feed's state: who its owner is
)

// Public is the circle that anybody may follow.
const Public = "public"

// Usual are the circles that everybody has, whether they have used them or not.
var Usual = []string{Public, "friends", "family"}

// Source is a room in which somebody posts for a circle.
type Source struct {
	Room   string
	Of     sys.Handle
	Circle string
}

// mark is what stands in the first event under Mark.
type mark struct {
	Of     sys.Handle `json:"of"`
	Circle string     `json:"circle"`
}

// MarkOf is what the first event of a feed says beside what rooms say.
func MarkOf(of sys.Handle, circle string) map[string]any {
	return map[string]any{Mark: mark{of, circle}}
}

// Marked is which feed a room is, by its first event and who has sent that: nobody can
// make one in the name of somebody else.
func Marked(room string, by sys.Handle, begun json.RawMessage) (Source, bool) {
	var content struct {
		Mark *mark `json:"os.matrix.feed"`
	}
	if json.Unmarshal(begun, &content) != nil || content.Mark == nil || content.Mark.Of != by || !ValidCircle(content.Mark.Circle) || matrix.IsAI(by) {
		return Source{}, false
	}
	return Source{Room: room, Of: by, Circle: content.Mark.Circle}, true
}

// Alias is under which name somebody's public feed is found.
func Alias(of sys.Handle) string {
	local, domain := of.Parts()
	return "#" + aliasBegins + local + ":" + domain
}

const aliasBegins = "feed_"

// AliasLocal is the part of Alias before the domain, without the #.
func AliasLocal(of sys.Handle) string {
	local, _ := of.Parts()
	return aliasBegins + local
}

var circleName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// ValidCircle reports whether a circle may have that name.
func ValidCircle(name string) bool { return circleName.MatchString(name) }
