package door

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"matrixos/matrix/deal"
	"matrixos/sys"
)

// The files of the owner's. No program may change them.
const (
	ContactsFile sys.Path = "system/contacts.json"
	PrivacyFile  sys.Path = "system/privacy.json"
)

// Contacts is whom the owner knows.
type Contacts struct {
	// People by handle; a pattern such as "*:family.example" means several, and the
	// longest that fits counts.
	People  map[string]Person `json:"people"`
	Blocked []string          `json:"blocked"` // handles or patterns
}

// Person is one of them.
type Person struct {
	Name string `json:"name,omitempty"`
	May  May    `json:"may"`            // read, ask or act
	Note string `json:"note,omitempty"` // for people
}

// ParseContacts reads the file; an empty one knows nobody.
func ParseContacts(text []byte) (Contacts, error) {
	var c Contacts
	hint := `write {"people": {"@anna:example.org": {"name": "Anna", "may": "ask"}}, "blocked": []}`
	if err := strict(text, &c); err != nil {
		return Contacts{}, wrong(ContactsFile, err, hint)
	}
	for who, p := range c.People {
		if p.May != Read && p.May != Ask && p.May != Act {
			return Contacts{}, wrong(ContactsFile, fmt.Errorf("%s may %q", who, p.May), "it is read, ask or act")
		}
		if _, err := path.Match(who, ""); err != nil || !strings.Contains(who, ":") {
			return Contacts{}, wrong(ContactsFile, fmt.Errorf("%q is no handle", who), hint)
		}
	}
	for _, who := range c.Blocked {
		if _, err := path.Match(who, ""); err != nil {
			return Contacts{}, wrong(ContactsFile, fmt.Errorf("%q is no handle", who), hint)
		}
	}
	return c, nil
}

// Find is what the owner says of somebody.
func (c Contacts) Find(who sys.Handle) (Person, bool) {
	if p, ok := c.People[string(who)]; ok {
		return p, true
	}
	best := ""
	for pattern := range c.People {
		if fits(pattern, who) && (len(pattern) > len(best) || len(pattern) == len(best) && pattern < best) {
			best = pattern
		}
	}
	return c.People[best], best != ""
}

// Blocks reports whether the owner has blocked somebody.
func (c Contacts) Blocks(who sys.Handle) bool {
	return slices.ContainsFunc(c.Blocked, func(pattern string) bool { return fits(pattern, who) })
}

func fits(pattern string, who sys.Handle) bool {
	ok, err := path.Match(pattern, string(who))
	return err == nil && ok || pattern == string(who)
}

// Privacy is what the owner publishes. The zero value publishes nothing.
type Privacy struct {
	// Public and Contacts are answers by topic, for everybody and for contacts.
	Public   map[string]string `json:"public"`
	Contacts map[string]string `json:"contacts"`
	Meetings Meetings          `json:"meetings"`
}

// Meetings says who may ask for the owner's time, and what needs no further word.
type Meetings struct {
	From    string   `json:"from"`              // everybody, contacts, or nobody
	Answer  string   `json:"answer"`            // automatic in the hours below, or ask
	Days    []string `json:"days"`              // mon, tue, …
	Begin   string   `json:"begin"`             // 09:00
	End     string   `json:"end"`               // 17:00
	Longest int      `json:"longest,omitempty"` // in minutes
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// ParsePrivacy reads the file; an empty one publishes nothing.
func ParsePrivacy(text []byte) (Privacy, error) {
	var p Privacy
	hint := `write {"public": {"about": "…"}, "contacts": {}, "meetings": {"from": "contacts", "answer": "automatic", "days": ["mon", "tue"], "begin": "09:00", "end": "17:00"}}`
	if err := strict(text, &p); err != nil {
		return Privacy{}, wrong(PrivacyFile, err, hint)
	}
	m := p.Meetings
	if !slices.Contains([]string{"", "everybody", "contacts", "nobody"}, m.From) {
		return Privacy{}, wrong(PrivacyFile, fmt.Errorf("meetings.from is %q", m.From), "it is everybody, contacts or nobody")
	}
	if !slices.Contains([]string{"", "automatic", "ask"}, m.Answer) {
		return Privacy{}, wrong(PrivacyFile, fmt.Errorf("meetings.answer is %q", m.Answer), "it is automatic or ask")
	}
	for _, d := range m.Days {
		if !slices.Contains(weekdays, d) {
			return Privacy{}, wrong(PrivacyFile, fmt.Errorf("meetings.days has %q", d), "they are mon, tue, wed, thu, fri, sat and sun")
		}
	}
	for _, at := range []string{m.Begin, m.End} {
		if _, err := minutes(at); at != "" && err != nil {
			return Privacy{}, wrong(PrivacyFile, fmt.Errorf("%q is no time", at), "write 09:00")
		}
	}
	return p, nil
}

// Hours are when the owner can be met; Monday to Friday, nine to five, if the file
// does not say.
func (m Meetings) Hours(zone *time.Location) deal.Hours {
	h := deal.Hours{From: 9 * 60, To: 17 * 60, Zone: zone}
	if n, err := minutes(m.Begin); err == nil {
		h.From = n
	}
	if n, err := minutes(m.End); err == nil {
		h.To = n
	}
	days := m.Days
	if len(days) == 0 {
		days = weekdays[1:6]
	}
	for _, d := range days {
		h.Days = append(h.Days, time.Weekday(slices.Index(weekdays, d)))
	}
	return h
}

func minutes(s string) (int, error) {
	if s == "24:00" {
		return 24 * 60, nil
	}
	t, err := time.Parse("15:04", s)
	return t.Hour()*60 + t.Minute(), err
}

// strict decodes JSON that has nothing unknown in it; nothing at all is fine.
func strict(text []byte, v any) error {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if dec.More() {
		return errors.New("something follows the object")
	}
	return nil
}

func wrong(file sys.Path, err error, hint string) error {
	return &sys.Error{Op: "read", Path: string(file), Kind: sys.Invalid, Err: err, Hint: hint}
}
