// Trees of structures put together, as package inspect does it: for a report, where nobody
// can be asked.

const kinds = ['empty', 'boolean', 'integer', 'decimal', 'dateTime', 'text'];

// merge is the tree of all messages that have one of these structures, whose trees are
// given with their numbers, [number, parts]. lumped says that one is of several, so that
// not all its messages have what is in it.
export function merge(trees, lumped = false) {
	const all = trees.map(([n, parts]) => numbered({occurs: '1', parts}, lumped ? [] : [n]));
	return all.reduce(joined).parts;
}

// beside is the tree of two structures together, with what each has at every place.
export function beside(a, b) {
	const walk = (both, inA, inB) => both.map((p) => {
		const of = (parts) => parts?.find((o) => key(o) === key(p));
		const [left, right] = [of(inA), of(inB)], same = left && right && left.occurs === right.occurs && left.values === right.values;
		const side = (o) => o && {occurs: o.occurs, values: o.values};
		return {...p, a: side(left), b: side(right), same: Boolean(same), parts: walk(p.parts, left?.parts, right?.parts)};
	});
	const parts = walk(merge([[0, a], [1, b]]), a, b);
	const differs = (p) => !p.same || p.parts.some(differs);
	return {parts, differences: parts.filter(differs)};
}

const key = (p) => `${p.attr ? '@' : ''}${p.ns || ''} ${p.name}`;
const numbered = (p, at) => ({...p, in: at, parts: (p.parts || []).map((c) => numbered(c, at))});

function occurs(...list) {
	const ends = list.flatMap((o) => o.split('..')).map((n) => (n === 'n' ? Infinity : Number(n)));
	const [least, most] = [Math.min(...ends), Math.max(...ends)].map((n) => (n === Infinity ? 'n' : String(n)));
	return least === most ? most : `${least}..${most}`;
}

const optional = (p) => ({...p, occurs: occurs('0', p.occurs), optional: true});

function joined(a, b) {
	const values = kinds.filter((k) => [a, b].some((p) => (p.values || '').split('|').includes(k))).join('|');
	const parts = [...a.parts], at = new Map(parts.map((p, n) => [key(p), n]));
	const behind = new Map(); // those of b alone, by the part of both that they come behind
	let anyOrder = a.any_order || b.any_order, before = '', last = -1;
	for (const p of b.parts) {
		const n = at.get(key(p));
		if (n === undefined) {
			if (!behind.has(before)) behind.set(before, []);
			behind.get(before).push(optional(p));
			continue;
		}
		at.delete(key(p));
		parts[n] = joined(parts[n], p);
		before = key(p);
		if (p.attr) continue;
		anyOrder ||= n < last;
		last = Math.max(last, n);
	}
	for (const n of at.values()) parts[n] = optional(parts[n]);
	const all = ['', ...parts].flatMap((p) => [p, ...(behind.get(p && key(p)) || [])]).slice(1);
	const attrs = all.filter((p) => p.attr).sort((x, y) => (key(x) < key(y) ? -1 : 1));
	return {...a, values: values || undefined, occurs: occurs(a.occurs, b.occurs), any_order: anyOrder, optional: a.optional || b.optional,
		in: [...a.in, ...b.in], parts: [...attrs, ...all.filter((p) => !p.attr)]};
}
