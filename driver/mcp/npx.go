package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"matrixos/sandbox"
	"matrixos/sys"
)

// npmRegistry is what an installation may reach, and nothing else may.
const npmRegistry = "registry.npmjs.org"

// installWithin is how long an installation may take.
const installWithin = 150 * time.Second

var npmPackage = regexp.MustCompile(`^(@[a-z0-9~][a-z0-9._~-]*/)?[a-z0-9~][a-z0-9._~-]*(@[A-Za-z0-9^~._-]+)?$`)

// installed makes of "npx PACKAGE ARGS" what it means, in two steps: the package is
// installed into the program's own folder, once, with a network of the registry
// alone and without its install scripts; then it runs, without that network.
func (o *Opener) installed(ctx context.Context, c Config, cmd *sandbox.Command) error {
	rest := slices.Clone(c.Args)
	for len(rest) > 0 && slices.Contains([]string{"-y", "--yes", "-q", "--quiet"}, rest[0]) {
		rest = rest[1:]
	}
	if len(rest) == 0 || !npmPackage.MatchString(rest[0]) {
		return &sys.Error{Op: "run", Path: "npx", Kind: sys.Invalid, Err: errors.New("no package is named"), Hint: `write "args": ["-y", "@scope/name@1.2.3", …]; name the version, so that it stays what you looked at`}
	}
	spec := rest[0]
	name := packageName(spec)
	note := filepath.Join(cmd.Folder, "npm", "installed")
	if have, err := os.ReadFile(note); err != nil || string(have) != spec {
		if err := o.install(ctx, c.Name, spec, cmd); err != nil {
			return err
		}
		if err := os.WriteFile(note, []byte(spec), 0o600); err != nil {
			return err
		}
	}
	file, err := binary(filepath.Join(cmd.Folder, "npm", "node_modules", name), name)
	if err != nil {
		return err
	}
	cmd.Argv = append([]string{"node", filepath.Join(mount, "npm", "node_modules", name, file)}, rest[1:]...)
	return nil
}

// packageName is a package without its version.
func packageName(spec string) string {
	if i := strings.LastIndexByte(spec, '@'); i > 0 {
		return spec[:i]
	}
	return spec
}

func (o *Opener) install(ctx context.Context, name, spec string, cmd *sandbox.Command) error {
	failed := func(err error) error {
		return &sys.Error{Op: "install", Path: spec, Kind: sys.Unavailable, Err: err, Hint: "check the name of the package, that npm is installed, and that " + npmRegistry + " can be reached"}
	}
	network, err := o.network(ctx, name, []string{npmRegistry})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(cmd.Folder, "npm"), 0o700); err != nil {
		return err
	}
	out, err := o.Sandbox.Run(ctx, sandbox.Command{
		Argv:   []string{"npm", "install", "--prefix", mount + "/npm", "--no-audit", "--no-fund", "--ignore-scripts", "--no-update-notifier", spec},
		Folder: cmd.Folder, Mount: mount, Memory: memory, Space: addressSpace, Procs: processes, Network: network, Limit: installWithin,
		Env: map[string]string{"npm_config_registry": "https://" + npmRegistry + "/", "npm_config_cache": "/tmp/npm"},
	})
	if err == nil && out.Status != 0 {
		err = errors.New(tailOf(strings.TrimSpace(strings.ToValidUTF8(string(out.Output), "�")), 400))
	}
	if err != nil {
		return failed(err)
	}
	return nil
}

// binary is the file, in a package's folder, that npx would run.
func binary(folder, name string) (string, error) {
	text, err := os.ReadFile(filepath.Join(folder, "package.json"))
	if err != nil {
		return "", err
	}
	var p struct {
		Bin json.RawMessage `json:"bin"`
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return "", err
	}
	var one string
	var several map[string]string
	if json.Unmarshal(p.Bin, &one) != nil {
		if json.Unmarshal(p.Bin, &several) != nil || len(several) == 0 {
			return "", &sys.Error{Op: "run", Path: name, Kind: sys.Invalid, Err: errors.New("the package has no command")}
		}
		base := name[strings.LastIndexByte(name, '/')+1:]
		if one = several[base]; one == "" && len(several) == 1 {
			for _, f := range several {
				one = f
			}
		}
	}
	if !filepath.IsLocal(one) {
		return "", &sys.Error{Op: "run", Path: name, Kind: sys.Invalid, Err: errors.New("it is not clear which of the package's commands is meant")}
	}
	return one, nil
}
