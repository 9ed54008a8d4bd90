package syscalls

import (
	"context"
	"fmt"
	"strings"

	"matrixos/kernel"
)

type skillIn struct {
	Name string `json:"skill_name"`
}

func loadSkill() kernel.Syscall {
	return define("load_skill", true, []string{"skill_name"}, `"skill_name":{"type":"string","minLength":1,"maxLength":64}`,
		func(in skillIn) string { return "Looking up how to: " + in.Name },
		func(ctx context.Context, c *kernel.Call, in skillIn) (string, error) {
			s, err := c.Skill(ctx, in.Name)
			if err != nil {
				return "", err
			}
			var b strings.Builder
			b.WriteString(s.Text)
			if len(s.Files) > 0 {
				b.WriteString("\n\nIts other files, to Read when it says so:")
				for _, f := range s.Files {
					fmt.Fprintf(&b, "\n- %s", f)
				}
			}
			return b.String(), nil
		})
}
