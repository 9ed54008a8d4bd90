// Package runtime holds the built libraries that apps run on: React, the SDK and
// the component library as ES modules, the loader of app documents, and the icon
// table. `npm run build` in this folder makes them; a binary built without that
// step has an empty dist and package app says how to build it. This package only
// embeds files.
package runtime

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Files returns the built runtime, with manifest.json at its root. It is empty
// but for .keep when the web runtime has not been built.
func Files() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("runtime: " + err.Error()) // only an invalid path can fail, and it is a constant
	}
	return sub
}
