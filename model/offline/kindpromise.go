package offline

import (
	"embed"
	"encoding/json"
	"path"
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
	var p promise
	if json.Unmarshal(raw, &p.Scenarios) != nil {
		return promise{}
	}
	return p
}
