package deal

import (
	"fmt"
	"strings"
	"time"
)

// When says a slot for people, in the time zone of zone.
func (s Slot) When(zone *time.Location) string {
	from, to := s.Start().In(zone), s.End().In(zone)
	end := to.Format("15:04 MST")
	if from.YearDay() != to.YearDay() || from.Year() != to.Year() {
		end = to.Format("Mon 2 Jan 15:04 MST")
	}
	return from.Format("Mon 2 Jan 2006 15:04") + "–" + end
}

// Words say the newest move in a sentence, for a person who reads it with any
// client. Nobody acts on them.
func (c Chain) Words() string {
	if len(c) == 0 {
		return ""
	}
	s, err := c.Check()
	if err != nil {
		return "This message cannot be verified: " + err.Error()
	}
	m := c[len(c)-1]
	text := m.words(s)
	if m.Terms.Text != "" {
		text += "\n" + m.Terms.Text
	}
	return text + fmt.Sprintf("\n(Deal %s, move %d, signed by %s.)", m.Deal[:6], m.Seq+1, m.From)
}

func (m Move) words(s State) string {
	who, title := string(m.From), "“"+s.Terms.Title+"”"
	switch m.Act {
	case Offer:
		switch m.Kind {
		case Meeting:
			return fmt.Sprintf("%s would like to meet %s: %s. %s. You can answer with an AI, or in words.", who, m.To, title, times(m.Terms.Slots))
		case Query:
			return fmt.Sprintf("%s asks %s: %s.", who, m.To, title)
		case Task:
			return fmt.Sprintf("%s asks %s to take something over: %s%s.", who, m.To, title, due(m.Terms))
		}
	case Counter:
		if m.Kind == Meeting {
			return fmt.Sprintf("%s suggests another time for %s: %s.", who, title, times(m.Terms.Slots))
		}
		return fmt.Sprintf("%s suggests instead: %s%s.", who, title, due(m.Terms))
	case Accept:
		if m.Kind == Meeting {
			return fmt.Sprintf("%s accepts %s on %s; %s confirms it.", who, title, s.Chosen.When(time.UTC), m.To)
		}
		return fmt.Sprintf("%s accepts %s; %s confirms it.", who, title, m.To)
	case Confirm:
		if m.Kind == Meeting {
			return fmt.Sprintf("Agreed: %s on %s.", title, s.Chosen.When(time.UTC))
		}
		return fmt.Sprintf("Agreed: %s.", title)
	case Reply:
		return fmt.Sprintf("%s answers %s:", who, title)
	case Deliver:
		return fmt.Sprintf("%s has done %s:", who, title)
	case Decline:
		return fmt.Sprintf("%s says no to %s.", who, title)
	case Withdraw:
		return fmt.Sprintf("%s takes %s back.", who, title)
	case Expire:
		return fmt.Sprintf("Nobody has answered %s in time; it no longer stands.", title)
	case Cancel:
		return fmt.Sprintf("%s cancels %s.", who, title)
	}
	return ""
}

func times(slots []Slot) string {
	var out []string
	for _, s := range slots {
		out = append(out, s.When(time.UTC))
	}
	return strings.Join(out, ", or ")
}

func due(t Terms) string {
	if t.Due == 0 {
		return ""
	}
	return ", by " + time.UnixMilli(t.Due).UTC().Format("Mon 2 Jan 2006 15:04 MST")
}
