package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/umtape/umtape/inspect"
)

const (
	sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	projectURI  = "https://github.com/umtape/umtape"
	rulesURI    = projectURI + "/blob/main/cmd/umtape/help/rules.md"
)

// RuleURI is where a rule is described.
func RuleURI(id string) string { return rulesURI + "#" + strings.ToLower(id) }

// The part of SARIF 2.1.0 (OASIS) that is written.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		ColumnKind  string            `json:"columnKind"`
		Results     []sarifResult     `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version,omitempty"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string       `json:"id"`
		ShortDescription sarifText    `json:"shortDescription"`
		FullDescription  sarifText    `json:"fullDescription"`
		Help             sarifText    `json:"help"`
		HelpURI          string       `json:"helpUri"`
		Default          sarifSetting `json:"defaultConfiguration"`
	}
	sarifText struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifSetting struct {
		Enabled *bool  `json:"enabled,omitempty"`
		Level   string `json:"level,omitempty"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Overrides     []sarifOverride     `json:"ruleConfigurationOverrides,omitempty"`
		Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifOverride struct {
		Descriptor    sarifDescriptor `json:"descriptor"`
		Configuration sarifSetting    `json:"configuration"`
	}
	sarifDescriptor struct {
		ID    string `json:"id"`
		Index int    `json:"index"`
	}
	sarifNotification struct {
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI    string `json:"uri"`
		BaseID string `json:"uriBaseId,omitempty"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
	}
	sarifLogical struct {
		FullyQualifiedName string `json:"fullyQualifiedName"`
	}
)

// SARIF writes the findings as SARIF 2.1.0, one run. Files below the working
// directory are named relative to it, as what a checkout is the root of
// (%SRCROOT%).
func SARIF(w io.Writer, v Validation) error {
	run := sarifRun{
		Tool:        sarifTool{sarifDriver{Name: "umtape", Version: v.Version, InformationURI: projectURI, Rules: []sarifRule{}}},
		Invocations: []sarifInvocation{{Successful: true}},
		ColumnKind:  "unicodeCodePoints",
		Results:     []sarifResult{},
	}
	index := map[string]int{}
	invocation := &run.Invocations[0]
	for n, r := range v.Rules {
		index[r.ID] = n
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRuleOf(r))
		if to, ok := v.Settings[r.ID]; ok {
			invocation.Overrides = append(invocation.Overrides, sarifOverride{sarifDescriptor{r.ID, n}, sarifSettingOf(to)})
		}
	}
	for _, c := range v.Cassettes {
		at := v.sarifArtifactOf(c.File)
		if c.Unread != "" {
			invocation.Successful = false
			invocation.Notifications = append(invocation.Notifications, sarifNotification{
				Level: "error", Message: sarifTextOf(c.Unread), Locations: []sarifLocation{{Physical: sarifPhysical{Artifact: at}}},
			})
		}
		seen := map[string]int{}
		for _, f := range c.All() {
			l := sarifLocation{Physical: sarifPhysical{Artifact: at}}
			if f.Line > 0 {
				l.Physical.Region = &sarifRegion{f.Line, f.Column}
			}
			if where := f.where(); where != "" {
				l.Logical = []sarifLogical{{Printable(where)}}
			}
			print := fingerprint(f)
			seen[print]++
			run.Results = append(run.Results, sarifResult{
				RuleID: f.Rule.ID, RuleIndex: index[f.Rule.ID], Level: f.Rule.Severity.String(),
				Message: sarifTextOf(f.Message), Locations: []sarifLocation{l},
				Fingerprints: map[string]string{"umtapeFinding/v1": fmt.Sprintf("%s:%d", print, seen[print])},
			})
		}
	}
	return writeJSON(w, sarifLog{sarifSchema, "2.1.0", []sarifRun{run}})
}

func sarifRuleOf(r inspect.Rule) sarifRule {
	return sarifRule{
		ID: r.ID, ShortDescription: sarifTextOf(r.Summary), FullDescription: sarifTextOf(r.Summary + ": " + r.Reason),
		Help: sarifText{
			Text:     fmt.Sprintf("Why: %s.\nFix: %s.\nSource: %s.", r.Reason, r.Fix, r.Source),
			Markdown: fmt.Sprintf("**Why:** %s.\n\n**Fix:** %s.\n\n**Source:** %s.", r.Reason, r.Fix, r.Source),
		},
		HelpURI: RuleURI(r.ID), Default: sarifSetting{Level: r.Severity.String()},
	}
}

func sarifSettingOf(to string) sarifSetting {
	if to == "off" {
		off := false
		return sarifSetting{Enabled: &off}
	}
	return sarifSetting{Level: to}
}

// sarifTextOf is a plain text message: braces stand for placeholders in it and are
// doubled (§3.11.5), and what would read as a link (§3.11.6) is taken apart.
func sarifTextOf(s string) sarifText {
	return sarifText{Text: strings.NewReplacer("{", "{{", "}", "}}", "](", "] (").Replace(Printable(s))}
}

// fingerprint is the same for the same mistake in another recording of the same
// traffic: neither the number of the interaction nor a value is in it.
func fingerprint(f Located) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{f.Rule.ID, f.Operation, f.Part, f.Path, f.Header}, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// sarifArtifactOf names a file: relative to the root if it is below it, else absolute.
func (v Validation) sarifArtifactOf(file string) sarifArtifact {
	full, below := v.inRoot(file)
	if below {
		u := url.URL{Path: full}
		return sarifArtifact{URI: u.String(), BaseID: "%SRCROOT%"}
	}
	path := filepath.ToSlash(full)
	if !strings.HasPrefix(path, "/") { // a drive letter
		path = "/" + path
	}
	u := url.URL{Scheme: "file", Path: path}
	return sarifArtifact{URI: u.String()}
}
