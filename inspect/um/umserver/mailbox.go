package umserver

import (
	"encoding/base64"
	"strconv"
)

// mailbox is the user's settings, by the names that GetUMProperties gives them.
// Whoever uses it holds the server's lock.
type mailbox map[string]string

func newMailbox() mailbox {
	return mailbox{
		"OofStatus":                     "false",
		"MissedCallNotificationEnabled": "true",
		"PlayOnPhoneDialString":         "5550142",
		"TelephoneAccessNumbers":        "5550100",
		"TelephoneAccessFolderEmail":    folderID(),
	}
}

// folderID is an invented EntryID of a folder: 46 bytes, the first four zero,
// as in the published examples (section 1.1).
func folderID() string {
	b := make([]byte, 46)
	for i := 4; i < len(b); i++ {
		b[i] = byte(37 * i)
	}
	return base64.StdEncoding.EncodeToString(b)
}

// canonicalBool returns an xs:boolean as servers write it.
func canonicalBool(v string) string { return strconv.FormatBool(v == "true" || v == "1") }
