import {$, el, many, plain} from './dom.js';
import {choose, parse, texts} from './filter.js';
import {List} from './list.js';
import {Rows} from './rows.js';
import {reach, show} from './exchange.js';
import {exporting} from './export.js';
import {Search, mark} from './search.js';
import {key, load, report} from './load.js';
import {printing} from './print.js';
import * as calls from './calls.js';
import * as shapes from './shapes.js';
import * as findings from './findings.js';
import * as compare from './compare.js';
import * as traffic from './traffic.js';

// The views besides the list of exchanges. A view is a module with name, title and
// make(page), which puts its elements into page.box and returns
//   show()        draws what there is now: rows, what the filter lets through, the address
//   selection()   rows to export; without it, or if it is null, what the filter lets through
//   step(by)      for j and k; may be left out
//   keys          {key: what it does}, while the view is shown; false if it does nothing; may be left out
//   focus()       may be left out, too
const views = [calls, shapes, findings, compare, traffic].filter((v) => !report || v !== compare); // a report compares nothing

const rows = new Rows();
const state = {terms: [], shown: [], seen: 0, paused: false, held: 0, reveal: false, open: -1, wanted: '', connected: false, arrivals: [], found: -1, view: '', own: {}};
const mode = document.documentElement.dataset.mode;
const list = new List(rows, open);
rows.search = new Search(rows, searched);

// The address says what is shown: #v=VIEW&q=FILTER&x=FILE%23ID&f=FINDING,
// and what the view adds.
function address() {
	const {v = '', q = '', x = '', f = '', ...own} = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
	return {v: views.some(({name}) => name === v) ? v : '', q, x, f: f ? Number(f) : -1, own};
}

function addressOf(view, own, exchange) {
	const a = new URLSearchParams();
	if (view) a.set('v', view);
	if ($('filter').value) a.set('q', $('filter').value);
	if (exchange) a.set('x', exchange);
	if (exchange && state.found >= 0) a.set('f', state.found);
	for (const [name, value] of Object.entries(own)) if (value) a.set(name, value);
	return `#${a}`; // never without #, which would load the page again
}

// hashOf is an address to go to, which does not load the page anew.
const hashOf = (...what) => new URL(addressOf(...what), location.href).hash || '#';

const opened = () => (state.open >= 0 ? rows.name(state.open) || `@${state.open}` : state.wanted);

function setAddress(push) {
	const to = addressOf(state.view, state.own, opened());
	history[push ? 'pushState' : 'replaceState'](null, '', to === '#' ? location.pathname : to);
	links();
}

function readAddress() {
	const {v, q, x, f, own} = address();
	const other = $('filter').value !== q;
	$('filter').value = q;
	turnTo(v, own);
	if (other) refilter(false); else showView();
	state.wanted = x;
	state.found = f;
	links();
	if (document.activeElement === document.body || !document.activeElement.checkVisibility()) focusWhatIsShown();
	if (!x) return shut(false);
	openWanted();
}

function openWanted() {
	if (!state.wanted) return;
	const n = state.wanted.startsWith('@') ? Number(state.wanted.slice(1)) : rows.find(state.wanted);
	if (n >= 0 && n < rows.length && n !== state.open) {
		list.activate(n, true);
		open(n, false, state.found);
	}
}

// links lead to the other views, with the same filter. Where there is no room for two,
// they leave the exchange that is open.
const narrow = matchMedia('(max-width: 62rem)');
function links() {
	const all = [{name: '', title: 'Exchanges'}, ...views];
	const nav = $('views');
	nav.hidden = !views.length;
	if (!nav.children.length) nav.append(...all.map(({title}, k) => el('a', {'aria-keyshortcuts': k + 1}, title)));
	all.forEach(({name}, k) => {
		const a = nav.children[k];
		a.href = hashOf(name, made.get(name)?.own || {}, narrow.matches ? '' : opened());
		if (name === state.view) a.setAttribute('aria-current', 'page');
		else a.removeAttribute('aria-current');
	});
}
narrow.addEventListener('change', links);

