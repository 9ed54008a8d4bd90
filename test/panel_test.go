package test

import (
	"testing"
	"time"

	"github.com/go-rod/rod/lib/input"
)

// TestThePanelKeepsTheKeyboard: an app that takes a while to load and then begins in a
// field does not take the keyboard from the panel that was opened over it meanwhile.
func TestThePanelKeepsTheKeyboard(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	w.Up()
	w.save("apps/slow/matrix.json", `{"name":"Slow","slug":"slow","version":"1.0.0","runtime":"static"}`)
	w.save("apps/slow/index.html", `<!doctype html><title>Slow</title><p>Slow is here</p><input id="line"><script>
setInterval(async () => { if (await MatrixOS.readData("go")) line.focus(); }, 100);
line.onfocus = () => MatrixOS.writeData("had", true);
</script>`)
	Eventually(t, patience, "the app is there", func() bool { return w.app("slow").OK })
	desk := w.SignIn(chromiumApart(t), 1280, 860)
	desk.Follow(w.Addr + "/?open=slow")
	apart{desk, "Slow"}.See("Slow is here")
	desk.dock("All apps")
	field := desk.find(desk.page, `.launcher input`)
	w.save("data/slow/go.json", "true")
	Eventually(t, patience, "the app has had the keyboard", func() (had bool) {
		return w.keyOf("slow", "had", &had) && had
	})
	w.save("data/slow/go.json", "false")
	time.Sleep(300 * time.Millisecond)
	for _, key := range "notes" {
		desk.must(desk.page.Keyboard.Type(input.Key(key)))
	}
	text, err := field.Property("value")
	desk.must(err)
	if text.Str() != "notes" {
		t.Errorf("the search has %q", text.Str())
	}
	desk.Shot("found")
}
