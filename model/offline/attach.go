package offline

import (
	"encoding/json"
	"net"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

// The servers that we know how to attach, at the versions that were looked at.
const (
	filesPackage  = "@modelcontextprotocol/server-filesystem@2026.8.31"
	memoryPackage = "@modelcontextprotocol/server-memory@2026.8.31"
)

var (
	folderName  = regexp.MustCompile("(?:^|[\\s\"'“„`(])((?:~/|/)[^\\s\"'”“`,)]*)")
	writeWish   = regexp.MustCompile(`(?i)\b(?:writ\w*|chang\w*|edit\w*|schreib\w*|änder\w*)\b`)
	memoryWords = regexp.MustCompile(`(?i)^(?:memory|gedächtnis)`)
	filesWords  = regexp.MustCompile(`(?i)^(?:file ?system|files?|dateisystem)\b`)

	serverAddress = regexp.MustCompile(`https?://[^\s<>"'”“]+`)
	serverName    = regexp.MustCompile(`(?i)(?:\b(?:as|called|named|als|namens)\s+[“"']?([a-z0-9][a-z0-9-]*)|\b([a-z0-9][a-z0-9-]*)[ -](?:mcp[ -]?)?server\b)`)
	notOfName     = regexp.MustCompile(`[^a-z0-9]+`)
)

// serverFile is a file of system/mcp, in the order in which its fields are read.
type serverFile struct {
	Command string         `json:"command,omitempty"`
	Args    []string       `json:"args,omitempty"`
	URL     string         `json:"url,omitempty"`
	Folders []serverFolder `json:"folders,omitempty"`
}

type serverFolder struct {
	Path  string `json:"path"`
	Write bool   `json:"write,omitempty"`
}

// attach writes the file of a server. The owner is asked when it lands.
func (k *kernel) attach(in intent, now turn) step {
	name, file, reply := k.server(in)
	if name == "" {
		return reply
	}
	c, called := now.find("Write")
	if !called {
		text, err := json.MarshalIndent(file, "", "  ")
		if err != nil {
			return k.say(in, "tool-failed", "why", err.Error())
		}
		return do(tool("Write", "file_path", "system/mcp/"+name+".json", "content", string(text)+"\n"))
	}
	if c.failed {
		return k.say(in, "tool-failed", "why", firstLine(c.result))
	}
	return reply
}

// server is the server that is meant and what to say of it; without a name it is not
// clear, and the owner is asked.
func (k *kernel) server(in intent) (name string, file serverFile, reply step) {
	switch address := serverAddress.FindString(in.text); {
	case address != "":
		address = strings.TrimRight(address, ".,;:!?)")
		if name = addressName(in.text, address); name == "" {
			return "", file, k.say(in, "which-server")
		}
		return name, serverFile{URL: address}, k.say(in, "attached-address", "name", name, "address", address)
	case memoryWords.MatchString(in.arg):
		return "memory", serverFile{Command: "npx", Args: []string{"-y", memoryPackage}}, k.say(in, "attached-memory")
	case !filesWords.MatchString(in.arg):
		return "", file, k.say(in, "which-server")
	}
	m := folderName.FindStringSubmatch(in.text)
	if m == nil {
		return "", file, k.say(in, "which-folder", "how", k.l.say(in.de, "its-path"))
	}
	folder, may := path.Clean(m[1]), "read-it"
	wish := writeWish.MatchString(strings.ReplaceAll(in.text, m[1], ""))
	if wish {
		may = "change-it"
	}
	return "filesystem", serverFile{Command: "npx", Args: []string{"-y", filesPackage, folder}, Folders: []serverFolder{{folder, wish}}},
		k.say(in, "attached-files", "folder", folder, "what", k.l.say(in.de, may))
}

// noNames stand before "server" without naming it.
var noNames = []string{"mcp", "the", "a", "an", "my", "den", "einen", "dem", "add", "attach", "connect", "use"}

// addressName is what to call the server at an address: as its owner does, or by its
// host.
func addressName(text, address string) string {
	for _, m := range serverName.FindAllStringSubmatch(strings.ReplaceAll(text, address, ""), -1) {
		if n := strings.ToLower(m[1] + m[2]); !slices.Contains(noNames, n) {
			return n
		}
	}
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	parts := slices.DeleteFunc(strings.Split(strings.ToLower(u.Hostname()), "."), func(p string) bool { return p == "mcp" || p == "www" || p == "api" })
	if len(parts) > 1 && net.ParseIP(u.Hostname()) == nil {
		return parts[len(parts)-2]
	}
	return strings.Trim(notOfName.ReplaceAllString(u.Hostname(), "-"), "-")
}