// shortly names an interaction by its number, if there is one cassette only.
function shortly(name) {
	const files = rows.file.texts.filter(Boolean);
	return plain(files.length === 1 && name.startsWith(files[0] + '#') ? name.slice(files[0].length) : name);
}

// turnTo shows a view. Each is made when it is first shown.
const made = new Map();
function turnTo(name, own) {
	const other = name !== state.view;
	state.view = name;
	state.own = own;
	if (name && !made.has(name)) {
		const {title, make} = views.find((v) => v.name === name);
		const box = $('main').insertBefore(el('section', {class: `view view-${name}`, 'aria-label': title, tabindex: '-1'}), $('exchange'));
		const page = {
			box, rows, state, load,
			open: (n, found) => open(n, true, found),
			nameOf: (n) => shortly(rows.name(n) || rows.operation.of(n)), shortly,
			filter: (text) => { $('filter').value = text; changed(); },
			get: (what) => state.own[what] || '',
			set: (what, push = false) => { Object.assign(state.own, what); setAddress(push); },
		};
		made.set(name, {box, ...make(page)});
	}
	if (name) made.get(name).own = own;
	if (!other) return;
	for (const [n, v] of made) v.box.hidden = n !== name;
	$('exchanges').hidden = Boolean(name);
	if (!name) list.measure();
}

const view = () => made.get(state.view);
function showView() { view()?.show(); }
function focusView() {
	if (view().focus) view().focus();
	else view().box.focus({preventScroll: true});
}

function focusWhatIsShown() {
	if (view()) focusView(); else list.box.focus({preventScroll: true});
}

// refilter chooses from all rows; grow only from those that came since.
function refilter(stay) {
	const began = performance.now();
	try {
		state.terms = parse($('filter').value);
		$('count').classList.remove('wrong');
	} catch (e) { // what fitted before is shown on
		$('count').textContent = e.message;
		$('count').classList.add('wrong');
	}
	if (!state.paused || state.anew !== rows.anew) state.seen = rows.length;
	state.anew = rows.anew;
	rows.search.want(texts(state.terms), state.reveal);
	state.shown = choose(rows, state.terms, 0, [], state.seen);
	list.show(state.shown, stay);
	$('count').setAttribute('aria-live', 'polite');
	tell();
	showView();
	document.documentElement.dataset.filtered = (performance.now() - began).toFixed(1);
}

// searched shows what a search has found meanwhile, now and then and at its end.
function searched() {
	const now = Date.now();
	if (rows.search.left() && now - (state.searched || 0) < 200) return;
	state.searched = now;
	state.shown = choose(rows, state.terms, 0, [], state.seen);
	list.show(state.shown, true);
	tell();
	showView();
}

function grow() {
	if (state.anew !== rows.anew) return refilter(true); // paused or not: the rows are others
	if (state.paused) return tell();
	rows.search.run();
	choose(rows, state.terms, state.seen, state.shown);
	state.seen = rows.length;
	list.show(state.shown, true);
	$('count').setAttribute('aria-live', 'off'); // it changes all the time
	tell();
	showView();
}

function tell() {
	const total = state.seen;
	const count = $('count');
	if (!count.classList.contains('wrong')) {
		const text = ($('filter').value ? `${state.shown.length.toLocaleString('en')} of ${many(total, 'exchange')}` : many(total, 'exchange')) + (state.older ? `; ${state.older.toLocaleString('en')} older ones are not on the page any more` : '') + searching();
		if (count.textContent !== text) count.textContent = text;
	}
	const s = $('state');
	const say = (text, ...classes) => {
		s.setAttribute('aria-live', classes.includes('lost') ? 'assertive' : 'off');
		if (s.textContent !== text) s.textContent = text;
		s.className = ['state', ...classes].join(' ');
	};
	if (report) say(`made ${report.made}`);
	else if (state.another) say('this page is of another run of umtape: open the link that it printed now', 'lost');
	else if (!state.connected) say(state.tried ? 'umtape does not answer; it may have been ended' : '', ...(state.tried ? ['lost'] : []));
	else if (state.paused) say(`paused; ${rows.length - state.seen} new`, 'live', 'paused');
	else say(state.reading ? 'reading' : rate(), 'live');
	empty(total);
}

