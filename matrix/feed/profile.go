package feed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"

	"matrixos/sys"
)

// The files in which the owner says who they are, and who their AI is. No program may
// change them: what stands there is published.
const (
	ProfileFile   sys.Path = "system/profile.json"
	AIProfileFile sys.Path = "system/profile-ai.json"
)

// Bounds of a profile, also of one that comes from others.
const (
	longestName  = 100
	longestAbout = 2000
	longestLink  = 500
	mostLinks    = 20
	mostCircles  = 20
)

// Profile is such a file.
type Profile struct {
	Name    string   `json:"name,omitempty"`
	About   string   `json:"about,omitempty"`
	Picture sys.Path `json:"picture,omitempty"` // a file of the home
	Links   []Link   `json:"links,omitempty"`
	// Circles is what a circle sees beside that.
	Circles map[string]More `json:"circles,omitempty"`
}

// More is what only a circle sees.
type More struct {
	About string `json:"about,omitempty"`
	Links []Link `json:"links,omitempty"`
}

// Link leads to somewhere else.
type Link struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

// ParseProfile reads one; an empty file says nothing.
func ParseProfile(file sys.Path, text []byte) (Profile, error) {
	var p Profile
	if len(bytes.TrimSpace(text)) == 0 {
		return p, nil
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	err := dec.Decode(&p)
	if err == nil && dec.More() {
		err = errors.New("something follows the object")
	}
	if err == nil {
		err = p.check()
	}
	if err != nil {
		return Profile{}, &sys.Error{Op: "read", Path: string(file), Kind: sys.Invalid, Err: err, Hint: `write {"name": "Anna", "about": "…", "picture": "data/me.png", "links": [{"title": "Home", "url": "https://anna.example"}], "circles": {"friends": {"about": "…"}}}`}
	}
	return p, nil
}

func (p Profile) check() error {
	if n := utf8.RuneCountInString(p.Name); n > longestName || strings.ContainsAny(p.Name, "\n\r\t") {
		return fmt.Errorf("the name is one line of at most %d characters", longestName)
	}
	if p.Picture != "" && (path.IsAbs(string(p.Picture)) || path.Clean(string(p.Picture)) != string(p.Picture) || strings.HasPrefix(string(p.Picture), "..")) {
		return fmt.Errorf("the picture %q is no file of the home", p.Picture)
	}
	if len(p.Circles) > mostCircles {
		return fmt.Errorf("there are more than %d circles", mostCircles)
	}
	parts := map[string]More{"": {p.About, p.Links}}
	for name, m := range p.Circles {
		if !ValidCircle(name) {
			return fmt.Errorf("%q is no name of a circle", name)
		}
		parts[name] = m
	}
	for _, m := range parts {
		if utf8.RuneCountInString(m.About) > longestAbout {
			return fmt.Errorf("what is said about you is longer than %d characters", longestAbout)
		}
		if len(m.Links) > mostLinks {
			return fmt.Errorf("there are more than %d links", mostLinks)
		}
		for _, l := range m.Links {
			if !l.ok() {
				return fmt.Errorf("%q is no address that begins with https:// or http://", l.URL)
			}
		}
	}
	return nil
}

func (l Link) ok() bool {
	u, err := url.Parse(l.URL)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && len(l.URL) <= longestLink && utf8.RuneCountInString(l.Title) <= longestName
}

// Shown is what a circle sees, as the state event Introduced has it.
type Shown struct {
	Name  string `json:"name,omitempty"`
	About string `json:"about,omitempty"`
	Links []Link `json:"links,omitempty"`
}

// For is what a circle sees of p.
func (p Profile) For(circle string) Shown {
	s := Shown{Name: p.Name, About: p.About, Links: append([]Link{}, p.Links...)}
	m := p.Circles[circle]
	if m.About != "" {
		s.About = strings.TrimSpace(s.About + "\n\n" + m.About)
	}
	s.Links = append(s.Links, m.Links...)
	return s
}

// Card is the state event Introduced: the owner of a feed, and their AI.
type Card struct {
	Shown
	AI *Shown `json:"ai,omitempty"`
}

// ReadCard reads one that somebody else has written. What is too long is cut off, what
// is no link left out, and what is no card says nothing.
func ReadCard(raw json.RawMessage) Card {
	var c Card
	if json.Unmarshal(raw, &c) != nil {
		return Card{}
	}
	c.Shown = c.trimmed()
	if c.AI != nil {
		ai := c.AI.trimmed()
		c.AI = &ai
	}
	return c
}

func (s Shown) trimmed() Shown {
	out := Shown{Name: strings.Join(strings.Fields(short(s.Name, longestName)), " "), About: short(s.About, 2*longestAbout), Links: []Link{}}
	for _, l := range s.Links {
		if l.ok() && len(out.Links) < 2*mostLinks {
			out.Links = append(out.Links, l)
		}
	}
	return out
}

func short(text string, most int) string {
	if len(text) > 4*most { // no rune is longer
		text = text[:4*most]
	}
	text = strings.ToValidUTF8(text, "")
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	return text
}
