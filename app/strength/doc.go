// Package strength measures how good the contracts of apps are: it makes small wrong
// changes of an app (package app/mutate), runs on each the scenarios that reach the
// changed place, and counts what they find. It changes no app and decides nothing.
package strength
