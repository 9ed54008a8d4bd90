package git

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Person is an author or committer.
type Person struct {
	Name, Email string
	When        time.Time
}

// History is one step of it: a commit with at most one parent, as the disk writes them.
// Commits of others may have more; only the first is kept.
type History struct {
	Tree, Parent      Hash
	Author, Committer Person
	Subject           string
	Trailers          []Trailer
}

// Trailer is one "Key: value" line at the end of a commit message.
type Trailer struct{ Key, Value string }

// Get returns the value of the first trailer called key, or "".
func (h History) Get(key string) string {
	for _, t := range h.Trailers {
		if t.Key == key {
			return t.Value
		}
	}
	return ""
}

// EncodeCommit returns h as an object. Whatever would break the format, line
// ends in values and angle brackets in names, is replaced by spaces.
func EncodeCommit(h History) Object {
	var b bytes.Buffer
	fmt.Fprintf(&b, "tree %s\n", h.Tree)
	if !h.Parent.IsZero() {
		fmt.Fprintf(&b, "parent %s\n", h.Parent)
	}
	fmt.Fprintf(&b, "author %s\ncommitter %s\n\n%s\n", h.Author, h.Committer, OneLine(h.Subject))
	for i, t := range h.Trailers {
		if i == 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s: %s\n", t.Key, OneLine(t.Value))
	}
	return NewObject(Commit, b.Bytes())
}

// OneLine returns s without control characters, runs of blanks joined.
func OneLine(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// String returns the form of a commit's header line.
func (p Person) String() string {
	clean := func(s, fallback string) string {
		s = strings.Trim(OneLine(strings.NewReplacer("<", " ", ">", " ").Replace(s)), " .,:;\"'")
		if s == "" {
			return fallback
		}
		return s
	}
	return fmt.Sprintf("%s <%s> %d %s", clean(p.Name, "unknown"), clean(p.Email, "unknown"), p.When.Unix(), p.When.Format("-0700"))
}

// ParseCommit reads the data of a commit object, of anybody's making.
func ParseCommit(data []byte) (History, error) {
	var h History
	head, message, _ := strings.Cut(string(data), "\n\n")
	var err error
	for line := range strings.Lines(head) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch {
		case key == "tree":
			h.Tree, err = ParseHash(value)
		case key == "parent" && h.Parent.IsZero():
			h.Parent, err = ParseHash(value)
		case key == "author":
			h.Author = parsePerson(value)
		case key == "committer":
			h.Committer = parsePerson(value)
		}
		if err != nil {
			return History{}, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
	}
	if h.Tree.IsZero() {
		return History{}, fmt.Errorf("%w: commit without a tree", ErrCorrupt)
	}
	h.Subject, h.Trailers = parseMessage(message)
	return h, nil
}

// parseMessage splits off the subject and the trailers: the last paragraph, if
// it is not the first and each of its lines is "Key: value".
func parseMessage(message string) (subject string, trailers []Trailer) {
	paragraphs := strings.Split(strings.TrimRight(message, "\n"), "\n\n")
	subject = strings.Join(strings.Fields(paragraphs[0]), " ")
	if len(paragraphs) == 1 {
		return subject, nil
	}
	for line := range strings.Lines(paragraphs[len(paragraphs)-1]) {
		key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if !ok || key == "" || strings.ContainsAny(key, " \t") {
			return subject, nil
		}
		trailers = append(trailers, Trailer{key, value})
	}
	return subject, trailers
}

func parsePerson(s string) Person {
	name, rest, _ := strings.Cut(s, " <")
	email, when, _ := strings.Cut(rest, "> ")
	p := Person{Name: name, Email: email}
	seconds, zone, _ := strings.Cut(when, " ")
	if n, err := strconv.ParseInt(seconds, 10, 64); err == nil {
		p.When = time.Unix(n, 0).UTC()
		if z, err := time.Parse("-0700", zone); err == nil {
			p.When = p.When.In(z.Location())
		}
	}
	return p
}
