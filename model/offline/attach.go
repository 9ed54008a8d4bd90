package offline

import (
	"encoding/json"
	"path"
	"regexp"
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
)

// serverFile is a file of system/mcp, in the order in which its fields are read.
type serverFile struct {
	Command string         `json:"command"`
	Args    []string       `json:"args"`
	Folders []serverFolder `json:"folders,omitempty"`
}

type serverFolder struct {
	Path  string `json:"path"`
	Write bool   `json:"write,omitempty"`
}

// attach writes the file of a server. The owner is asked when it lands.
func (k *kernel) attach(in intent, now turn) step {
	name, reply := "memory", k.say(in, "attached-memory")
	file := serverFile{Command: "npx", Args: []string{"-y", memoryPackage}}
	if !memoryWords.MatchString(in.arg) {
		m := folderName.FindStringSubmatch(in.text)
		if m == nil {
			return k.say(in, "which-folder")
		}
		folder := path.Clean(m[1])
		may := "read-it"
		wish := writeWish.MatchString(strings.ReplaceAll(in.text, m[1], ""))
		if wish {
			may = "change-it"
		}
		name, reply = "filesystem", k.say(in, "attached-files", "folder", folder, "what", k.l.say(in.de, may))
		file = serverFile{Command: "npx", Args: []string{"-y", filesPackage, folder}, Folders: []serverFolder{{folder, wish}}}
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
