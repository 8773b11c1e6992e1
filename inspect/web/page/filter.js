// A filter is words that all have to be found, with where before a colon.

const places = {
	op: 'operation', operation: 'operation', shape: 'shape', fault: 'fault', client: 'client', file: 'file', outcome: 'outcome',
};

// parse returns the terms of a filter, or throws what is wrong with it, in words.
export function parse(text) {
	const terms = [];
	for (const [, minus, where, quoted, bare] of text.matchAll(/(-?)(?:([a-zA-Z]+):)?(?:"([^"]*)"?|(\S+))?/g)) {
		const value = (quoted ?? bare ?? '').toLowerCase();
		if (!where && !value) continue;
		terms.push({not: minus === '-', where: (where || '').toLowerCase(), value});
	}
	return terms.map(test);
}

// texts are those that the terms look for in bodies.
export const texts = (terms) => terms.flatMap((t) => t.text || []);

const compare = {'>': (a, b) => a > b, '<': (a, b) => a < b, '>=': (a, b) => a >= b, '<=': (a, b) => a <= b};

// test makes of a term what prepares a test of rows from all of them.
function test({not, where, value}) {
	const of = (make) => (rows) => {
		const yes = make(rows);
		return not ? (n) => !yes(n) : yes;
	};
	if (Object.hasOwn(places, where)) {
		if (!value && where !== 'fault') return of(() => () => true); // still being typed
		if (!value) return of((rows) => any(rows.fault, (t) => t !== ''));
		return of((rows) => any(rows[places[where]], (t) => t.toLowerCase().includes(value)));
	}
	if (where === 'text') {
		return Object.assign((rows) => value ? rows.search.test(value, not) : () => true, {text: value});
	}
	if (where === 'call') return of((rows) => inCall(rows, value));
	if (where === 'id') return of((rows) => (n) => String(rows.id[n]) === value);
	if (where === 'status') return of((rows) => (n) => value === '' || status(rows.status[n], value));
	if (where === 'took') {
		const [, how = '>', number] = value.match(/^([<>]=?)?([\d.]*)$/) || [];
		if (number === undefined) throw new Error('took: is for milliseconds, as in took:>500');
		return of((rows) => (n) => number === '' || compare[how](rows.took[n], Number(number)));
	}
	if (where === 'time') return of((rows) => during(rows, value));
	if (where) {
		value = `${where}:${value}`; // a namespace's prefix, a host with its port
	}
	if (value === 'hit') return of((rows) => any(rows.outcome, (t) => t === 'replayed'));
	if (value === 'miss') return of((rows) => any(rows.outcome, (t) => t === 'missed'));
	if (value === 'fault') return of((rows) => any(rows.fault, (t) => t !== ''));
	if (value === 'found') return of((rows) => (n) => rows.errors[n] + rows.warnings[n] > 0);
	return of((rows) => {
		const found = ['operation', 'shape', 'fault', 'outcome', 'client', 'file'].map((c) => any(rows[c], (t) => t.toLowerCase().includes(value)));
		const call = inCall(rows, value);
		return (n) => found.some((yes) => yes(n)) || call(n) || String(rows.status[n]) === value;
	});
}

function status(status, value) {
	const [, how, number] = value.match(/^([<>]=?)(\d+)$/) || [];
	if (how) return compare[how](status, Number(number));
	return String(status).startsWith(value.replace(/x+$/, ''));
}

// during compares times as they are written, 2026-11-01T10:03:00.000, as far as the value
// goes; without a date, those of any day.
function during(rows, value) {
	const [, how, text] = value.match(/^([<>]=?)?(.*)$/), from = /^\d+:/.test(text) ? 11 : 0;
	return (n) => {
		if (!text || !rows.began[n]) return !text;
		const at = new Date(rows.began[n]).toISOString().toLowerCase().slice(from, from + text.length);
		return how ? compare[how](at, text) : at === text;
	};
}

// any tests each text of a column once, however many rows have it.
function any(column, yes) {
	const fits = column.texts.map(yes);
	return (n) => fits[column.rows[n]];
}

function inCall(rows, value) {
	const fits = rows.calls.map((c) => c.includes(value));
	return (n) => rows.call[n] >= 0 && fits[rows.call[n]];
}

// choose returns the numbers of the rows that all terms let through.
export function choose(rows, terms, from = 0, into = [], end = rows.length) {
	const tests = terms.map((t) => t(rows));
	for (let n = from; n < end; n++) {
		if (tests.every((yes) => yes(n))) into.push(n);
	}
	return into;
}

// among tests whether a row is one of those in a list.
export function among(rows, list) {
	const is = new Uint8Array(rows.length);
	for (const n of list) is[n] = 1;
	return (n) => is[n] === 1;
}
