package syscalls

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"matrixos/app"
	"matrixos/kernel"
	"matrixos/sys"
)

// settled is the contract that a child is given, judged before anything is built on
// it. What the owner said when asked goes into it, and stays in it.
func settled(ctx context.Context, c *kernel.Call, in spawnIn, asked []sys.Asked) (string, error) {
	if len(in.Contract) == 0 || string(in.Contract) == "null" {
		return "", nil
	}
	if in.App == "" {
		return "", &sys.Error{Op: "spawn", Path: "contract", Kind: sys.Invalid, Err: errors.New("it is of no app"), Hint: "name the app's slug in app"}
	}
	file := sys.Path("apps/" + in.App + "/contract.json")
	var b bytes.Buffer
	if err := json.Indent(&b, in.Contract, "", "  "); err != nil {
		return "", &sys.Error{Op: "spawn", Path: "contract", Kind: sys.Invalid, Err: err}
	}
	text := b.String() + "\n"
	if found := app.CheckContract([]byte(text), file); len(found) > 0 {
		return "", &sys.Error{Op: "spawn", Path: "contract", Kind: sys.Invalid, Err: errors.New(Diagnostics(found)), Hint: "correct it and call spawn again; nothing was built"}
	}
	if weak := app.WeakContract([]byte(text)); len(weak) > 0 {
		return "", &sys.Error{
			Op: "spawn", Path: "contract", Kind: sys.Invalid, Err: errors.New("it finds too little: " + strings.Join(weak, "; ")),
			Hint: "add what has to be seen or kept after the app is used, such as fill, click, rows, reload and see, and call spawn again; nothing was built",
		}
	}
	tree, err := c.Tree(ctx)
	if err != nil {
		return "", err
	}
	before, err := fs.ReadFile(tree, string(file))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	said := slices.DeleteFunc(slices.Clone(asked), func(a sys.Asked) bool { return strings.TrimSpace(a.Answer) == "" })
	return app.SettleContract([]byte(text), before, c.Words(), said)
}

// offer says so if an app that was changed has no contract, so that nothing but that it
// opens was looked at, or one that finds next to nothing.
func offer(ctx context.Context, c *kernel.Call, slug sys.Slug) string {
	tree, err := c.Tree(ctx)
	if err != nil || slug == "" {
		return ""
	}
	folder := "apps/" + string(slug)
	if _, err := fs.Stat(tree, folder+"/matrix.json"); err != nil {
		return ""
	}
	if _, err := fs.Stat(tree, folder+"/contract.json"); !errors.Is(err, fs.ErrNotExist) {
		weak, err := app.Weak(tree, sys.Path(folder))
		if err != nil || len(weak) == 0 {
			return ""
		}
		return "\nContract: it finds too little: " + strings.Join(weak, "; ") + ". Hand over a better one in contract with the next spawn for this app."
	}
	return "\nContract: it has none, so only that it opens was checked. Offer the owner to write down what it has to do; hand it over in contract with the next spawn for this app."
}

// answered tells a child what the owner said when asked.
func answered(asked []sys.Asked) string {
	var b strings.Builder
	for _, a := range asked {
		answer := a.Answer
		if strings.TrimSpace(answer) == "" {
			answer = leftOpen
		}
		b.WriteString("\n- " + strings.TrimSpace(a.Question) + " " + strings.TrimSpace(answer))
	}
	if b.Len() == 0 {
		return ""
	}
	return "\n\nThe owner was asked:" + b.String()
}
