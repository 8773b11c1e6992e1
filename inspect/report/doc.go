// Package report writes what package inspect has read: lists of interactions,
// one interaction in full, calls, shapes, and findings, as text for people and as
// JSON for programs. Text keeps to a [Look], and is whole without one.
//
// The JSON is a promise: fields may be added, never renamed or given another
// meaning.
package report
