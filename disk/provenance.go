package disk

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"matrixos/disk/git"
	"matrixos/sys"
)

// message returns the commit of a landing: who, why and at what cost, in
// trailers that plain git shows and from which the landings table can be
// built again.
func (d *Disk) message(info sys.LandingInfo, n decision, tree, parent git.Hash) git.History {
	p := info.Provenance
	h := git.History{
		Tree: tree, Parent: parent, Subject: info.Title,
		Author:    d.author(info.Kind, p, info.Time),
		Committer: git.Person{Name: "Matrix OS", Email: "matrixos@localhost", When: info.Time},
	}
	add := func(key, value string) {
		if value != "" {
			h.Trailers = append(h.Trailers, git.Trailer{Key: key, Value: value})
		}
	}
	number := func(n int64) string {
		if n == 0 {
			return ""
		}
		return strconv.FormatInt(n, 10)
	}
	add("Disk-Seq", number(int64(info.ID)))
	add("Disk-Kind", string(info.Kind))
	if n.base != 0 {
		add("Disk-Base", n.base.String())
	}
	add(trailerJournal, n.anchor)
	for _, path := range n.merged {
		add("Disk-Merged", path)
	}
	for _, path := range n.stale {
		add("Disk-Stale", path)
	}
	add("Disk-Resolves", n.landing.resolves)
	add("Process", number(int64(p.Process)))
	add("Parent", number(int64(p.Parent)))
	add("Program", string(p.Program))
	add("Request", string(p.Request))
	add("Conversation", string(p.Conversation))
	add("Model", p.Model)
	add("Cost", formatCost(p.Cost))
	if p.Process != 0 || p.Label != (sys.Label{}) {
		add("Label", p.Label.String())
	}
	add("Verified", p.Verified)
	add("Contract", p.Contract)
	if p.Undoes != 0 {
		add("Undoes", p.Undoes.String())
	}
	add("Remote", p.Remote)
	if p.Restores != 0 {
		add("Restores", p.Restores.String())
	}
	return h
}

// author is the owner for what the owner did, else the program.
func (d *Disk) author(kind sys.LandingKind, p sys.Provenance, at time.Time) git.Person {
	name, email := d.owner, "owner@localhost"
	if n, rest, ok := strings.Cut(d.owner, "<"); ok {
		name, email = n, strings.TrimSuffix(strings.TrimSpace(rest), ">")
	}
	switch {
	case kind == sys.BySystem:
		name, email = "Matrix OS", "matrixos@localhost"
	case p.Program != "" && kind != sys.ByOwner:
		name, email = string(p.Program), string(p.Program)+"@localhost"
	}
	return git.Person{Name: name, Email: email, When: at}
}

// formatCost writes a cost such as "$0.0123 input=1200 output=300".
func formatCost(c sys.Cost) string {
	if c == (sys.Cost{}) {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "$%s input=%d output=%d cache_read=%d cache_write=%d", strconv.FormatFloat(c.USD, 'f', -1, 64), c.Input, c.Output, c.CacheRead, c.CacheWrite)
	if c.Estimated {
		b.WriteString(" estimated")
	}
	return b.String()
}

func parseCost(s string) (c sys.Cost) {
	for field := range strings.FieldsSeq(s) {
		if usd, ok := strings.CutPrefix(field, "$"); ok {
			c.USD = parseFloat(usd)
			continue
		}
		key, value, _ := strings.Cut(field, "=")
		n := parseInt(value)
		switch key {
		case "input":
			c.Input = n
		case "output":
			c.Output = n
		case "cache_read":
			c.CacheRead = n
		case "cache_write":
			c.CacheWrite = n
		case "estimated":
			c.Estimated = true
		}
	}
	return c
}

// parseInt reads a number of a trailer; what is not one counts as absent.
func parseInt(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func parseFloat(s string) float64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != f {
		return 0
	}
	return f
}

func parseLanding(s string) sys.LandingID {
	id, err := sys.ParseLandingID(s)
	if err != nil {
		return 0
	}
	return id
}

func parseLabel(s string) (l sys.Label) {
	for i := sys.FromOwner; i <= sys.Untrusted; i++ {
		for c := sys.Public; c <= sys.Secret; c++ {
			if try := (sys.Label{Integrity: i, Confidentiality: c}); try.String() == s {
				return try
			}
		}
	}
	return l
}

// parseMessage is the reverse of message; changes are left out. A commit that
// the disk has not made has ID 0.
func parseMessage(commit git.Hash, h git.History) sys.LandingInfo {
	return sys.LandingInfo{
		ID: sys.LandingID(max(parseInt(h.Get("Disk-Seq")), 0)), Commit: commit.String(), Kind: sys.LandingKind(h.Get("Disk-Kind")),
		Title: h.Subject, Time: h.Committer.When.UTC(),
		Provenance: sys.Provenance{
			Process: sys.PID(parseInt(h.Get("Process"))), Parent: sys.PID(parseInt(h.Get("Parent"))),
			Program: sys.Program(h.Get("Program")), Request: sys.RequestID(h.Get("Request")),
			Conversation: sys.Conversation(h.Get("Conversation")), Model: h.Get("Model"),
			Cost: parseCost(h.Get("Cost")), Label: parseLabel(h.Get("Label")),
			Verified: h.Get("Verified"), Contract: h.Get("Contract"), Undoes: parseLanding(h.Get("Undoes")), Remote: h.Get("Remote"),
			Restores: parseLanding(h.Get("Restores")),
		},
	}
}
