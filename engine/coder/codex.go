package coder

import (
	_ "embed"
	"encoding/json"
	"fmt"

	"matrixos/engine"
	"matrixos/model"
)

// CodexVersion is the version of the Codex CLI that this package was tried with.
const CodexVersion = "0.169.0"

// What Codex is told of where it is: its provider and its tools are ours, and
// everything that would go elsewhere is off.
//
//go:embed codex.toml
var codexConfig string

// Codex is how the Codex CLI is run: program is its name or path, and what model can
// take is what it is told of it.
func Codex(program, name string, limits model.Limits) engine.Command {
	catalog, err := json.Marshal(map[string]any{"models": []any{map[string]any{
		"slug": name, "display_name": name, "description": "", "supported_reasoning_levels": []any{}, "shell_type": "unified_exec",
		"visibility": "list", "supported_in_api": true, "priority": 1, "base_instructions": "You work through Codex, a program with tools of its own.",
		"supports_reasoning_summaries": false, "support_verbosity": false, "apply_patch_tool_type": "freeform",
		"truncation_policy": map[string]any{"mode": "bytes", "limit": 40_000}, "supports_parallel_tool_calls": true,
		"context_window": limits.Context, "experimental_supported_tools": []any{},
	}}})
	if err != nil {
		panic(fmt.Sprintf("coder: %v", err)) // strings and numbers
	}
	exec := []string{"exec", "--json", "--skip-git-repo-check", "--ignore-rules"}
	return engine.Command{
		Run:   append([]string{program}, append(exec, "-")...),
		Again: append(append([]string{}, exec...), "resume", "--last", "-"),
		Env:   map[string]string{"CODEX_HOME": Private},
		Files: map[string]string{"config.toml": codexConfig, "models.json": string(catalog)},
	}
}
