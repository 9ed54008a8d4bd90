package claude

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"matrixos/model"
)

// writeTranscript writes a conversation as the CLI stores its own, into the
// private folder dir, and returns the id of the session to resume. The words of
// the owner go through veil.
func writeTranscript(dir, modelID string, msgs []model.Message, veil func(model.Block) model.Block) (string, error) {
	folder := filepath.Join(dir, "config", "projects", projectName(dir))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	id := uuid()
	var text []byte
	var parent any
	now := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	for _, m := range msgs {
		if m.Role == model.User {
			m.Blocks = slices.Clone(m.Blocks)
			for i, b := range m.Blocks {
				m.Blocks[i] = veil(b)
			}
		}
		blocks := encodeBlocks(m)
		if len(blocks) == 0 {
			continue
		}
		message := object{"role": string(m.Role), "content": blocks}
		if m.Role == model.Assistant {
			stop := "end_turn"
			for _, b := range m.Blocks {
				if b.Kind == model.ToolUse {
					stop = "tool_use"
				}
			}
			message["id"], message["type"], message["model"] = "msg_"+strings.ReplaceAll(uuid(), "-", ""), "message", modelID
			message["stop_reason"], message["stop_sequence"] = stop, nil
			message["usage"] = object{"input_tokens": 0, "output_tokens": 0}
		}
		self := uuid()
		raw, err := marshal(object{
			"parentUuid": parent, "isSidechain": false, "type": string(m.Role), "message": message, "uuid": self, "timestamp": now,
			"userType": "external", "cwd": dir, "sessionId": id, "version": Version,
		})
		if err != nil {
			return "", fmt.Errorf("write a transcript: %w", err)
		}
		text = append(append(text, raw...), '\n')
		parent = self
	}
	return id, os.WriteFile(filepath.Join(folder, id+".jsonl"), text, 0o600)
}

// projectName is the folder in which the CLI keeps the sessions of a working
// directory.
func projectName(path string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '-'
	}, path)
}

func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// key tells conversations apart: model, rules, tools and every message.
func (s *session) key() (string, error) {
	raw, err := json.Marshal([]any{s.o.Model, s.system, s.tools, s.msgs})
	if err != nil {
		return "", err
	}
	return digest(raw), nil
}
