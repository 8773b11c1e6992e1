import {el, many, plain, rem, took} from './dom.js';

// The view of how long answers took, how many came when, and what they were: of what the
// filter lets through.
export const name = 'traffic', title = 'Traffic';

// kinds are how an exchange ended; each has a pattern of its own (style.css has the
// colours), so that they can be told apart without colours.
const kinds = [['good', 'answered'], ['fault', 'fault or error'], ['none', 'missed or no answer']];

const statusWords = (status) => (status ? String(status) : 'no answer');

function kindOf(rows, n) {
	if (rows.outcome.of(n) === 'missed' || !rows.status[n]) return 2;
	return rows.status[n] >= 400 || rows.fault.of(n) ? 1 : 0;
}

export function make(page) {
	const {rows, state} = page;
	const figures = el('div', {class: 'figures'});
	const empty = el('div', {class: 'nothing'});
	page.box.append(empty, figures);
	const parts = [latencyPart(page), ratePart(page), statusPart(page)];
	figures.append(...parts.map((p) => p.box));
	let drawn = 0, later = 0;

	// Much is counted anew each time, so not for every exchange that comes.
	function show() {
		const wait = drawn + (rows.length > 20000 ? 1000 : 250) - Date.now();
		if (wait > 0 && drawn) {
			later ||= setTimeout(() => { later = 0; draw(); }, wait);
			return;
		}
		draw();
	}
	function draw() {
		if (page.box.hidden) return;
		drawn = Date.now();
		figures.hidden = !state.shown.length;
		empty.hidden = !figures.hidden;
		if (!empty.hidden) return nothing(empty, page);
		for (const p of parts) p.draw();
		figures.dataset.drawn = (Date.now() - drawn).toFixed(0);
	}
	new ResizeObserver(() => { if (!page.box.hidden && !figures.hidden) for (const p of parts) p.redraw(); }).observe(figures);
	return {show: () => { if (drawn && asked(page) !== parts.asked) drawn = 0; parts.asked = asked(page); show(); }};
}

// asked is what a view was asked for: if it is another thing, it is shown at once.
const asked = ({state}) => `${state.view} ${document.getElementById('filter').value}`;

function nothing(box, {rows, filter}) {
	if (rows.length) {
		box.replaceChildren(el('h2', {}, 'Nothing fits the filter'), el('p', {}, 'Traffic is of what the filter lets through.'),
			el('button', {type: 'button', onclick: () => filter('')}, 'Clear the filter'));
	} else {
		box.replaceChildren(el('h2', {}, 'There is no traffic yet'), el('p', {}, document.documentElement.dataset.mode
			? 'As soon as a client talks through the proxy, this shows how long answers take, how many there are, and what they are.'
			: 'The cassette is empty. umtape record --append CASSETTE records to it; this shows how long answers took, how many there were, and what they were.'));
	}
}

// part is a figure: a heading, a sentence that sums it up, the drawing, and all of it as a
// table.
function part(heading, page, {count, draw, table, sum}) {
	const summary = el('p', {class: 'sum'}), drawing = el('div', {class: 'drawing'}), all = el('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `${heading}, as a table`});
	const details = el('details', {}, el('summary', {}, 'As a table'), all);
	const box = el('section', {class: 'figure'}, el('h2', {}, heading), summary, drawing, details);
	let counted;
	const redraw = () => {
		const width = drawing.clientWidth;
		if (!counted || width < 50) return;
		drawing.replaceChildren(draw(counted, width, `${heading}. ${summary.textContent}`));
	};
	const fill = () => { if (details.open && counted) all.replaceChildren(table(counted)); };
	details.addEventListener('toggle', fill);
	return {
		box, redraw,
		draw() {
			counted = count(page.rows, page.state.shown);
			const text = sum(counted);
			if (summary.textContent !== text) summary.textContent = text;
			redraw();
			fill();
		},
	};
}

// Latency: how many took how long, in steps that grow as the times do.
const steps = [1, 1.5, 2, 3, 5, 7];
const edge = (k) => steps[((k % 6) + 6) % 6] * 10 ** Math.floor(k / 6);
function stepOf(ms) {
	let k = Math.floor(Math.log10(ms)) * 6;
	while (ms >= edge(k + 1)) k++;
	while (ms < edge(k)) k--;
	return k;
}

const percentile = (sorted, p) => sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * p) - 1))];

