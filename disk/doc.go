// Package disk is the versioned home.
package disk
