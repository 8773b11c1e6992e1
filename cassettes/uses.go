package cassettes

import (
	"slices"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// Uses is what a [Player] has done with each interaction, for a report that prune
// reads.
type Uses struct {
	Used   []Use       // have answered, in the order of the cassettes
	Unused []Use       // have answered nothing; not the challenges before an answer
	Missed []MissCount // what nothing answered, in the order in which it first came
	Others int         // misses that are in no entry of Missed, since there were too many kinds
}

// Use is one interaction and how often it has answered.
type Use struct {
	Name        string // FILE#ID
	Path        string // of its cassette, as given to Load
	ID          int
	Operation   string
	Fingerprint string // see [Interaction.Fingerprint]
	Times       int
}

// MissCount is one kind of miss.
type MissCount struct {
	Miss
	Times int
}

// uses counts for [Player.Uses]. The zero value works.
type uses struct {
	misses []MissCount
	kinds  map[missKind]int // where in misses
	others int
}

type missKind struct{ operation, reason string }

// maxMissKinds bounds what clients can make a player keep.
const maxMissKinds = 1000

func (u *uses) missed(m Miss) {
	m.Operation = strings.Clone(inspect.Shorten(m.Operation, maxSaidPath)) // it is part of a whole message
	m.Reason = inspect.Shorten(m.Reason, maxSaidReason)
	m.Differences, m.all = slices.Clone(m.Differences), nil
	for n, d := range m.Differences {
		m.Differences[n] = inspect.Difference{Path: inspect.Shorten(d.Path, 2*maxSaidPath), What: inspect.Shorten(d.What, 4*maxSaidPath)}
	}
	kind := missKind{m.Operation, m.Reason}
	n, known := u.kinds[kind]
	switch {
	case known:
		u.misses[n].Times++
	case len(u.misses) == maxMissKinds:
		u.others++
	default:
		if u.kinds == nil {
			u.kinds = map[missKind]int{}
		}
		u.kinds[kind] = len(u.misses)
		u.misses = append(u.misses, MissCount{m, 1})
	}
}

// Uses returns what has been done so far. It reads every interaction. The error is
// that of a cassette that cannot be read any more.
func (p *Player) Uses() (Uses, error) {
	p.mu.Lock()
	u := Uses{Missed: slices.Clone(p.uses.misses), Others: p.uses.others}
	p.mu.Unlock()
	l := p.library.Load()
	for n, times := range l.index.uses() {
		if times == 0 && l.marks.at(n).flags&markChallenge != 0 {
			continue
		}
		i, err := l.interaction(n)
		if err != nil {
			return u, err
		}
		r, _ := l.at(n)
		use := Use{Name: l.name(n), Path: r.path, ID: i.ID, Operation: p.options.Match.askedOf(i).operation(), Fingerprint: i.Fingerprint(), Times: int(times)}
		if times > 0 {
			u.Used = append(u.Used, use)
		} else {
			u.Unused = append(u.Unused, use)
		}
	}
	return u, nil
}
