// Package report writes what package inspect has read: lists of interactions,
// one interaction in full, calls, shapes, and findings, as text for people, as JSON, and
// as what other programs read: JUnit, SARIF 2.1.0 and annotations of GitHub Actions.
// Text keeps to a [Look], and is whole without one.
//
// The JSON is a promise: fields may be added, never renamed or given another
// meaning.
package report
