package dendrite

import (
	"net/http"
	"testing"
)

// Who looks for people finds each under their own name, though the name of one is in
// another's: anna is not shown as her AI.
func TestPeopleAreFoundByTheirOwnNames(t *testing.T) {
	s := serve(t, t.TempDir(), options(t, "local"))
	ai, err := s.EnsureUser(t.Context(), User{Local: "anna_ai", Device: "ONE"})
	if err != nil {
		t.Fatal(err)
	}
	s.call(t, http.MethodPut, "profile/@anna:local/displayname", `{"displayname":"Anna"}`, &struct{}{})
	var room struct {
		ID string `json:"room_id"`
	}
	s.call(t, http.MethodPost, "createRoom", `{"preset":"private_chat","invite":["@anna_ai:local"]}`, &room)
	(&served{s.Server, ai}).call(t, http.MethodPost, "join/"+room.ID, "{}", &struct{}{})
	var found struct {
		Results []struct {
			ID   string `json:"user_id"`
			Name string `json:"display_name"`
		}
	}
	s.call(t, http.MethodPost, "user_directory/search", `{"search_term":"nna","limit":10}`, &found)
	names := map[string]string{}
	for _, r := range found.Results {
		names[r.ID] = r.Name
	}
	if len(names) != 2 || names["@anna:local"] != "Anna" || names["@anna_ai:local"] != "anna_ai" {
		t.Errorf("found %v", names)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
