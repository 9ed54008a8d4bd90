package test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"matrixos/client"
	"matrixos/matrix/talk"
)

// call asks the daemon of a world as the command line does.
func (w *World) call(method, path string, in, out any) {
	w.t.Helper()
	text, err := os.ReadFile(client.DaemonFile(w.Home))
	var d client.Daemon
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, d.Base+path, bytes.NewReader(toJSON(w.t, in)))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+d.Token)
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		w.t.Fatalf("%s %s: %s %s %v", method, path, res.Status, body, err)
	}
	if out != nil {
		if err := json.Unmarshal(body, out); err != nil {
			w.t.Fatalf("%s %s: %v\n%s", method, path, err, body)
		}
	}
}

// unhurried is Eventually for what is dear to ask.
func unhurried(t testing.TB, what string, ok func() bool) {
	t.Helper()
	Eventually(t, 6*patience, what, func() bool {
		if ok() {
			return true
		}
		time.Sleep(150 * time.Millisecond)
		return false
	})
}

// said is a message of a room as the desktop gets it.
type said struct {
	ID, Sender, Kind, Body string
	Encrypted, Verified    bool
}

// room is what a world's desktop shows of a room.
func (w *World) room(id string) []said {
	var page struct{ Messages []said }
	w.call(http.MethodGet, "/api/rooms/"+url.PathEscape(id)+"/messages", nil, &page)
	return page.Messages
}

// chat is the direct chat with somebody.
func (w *World) chat(with string) string {
	var made struct{ Room string }
	w.call(http.MethodPost, "/api/rooms", map[string]any{"people": []string{with}}, &made)
	return made.Room
}

func (w *World) write(room, text string) {
	w.call(http.MethodPost, "/api/rooms/"+url.PathEscape(room)+"/messages", map[string]string{"text": text}, nil)
}

// shows waits for words in a room.
func (w *World) shows(room, text string) (out said) {
	w.t.Helper()
	unhurried(w.t, text+" is shown", func() bool {
		list := w.room(room)
		i := slices.IndexFunc(list, func(s said) bool { return s.Body == text })
		if i >= 0 {
			out = list[i]
		}
		return i >= 0
	})
	return out
}

// has waits for a file of the home, and its words.
func (w *World) has(path, text string) {
	w.t.Helper()
	unhurried(w.t, path+" has "+text, func() bool {
		b, err := os.ReadFile(filepath.Join(w.Home, path))
		return err == nil && string(b) == text
	})
}

func (w *World) devices() (d client.Devices) {
	w.t.Helper()
	w.call(http.MethodGet, "/api/devices", nil, &d)
	return d
}

// stands waits until another device stands so with the first.
func (w *World) stands(state string) {
	w.t.Helper()
	unhurried(w.t, "the first device is "+state, func() bool {
		d := w.devices()
		return d.First != nil && d.First.State == state
	})
}

// answers counts what the AI has said in a room.
func (w *World) answers(room string) int {
	n := 0
	for _, s := range w.room(room) {
		if strings.HasPrefix(s.Sender, "@you_ai:") {
			n++
		}
	}
	return n
}

// A second device has the files, the conversations and the messages of the first, keeps
// in step both ways, and gets nothing any more once it is removed.
func TestDevices(t *testing.T) {
	t.Parallel()
	first := NewWorld(t)
	first.untried = true
	first.Up()
	first.save("projects/garden.md", "beans\n")
	first.Run("ask", "What is the time?") // what the answer says does not matter here
	ben := friendOf(t, first, "ben")
	room := first.chat("@ben:local")
	first.write(room, "Before the laptop")
	ben.hears("the first words", func(m talk.Message) bool { return m.Body == "Before the laptop" })

	var link client.NewDevice
	first.Do("device", "add", "laptop", "--listen", "127.0.0.1:0", "--json").JSON(t, &link)
	second := NewWorld(t)
	second.untried = true
	second.Args = []string{"--join", link.Link}
	second.Up()
	second.Args = nil
	second.stands("connected")

	second.has("projects/garden.md", "beans\n")
	second.save("projects/laptop.md", "written on the laptop\n")
	first.has("projects/laptop.md", "written on the laptop\n")
	first.save("projects/garden.md", "beans and peas\n")
	second.has("projects/garden.md", "beans and peas\n")

	var there, here []struct{ ID, Title string }
	first.call(http.MethodGet, "/api/conversations", nil, &there)
	unhurried(t, "the conversation is on the laptop", func() bool {
		second.call(http.MethodGet, "/api/conversations", nil, &here)
		return len(there) > 0 && slices.Contains(here, there[0])
	})
	var talked struct {
		Events []struct{ Kind string }
	}
	second.call(http.MethodGet, "/api/conversations/"+there[0].ID, nil, &talked)
	if len(talked.Events) != 2 || talked.Events[0].Kind != "request" || talked.Events[1].Kind != "answer" {
		t.Errorf("the conversation there is %+v", talked)
	}

	second.messages(first, ben, room)
	second.apart(first)

	first.Do("device", "remove", "laptop")
	second.stands("removed")
	second.save("projects/laptop.md", "after the removal\n")
	second.Do("sync", "commit")
	if r := second.Run("sync", "pull", "devices"); r.Status == 0 {
		t.Errorf("a removed device meets: %s", r.Stderr)
	}
	if got := first.Read("projects/laptop.md"); strings.Contains(got, "removal") {
		t.Error("a removed device has changed a file")
	}
	second.Stop()
	var back client.Devices // it comes back, and is still removed
	if second.Do("device", "--json").JSON(t, &back); back.First == nil || back.First.State != "removed" {
		t.Errorf("the laptop comes back as %+v", back)
	}
	first.again(room)
}

