package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"matrixos/sys"
)

// What a result may hold; the rest is spilled to a file. With the note that says
// so it stays below the engine's own 2,000 lines and 50 KB.
const (
	resultLines = 1990
	resultBytes = 49 << 10
	spillMost   = 16 << 20 // bytes of one file
	scratchFor  = 7 * 24 * time.Hour
)

// scratchName is the folder in which a process sees what was spilled.
const scratchName = ".scratch"

// scratch keeps what is too long for a conversation, outside the home's history:
// a folder for each conversation, for some days.
type scratch struct{ dir string }

func (s scratch) folder(c sys.Conversation) string { return filepath.Join(s.dir, string(c)) }

// sweep drops what is old.
func (s scratch) sweep(now time.Time, log *slog.Logger) {
	list, err := os.ReadDir(s.dir)
	if err != nil {
		return // there is none yet
	}
	for _, e := range list {
		if info, err := e.Info(); err == nil && now.Sub(info.ModTime()) > scratchFor {
			if err := os.RemoveAll(filepath.Join(s.dir, e.Name())); err != nil {
				log.Warn("an old scratch folder could not be removed", "error", err)
			}
		}
	}
}

// spill cuts a result that is too long for a conversation. All of it goes to a
// file that the process can read.
func (p *process) spill(call, text string) (string, error) {
	cut := headOf(text, resultBytes)
	if lines := strings.SplitAfterN(cut, "\n", resultLines+1); len(lines) > resultLines {
		cut = strings.Join(lines[:resultLines], "")
	}
	if len(cut) == len(text) {
		return text, nil
	}
	if i := strings.LastIndexByte(cut, '\n'); i > len(cut)/2 {
		cut = cut[:i+1]
	}
	rest := text[len(cut):]
	why := fmt.Sprintf("%s\n[cut here: %d more bytes in %d lines", cut, len(rest), strings.Count(rest, "\n")+1)
	dir := p.k.scratch.folder(p.snapshot().Conversation)
	name := fmt.Sprintf("%d-%s.txt", p.pid(), strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, headOf(call, 60)))
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, name), []byte(headOf(text, spillMost)), 0o600)); err != nil {
		return why + "; ask for a smaller part]", err
	}
	return fmt.Sprintf("%s; the whole is in %s/%s: Read it with offset and limit, or Grep it]", why, scratchName, name), nil
}

// headOf is the beginning of s, at most n bytes of whole characters.
func headOf(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// withScratch is a tree of the home in which one more folder can be opened by
// its name. It is in no listing.
type withScratch struct {
	fs.FS
	dir string
}

var (
	_ fs.StatFS     = withScratch{}
	_ fs.ReadFileFS = withScratch{}
	_ fs.ReadDirFS  = withScratch{}
)

// in tells where a name leads.
func (t withScratch) in(name string) (fs.FS, string) {
	if name == scratchName {
		return os.DirFS(t.dir), "."
	}
	if rest, ok := strings.CutPrefix(name, scratchName+"/"); ok {
		return os.DirFS(t.dir), rest
	}
	return t.FS, name
}

// Open implements fs.FS.
func (t withScratch) Open(name string) (fs.File, error) {
	tree, at := t.in(name)
	return tree.Open(at)
}

// Stat implements fs.StatFS.
func (t withScratch) Stat(name string) (fs.FileInfo, error) {
	tree, at := t.in(name)
	return fs.Stat(tree, at)
}

// ReadFile implements fs.ReadFileFS.
func (t withScratch) ReadFile(name string) ([]byte, error) {
	tree, at := t.in(name)
	return fs.ReadFile(tree, at)
}

// ReadDir implements fs.ReadDirFS.
func (t withScratch) ReadDir(name string) ([]fs.DirEntry, error) {
	tree, at := t.in(name)
	return fs.ReadDir(tree, at)
}
