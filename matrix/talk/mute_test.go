package talk

import (
	"slices"
	"testing"
)

func TestWhichRoomsAreMuted(t *testing.T) {
	got := mutedBy([]byte(`{"global": {"override": [
		{"rule_id": ".m.rule.master", "default": true, "enabled": true, "actions": [], "conditions": []},
		{"rule_id": "!a:x", "enabled": true, "actions": [], "conditions": [{"kind": "event_match", "key": "room_id", "pattern": "!a:x"}]},
		{"rule_id": "!b:x", "enabled": true, "actions": ["dont_notify"], "conditions": [{"kind": "event_match", "key": "room_id", "pattern": "!b:x"}]},
		{"rule_id": "!c:x", "enabled": false, "actions": [], "conditions": [{"kind": "event_match", "key": "room_id", "pattern": "!c:x"}]},
		{"rule_id": "!d:x", "enabled": true, "actions": ["notify", {"set_tweak": "sound"}], "conditions": [{"kind": "event_match", "key": "room_id", "pattern": "!d:x"}]},
		{"rule_id": "words", "enabled": true, "actions": [], "conditions": [{"kind": "event_match", "key": "content.body", "pattern": "!e:x"}]}
	], "room": [{"rule_id": "!f:x", "enabled": true, "actions": []}]}}`))
	if !slices.Equal(got, []string{"!a:x", "!b:x"}) {
		t.Errorf("%q", got)
	}
	for _, odd := range []string{``, `7`, `{"global": {"override": [{"actions": 3}]}}`} {
		if got := mutedBy([]byte(odd)); got != nil {
			t.Errorf("%s: %q", odd, got)
		}
	}
}
