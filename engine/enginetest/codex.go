package enginetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"matrixos/engine/coder"
)

// Codex is the Codex CLI that tools/setup installs for tests, or the one that
// MATRIXOS_CODEX names. Without one the test is skipped, and says so loudly.
func Codex(t testing.TB) string {
	t.Helper()
	program := os.Getenv("MATRIXOS_CODEX")
	if program == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		program = filepath.Join(cache, "matrixos-test", "codex", coder.CodexVersion, "node_modules", ".bin", "codex")
	}
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("NOT TRIED: the Codex CLI is not there (%v); tools/setup installs it", err)
	}
	return program
}