// searching tells how far a search in bodies is.
function searching() {
	const {search} = rows;
	if (search.problem) return `; ${search.problem}`;
	const left = search.left();
	return (left ? `; ${Math.floor(100 - 100 * left)} % searched` : '') + (search.unread() ? `; ${search.unread()} cannot be read now` : '');
}

// rate is how many exchanges came a second, over the last ten.
function rate() {
	const now = Date.now();
	state.arrivals = state.arrivals.filter(([at]) => now - at < 10000);
	const came = state.arrivals.reduce((sum, [, n]) => sum + n, 0);
	if (!came) return mode ? 'live' : 'following';
	return `${(came / 10).toFixed(1)} a second`;
}

function empty(total) {
	const box = $('empty');
	box.hidden = state.shown.length > 0 || !state.connected || state.reading && !total;
	if (box.hidden) return;
	if (total && rows.search.left() && !rows.search.problem) {
		box.replaceChildren(el('h2', {}, 'Looking into bodies'), el('p', {}, 'What is found appears here, the newest first.'));
	} else if (total) {
		box.replaceChildren(el('h2', {}, 'Nothing fits the filter'), el('p', {}, `None of ${many(total, 'exchange')} has all of its words. ? tells what a filter can say.`),
			el('button', {type: 'button', onclick: () => { $('filter').value = ''; changed(); }}, 'Clear the filter'));
	} else if (mode) {
		const {proxy, ca} = document.documentElement.dataset;
		const said = `-H 'Content-Type: text/xml; charset=utf-8' --data-binary @disconnect.xml \\\n     `;
		box.replaceChildren(el('h2', {}, 'Nothing has been said yet'),
			el('p', {}, `Exchanges appear here as they happen. ${ca ? 'Point a client at the proxy:' : 'Point a client at umtape, as if it were the server:'}`),
			el('pre', {}, ca
				? `curl --proxy http://${proxy} --cacert ${ca} \\\n     ${said}https://um.example.com/UnifiedMessaging/Service.asmx`
				: `curl ${said}http://${proxy}/UnifiedMessaging/Service.asmx`));
	} else {
		box.replaceChildren(el('h2', {}, 'The cassette is empty'), el('p', {}, 'What is recorded to it appears here. To record:'), el('pre', {}, 'umtape record --append CASSETTE'));
	}
}

function changed() {
	refilter(false);
	setAddress(false);
}

// gone tells that what was open, or what the address names, is not there.
function gone() {
	const closeButton = el('button', {type: 'button', class: 'close', onclick: () => shut(true), 'aria-keyshortcuts': 'Escape'}, 'Close');
	document.body.classList.add('open');
	$('exchange').hidden = false;
	$('exchange').replaceChildren(el('header', {}, el('h2', {}, 'It is not there'), closeButton),
		el('p', {class: 'problem'}, `${plain(state.wanted.trim() || 'This exchange')} is not on the cassette; it may have been replaced. The list shows what is there now.`));
}

function open(n, push = true, found = -1) {
	state.open = n;
	state.found = found;
	state.wanted = '';
	document.body.classList.add('open');
	$('exchange').hidden = false;
	if (push) setAddress(true);
	$('exchange').scrollTop = 0;
	showView();
	show(n, rows.anew, state.reveal, {go: (to) => { list.activate(to, true); open(to); }, close: () => shut(true), comparing: comparing(n)}).then(() => {
		if (state.open !== n) return;
		const said = mark($('exchange'), texts(state.terms));
		if (found >= 0 && reach(found)) return;
		if (said) said.startContainer.parentElement.scrollIntoView({block: 'center'});
		if (push) $('exchange').focus({preventScroll: true});
	});
}

