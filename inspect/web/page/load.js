// A report is one file, which holds all that can be asked for: each answer in an element
// of its own, under what is asked. Whether something sensitive is in it was said when it
// was made.
const json = (e) => JSON.parse(e.textContent);
export const report = document.getElementById('report') && json(document.getElementById('report'));
const answers = report && new Map([...document.querySelectorAll('script[data-load]')].map((e) => [asKey(...e.dataset.load.split('?')), e]));

function asKey(name, params) {
	const asked = new URLSearchParams(params);
	for (const own of ['reveal', 'anew']) asked.delete(own);
	asked.sort();
	return `${name}?${asked}`;
}

function kept(name, params) {
	const e = answers.get(asKey(name, params));
	if (e) {
		const data = json(e);
		if (name === 'exchange' && 'of' in data) data.of_call = kept('of', {call: data.of}); // told once for all of a call
		return data;
	}
	if (name === 'found') return found(new URLSearchParams(params));
	if (name === 'search') return search(params);
	throw new Error('This report does not hold it. umtape ui, with the cassettes it was made of, shows it.');
}

// found lists where a rule's findings are in some rows.
function found(asked) {
	const places = [];
	for (const n of asked.get('rows').split(',')) {
		const x = kept('exchange', {n});
		(x.findings || []).forEach((f, nth) => {
			if (f.rule === asked.get('rule')) places.push({...f, n: x.n, nth, name: x.file ? `${x.file}#${x.id}` : '', operation: x.operation});
		});
	}
	return {places};
}

// search looks for a text in the bodies of some rows.
function search({text, first, end}) {
	const says = (side) => side && !side.hex && side.raw.toLowerCase().includes(text.toLowerCase());
	const found = [];
	for (let n = first; n < end; n++) {
		const x = kept('exchange', {n});
		if (says(x.request) || says(x.response)) found.push(n);
	}
	return {anew: report.anew, from: first, found, unread: 0};
}

// key lets the page in: the link has stored it.
export function key() {
	try { return localStorage.getItem('umtape-key') || ''; } catch { return ''; }
}

// load asks umtape for what a view shows, such as load('calls', {reveal: 1}). Whatever
// goes wrong is an Error that says so in words. signal ends it before.
export async function load(name, params = {}, signal) {
	if (report) return kept(name, params);
	let response, text;
	try {
		response = await fetch(`/api/${name}?${new URLSearchParams(params)}`, {signal, headers: {'Umtape-Key': key()}});
		text = await response.text();
	} catch {
		throw new Error('umtape does not answer; it may have been ended. Start it again and open the link that it prints.');
	}
	let data;
	try { data = JSON.parse(text); } catch { data = {error: text.trim()}; }
	if (data.error || !response.ok) throw new Error(data.error || `umtape answers with ${response.status}`);
	return data;
}

// source keeps what a view shows: it loads it again when there are other rows, though
// not so often that it does little else, and then has the view drawn.
export class Source {
	data = null;
	problem = ''; // why there is no newer data, in words
	#have = ''; #asked = ''; #busy = false; #next = 0; #timer = 0; #params = {};

	constructor(page, name, draw) {
		Object.assign(this, {page, name, draw});
	}

	// look asks for what is new, if anything is.
	async look(params = {}) {
		this.#params = params;
		const {rows, state} = this.page;
		const asked = JSON.stringify(params), want = `${rows.anew} ${rows.length} ${asked}`;
		if (this.#busy || want === this.#have || !state.connected) return;
		const again = asked === this.#asked;
		if (again && this.data && state.paused) return;
		const wait = again ? this.#next - Date.now() : 0;
		if (wait > 0) {
			this.#timer ||= setTimeout(() => { this.#timer = 0; this.look(this.#params); }, wait);
			return;
		}
		this.#busy = true;
		this.#asked = asked;
		const began = Date.now();
		try {
			const data = await this.page.load(this.name, params);
			this.problem = '';
			// What it says of rows that are not here yet has to wait for them.
			if (data.anew === rows.anew && data.total <= rows.length) {
				this.data = data;
				this.#have = `${rows.anew} ${data.total} ${asked}`;
			}
		} catch (e) {
			this.problem = e.message;
			this.#have = want;
		}
		this.#next = Date.now() + Math.max(500, 5 * (Date.now() - began));
		this.#busy = false;
		this.draw();
		this.look(this.#params);
	}
}
