package um

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/umtape/umtape/inspect"
)

var (
	states        = []string{"Connecting", "Connected", "Disconnected"}
	hiddenStates  = []string{"Idle", "Alerted", "Incoming", "Transferring", "Forwarding"}
	causes        = []string{"None", "UserBusy", "NoAnswer", "Other"}
	failureCauses = append(slices.Clone(causes), "Unavailable")
)

func isBoolean(s string) bool { return slices.Contains([]string{"true", "false", "1", "0"}, s) }

// isCapitalBoolean reports a boolean as some pages list it.
func isCapitalBoolean(s string) bool { return s == "True" || s == "False" }

// value checks text by its kind. It never quotes the text.
func (c *checker) value(path string, e *inspect.Element, f Field, text string) {
	trimmed := trim(text)
	ok := true
	switch f.Kind {
	case CallID:
		c.callID(path, e, text)
	case Text:
		if f.ID && trimmed == "" {
			c.add(ruleEmptyItem, path, e, "the identifier is empty")
		}
	case Base64:
		if f.Required && trimmed == "" {
			c.add(ruleEmptyItem, path, e, "%s is empty", name(e))
			return
		}
		ok = isBase64(text)
	case Boolean:
		if isCapitalBoolean(trimmed) {
			c.add(ruleValueLenient, path, e, "%s is a boolean with a capital, as only some pages have it", name(e))
			return
		}
		ok = isBoolean(trimmed)
	case Cause:
		switch {
		case trimmed == "Unavailable":
			c.add(ruleValueLenient, path, e, "%s has a value that only its twin in EWS is documented to have", name(e))
		case !slices.Contains(causes, trimmed):
			c.add(ruleUnlistedCause, path, e, "%s is not %s", name(e), kindName(f.Kind))
		}
	case State:
		ok = slices.Contains(states, trimmed) || slices.Contains(hiddenStates, trimmed)
	case Greeting:
		ok = trimmed == "NormalCustom" || trimmed == "OofCustom"
	case FailureCause:
		ok = slices.Contains(failureCauses, trimmed)
	case Integer:
		_, err := strconv.ParseInt(trimmed, 10, 32)
		ok = err == nil
	}
	if !ok {
		c.add(ruleValue, path, e, "%s is not %s", name(e), kindName(f.Kind))
	}
}

// isBase64 allows white space anywhere, as XML Schema does (part 2 §3.2.16).
func isBase64(s string) bool {
	_, err := base64.StdEncoding.DecodeString(strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "").Replace(s))
	return err == nil
}

func kindName(k Kind) string {
	switch k {
	case Boolean:
		return "true, false, 1 or 0"
	case Base64:
		return "base64"
	case State:
		return "a call state: Connecting, Connected or Disconnected"
	case Cause:
		return "an event cause: None, UserBusy, NoAnswer or Other"
	case Greeting:
		return "NormalCustom or OofCustom"
	case FailureCause:
		return "a cause: None, UserBusy, NoAnswer, Unavailable or Other"
	case Integer:
		return "a 32-bit integer"
	}
	return "text"
}

func (c *checker) callID(path string, e *inspect.Element, id string) {
	switch n := utf8.RuneCountInString(id); {
	case trim(id) == "" && c.part == "response":
		c.add(ruleEmptyNewID, path, e, "the response hands out an empty call identifier")
	case trim(id) == "" && c.op.Name == "DisconnectPhoneCall":
		c.add(ruleEmptyNewID, path, e, "the call identifier is empty; the operation is expected to refuse it")
	case trim(id) == "":
		c.add(ruleEmptyCallID, path, e, "the call identifier is empty")
	case n > MaxCallID && c.op.Name == "GetCallInfo" && c.part == "request":
		c.add(ruleLongCallID, path, e, "the CallId is %d characters long; at most %d are allowed", n, MaxCallID)
	case n > MaxCallID:
		c.add(ruleLongOther, path, e, "the call identifier is %d characters long", n)
	default:
		if _, ok := inspect.DecodeCallID(id); !ok {
			c.add(ruleCallIDForm, path, e, "the call identifier is not base64 of GUID@host, as the published samples are")
		}
	}
}
