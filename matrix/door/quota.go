package door

import (
	"sync"
	"time"

	"matrixos/sys"
)

// The quotas of those who are not the owner.
const (
	perHour       = 20  // messages of one contact that are answered
	strangerHour  = 6   // of one stranger
	serverHour    = 60  // of one server, strangers together
	totalHour     = 200 // of everybody
	invitesHour   = 5   // invitations of one stranger that are looked at
	invitesTotal  = 40
	mostSenders   = 4096
	LongestOwner  = 100_000 // bytes of the owner's message that is read
	LongestOthers = 8_000   // and of anybody else's
)

// Quota counts, in windows of an hour. The zero value is ready; Now must be set.
type Quota struct {
	Now func() time.Time

	mu   sync.Mutex
	from time.Time
	used map[string]int
}

// Message reports whether one more message of somebody is answered.
func (q *Quota) Message(who sys.Handle, is Who) bool {
	_, server := who.Parts()
	switch is {
	case Owner:
		return true
	case Contact:
		return q.take(map[string]int{"m " + string(who): perHour, "all": totalHour})
	case Stranger:
		return q.take(map[string]int{"m " + string(who): strangerHour, "s " + server: serverHour, "all": totalHour})
	case Blocked:
	}
	return false
}

// Invite reports whether one more invitation is looked at.
func (q *Quota) Invite(who sys.Handle, is Who) bool {
	_, server := who.Parts()
	switch is {
	case Owner:
		return true
	case Contact:
		return q.take(map[string]int{"i " + string(who): perHour})
	case Stranger:
		return q.take(map[string]int{"i " + string(who): invitesHour, "is " + server: 2 * invitesHour, "invites": invitesTotal})
	case Blocked:
	}
	return false
}

// take uses one of each of some limits, or none of any. Where more senders have come
// than are counted, nobody new gets anything until the hour is over.
func (q *Quota) take(limits map[string]int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now := q.Now(); q.used == nil || now.Sub(q.from) >= time.Hour || now.Before(q.from) {
		q.from, q.used = now, map[string]int{}
	}
	for name, most := range limits {
		n, counted := q.used[name]
		if n >= most || !counted && len(q.used) >= mostSenders {
			return false
		}
	}
	for name := range limits {
		q.used[name]++
	}
	return true
}
