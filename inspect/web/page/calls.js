// Calls: a lane for each call, with its exchanges and the states that they showed, on
// one axis of time.

import {clock, el, many, plain, rem, took} from './dom.js';
import {among} from './filter.js';
import {Source} from './load.js';
import {told} from './panes.js';

export const name = 'calls';
export const title = 'Calls';

const choices = [
	['', 'All calls', () => true],
	['open', 'Left open', (c) => c.open],
	['nowhere', 'With no known start', (c) => c.nowhere],
	['late', 'Used after the end', (c) => c.late.length > 0],
	['back', 'Came back from it', (c) => c.back.length > 0],
	['refused', 'Refused or unanswered', (c) => c.refused],
	['none', 'Requests of no call', (c) => !c.named],
];

const patterns = 6; // that states are drawn in

export function make(page) {
	const {box, rows, state} = page;
	const source = new Source(page, 'calls', draw);
	let calls = [], made = null; // made is the data that calls are of
	let shown = []; // calls, the newest first
	let states = []; // in the order in which they were first shown
	let active = {call: null, at: -1}; // at is which of its moments, -1 for the lane
	let pool = [], height = 0, window_ = null, saving = 0, followed = -1, em = 16;
	const near = () => .875 * em; // marks that are nearer to each other are one

	const which = el('select', {id: 'calls-which', onchange: () => { page.set({only: which.value}); draw(); }},
		...choices.map(([value, text]) => el('option', {value}, text)));
	const byStart = el('button', {type: 'button', 'aria-pressed': 'false', 'aria-keyshortcuts': 's', onclick: align}, 'Align starts');
	const said = told(source);
	const bar = el('header', {class: 'bar'},
		el('label', {for: 'calls-which'}, 'Show'), which, byStart,
		el('span', {class: 'group', role: 'group', 'aria-label': 'Zoom'},
			el('button', {type: 'button', 'aria-label': 'Zoom out', 'aria-keyshortcuts': '-', onclick: () => zoom(2)}, '−'),
			el('button', {type: 'button', 'aria-label': 'Zoom in', 'aria-keyshortcuts': '+', onclick: () => zoom(.5)}, '+'),
			el('button', {type: 'button', 'aria-label': 'Fit to the calls on the screen', 'aria-keyshortcuts': '0', onclick: fit}, 'Fit')),
		said.box);
	const legend = el('p', {class: 'legend', 'aria-hidden': 'true'});
	const ticks = el('div', {class: 'ticks', role: 'columnheader', 'aria-label': 'Time'});
	const lanes = el('div', {class: 'lanes-rows', role: 'rowgroup'});
	const grid = el('div', {class: 'lanes', role: 'grid', 'aria-label': 'Calls, newest first', tabindex: '0', 'aria-describedby': 'calls-keys'},
		el('div', {class: 'axis', role: 'row', 'aria-rowindex': 1}, el('span', {class: 'lane-name', role: 'columnheader'}, 'Call'), ticks), lanes);
	const keys = el('p', {class: 'hint', id: 'calls-keys'}, 'Arrow keys go to calls and their exchanges, Enter opens one, + - 0 zoom, Shift with the arrow keys moves in time, z zooms to a call, s aligns starts.');
	const none = el('div', {class: 'empty', role: 'region', 'aria-label': 'What to do next', tabindex: '0', hidden: true});
	box.append(bar, legend, el('div', {class: 'lanes-box'}, grid, none), keys);

	new ResizeObserver(() => { height = 0; paint(); }).observe(grid);
	let frame = 0;
	const later = () => { frame ||= requestAnimationFrame(() => { frame = 0; paint(); }); };
	grid.addEventListener('scroll', later, {passive: true});
	grid.addEventListener('wheel', (e) => {
		if (!e.ctrlKey && !e.altKey) return;
		e.preventDefault();
		zoom(e.deltaY > 0 ? 1.25 : .8, (e.clientX - ticks.getBoundingClientRect().left) / (ticks.clientWidth || 1));
	}, {passive: false});
	// A mouse moves time by dragging; a finger scrolls.
	let drag = null;
	grid.addEventListener('pointerdown', (e) => {
		if (e.pointerType === 'mouse' && e.button === 0 && !e.target.closest('.moment, .lane-name')) drag = {x: e.clientX, time: time(), moved: false, id: e.pointerId};
	});
	grid.addEventListener('pointermove', (e) => {
		if (!drag || !drag.moved && Math.abs(e.clientX - drag.x) < 4) return;
		if (!drag.moved) grid.setPointerCapture(drag.id);
		drag.moved = true;
		const [from, to] = drag.time, by = (drag.x - e.clientX) / (ticks.clientWidth || 1) * (to - from);
		setTime([from + by, to + by]);
	});
	for (const end of ['pointerup', 'pointercancel']) grid.addEventListener(end, () => { drag = null; });
	lanes.addEventListener('click', (e) => {
		const lane = e.target.closest('.lane');
		if (!lane) return;
		const call = shown[lane.dataset.at];
		const mark = e.target.closest('.moment');
		active = {call, at: mark ? Number(mark.dataset.i) : -1};
		if (mark) page.open(call.moments[active.at].n);
		else if (e.target.closest('.zoom-to')) zoomTo(call);
		grid.focus({preventScroll: true});
		paint();
	});

	// read makes calls of what umtape said.
	function read(data) {
		made = data;
		const known = new Map();
		let from = 0;
		calls = data.size.map((size, k) => {
			const moments = [];
			for (let i = from; i < from + size; i++) moments.push({n: data.moment[i], step: data.steps[data.step[i]]});
			from += size;
			const c = {
				k, moments, named: data.named[k], start: data.start[k], end: data.end[k], lasted: data.lasted[k], every: data.every[k],
				late: data.late[k] || [], back: data.back[k] || [], server: data.servers?.[k] || '',
			};
			c.open = c.start >= 0 && c.end < 0;
			c.nowhere = c.named && c.start < 0;
			c.refused = moments.some(({step}) => step.refused || step.unanswered);
			c.timed = moments.every(({n}) => rows.began[n] > 0);
			return c;
		});
		for (const s of data.steps) if (s.state && !s.over && !known.has(s.state)) known.set(s.state, known.size);
		states = [...known.keys()];
		const was = active.call?.moments[0].n;
		active.call = was === undefined ? null : calls.find((c) => c.moments[0].n === was) || null;
	}

	const look = () => source.look({reveal: state.reveal ? 1 : 0});

	function show() {
		which.value = page.get('only');
		if (which.selectedIndex < 0) which.value = '';
		byStart.setAttribute('aria-pressed', String(page.get('axis') === 'start'));
		const [, from, to] = page.get('t').match(/^(-?\d+)_(-?\d+)$/) || [];
		window_ = Number(to) > Number(from) ? [Number(from), Number(to)] : null;
		look();
		draw();
	}

	function draw() {
		if (box.hidden) return;
		if (source.data && source.data !== made) read(source.data);
		const isShown = among(rows, state.shown);
		const [, , fits] = choices.find(([value]) => value === which.value) || choices[0];
		shown = made && made.anew === rows.anew ? calls.filter((c) => fits(c) && c.moments.some(({n}) => isShown(n))).reverse() : [];
		if (!shown.includes(active.call)) active = {call: null, at: -1};
		if (state.open !== followed && shown.length) {
			followed = state.open;
			if (followed >= 0) follow(followed);
		}
		tell();
		paint();
	}

	// follow goes to the exchange that is open.
	function follow(n) {
		if (active.call?.moments[active.at]?.n === n) return;
		for (const call of shown) {
			const at = call.moments.findIndex((m) => m.n === n);
			if (at >= 0) {
				active = {call, at};
				reach();
				return;
			}
		}
	}

	function tell() {
		const count = (f) => shown.reduce((sum, c) => sum + (f(c) ? 1 : 0), 0);
		const named = count((c) => c.named), unnamed = shown.length - named;
		const parts = [[(c) => c.open, 'left open'], [(c) => c.nowhere, 'with no known start'], [(c) => c.late.length, 'used after the end'], [(c) => c.back.length, 'came back from it']]
			.map(([f, what]) => [count(f), what]).filter(([n]) => n).map(([n, what]) => `${n.toLocaleString('en')} ${what}`);
		said.say([many(named, 'call'), ...parts].join(', ') + (unnamed ? `; ${many(unnamed, 'request')} of no call` : ''));
		legend.replaceChildren(...[['start', 'start'], ['poll', 'poll'], ['end', 'end'], ['over', 'found ended'], ['refused', 'refused or unanswered']].map(([kind, text]) => el('span', {}, el('i', {class: `glyph ${kind}`}), text)),
			el('span', {}, el('i', {class: 'bar-key unknown'}), 'state not known'),
			...states.slice(0, patterns).map((s, k) => el('span', {}, el('i', {class: `bar-key s${k}`}), plain(s))));
		none.hidden = shown.length > 0 || !made && !source.problem;
		grid.hidden = !none.hidden;
		legend.hidden = keys.hidden = grid.hidden;
		if (none.hidden) return;
		if (!rows.length) {
			none.replaceChildren(el('h2', {}, 'There is no call yet'), el('p', {}, 'Calls appear here as clients begin them with PlayOnPhone, ask for them with GetCallInfo and end them with Disconnect. The list of exchanges says how to point a client here.'));
		} else if (!made?.some && (which.value || state.shown.length < rows.length)) {
			none.replaceChildren(el('h2', {}, 'No call is like that'), el('p', {}, `None of ${many(calls.length, 'call')} fits the filter and what is chosen above.`),
				el('button', {type: 'button', onclick: () => { page.set({only: ''}); page.filter(''); }}, 'Show all calls'));
		} else if (made?.some) {
			none.replaceChildren(el('h2', {}, 'Calls are not in this report'), el('p', {}, 'The life of a call is all of its exchanges, and this report was made of some that were chosen by operation, or by how they ended. A report that is made without --operation and --faults, or with --call, has calls.'));
		} else {
			none.replaceChildren(el('h2', {}, 'There are no calls here'), el('p', {}, `None of ${many(rows.length, 'exchange')} is part of a call: PlayOnPhone, GetCallInfo, Disconnect and what follows them in EWS are. Exchanges, Shapes and Findings show other services as well.`));
		}
	}

	const zero = (c) => (page.get('axis') === 'start' ? rows.began[c.moments[0].n] : 0);

	// span is the time that some calls take.
	function span(list) {
		let from = Infinity, to = -Infinity;
		for (const c of list) {
			if (!c.timed) continue;
			const first = rows.began[c.moments[0].n] - zero(c), last = c.moments[c.moments.length - 1].n;
			from = Math.min(from, first);
			to = Math.max(to, rows.began[last] + rows.took[last] - zero(c));
		}
		if (from > to) return [0, 1000];
		const room = Math.max((to - from) * .03, 1);
		return [from - room, to + room];
	}

	function visible() {
		const top = Math.max(0, Math.floor(grid.scrollTop / height)), fit = Math.ceil(grid.clientHeight / height);
		return [top, Math.min(shown.length, top + fit)];
	}

	function time() { return window_ || span(shown.slice(...visible())); }

	function setTime(to) {
		window_ = to && to.map(Math.round);
		if (window_ && window_[1] <= window_[0]) window_[1] = window_[0] + 1;
		paint();
		clearTimeout(saving);
		saving = setTimeout(() => { if (!box.hidden) page.set({t: window_ ? window_.join('_') : ''}); }, 200);
	}

	function zoom(by, around = .5) {
		const [from, to] = time();
		const size = Math.min(Math.max((to - from) * by, 2), 366 * 86400e3), at = from + (to - from) * around;
		setTime([at - size * around, at + size * (1 - around)]);
	}
	function zoomTo(call) { if (call?.timed) setTime(span([call])); }
	function fit() { setTime(null); }
	function move(by) {
		const [from, to] = time();
		setTime([from + (to - from) * by, to + (to - from) * by]);
	}
	function align() {
		page.set({axis: page.get('axis') ? '' : 'start', t: ''});
		show();
	}

	function paint() {
		if (box.hidden || grid.hidden || !grid.clientHeight) return;
		em = rem();
		const narrow = grid.clientWidth < 40 * em;
		grid.classList.toggle('narrow', narrow);
		height = (narrow ? 4.75 : 3) * em;
		lanes.style.height = shown.length * height + 'px';
		grid.setAttribute('aria-rowcount', shown.length + 1);
		const [top, end] = visible();
		const from = Math.max(0, top - 2), to = Math.min(shown.length, end + 2);
		const t = time(), width = ticks.clientWidth;
		axis(t, width);
		while (pool.length < to - from) pool.push(lanes.appendChild(el('div', {class: 'lane', role: 'row'})));
		pool.forEach((lane, k) => {
			lane.hidden = k >= to - from;
			if (!lane.hidden) fill(lane, shown[from + k], from + k, t, width);
		});
		const on = lanes.querySelector('.lane:not([hidden]) .moment.active') || lanes.querySelector('.lane.active:not([hidden]) .lane-name');
		if (on) grid.setAttribute('aria-activedescendant', on.id);
		else grid.removeAttribute('aria-activedescendant');
	}

	function axis([from, to], width) {
		const step = steps.find((s) => s >= (to - from) / Math.max(2, width / (8 * em))) || steps[steps.length - 1];
		const list = [];
		for (let at = Math.ceil(from / step) * step; at <= to && list.length < 200; at += step) {
			const tick = el('span', {class: 'tick'}, page.get('axis') ? since(at) : clock(at).slice(0, step < 1000 ? 12 : 8));
			tick.style.left = (at - from) / (to - from) * width + 'px';
			list.push(tick);
		}
		ticks.replaceChildren(...list);
	}

	function fill(lane, c, at, [from, to], width) {
		lane.dataset.at = at;
		lane.setAttribute('aria-rowindex', at + 2);
		lane.classList.toggle('active', c === active.call);
		lane.style.height = height + 'px';
		lane.style.transform = `translateY(${at * height}px)`;
		const track = el('div', {class: 'track'}), cells = [];
		const x = (i) => {
			const {n} = c.moments[i];
			return c.timed ? (rows.began[n] - zero(c) - from) / (to - from) * width : (i + .5) / c.moments.length * width;
		};
		bars(c, x, width, track);
		let last = -Infinity;
		const gap = near();
		for (let i = 0; i < c.moments.length; i++) {
			const left = x(i), isActive = c === active.call && i === active.at;
			if (!isActive && (left < -gap || left > width + gap)) continue;
			const before = cells[cells.length - 1];
			if (left - last < gap && before && !isActive && !before.active) {
				before.with.push(i);
				if (rank(c, i) > rank(c, before.i)) before.i = i;
				continue;
			}
			cells.push({i, left, with: [], active: isActive});
			last = left;
		}
		for (const {i, left, with: others, active: on} of cells) {
			const m = c.moments[i], words = describe(c, i) + (others.length ? `; one of ${many(others.length + 1, 'exchange')} beside each other, zoom in to see them` : '');
			const mark = el('span', {class: `moment ${kind(c, i)}`, role: 'gridcell', id: `moment-${m.n}`, 'data-i': i, 'aria-label': words, title: words});
			if (others.length) mark.append(el('span', {class: 'more', 'aria-hidden': 'true'}, String(others.length + 1)));
			mark.classList.toggle('late', c.late.includes(i) || c.back.includes(i));
			mark.classList.toggle('active', on);
			mark.classList.toggle('opened', m.n === state.open);
			mark.style.left = left + 'px';
			track.append(mark);
		}
		lane.replaceChildren(nameOf(c, at), track);
	}

	function nameOf(c, at) {
		const label = c.named ? labelOf(c) : '(no call)';
		const odd = [c.open && 'left open', c.nowhere && 'no known start', c.late.length && 'used after the end', c.back.length && 'came back', !c.timed && 'times not known'].filter(Boolean);
		const polls = c.moments.filter(({step}) => step.role === 'poll').length;
		const facts = [c.lasted >= 0 && took(c.lasted), polls && many(polls, 'poll') + (c.every >= 0 ? ` every ${took(c.every)}` : ''), c.server && plain(c.server)].filter(Boolean);
		return el('span', {class: 'lane-name', role: 'rowheader', id: `lane-${at}`},
			el('code', {class: c.timed ? 'zoom-to' : '', title: c.timed ? `${label}: zoom to this call` : label}, label),
			el('small', {}, odd.length ? el('strong', {class: 'odd'}, odd.join(', ')) : '', odd.length && facts.length ? '; ' : '', facts.join(', ')));
	}

	function labelOf(c) {
		for (const {n} of c.moments) if (rows.callOf(n)) return plain(rows.callOf(n));
		return 'call';
	}

	// bars shows the state that the client knew, from each answer that told it on.
	function bars(c, x, width, track) {
		// A bar has its name where there is most room between the marks on it.
		const put = (marks, how, text) => {
			const at = marks.map((x) => Math.min(Math.max(x, 0), width)), left = at[0], right = at[at.length - 1];
			if (right - left < 1) return;
			const e = el('span', {class: `span ${how}`, 'aria-hidden': 'true'});
			e.style.left = left + 'px';
			e.style.width = right - left + 'px';
			let widest = 1;
			for (let k = 2; k < at.length; k++) if (at[k] - at[k - 1] > at[widest] - at[widest - 1]) widest = k;
			const room = at[widest] - at[widest - 1] - 2 * near();
			if (text && room > 0.45 * em * text.length) {
				const name = el('b', {}, text);
				name.style.left = at[widest - 1] - left + near() + 'px';
				e.append(name);
			}
			track.append(e);
		};
		const stop = c.end >= 0 ? c.end : c.moments.length - 1;
		if (c.nowhere && c.timed) put([0, x(0)], 'open', '');
		let now = '', on = [x(0)];
		for (let i = 0; i <= stop; i++) {
			const s = c.moments[i].step.state;
			on.push(x(i));
			if (i < stop && (!s || s === now)) continue;
			put(on, now ? `s${Math.min(Math.max(0, states.indexOf(now)), patterns - 1)}` : 'unknown', plain(now));
			now = s || now;
			on = [x(i)];
		}
		if (c.open && c.timed) put([x(stop), width], 'open', 'open');
	}

	function describe(c, i) {
		const {n, step} = c.moments[i];
		const words = [plain(rows.operation.of(n) || ''), c.late.includes(i) && 'after the end', what(c, i), i === c.end && 'the end'];
		if (rows.began[n]) words.push(clock(rows.began[n]));
		if (i > 0 && c.timed) words.push('+' + took(rows.began[n] - rows.began[c.moments[0].n]));
		if (rows.took[n] > 0) words.push('took ' + took(rows.took[n]));
		return words.filter(Boolean).join(', ');
	}

	function what(c, i) {
		const {role, state: s, cause, refused, unanswered} = c.moments[i].step;
		if (refused) return 'refused: ' + plain(refused);
		if (unanswered) return plain(unanswered);
		if (role === 'start') return 'handed out';
		return s ? plain(s) + (cause && cause !== 'None' ? `, ${plain(cause)}` : '') : 'accepted';
	}

	// Keys: lanes up and down, exchanges of one left and right.
	function go(by) {
		if (!shown.length) return;
		const at = shown.indexOf(active.call);
		const next = at < 0 && Math.abs(by) <= 1 ? visible()[0] : Math.min(Math.max(at + by, 0), shown.length - 1);
		const call = shown[next];
		active = {call, at: active.at < 0 ? -1 : Math.min(active.at, call.moments.length - 1)};
		reach();
		paint();
	}

	function along(by) {
		if (!active.call) return go(0);
		active.at = Math.min(Math.max(active.at + by, -1), active.call.moments.length - 1);
		const {call, at} = active;
		if (at >= 0 && call.timed && window_) {
			const [from, to] = window_, when = rows.began[call.moments[at].n] - zero(call);
			if (when < from || when > to) return setTime([when - (to - from) / 2, when + (to - from) / 2]);
		}
		paint();
	}

	// reach scrolls so that the lane is seen.
	function reach() {
		const at = shown.indexOf(active.call);
		if (at < 0 || !height) return;
		const room = grid.clientHeight - ticks.clientHeight;
		if (at * height < grid.scrollTop) grid.scrollTop = at * height;
		else if ((at + 1) * height > grid.scrollTop + room) grid.scrollTop = (at + 1) * height - room;
	}

	const inGrid = (f) => (e) => {
		if (e.target !== grid && e.target !== box && e.target !== document.body) return false;
		f(e);
	};
	const page_ = () => Math.max(1, visible()[1] - visible()[0] - 2);
	return {
		show,
		focus: () => (grid.hidden ? none : grid).focus({preventScroll: true}),
		selection: () => (shown.length ? shown.flatMap((c) => c.moments.map((m) => m.n)).sort((a, b) => a - b) : []),
		step: go,
		keys: {
			ArrowDown: inGrid(() => go(1)), ArrowUp: inGrid(() => go(-1)),
			ArrowRight: inGrid((e) => (e.shiftKey ? move(.25) : along(1))), ArrowLeft: inGrid((e) => (e.shiftKey ? move(-.25) : along(-1))),
			PageDown: inGrid(() => go(page_())), PageUp: inGrid(() => go(-page_())),
			Home: inGrid(() => go(-Infinity)), End: inGrid(() => go(shown.length)),
			Enter: inGrid(() => {
				const {call, at} = active;
				if (call) page.open(call.moments[Math.max(0, at)].n);
			}),
			'+': () => zoom(.5), '=': () => zoom(.5), '-': () => zoom(2), 0: fit, z: () => zoomTo(active.call), s: align,
		},
	};
}

function kind(c, i) {
	const {step} = c.moments[i];
	if (step.refused || step.unanswered) return 'refused';
	return i === c.end && step.role === 'poll' ? 'over' : step.role; // a poll says first that it is over
}
const rank = (c, i) => ['poll', 'start', 'over', 'end', 'refused'].indexOf(kind(c, i)) + (c.late.includes(i) ? 4 : 0);

// steps of an axis, in milliseconds.
const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, ...[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400, 604800].map((s) => s * 1000)];

function since(ms) {
	const sign = ms < 0 ? '−' : '+', s = Math.abs(ms) / 1000;
	if (s >= 60) return `${sign}${Math.floor(s / 60)}:${(s % 60).toFixed(s % 1 ? 1 : 0).padStart(s % 1 ? 4 : 2, '0')}`;
	return `${sign}${Number(s.toFixed(3))} s`;
}