// comparing is what a press of Compare does in an exchange, in words; none if there is
// nothing to compare of it.
function comparing(n) {
	if (report) return null;
	if (rows.outcome.of(n) === 'missed') return {text: 'Compare with the nearest', act: () => take(n)};
	if (!rows.name(n)) return null;
	return {text: state.first && state.first !== rows.name(n) ? `Compare with ${plain(state.first)}` : 'Compare', act: () => take(n)};
}

// take takes an exchange for a comparison: the first, or the one that it is compared with.
function take(n) {
	const was = state.first, name = rows.name(n);
	if (n < 0 || n >= rows.length) return;
	if (rows.outcome.of(n) === 'missed') return turn('compare', {m: `@${n}`});
	if (!name) return;
	chosen(was && was !== name ? '' : name);
	if (was && was !== name) turn('compare', {a: was, b: name});
}

function chosen(name) {
	state.first = name;
	$('chosen').hidden = !name;
	$('chosen').replaceChildren(...(name ? [el('span', {}, `${plain(name)} is compared with the next one that you choose, by c or by Compare in it.`),
		el('button', {type: 'button', onclick: () => chosen('')}, 'Cancel')] : []));
}

const turn = (view, own) => { location.hash = hashOf(view, own, narrow.matches ? '' : opened()); };

// What is sought is marked in what is shown instead, too.
$('exchange').addEventListener('click', () => { if (texts(state.terms).length) mark($('exchange'), texts(state.terms)); });

function shut(push) {
	if ($('exchange').hidden) return;
	state.open = -1;
	state.found = -1;
	state.wanted = '';
	document.body.classList.remove('open');
	$('exchange').hidden = true;
	$('exchange').replaceChildren();
	if (push) setAddress(true);
	showView();
	if (view()) return focusView();
	list.box.focus({preventScroll: true});
	list.measure();
	list.activate(list.active, true);
}

// keys of the page; a field that is typed into has its own.
addEventListener('keydown', (e) => {
	if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || document.querySelector('dialog[open]')) return;
	if (e.target === $('filter')) {
		if (e.key === 'Escape' || e.key === 'Enter' || e.key === 'ArrowDown') {
			e.preventDefault();
			if (view()) return focusView();
			list.box.focus({preventScroll: true});
			if (list.at(list.active) < 0) list.move(0);
		}
		return;
	}
	if (!letters.checked && e.key.length === 1) return; // WCAG 2.1.4: keys of one character can be turned off
	const inList = !state.view && (e.target === list.box || e.target === document.body);
	const act = {
		'/': () => { if (narrow.matches) shut(true); $('filter').focus(); $('filter').select(); },
		'?': () => $('keys').showModal(),
		j: () => step(1), k: () => step(-1),
		...(!report && {p: () => pause(), e: () => $('export').click(), c: () => take(state.open >= 0 ? state.open : !state.view ? list.active : -1)}),
		Escape: () => shut(true),
		...(inList && {
			ArrowDown: () => list.move(1), ArrowUp: () => list.move(-1), PageDown: () => list.move(list.page()), PageUp: () => list.move(-list.page()),
			Home: () => list.move(-Infinity), End: () => list.move(Infinity),
			Enter: () => { if (list.at(list.active) >= 0) open(list.active); },
		}),
		...view()?.keys,
	}[e.key] || (e.target.tagName !== 'SELECT' && $('views').children[e.key - 1] && (() => $('views').children[e.key - 1].click()));
	if (!act) return;
	if (act(e) !== false) e.preventDefault();
});

function step(by) {
	if (view()) return view().step?.(by);
	list.move(by);
	if (state.open >= 0) open(list.active);
}

function pause() {
	state.paused = !state.paused;
	$('pause').setAttribute('aria-pressed', String(state.paused));
	$('pause').textContent = state.paused ? 'Go on' : 'Pause';
	grow();
}

