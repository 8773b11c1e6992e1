package captures

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// maxUnpacked is how many bytes an archive may unpack to, in all.
const maxUnpacked = 1 << 30

var sazRequest = regexp.MustCompile(`^raw[/\\]0*([0-9]{1,9})_c\.txt$`)

// ReadSAZ reads an archive of Fiddler: a ZIP file with request, response and times of
// each session.
func ReadSAZ(data []byte, keep func(*Exchange) error) error {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return errors.New("not a whole ZIP file; save it again with Fiddler")
	}
	left := int64(maxUnpacked)
	files := map[string]*zip.File{}
	var names []string
	for _, f := range z.File {
		name := strings.ReplaceAll(strings.ToLower(f.Name), `\`, "/")
		files[name] = f
		if sazRequest.MatchString(name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return errors.New("not an archive of Fiddler: it has no raw/NUMBER_c.txt")
	}
	slices.SortFunc(names, func(a, b string) int {
		x, y := sazRequest.FindStringSubmatch(a)[1], sazRequest.FindStringSubmatch(b)[1]
		if len(x) != len(y) {
			return len(x) - len(y)
		}
		return strings.Compare(x, y)
	})
	for _, name := range names {
		request, err := unzip(files[name], &left)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		base := strings.TrimSuffix(name, "_c.txt")
		x := &Exchange{}
		if err := readRequest(bufio.NewReader(bytes.NewReader(request)), "http", x); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		response, err := unzip(files[base+"_s.txt"], &left)
		if err != nil {
			return fmt.Errorf("%s_s.txt: %w", base, err)
		}
		if len(response) > 0 {
			if err := readResponse(bufio.NewReader(bytes.NewReader(response)), x); err != nil {
				return fmt.Errorf("%s_s.txt: %w", base, err)
			}
		}
		meta, err := unzip(files[base+"_m.xml"], &left)
		if err != nil {
			return fmt.Errorf("%s_m.xml: %w", base, err)
		}
		times(meta, x)
		if err := keep(x); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// unzip returns a file's content, nothing for one that is not there.
func unzip(f *zip.File, left *int64) ([]byte, error) {
	if f == nil {
		return nil, nil
	}
	if f.Flags&1 != 0 {
		return nil, errors.New("it is encrypted; save the archive without a password")
	}
	r, err := f.Open()
	if err != nil {
		return nil, errors.New("it cannot be unpacked")
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, *left+1))
	if err != nil {
		return nil, errors.New("it cannot be unpacked to its end")
	}
	if *left -= int64(len(b)); *left < 0 {
		return nil, errors.New("the archive unpacks to more than 1 GiB; save it in parts")
	}
	return b, nil
}

// times takes what is known of when from a session's XML; that is nothing if it cannot
// be read.
func times(meta []byte, x *Exchange) {
	var session struct {
		Timers struct {
			Began    string `xml:"ClientBeginRequest,attr"`
			Answered string `xml:"ServerBeginResponse,attr"`
		} `xml:"SessionTimers"`
	}
	if xml.Unmarshal(bytes.TrimPrefix(meta, byteOrderMark), &session) != nil {
		return
	}
	began, err := time.Parse(time.RFC3339Nano, session.Timers.Began)
	if err != nil || began.Year() < 1990 {
		return
	}
	x.Started = began.UTC().Truncate(time.Microsecond)
	if answered, err := time.Parse(time.RFC3339Nano, session.Timers.Answered); err == nil && answered.After(began) {
		x.Took = answered.Sub(began)
	}
}
