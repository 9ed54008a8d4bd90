package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

type agreed struct {
	ID, Status string
	Chosen     *struct{ From time.Time }
}

// Two fresh homes, each with a homeserver of its own, agree on a meeting through their
// AIs with the built-in model: it is in both calendars, and both can prove it. Then they
// follow each other.
func TestTwoHomesAgreeOnAMeeting(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	anna, ben := newServerOf(t, a, "anna"), newServer(t, a, "ben")
	agreeOnAMeeting(t, anna, ben, func() {})
	t.Run("desktop", func(t *testing.T) { dealsOnTheDesktop(t, anna, ben) })
	t.Run("share", func(t *testing.T) { shareApps(t, anna, ben) })
	t.Run("social", func(t *testing.T) { socialLife(t, anna, ben) })
}

// newServerOf makes a home that was at work on its own before it claimed its handle.
func newServerOf(t *testing.T, a *authority, owner string) *server {
	t.Helper()
	s := &server{NewWorld(t), "localhost:" + freePort(t)}
	s.untried = true
	s.Env = append(s.Env, "SSL_CERT_FILE="+a.roots)
	s.Up()
	s.Do("post", "Nobody knows me yet")
	s.claim(a, owner, "127.0.0.1:"+strings.TrimPrefix(s.domain, "localhost:"))
	return s
}

// agreeOnAMeeting lets the AIs of two homes do so; between is done when it has been asked for.
func agreeOnAMeeting(t *testing.T, anna, ben *server, between func()) {
	homes := map[string]*server{"anna": anna, "ben": ben}
	for name, other := range map[string]string{"anna": "ben", "ben": "anna"} {
		for file, text := range map[string]string{
			"privacy.json":  `{"meetings": {"from": "contacts", "answer": "automatic"}}`,
			"contacts.json": fmt.Sprintf(`{"people": {%q: {"may": "read"}}}`, "@"+other+":"+homes[other].domain),
		} {
			if err := os.WriteFile(filepath.Join(homes[name].Home, "system", file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			Eventually(t, patience, file+" is noticed", func() bool { return strings.Contains(homes[name].Run("log", "-n", "5").Stdout, file) })
		}
	}
	if r := anna.Do("ask", "find half an hour with "+"@ben:"+ben.domain+" next week"); !strings.Contains(r.Stdout, "Sent: ") {
		t.Fatalf("%s%s", r.Stdout, r.Stderr)
	}
	between()
	var mine, theirs []agreed
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("Anna:\n%s\n%+v\nBen:\n%s\n%+v", anna.Output(), mine, ben.Output(), theirs)
		}
	})
	Eventually(t, 3*patience, "both have agreed", func() bool {
		anna.Do("deals", "--json").JSON(t, &mine)
		ben.Do("deals", "--json").JSON(t, &theirs)
		return len(mine) == 1 && len(theirs) == 1 && mine[0].Status == "agreed" && theirs[0].Status == "agreed"
	})
	when := mine[0].Chosen.From.UTC().Format("2006-01-02|15:04")
	var heads []string
	for name, w := range homes {
		if got := w.Rows("calendar", "SELECT date, time FROM events"); got != when {
			t.Errorf("the calendar of %s has %q, agreed is %q", name, got, when)
		}
		var proof struct{ Head string }
		w.Do("deals", "verify", mine[0].ID, "--json").JSON(t, &proof)
		heads = append(heads, proof.Head)
	}
	if heads[0] == "" || heads[0] != heads[1] {
		t.Errorf("the transcripts differ: %q", heads)
	}
}

// dealsOnTheDesktop has Anna see what was agreed, with its proof, and answer by hand what
// Ben asks meanwhile.
func dealsOnTheDesktop(t *testing.T, anna, ben *server) {
	d := anna.SignIn(Chromium(t), 1280, 860)
	d.click(`.dock button[aria-label="Messages"]`, ".*")
	d.click(".rooms .room-item", "Agreements")
	d.named(d.page, ".deal.agreed .deal-state", "Agreed on .* It is in your calendar")
	d.click(".deal.agreed summary", "3 signed steps")
	d.named(d.page, ".deal.agreed .deal-proof", "All 3 steps are signed and fit together")
	var proof struct{ Head string }
	var list []agreed
	anna.Do("deals", "--json").JSON(t, &list)
	ben.Do("deals", "verify", list[0].ID, "--json").JSON(t, &proof)
	d.find(d.page, fmt.Sprintf(`.deal-proof code[title=%q]`, proof.Head))
	d.Shot("agreed")

	if r := ben.Do("ask", "ask @anna:"+anna.domain+" which flour is in the rolls"); !strings.Contains(r.Stdout, "Sent: ") {
		t.Fatalf("%s%s", r.Stdout, r.Stderr)
	}
	d.named(d.page, ".notice strong", "You are asked: “which flour is in the rolls”")
	d.named(d.page, ".deal.waiting .deal-state", "ben waits for your answer")
	d.Shot("asked")
	d.click(".deal.waiting .actions button", "Answer")
	d.must(d.find(d.page, ".deal-form textarea").Timeout(patience).Input("Half rye, half wheat"))
	d.click(".deal-form button", "Answer")
	d.named(d.page, ".deal.agreed .deal-state", "Answered")
	Eventually(t, 3*patience, "Ben has the answer", func() bool {
		var theirs []struct{ Status, Result string }
		ben.Do("deals", "--json").JSON(t, &theirs)
		return len(theirs) == 2 && theirs[0].Status == "done" && theirs[0].Result == "Half rye, half wheat"
	})
}
