package dendrite

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/blevesearch/bleve/v2"
)

// found is how many messages a search finds.
func (s *served) found(t *testing.T, word string) int {
	t.Helper()
	var res struct {
		Categories struct {
			Events struct {
				Count int `json:"count"`
			} `json:"room_events"`
		} `json:"search_categories"`
	}
	s.call(t, http.MethodPost, "search", fmt.Sprintf(`{"search_categories":{"room_events":{"search_term":%q,"filter":{}}}}`, word), &res)
	return res.Categories.Events.Count
}

func (s *served) finds(t *testing.T, when, word string, want int) {
	t.Helper()
	for n := 0; ; n++ { // what is said is entered a moment later
		got := s.found(t, word)
		if got == want {
			return
		}
		if n == 3000 {
			t.Fatalf("%s, %q is found %d times, want %d", when, word, got, want)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// What is said is found at once, though the index is written seldom; and after a stop,
// a lost and a broken index as well.
func TestTheSearchFindsWhatWasSaid(t *testing.T) {
	dir := t.TempDir()
	local := options(t, "local")
	s := serve(t, dir, local)
	var room struct {
		ID string `json:"room_id"`
	}
	s.call(t, http.MethodPost, "createRoom", `{"name":"orchard"}`, &room)
	for i := range 5 {
		s.say(t, room.ID, fmt.Sprint(i), fmt.Sprintf(`{"msgtype":"m.text","body":"pears %d"}`, i))
	}
	first := s.say(t, room.ID, "wrong", `{"msgtype":"m.text","body":"a quinze"}`)
	s.say(t, room.ID, "right", fmt.Sprintf(`{"msgtype":"m.text","body":"* a quince","m.new_content":{"msgtype":"m.text","body":"a quince"},"m.relates_to":{"rel_type":"m.replace","event_id":%q}}`, first))
	all := func(when string) {
		t.Helper()
		s.finds(t, when, "pears", 5)
		s.finds(t, when, "quince", 1)
		s.finds(t, when, "quinze", 0)
		s.finds(t, when, "orchard", 1)
	}
	again := func() {
		t.Helper()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = serve(t, dir, local)
	}
	all("at once")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := written(t, filepath.Join(dir, "search")); n >= 8 {
		t.Errorf("all %d are on the disk already: each was written by itself", n)
	}
	s = serve(t, dir, local)
	all("after a stop")
	if err := os.RemoveAll(filepath.Join(dir, "search")); err != nil {
		t.Fatal(err)
	}
	again()
	all("after its loss")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "search", "store", "root.bolt"), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = serve(t, dir, local)
	all("after damage")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// written is how many entries of an index are on the disk.
func written(t *testing.T, dir string) uint64 {
	t.Helper()
	index, err := bleve.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	n, err := index.DocCount()
	if err != nil {
		t.Fatal(err)
	}
	return n
}
