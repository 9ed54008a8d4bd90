package offline

import (
	"strings"
	"testing"
)

// What an owner says to attach a server, and the file that becomes of it.
func TestAttach(t *testing.T) {
	for text, want := range map[string][2]string{
		"add the filesystem server for /srv/photos":                           {"filesystem", `"path": "/srv/photos"`},
		"please attach the filesystem server for ~/projects, it may write":    {"filesystem", `"write": true`},
		"füge den Dateisystem-Server für /srv/fotos hinzu":                    {"filesystem", `"path": "/srv/fotos"`},
		"add the memory server":                                               {"memory", "server-memory"},
		"attach the server at https://mcp.linear.app/mcp":                     {"linear", `"url": "https://mcp.linear.app/mcp"`},
		"add the tickets server at https://mcp.example.org/mcp.":              {"tickets", `"url": "https://mcp.example.org/mcp"`},
		"connect to the mcp server http://127.0.0.1:9000/mcp as local-things": {"local-things", `"url": "http://127.0.0.1:9000/mcp"`},
		"connect https://docs.example.com/mcp":                                {"example", `"url"`},
	} {
		h := newHost(t)
		answer := h.ask(text)
		file := h.files["system/mcp/"+want[0]+".json"]
		if !strings.Contains(file, want[1]) || !strings.Contains(answer, want[0]) {
			t.Errorf("%q: %s\n%s\n%v", text, answer, file, h.trace)
		}
	}
}

// What is not clear is asked, and the answer is understood.
func TestAttachAsks(t *testing.T) {
	for text, want := range map[string]string{
		"add the filesystem server for my folder": "Which folder?",
		"attach the weather mcp server":           "I know two servers",
	} {
		h := newHost(t)
		if answer := h.ask(text); !strings.Contains(answer, want) || len(h.trace) > 0 {
			t.Errorf("%q: %s %v", text, answer, h.trace)
		}
	}
	h := newHost(t)
	h.ask("add the filesystem server for my folder")
	if answer := h.ask("/srv/photos"); !strings.Contains(h.files["system/mcp/filesystem.json"], `"/srv/photos"`) {
		t.Errorf("the folder alone: %s %v", answer, h.trace)
	}
	h = newHost(t)
	if h.ask("track the server rack with name and price"); h.files["system/mcp/rack.json"] != "" || len(h.apps()) != 1 {
		t.Errorf("an app about servers: %v", h.trace)
	}
}
