package driver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"matrixos/sys"
)

// Pinned is the list of tools of one driver as the owner has let it in: with the
// owner's yes to attach it, or to a change that was shown.
type Pinned struct {
	// Program identifies what was attached. Another program's tools are not compared
	// with these.
	Program string `json:"program"`
	Hash    string `json:"hash"`
	Tools   []Tool `json:"tools"` // by name
}

// Pins keeps what is pinned; each server's as a file that the owner can read.
type Pins interface {
	// Pinned is what is pinned for a server; false if nothing is.
	Pinned(server string) (Pinned, bool, error)
	// Pin makes p durable; byOwner says that the owner has approved exactly that.
	Pin(ctx context.Context, server string, p Pinned, byOwner bool) error
}

// pinOf makes a list of tools comparable.
func pinOf(program string, tools []Tool) Pinned {
	list := slices.Clone(tools)
	slices.SortFunc(list, func(a, b Tool) int { return strings.Compare(a.Name, b.Name) })
	if list == nil {
		list = []Tool{}
	}
	return Pinned{Program: program, Hash: hashOf(list), Tools: list}
}

// hashOf is of everything that a tool says about itself.
func hashOf(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("driver: " + err.Error()) // schemas were vetted: they are JSON
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// diff says what is new in a list of tools.
func diff(old, now Pinned) *sys.DriverChange {
	c := &sys.DriverChange{Hash: now.Hash}
	had := map[string]Tool{}
	for _, t := range old.Tools {
		had[t.Name] = t
	}
	for _, t := range now.Tools {
		was, ok := had[t.Name]
		delete(had, t.Name)
		if !ok {
			c.Lines = append(c.Lines, "+ "+t.Name+": "+oneLine(t.Description), "+   arguments "+string(t.Schema))
			continue
		}
		for _, f := range []struct{ what, was, is string }{
			{"title", was.Title, t.Title},
			{"says", oneLine(was.Description), oneLine(t.Description)},
			{"arguments", string(was.Schema), string(t.Schema)},
			{"results", string(was.Output), string(t.Output)},
			{"claims to only read", fmt.Sprint(was.ReadOnly), fmt.Sprint(t.ReadOnly)},
		} {
			if f.was != f.is {
				c.Lines = append(c.Lines, "- "+t.Name+", "+f.what+": "+f.was, "+ "+t.Name+", "+f.what+": "+f.is)
			}
		}
	}
	for _, t := range old.Tools {
		if _, gone := had[t.Name]; gone {
			c.Lines = append(c.Lines, "- "+t.Name+": "+oneLine(t.Description))
		}
	}
	return c
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
