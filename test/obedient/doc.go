// Package obedient tries what policy promises: a model that obeys whatever it
// reads, with every call it has, achieves nothing for a stranger, while the owner's
// ordinary work is never asked about. It has no code but its tests.
package obedient
