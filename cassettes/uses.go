package cassettes

import "slices"

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
	*Interaction
	Name      string // FILE#ID
	Path      string // of its cassette, as given to Load
	Operation string
	Times     int
}

// MissCount is one kind of miss.
type MissCount struct {
	Miss
	Times int
}

// uses counts for [Player.Uses]. The zero value works.
type uses struct {
	times  map[int]int // by interaction
	misses []MissCount
	kinds  map[missKind]int // where in misses
	others int
}

type missKind struct{ operation, reason string }

// maxMissKinds bounds what clients can make a player keep.
const maxMissKinds = 1000

func (u *uses) answered(n int) {
	if u.times == nil {
		u.times = map[int]int{}
	}
	u.times[n]++
}

func (u *uses) missed(m Miss) {
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

// Uses returns what has been done so far.
func (p *Player) Uses() Uses {
	p.mu.Lock()
	defer p.mu.Unlock()
	u := Uses{Missed: slices.Clone(p.uses.misses), Others: p.uses.others}
	unused := p.index.unused()
	for n, r := range p.recorded {
		use := Use{Interaction: r.Interaction, Name: r.name, Path: r.path, Operation: r.operation, Times: p.uses.times[n]}
		_, idle := slices.BinarySearch(unused, n)
		switch {
		case use.Times > 0:
			u.Used = append(u.Used, use)
		case idle && !r.challenge():
			u.Unused = append(u.Unused, use)
		}
	}
	return u
}