// spread sums up times, which it sorts.
function spread(times) {
	const sorted = Float64Array.from(times).sort();
	return {n: sorted.length, least: sorted[0], median: percentile(sorted, 0.5), p95: percentile(sorted, 0.95), p99: percentile(sorted, 0.99), most: sorted.at(-1)};
}

function latencyPart(page) {
	return part('How long answers took', page, {
		count(rows, shown) {
			const all = [], byOperation = new Map(), bins = new Map();
			for (const n of shown) {
				const ms = rows.took[n];
				if (!(ms > 0)) continue;
				all.push(ms);
				const op = rows.operation.rows[n];
				if (!byOperation.has(op)) byOperation.set(op, []);
				byOperation.get(op).push(ms);
				const k = stepOf(ms);
				if (!bins.has(k)) bins.set(k, [0, 0, 0]);
				bins.get(k)[kindOf(rows, n)]++;
			}
			const ks = [...bins.keys()], first = Math.min(...ks), last = Math.max(...ks);
			const columns = [];
			for (let k = first; ks.length && k <= last; k++) columns.push({k, from: edge(k), to: edge(k + 1), counts: bins.get(k) || [0, 0, 0]});
			const operations = [...byOperation].map(([op, times]) => ({operation: rows.operation.texts[op], ...spread(times)})).sort((a, b) => b.n - a.n);
			return {columns, operations, all: spread(all), without: shown.length - all.length};
		},
		sum: ({all, without}) => (all.n
			? `Half of ${many(all.n, 'exchange')} took up to ${took(all.median)}, 95 % up to ${took(all.p95)}, 99 % up to ${took(all.p99)}, the longest ${took(all.most)}.`
			: 'Of none is it known.') + (without && all.n ? ` Of ${without.toLocaleString('en')} it is not known.` : ''),
		draw: ({columns}, width, label) => bars(columns, width, label, {
			tick: (k) => took(columns[k]?.from ?? columns[k - 1].to), of: 'exchanges', rounds: [1, 2, 3, 6, 12, 18, 36], phase: columns[0]?.k + 600,
		}),
		table: ({columns, operations}) => el('div', {},
			table(['Operation', 'Exchanges', 'Shortest', 'Median', '95 %', '99 %', 'Longest'], operations.map((o) => [
				link(page, `op:${quoted(o.operation)}`, o.operation), o.n.toLocaleString('en'), ...[o.least, o.median, o.p95, o.p99, o.most].map(took)]), 'By operation'),
			table(['Took', ...kinds.map(([, words]) => words)], columns.map((c) => [
				link(page, `took:>=${c.from} took:<${c.to}`, `${took(c.from)} to ${took(c.to)}`), ...c.counts.map((n) => n.toLocaleString('en'))]), 'By time')),
	});
}

// Rate: how many in each second, minute ... so that there are some dozens of them.
const spans = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 10e3, 15e3, 30e3, 60e3, 120e3, 300e3, 600e3, 900e3, 1800e3, 3600e3, 7200e3, 14400e3, 21600e3, 43200e3];
const day = 86400e3;
function spanOf(ms, most) {
	const span = spans.find((s) => ms / s < most);
	if (span) return span;
	let days = 1;
	while (ms / (days * day) >= most) days *= 2;
	return days * day;
}
function spanWords(ms) {
	for (const [unit, size] of [['day', day], ['hour', 3600e3], ['minute', 60e3], ['second', 1e3]]) {
		if (ms >= size) return ms === size ? unit : `${ms / size} ${unit}s`;
	}
	return `${ms} ms`;
}

function lasted(ms) {
	for (const [unit, size] of [['days', day], ['hours', 3600e3], ['minutes', 60e3]]) {
		if (ms >= 2 * size) return `${Number((ms / size).toFixed(1))} ${unit}`;
	}
	return took(ms);
}

