package syscalls

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode"

	"matrixos/kernel"
	"matrixos/policy"
	"matrixos/sys"
)

type handleIn struct {
	Handle string  `json:"handle"`
	Name   *string `json:"display_name"`
}

// identity is system/handle.json.
type identity struct {
	Handle sys.Handle `json:"handle"`
	Name   string     `json:"display_name"`
	// Claimed says that a homeserver knows the handle: it stays for good.
	Claimed bool `json:"claimed,omitempty"`
}

// setHandle writes who the owner is to others. The owner is asked when it lands,
// as for every change of that file.
func setHandle() kernel.Syscall {
	return define("set_handle", false, []string{"handle"}, `
		"handle":{"type":"string","minLength":1,"maxLength":255,"description":"such as @anna"},
		"display_name":{"type":"string","maxLength":100,"description":"such as Anna; unchanged if absent"}`,
		func(in handleIn) string { return "Setting your handle to " + in.Handle },
		func(ctx context.Context, c *kernel.Call, in handleIn) (string, error) {
			tree, err := c.Tree(ctx)
			if err != nil {
				return "", err
			}
			now, err := readIdentity(tree)
			if err != nil {
				return "", err
			}
			next, err := renamed(now, in)
			if err != nil {
				return "", err
			}
			text, err := json.Marshal(next)
			if err != nil {
				return "", err
			}
			p, root, err := target(ctx, c, string(policy.HandleFile))
			if err != nil {
				return "", err
			}
			defer root.Close()
			c.Shows(p)
			if err := put(root, p, append(text, '\n')); err != nil {
				return "", err
			}
			said := fmt.Sprintf("The handle will be %s, the name %q. The owner is asked before it lands.", next.Handle, next.Name)
			if !next.Claimed {
				said += " The handle can be changed until a homeserver knows it, and never after that; the name always can."
			}
			return said, nil
		})
}

func readIdentity(tree fs.FS) (identity, error) {
	now := identity{Handle: "@you:local"}
	text, err := fs.ReadFile(tree, string(policy.HandleFile))
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(bytes.TrimSpace(text)) == 0 {
		return now, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &now)
	}
	if err != nil {
		return now, &sys.Error{Op: "read", Path: string(policy.HandleFile), Kind: sys.Invalid, Err: err, Hint: `write {"handle": "@you:local", "display_name": ""} there`}
	}
	return now, nil
}

// renamed is who the owner is after in, if that may be.
func renamed(now identity, in handleIn) (identity, error) {
	_, domain := now.Handle.Parts()
	h, err := sys.ParseHandle(in.Handle, domain)
	if err != nil {
		return now, err
	}
	bad := func(kind sys.Kind, why, hint string) (identity, error) {
		return now, &sys.Error{Op: "set handle", Path: in.Handle, Kind: kind, Err: errors.New(why), Hint: hint}
	}
	switch _, d := h.Parts(); {
	case now.Claimed && h != now.Handle:
		return bad(sys.Refused, "a homeserver knows the owner as "+string(now.Handle)+", and that stays", "change display_name instead, with the same handle")
	case d != domain:
		return bad(sys.Invalid, "the domain is the homeserver's, and this home has none yet", "give the name before the colon only, such as @anna")
	}
	now.Handle = h
	if in.Name == nil {
		return now, nil
	}
	now.Name = strings.TrimSpace(*in.Name)
	if strings.ContainsFunc(now.Name, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
		return bad(sys.Invalid, "display_name has characters that cannot be seen", "write it with letters, spaces and signs only")
	}
	return now, nil
}
