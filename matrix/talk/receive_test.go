package talk

import (
	"encoding/json"
	"testing"

	"maunium.net/go/mautrix"
)

// tooEarly: a homeserver may count a room among the joined before the join has its place in
// the room, and then once more with all that was ever said there. Neither what was said
// before the invitation nor anything twice is heard.
func tooEarly(t *testing.T, ben *person) {
	const (
		room   = "!early:local"
		secret = `{"type":"m.room.message","event_id":"$1","sender":"@anna:local","content":{"msgtype":"m.text","body":"secret plans"}}`
		asked  = `{"type":"m.room.member","event_id":"$2","sender":"@anna:local","state_key":"@ben:local","content":{"membership":"invite"}}`
		hello  = `{"type":"m.room.message","event_id":"$3","sender":"@anna:local","content":{"msgtype":"m.text","body":"welcome"}}`
		came   = `{"type":"m.room.member","event_id":"$4","sender":"@ben:local","state_key":"@ben:local","content":{"membership":"join"}}`
	)
	for _, answer := range []struct {
		timeline string
		want     int
	}{{asked + "," + hello, 0}, {secret + "," + asked + "," + hello + "," + came, 2}} {
		var resp mautrix.RespSync
		if err := json.Unmarshal([]byte(`{"next_batch":"s2","rooms":{"join":{"`+room+`":{"timeline":{"events":[`+answer.timeline+`]}}}}}`), &resp); err != nil {
			t.Fatal(err)
		}
		batch, err := ben.c.gather(t.Context(), &resp, "s1")
		if err != nil || len(batch) != answer.want || len(resp.Rooms.Join) != min(1, answer.want) {
			t.Errorf("of %s: %d events, %d rooms, %v", answer.timeline, len(batch), len(resp.Rooms.Join), err)
		}
	}
}