function ratePart(page) {
	return part('How many there were', page, {
		count(rows, shown) {
			let first = Infinity, last = -Infinity, n = 0;
			for (const k of shown) {
				const at = rows.began[k];
				if (!at) continue;
				n++;
				if (at < first) first = at;
				if (at > last) last = at;
			}
			if (!n) return {n, columns: [], without: shown.length};
			const span = spanOf(last - first, 60), from = Math.floor(first / span) * span;
			const columns = Array.from({length: Math.floor((last - from) / span) + 1}, (_, k) => ({at: from + k * span, counts: [0, 0, 0]}));
			for (const k of shown) if (rows.began[k]) columns[Math.floor((rows.began[k] - from) / span)].counts[kindOf(rows, k)]++;
			return {n, columns, span, first, last, without: shown.length - n};
		},
		sum({n, columns, span, first, last, without}) {
			if (!n) return 'Of none it is known when it was.';
			const most = columns.reduce((a, b) => (total(b.counts) > total(a.counts) ? b : a));
			return `${many(n, 'exchange')} in ${last > first ? lasted(last - first) : 'a moment'}, from ${stamp(first, span)} on. The most in a ${spanWords(span)}, ${total(most.counts).toLocaleString('en')}, from ${stamp(most.at, span)} on.`
				.replace(/in a (\d)/, 'in $1').replace('in a h', 'in an h') + (without ? ` Of ${without.toLocaleString('en')} it is not known when.` : '');
		},
		draw: ({columns, span}, width, label) => bars(columns, width, label, {
			tick: (k, every = 1) => stamp(columns[0].at + k * span, span * every, columns.at(-1).at - columns[0].at), of: `exchanges per ${spanWords(span || 1)}`,
			rounds: [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60], phase: columns[0]?.at / span,
		}),
		table: ({columns, span}) => table(['From (UTC)', ...kinds.map(([, words]) => words)],
			columns.filter((c) => total(c.counts)).map((c) => [link(page, `time:>=${iso(c.at)} time:<${iso(c.at + span)}`, stamp(c.at, span)), ...c.counts.map((n) => n.toLocaleString('en'))]), `Exchanges per ${spanWords(span || 1)}`),
	});
}

const iso = (ms) => new Date(ms).toISOString().slice(0, 23);
const total = (counts) => counts[0] + counts[1] + counts[2];

// stamp is a time as finely as the span needs; without the date if all are of one day.
function stamp(ms, span, over) {
	const text = new Date(ms).toISOString();
	if (span >= day) return text.slice(0, 10);
	const clock = text.slice(11, span % 1000 ? 23 : span % 60e3 ? 19 : 16);
	if (over === undefined) return `${text.slice(0, 10)} ${clock}`;
	return over > day ? text.slice(5, 16).replace('T', ' ') : clock;
}

// Answers by status, and faults by kind.
const maxKinds = 14;
function statusPart(page) {
	return part('What the answers were', page, {
		count(rows, shown) {
			const found = new Map();
			for (const n of shown) {
				const missed = rows.outcome.of(n) === 'missed';
				const key = `${rows.status[n]}\n${rows.fault.rows[n]}\n${missed}`;
				const had = found.get(key);
				if (had) had.n++;
				else found.set(key, {n: 1, status: rows.status[n], fault: rows.fault.of(n), missed, kind: kindOf(rows, n)});
			}
			const list = [...found.values()].sort((a, b) => b.n - a.n);
			return {list, all: shown.length};
		},
		sum({list, all}) {
			const of = (k) => list.reduce((sum, x) => sum + (x.kind === k ? x.n : 0), 0);
			return kinds.map(([, words], k) => [of(k), words]).filter(([n]) => n).map(([n, words]) => `${n.toLocaleString('en')} ${words} (${share(n, all)})`).join(', ') + '.';
		},
		draw: ({list, all}, width, label) => lanes(list.slice(0, maxKinds), list.slice(maxKinds), all, width, label),
		table: ({list, all}) => table(['Answer', 'Fault', 'Exchanges', 'Share'], list.map((x) => [
			link(page, x.missed ? 'miss' : `status:${x.status}${x.fault ? ` fault:${quoted(x.fault)}` : ''}`, x.missed ? `${statusWords(x.status)}, missed` : statusWords(x.status)),
			x.fault || '-', x.n.toLocaleString('en'), share(x.n, all)]), 'By status'),
	});
}

