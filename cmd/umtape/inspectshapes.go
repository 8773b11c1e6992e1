package main

import (
	"fmt"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/inspect/um"
)

// showShapes shows the structure of every kind of message in the cassettes, or
// writes it down as a contract.
func (i *inspection) showShapes(paths []string) error {
	groups, others, err := i.shapesOf(paths)
	if err != nil {
		return err
	}
	switch {
	case i.output != "":
		if len(groups) == 0 {
			return fmt.Errorf("%s: there is no SOAP message to make a contract of", paths[0])
		}
		comment := fmt.Sprintf("What the messages of %s are like.\nHold others to it: umtape validate --shapes %s CASSETTE", report.Printable(named(paths)), report.Printable(i.output))
		if err := cassettes.SaveContract(i.output, inspect.NewContract(groups), comment, i.force); err != nil {
			return err
		}
		i.say("wrote %s to %s; hold a cassette to it: umtape validate --shapes %s CASSETTE", count(len(groups), "shape"), i.output, i.output)
		return nil
	case i.asJSON:
		return report.ShapesJSON(i.stdout, groups)
	}
	whole := true
	if len(groups) > 0 {
		if whole, err = report.Shapes(i.stdout, groups, i.look); err != nil {
			return err
		}
	}
	if others > 0 || len(groups) == 0 {
		blank := ""
		if len(groups) > 0 {
			blank = "\n"
		}
		what := count(others, "interaction") + " without a SOAP message"
		if others == 0 {
			what = "no interactions"
		}
		if _, err := fmt.Fprintf(i.stdout, "%s%s\n", blank, what); err != nil {
			return err
		}
	}
	return i.footer(i.look, whole, "")
}

// named is what to call several cassettes.
func named(paths []string) string {
	if len(paths) == 1 {
		return paths[0]
	}
	return fmt.Sprintf("%s and %d more", paths[0], len(paths)-1)
}

// shapesOf gathers the structure of every message of cassettes, and counts the
// interactions that have none.
func (i *inspection) shapesOf(paths []string) (groups []inspect.ShapeGroup, others int, err error) {
	var shapes inspect.Shapes
	for _, path := range paths {
		_, _, err := i.each(path, func(e report.Entry) error {
			if !i.shows(e) {
				return nil
			}
			asked, answered, hasRequest, hasResponse := inspect.ShapeKeys(e.Reading, um.Service(e.Reading))
			in := inspect.ShapeIn{File: e.File, ID: e.ID}
			if hasRequest {
				shapes.Add(asked, e.Request, in)
			}
			if hasResponse {
				shapes.Add(answered, e.Response, in)
			}
			if !hasRequest && !hasResponse {
				others++
			}
			return nil
		})
		if err != nil {
			return nil, 0, err
		}
	}
	return shapes.Groups(), others, nil
}

// showShapeDiff shows what has changed from one recording to another. Its exit code
// is that of diff: 0 for no difference, 1 for some.
func (i *inspection) showShapeDiff(before, after string) error {
	old, _, err := i.shapesOf([]string{before})
	if err != nil {
		return err
	}
	now, _, err := i.shapesOf([]string{after})
	if err != nil {
		return err
	}
	changes := report.CompareShapes(old, now)
	if i.asJSON {
		err = report.ShapeChangesJSON(i.stdout, changes)
	} else {
		var whole bool
		whole, err = report.ShapeChanges(i.stdout, before, after, changes, i.look)
		if err == nil {
			err = i.footer(i.look, whole, "")
		}
	}
	if err == nil && len(changes) > 0 {
		err = errFound
	}
	return err
}