$('filter').addEventListener('input', changed);
$('pause')?.addEventListener('click', pause);
$('help').addEventListener('click', () => $('keys').showModal());
$('reveal')?.addEventListener('click', () => {
	state.reveal = !state.reveal;
	$('reveal').setAttribute('aria-pressed', String(state.reveal));
	$('reveal').textContent = state.reveal ? 'Hide sensitive' : 'Show sensitive';
	if (state.open >= 0) open(state.open, false, state.found);
	if (texts(state.terms).length) refilter(true);
	else showView();
});
addEventListener('popstate', readAddress);
printing(rows, state, $('exchanges'), (n) => shortly(rows.name(n) || '-'));
if (!report) exporting(rows, state, () => view()?.selection?.() || state.shown);

// What is remembered may not be for a file, says the browser.
function remember(name, value) {
	try { localStorage.setItem(`umtape-${name}`, value); } catch { /* it is as it is for now */ }
}
function remembered(name) {
	try { return localStorage.getItem(`umtape-${name}`); } catch { return ''; }
}

const letters = $('letters');
letters.checked = remembered('letters') !== 'off';
letters.addEventListener('change', () => remember('letters', letters.checked ? 'on' : 'off'));

const themes = ['system', 'light', 'dark'];
function theme(name) {
	if (name === 'system') delete document.documentElement.dataset.theme;
	else document.documentElement.dataset.theme = name;
	$('theme').textContent = `Theme: ${name}`;
}
$('theme').addEventListener('click', () => {
	const next = themes[(themes.indexOf(document.documentElement.dataset.theme || 'system') + 1) % themes.length];
	theme(next);
	remember('theme', next);
});
theme(themes.find((t) => t === remembered('theme')) || 'system');

$('filter').value = address().q;
state.wanted = address().x;
state.found = address().f;
turnTo(address().v, address().own);
links();
try { state.terms = parse($('filter').value); } catch { /* told when it is changed */ }
if (!report) $('pause').hidden = false;

// What is new is told by the server, one load after the other.
let latest = null, loading = false;
async function follow() {
	if (loading) return;
	loading = true;
	while (latest) {
		const {total, anew, wrong, reading, older} = latest;
		latest = null;
		state.reading = reading;
		state.older = older || 0;
		$('wrong').hidden = !wrong;
		$('wrong').textContent = (wrong || []).map(plain).join('; ');
		const had = rows.length, first = rows.anew < 0 || rows.anew !== anew;
		if (had && first) {
			// A cassette was replaced: what is open is another row now, or none.
			if (state.open >= 0) state.wanted = rows.name(state.open) || ' ';
			state.open = list.active = -1;
		}
		try {
			await rows.load(total, anew, () => { grow(); openWanted(); });
		} catch (e) {
			$('state').textContent = e.message;
		}
		if (!first && rows.length > had) state.arrivals.push([Date.now(), rows.length - had]);
		grow();
		openWanted();
		if (state.open < 0 && !latest && (!$('exchange').hidden || state.wanted && !mode && rows.length)) gone();
		document.documentElement.dataset.loaded = rows.length;
	}
	loading = false;
}
let events;
function listen() {
	events = new EventSource(`/api/events?${new URLSearchParams({key: key()})}`);
	events.onopen = () => { state.connected = true; tell(); };
	events.onmessage = (e) => { latest = JSON.parse(e.data); state.connected = true; follow(); };
	events.onerror = () => {
		state.connected = false;
		state.tried = true;
		state.another = events.readyState === EventSource.CLOSED; // it did answer, and did not let us in
		tell();
	};
}
// A tab that nobody sees holds no connection: a browser has six for all of them.
document.addEventListener('visibilitychange', () => {
	events?.close();
	if (!document.hidden && !report) listen();
});
if (report) {
	latest = report;
	state.connected = true;
	follow();
} else {
	listen();
}
setInterval(tell, 1000);
list.measure();
focusWhatIsShown();
