//go:build !goolm

package matrix

// Encryption is in Go, without a C library, only with the build tag goolm. Without it
// the build would fail in a package of others, and not say why.
var _ = build_with_tags_goolm_as_make_build_does
