package offline

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"strings"
)

//go:embed promises
var promiseFiles embed.FS

// kindPromise is the contract of an app that is known by its kind: what such an app
// does, whatever the owner has named in it.
func (l *lexicon) kindPromise(s *Spec) promise {
	raw, err := promiseFiles.ReadFile(path.Join("promises", string(s.Kind)+".json"))
	if err != nil {
		return promise{} // of this kind only that it opens is promised
	}
	work := 25
	if len(s.Minutes) == 2 {
		work = s.Minutes[0]
	}
	text := strings.NewReplacer("__WORK__", fmt.Sprintf("%02d:00", work), "__WAIT__", fmt.Sprintf("%dm2s", work-1)).Replace(string(raw))
	var p promise
	if json.Unmarshal([]byte(text), &p.Scenarios) != nil {
		return promise{}
	}
	return p
}