function share(n, all) {
	const percent = 100 * n / all;
	return percent && percent < 0.1 ? 'under 0.1 %' : `${percent >= 99.95 || percent === 0 ? Math.round(percent) : percent.toFixed(1)} %`;
}

const quoted = (text) => (/^[\w.:-]+$/.test(text) ? text : `"${text.replaceAll('"', '')}"`);

// link leads to the list, with one more word in the filter.
function link(page, term, text) {
	const filter = document.getElementById('filter').value.trim();
	return el('a', {href: `#${new URLSearchParams({q: filter ? `${filter} ${term}` : term})}`}, plain(text));
}

function table(head, rows, caption) {
	return el('table', {class: 'counts'}, el('caption', {}, caption),
		el('thead', {}, el('tr', {}, ...head.map((h) => el('th', {scope: 'col'}, h)))),
		el('tbody', {}, ...rows.map(([first, ...rest]) => el('tr', {}, el('th', {scope: 'row'}, first), ...rest.map((cell) => el('td', {}, typeof cell === 'string' ? plain(cell) : cell))))));
}

// What follows draws.
const svg = (tag, props = {}, ...children) => {
	const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
	for (const [k, v] of Object.entries(props)) e.setAttribute(k, v);
	e.append(...children);
	return e;
};


// patterns fills what is good with a plain colour, faults with slanting lines, and what
// had no answer with dots.
let patternCount = 0;
function patterns() {
	const id = `k${patternCount++}`, size = rem() * 0.375;
	const tile = (k, ...children) => svg('pattern', {id: `${id}-${k}`, width: size, height: size, patternUnits: 'userSpaceOnUse', ...(k === 1 && {patternTransform: 'rotate(45)'})},
		svg('rect', {width: size, height: size, class: 'ground'}), ...children);
	return {
		defs: svg('defs', {},
			tile(1, svg('rect', {width: size / 2, height: size, class: 'fault'})),
			tile(2, svg('circle', {cx: size / 2, cy: size / 2, r: size / 3.4, class: 'none'}))),
		fill: (k) => (k ? {fill: `url(#${id}-${k})`, class: `c-bar ${kinds[k][0]}`} : {class: 'c-bar good'}),
	};
}

function frame(width, height, label, ...children) {
	return svg('svg', {width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label, class: 'chart'}, ...children);
}

// legend names the kinds that there are, at the top, and returns how many units high it
// is: where there is no room beside the one before, a kind is on the next line.
function legend(out, counts, fill, width, unit) {
	let x = 0, line = 0;
	for (let k = 0; k < kinds.length; k++) {
		if (!counts[k]) continue;
		const wide = unit * (1.4 + kinds[k][1].length * 0.62);
		if (x && x + wide > width) {
			x = 0;
			line++;
		}
		const y = unit * (0.9 + 1.6 * line);
		out.append(svg('rect', {x, y: y - unit * 0.7, width: unit, height: unit * 0.8, ...fill(k)}));
		const text = svg('text', {x: x + unit * 1.4, y, class: 'label'});
		text.textContent = kinds[k][1];
		out.append(text);
		x += wide + unit;
	}
	return 2 + 1.6 * line;
}

// nice is the least round number that is not less.
function nice(n) {
	if (n <= 5) return Math.max(1, Math.ceil(n));
	const ten = 10 ** Math.floor(Math.log10(n));
	return [1, 2, 2.5, 5, 10].map((m) => m * ten).find((v) => v >= n && Number.isInteger(v)) ?? Math.ceil(n);
}