// again brings the home back from a backup, on a machine that has nothing of it: the
// rooms are there, encrypted ones are read, and everybody knows the same identity.
func (w *World) again(room string) {
	w.t.Helper()
	var was, is client.Security
	w.Do("handle", "security", "--json").JSON(w.t, &was)
	dest, key := filepath.Join(w.t.TempDir(), "backups"), filepath.Join(w.t.TempDir(), "key")
	var made struct{ Key string }
	w.Do("backup", "init", dest, "--json").JSON(w.t, &made)
	if err := os.WriteFile(key, []byte(made.Key), 0o600); err != nil {
		w.t.Fatal(err)
	}
	var snapshot struct{ ID string }
	w.Do("backup", "--json").JSON(w.t, &snapshot)
	w.write(room, "After the backup") // it stood still, and goes on
	w.shows(room, "After the backup")
	restored := NewWorld(w.t)
	restored.untried = true
	w.Stop()
	restored.Do("backup", "restore", "--from", dest, "--key-file", key, "--at", snapshot.ID)
	restored.Up()
	if s := restored.shows(room, "Before the laptop"); !s.Encrypted {
		w.t.Errorf("after a restore it came as %+v", s)
	}
	restored.shows(room, "From the laptop")
	if slices.ContainsFunc(restored.room(room), func(s said) bool { return s.Body == "After the backup" }) {
		w.t.Error("the backup has what was said after it")
	}
	restored.Do("handle", "security", "--json").JSON(w.t, &is)
	if is.Identity != "here" || !is.Verified || is.Device == was.Device || len(is.Devices) != len(was.Devices)+1 {
		w.t.Errorf("after a restore, who the owner is: %+v, was %+v", is, was)
	}
	restored.write(room, "Back again")
	restored.shows(room, "Back again")
}

// messages are the same rooms on both devices, those of before too; the AI answers once.
func (w *World) messages(first *World, ben *friend, room string) {
	w.t.Helper()
	if s := w.shows(room, "Before the laptop"); !s.Encrypted {
		w.t.Errorf("what was said before came as %+v", s)
	}
	ben.says("after", room, "", talk.Text("Hello to both", false))
	w.shows(room, "Hello to both")
	first.shows(room, "Hello to both")
	w.write(room, "From the laptop")
	heard := ben.hears("words from the laptop", func(m talk.Message) bool { return m.Body == "From the laptop" })
	if !heard.Encrypted || !heard.Verified {
		w.t.Errorf("words from the laptop came as %+v", heard)
	}
	first.shows(room, "From the laptop")

	ai := w.chat("@you_ai:local")
	w.write(ai, "What is the time?")
	w.shows(ai, "What is the time?")
	unhurried(w.t, "the AI answers on both", func() bool { return w.answers(ai) > 0 && first.answers(ai) > 0 })
	first.shows(ai, "What is the time?")
	first.write(ai, "And now?")
	unhurried(w.t, "the AI answers again", func() bool { return w.answers(ai) > 1 })
	if a, b := w.answers(ai), first.answers(ai); a != 2 || b != 2 {
		w.t.Errorf("the AI has answered two questions with %d and %d messages", a, b)
	}
}

// apart: the first device is away, both go on, and nothing is lost.
func (w *World) apart(first *World) {
	w.t.Helper()
	first.Stop()
	w.stands("offline")
	w.save("projects/alone.md", "while the first was away\n")
	w.save("projects/both.md", "as the laptop has it\n")
	w.Do("sync", "commit")
	first.save("projects/both.md", "as the desk has it\n")
	first.Up()
	w.stands("connected")
	unhurried(w.t, "both versions are kept", func() bool {
		d := w.devices()
		return d.First != nil && slices.Contains(d.First.Conflicts, "projects/both.md")
	})
	if got := w.Read("projects/both.md") + first.Read("projects/both.md"); got != "as the laptop has it\nas the desk has it\n" {
		w.t.Errorf("the two versions are %q", got)
	}
	var waiting []struct{ ID string }
	w.Do("conflicts", "--json").JSON(w.t, &waiting)
	if len(waiting) != 1 {
		w.t.Fatalf("%d conflicts wait", len(waiting))
	}
	w.Do("resolve", waiting[0].ID, "--ours")
	first.has("projects/alone.md", "while the first was away\n")
	first.has("projects/both.md", "as the laptop has it\n")
}
