package enginetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"matrixos/engine/claude"
)

// ClaudeCode is the Claude Code CLI that tools/setup installs for tests, or the one
// that MATRIXOS_CLAUDE names. Without one the test is skipped, and says so loudly.
func ClaudeCode(t testing.TB) string {
	t.Helper()
	program := os.Getenv("MATRIXOS_CLAUDE")
	if program == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		program = filepath.Join(cache, "matrixos-test", "claude-code", claude.Version, "claude")
	}
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("NOT TRIED: the Claude Code CLI is not there (%v); tools/setup installs it", err)
	}
	return program
}