// bars draws columns, upright, each of kinds one above the other. Labels stand between
// them, so many apart as one of rounds; the first column is the phase-th.
function bars(columns, width, label, {tick, of, rounds, phase}) {
	const unit = rem() * 0.8125;
	const out = svg('g'), {defs, fill} = patterns();
	if (!columns.length) return frame(width, 0, label, defs);
	const sums = [0, 1, 2].map((kind) => columns.reduce((sum, c) => sum + c.counts[kind], 0));
	const above = unit * legend(out, sums, fill, width, unit);
	const height = above + unit * 15, bottom = unit * 2, top = above + unit * 1.7;
	const top1 = Math.max(...columns.map((c) => total(c.counts)));
	const max = nice(top1);
	const left = unit * (1.2 + 0.62 * max.toLocaleString('en').length), right = unit * 1.5;
	const w = (width - left - right) / columns.length, h = height - top - bottom;
	const y = (n) => top + h * (1 - n / max);
	for (const n of max <= 5 ? Array.from({length: max + 1}, (_, k) => k) : [0, max / 2, max]) {
		out.append(svg('line', {x1: left, x2: width - right, y1: y(n), y2: y(n), class: n ? 'grid' : 'c-axis'}));
		const text = svg('text', {x: left - unit * 0.5, y: y(n) + unit * 0.35, 'text-anchor': 'end', class: 'label'});
		text.textContent = n.toLocaleString('en');
		out.append(text);
	}
	const name = svg('text', {x: 0, y: above + unit * 0.6, class: 'label'});
	name.textContent = of;
	columns.forEach((c, k) => {
		let from = 0;
		c.counts.forEach((n, kind) => {
			if (!n) return;
			const gap = w > 4 ? Math.min(2, w * 0.12) : 0;
			const high = Math.max(1, h * n / max); // one of many can be seen as well
			out.append(svg('rect', {x: left + k * w + gap, y: Math.max(top, y(from) - high), width: Math.max(0.75, w - 2 * gap), height: high, ...fill(kind)}));
			from += n;
		});
	});
	// As many labels as there is room for, on the edges between columns.
	const widest = Math.max(tick(0).length, tick(columns.length).length) * unit * 0.62 + unit;
	const every = rounds.find((n) => n * w >= widest) || columns.length + 1;
	let free = 0;
	for (let k = (every - phase % every) % every; k <= columns.length; k += every) {
		const x = left + k * w;
		const near = x + widest / 2 > width ? 'end' : x - widest / 2 < 0 ? 'start' : 'middle';
		const from = x - {end: widest, start: 0, middle: widest / 2}[near];
		if (from < free) continue;
		free = from + widest;
		out.append(svg('line', {x1: x, x2: x, y1: height - bottom, y2: height - bottom + unit * 0.35, class: 'c-axis'}));
		const text = svg('text', {x, y: height - bottom + unit * 1.5, 'text-anchor': near, class: 'label'});
		text.textContent = tick(k, every);
		out.append(text);
	}
	out.append(name);
	return frame(width, height, label, defs, out);
}

// lanes draws one bar for each kind of answer, from left to right.
function lanes(list, rest, all, width, label) {
	const unit = rem() * 0.8125, row = unit * 3.1;
	if (rest.length) list = [...list, {n: rest.reduce((sum, x) => sum + x.n, 0), other: rest.length, kind: 1}];
	const out = svg('g'), {defs, fill} = patterns();
	const above = unit * legend(out, [0, 1, 2].map((kind) => list.reduce((sum, x) => sum + (x.kind === kind ? x.n : 0), 0)), fill, width, unit);
	list.forEach((x, k) => {
		const y = above + k * row;
		const text = svg('text', {x: 0, y: y + unit, class: 'label strong'});
		text.textContent = x.other ? `${x.other} other kinds` : plain([statusWords(x.status), x.missed ? 'missed' : x.fault].filter(Boolean).join(' ')).slice(0, Math.max(8, Math.floor(width / unit / 0.62) - 18));
		const count = svg('text', {x: width, y: y + unit, 'text-anchor': 'end', class: 'label'});
		count.textContent = `${x.n.toLocaleString('en')} (${share(x.n, all)})`;
		out.append(text, count,
			svg('rect', {x: 0.5, y: y + unit * 1.4, width: width - 1, height: unit, class: 'c-lane'}),
			svg('rect', {x: 0.5, y: y + unit * 1.4, width: Math.max(1, (width - 1) * x.n / all), height: unit, ...fill(x.kind)}));
	});
	return frame(width, above + row * list.length, label, defs, out);
}
