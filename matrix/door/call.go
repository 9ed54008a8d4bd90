package door

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"matrixos/matrix/deal"
)

// topics are what somebody of a level may learn.
func (p Privacy) topics(may May) map[string]string {
	out := maps.Clone(p.Public)
	if out == nil {
		out = map[string]string{}
	}
	if may.Least(Read) {
		maps.Copy(out, p.Contacts)
	}
	return out
}

// Answer is what the call centre says to a text: the published answer whose topic it
// names, word for word. ok is false if it names none, and then the answer says what
// can be asked. No part of the text is in it.
func (p Privacy) Answer(may May, text string) (answer string, ok bool) {
	topics := p.topics(may)
	if !may.Least(Call) || len(topics) == 0 {
		return "This is an automatic answer. Nothing is published here; the owner reads messages that are sent to them directly.", false
	}
	said := words(text)
	best, most := "", 0
	for _, topic := range slices.Sorted(maps.Keys(topics)) {
		asked := words(topic)
		if n := len(asked); n > most && !slices.ContainsFunc(asked, func(w string) bool { return !slices.Contains(said, w) }) {
			best, most = topic, n
		}
	}
	if best != "" {
		return topics[best], true
	}
	return "This is an automatic answer. You can ask for: " + strings.Join(slices.Sorted(maps.Keys(topics)), ", ") + ".", false
}

func words(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// mostRounds is how many moves a deal may have before the owner is asked.
const mostRounds = 6

// Deal is how an offer of the other side is answered, by what the owner has written
// down and what is busy. It is the whole of what happens without the owner: no model
// has a part in it.
func (p Privacy) Deal(d deal.Deal, pass Pass, busy []deal.Slot, zone *time.Location) deal.Verdict {
	no := func(why string) deal.Verdict {
		return deal.Verdict{Act: deal.Decline, Terms: deal.Terms{Text: why}, Quiet: true}
	}
	known := pass.May.Least(Read)
	switch {
	case !pass.May.Least(Call):
		return no("No.")
	case d.Mine && d.Kind == deal.Meeting:
		return within(d, busy)
	case d.Mine:
		return deal.Verdict{}
	case d.Kind == deal.Query:
		if text, ok := p.Answer(pass.May, d.Title+" "+d.Text); ok {
			return deal.Verdict{Act: deal.Reply, Terms: deal.Terms{Text: text}}
		}
		if !known {
			return no("That is not published.")
		}
		return deal.Verdict{}
	case d.Kind == deal.Task:
		if !pass.May.Least(Ask) {
			return no("Tasks are taken from contacts only.")
		}
		return deal.Verdict{}
	case p.Meetings.From == "nobody" || p.Meetings.From != "everybody" && !known:
		return no("Requests for meetings are not taken from you.")
	case p.Meetings.Answer != "automatic" || len(d.Chain) > mostRounds:
		return deal.Verdict{}
	}
	return p.meet(d, busy, zone)
}

// within accepts a counter-offer that is inside what the owner has asked for.
func within(d deal.Deal, busy []deal.Slot) deal.Verdict {
	if d.Within == nil || len(d.Chain) == 0 || len(d.Chain) > mostRounds {
		return deal.Verdict{}
	}
	first := d.Chain[0].Terms
	for _, s := range d.Slots {
		fits := s.From >= d.Within.From && s.To <= d.Within.To && len(first.Slots) > 0 && s.To-s.From <= first.Slots[0].To-first.Slots[0].From
		if fits && d.Title == first.Title && !slices.ContainsFunc(busy, s.Meets) {
			return deal.Verdict{Act: deal.Accept, Terms: deal.Terms{Slots: []deal.Slot{s}}}
		}
	}
	return deal.Verdict{}
}

// meet accepts the first slot that is free and in the owner's hours, or offers others.
func (p Privacy) meet(d deal.Deal, busy []deal.Slot, zone *time.Location) deal.Verdict {
	hours := p.Meetings.Hours(zone)
	longest := time.Duration(p.Meetings.Longest) * time.Minute
	if longest == 0 {
		longest = time.Hour
	}
	if len(d.Slots) == 0 {
		return deal.Verdict{}
	}
	for _, s := range d.Slots {
		if hours.Within(s) && s.End().Sub(s.Start()) <= longest && !slices.ContainsFunc(busy, s.Meets) {
			return deal.Verdict{Act: deal.Accept, Terms: deal.Terms{Slots: []deal.Slot{s}}}
		}
	}
	length := d.Slots[0].End().Sub(d.Slots[0].Start())
	if length > longest {
		return deal.Verdict{Act: deal.Decline, Terms: deal.Terms{Text: fmt.Sprintf("Meetings may take %d minutes.", int(longest.Minutes()))}}
	}
	from := d.Slots[0].Start()
	free := hours.Free(busy, from, from.Add(7*24*time.Hour), length, 3)
	if len(free) == 0 {
		return deal.Verdict{}
	}
	return deal.Verdict{Act: deal.Counter, Terms: deal.Terms{Title: d.Title, Slots: free}}
}
