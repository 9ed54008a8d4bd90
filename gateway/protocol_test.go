package gateway_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"

	"matrixos/gateway"
)

// The desktop's types are made from the document that the gateway serves. The
// file names the document it is of and its own content, so that this needs no
// Node.
func TestDesktopTypesAreCurrent(t *testing.T) {
	const file = "../web/src/protocol/schema.gen.ts"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	document, err := gateway.OpenAPI("dev")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitN(string(text), "\n", 4)
	if len(lines) < 4 || lines[1] != fmt.Sprintf("// document %x", sha256.Sum256(document)) {
		t.Errorf("%s is not of the API as it is now; `make protocol` makes it anew, and `npm --prefix web run typecheck` finds what has to follow", file)
	}
	if len(lines) == 4 && lines[2] != fmt.Sprintf("// types %x", sha256.Sum256([]byte(lines[3]))) {
		t.Errorf("%s was edited by hand; `make protocol` makes it anew", file)
	}
}
