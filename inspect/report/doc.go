// Package report writes what package inspect has read: lists of interactions,
// one interaction in full, and findings, as text for people and as JSON for
// programs.
//
// The JSON is a promise: fields may be added, never renamed or given another
// meaning.
package report
