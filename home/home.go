// Package home holds the template of a new home: the programs, the settings, the
// knowledge and the apps that every owner begins with, embedded in the binary. It is
// data: it imports nothing and does nothing but open it.
package home

import (
	"embed"
	"io/fs"
)

//go:embed all:template
var files embed.FS

// Template is the tree that the first landing of a new home consists of.
func Template() fs.FS {
	sub, err := fs.Sub(files, "template")
	if err != nil {
		panic("home: the template is not embedded: " + err.Error()) // the name is fixed above
	}
	return sub
}
