// Package web holds the built desktop: the files that `npm run build` leaves in
// dist. It embeds them and hands them out as a file system, nothing more; who
// serves them, and with which headers, is the gateway's business.
//
// A fresh checkout has an empty dist, so that the Go side builds without Node.
// Built says whether there is a shell to serve.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Shell returns the built desktop: index.html and its assets at the root.
func Shell() (fs.FS, error) {
	return fs.Sub(dist, "dist")
}

// Built reports whether the desktop was built before this binary was.
func Built() bool {
	_, err := fs.Stat(dist, "dist/index.html")
	return err == nil
}
