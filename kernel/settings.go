package kernel

import (
	"matrixos/sys"
)

// Settings are what the owner has decided about spending and models, in
// system/config.json. They are asked for anew whenever they count.
type Settings struct {
	Caps       Caps           `json:"caps,omitzero"`
	Fallback   []string       `json:"fallback,omitempty"`   // models to try when the chosen one does not answer
	Zone       string         `json:"zone,omitempty"`       // the owner's time zone, such as "Europe/Berlin"; the machine's if absent
	Heartbeat  string         `json:"heartbeat,omitempty"`  // how often to look around, such as "30m"; never if absent
	Concurrent map[string]int `json:"concurrent,omitempty"` // model requests at once, by provider; 8 if absent
}

// Caps limit what may be spent. A nil cap means the default, an empty one no
// limit.
type Caps struct {
	Day      *sys.Budget                `json:"day,omitempty"`      // all together; $20 if absent
	Request  *sys.Budget                `json:"request,omitempty"`  // one request with all its processes; $10 if absent
	Programs map[sys.Program]sys.Budget `json:"programs,omitempty"` // each per day
}

// day and request fill in the defaults.
func (c Caps) day() sys.Budget {
	if c.Day != nil {
		return *c.Day
	}
	return sys.Budget{USD: 20}
}

func (c Caps) request() sys.Budget {
	if c.Request != nil {
		return *c.Request
	}
	return sys.Budget{USD: 10}
}
