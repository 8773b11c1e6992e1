import {copy, el, many, plain} from './dom.js';
import {xml} from './xml.js';

// The view that puts beside each other two exchanges, two cassettes, or a miss and the
// interaction that is nearest to it. The address has which: a and b, before and after, or m.
export const name = 'compare', title = 'Compare';

export function make(page) {
	const {rows, state} = page;
	const names = el('datalist', {id: 'compare-names'});
	const field = (id, label) => [el('label', {for: id}, label), el('input', {id, list: 'compare-names', autocomplete: 'off', spellcheck: 'false', placeholder: 'FILE#ID'})];
	const [labelA, a] = field('compare-a', 'Exchange'), [labelB, b] = field('compare-b', 'with');
	const swap = el('button', {type: 'button', onclick: () => ask(b.value, a.value)}, 'Swap');
	const exchanges = el('form', {class: 'bar', 'aria-label': 'Two exchanges'}, pair(labelA, a), pair(labelB, b), el('button', {}, 'Compare'), swap, names);
	const pick = (id, label) => [el('label', {for: id}, label), el('select', {id})];
	const [labelF, f] = pick('compare-f', 'Cassette'), [labelG, g] = pick('compare-g', 'with');
	const cassettes = el('form', {class: 'bar', 'aria-label': 'Two cassettes', hidden: true}, pair(labelF, f), pair(labelG, g), el('button', {}, 'Compare cassettes'));
	const result = el('div', {class: 'result'});
	// On a small screen what can be asked for makes room for the answer.
	const asking = el('details', {class: 'asking', open: true}, el('summary', {}, 'Compare others'), exchanges, cassettes);
	const small = matchMedia('(max-width: 46rem)');
	const makeRoom = () => { asking.open = !small.matches || !['m', 'b', 'after'].some(page.get); };
	small.addEventListener('change', makeRoom);
	page.box.append(asking, result);

	const only = (what) => ({a: '', b: '', before: '', after: '', m: '', ...what});
	const ask = (first, second) => { page.set(only({a: first.trim(), b: second.trim()}), true); show(); };
	exchanges.addEventListener('submit', (e) => { e.preventDefault(); ask(full(a.value), full(b.value)); });
	cassettes.addEventListener('submit', (e) => { e.preventDefault(); page.set(only({before: f.value, after: g.value}), true); again = true; show(); });
	for (const input of [a, b]) {
		input.addEventListener('focus', () => names.replaceChildren(...state.shown.slice(-200).reverse().filter((n) => rows.name(n))
			.map((n) => el('option', {value: rows.name(n)}, `${rows.operation.of(n)} ${rows.status[n]}`))));
	}

	// full completes #ID where there is one cassette only.
	function full(text) {
		text = text.trim();
		const files = known();
		return /^#?\d+$/.test(text) && files.length === 1 ? `${files[0]}#${text.replace('#', '')}` : text;
	}
	const known = () => rows.file.texts.filter(Boolean);

	let asked = '', again = false, turn = 0;
	function show() {
		const files = known();
		cassettes.hidden = files.length < 2;
		for (const [s, at] of [[f, 0], [g, 1]]) {
			const had = s.value;
			if (s.options.length !== files.length) {
				s.replaceChildren(...files.map((file) => el('option', {value: file}, plain(file))));
				s.value = files.includes(had) ? had : files[at];
			}
		}
		const want = Object.fromEntries(['a', 'b', 'before', 'after', 'm', 'h'].map((k) => [k, page.get(k)]));
		const key = JSON.stringify([want, state.reveal, rows.anew, rows.length > 0]);
		if (key === asked && !again) return;
		asked = key;
		again = false;
		makeRoom();
		if (want.a || want.b || !document.activeElement || !page.box.contains(document.activeElement)) {
			a.value = want.a || state.first || a.value;
			b.value = want.b;
		}
		if (want.before) f.value = want.before;
		if (want.after) g.value = want.after;
		if (!rows.length) return nothing('Nothing has been said yet', document.documentElement.dataset.mode ? 'As soon as two exchanges were, they can be compared here.' : 'The cassette is empty; what is recorded to it can be compared here.');
		if (want.m) return get('compare', {miss: want.m}, aMiss);
		if (want.before && want.after) return get('diff', {before: want.before, after: want.after}, twoCassettes);
		if (want.a && want.b) return get('compare', {before: want.a, after: want.b}, twoExchanges);
		nothing('Compare what was said', 'Press c on an exchange of the list, or Compare in one that is open; then again on the one to compare it with. Or name both above, as FILE#ID. '
			+ 'A miss of a replay is compared with what is nearest to it.' + (files.length > 1 ? ' Two cassettes are compared as umtape diff does.' : ''));
	}

	function nothing(head, text) {
		turn++;
		result.replaceChildren(el('div', {class: 'nothing'}, el('h2', {}, head), el('p', {}, text)));
	}

	async function get(what, params, draw) {
		const mine = ++turn;
		result.setAttribute('aria-busy', 'true');
		if (what === 'diff') result.replaceChildren(el('p', {class: 'nothing', role: 'status'}, 'Both are read and compared; large ones take some seconds.'));
		try {
			const data = await page.load(what, {...params, headers: page.get('h') ? 1 : 0, reveal: state.reveal ? 1 : 0});
			if (mine === turn) draw(data);
		} catch (e) {
			if (mine === turn) result.replaceChildren(el('div', {class: 'nothing'}, el('h2', {}, 'It cannot be compared'), el('p', {class: 'bad'}, plain(e.message))));
		}
		if (mine === turn) result.removeAttribute('aria-busy');
	}

	const opener = (n, text) => (n >= 0 ? el('button', {type: 'button', onclick: () => page.open(n)}, plain(text)) : plain(text));
	const party = (p, label) => el('div', {}, el('dt', {}, label), el('dd', {}, opener(p.n, p.name || p.operation), ` ${plain(p.operation)}`,
		el('span', {class: 'faint'}, ` ${p.status || ''} ${plain(p.answer || '')}`)));

	// options chooses how much is shown.
	function options(hasHeaders) {
		const all = page.get('all');
		const choice = (text, value) => el('button', {type: 'button', 'aria-pressed': String(all === value), onclick: () => { page.set({all: value}); again = true; show(); }}, text);
		return el('div', {class: 'bar'},
			el('span', {class: 'group', role: 'group', 'aria-label': 'Elements'}, choice('Differing elements', ''), choice('All elements', '1')),
			hasHeaders && headersToo());
	}
	function headersToo() {
		const box = el('input', {type: 'checkbox', id: 'compare-h'});
		box.checked = Boolean(page.get('h'));
		box.addEventListener('change', () => { page.set({h: box.checked ? '1' : ''}); show(); });
		return el('label', {class: 'check'}, box, ' Headers that differ each time, too');
	}

	function twoExchanges(c) {
		const n = c.differences.length;
		result.replaceChildren(
			el('dl', {class: 'parties'}, party(c.before, 'First'), party(c.after, 'Second')),
			options(true),
			el('p', {class: 'sum', role: 'status'}, n ? `They differ in ${many(n, 'place')}${c.cut ? ', and more' : ''}.` : 'They say the same: in the request, its answer, status, and headers that do not differ each time.'),
			page.get('all') ? whole(c, ['First', 'Second']) : places(c.differences, ['First', 'Second']));
	}

	function aMiss(c) {
		const n = c.differences.length, sides = c.after ? ['Nearest', 'Miss'] : ['Nearest'];
		const rules = (c.rules || []).map((rule) => {
			const copier = el('button', {type: 'button', 'aria-label': `Copy ${rule}`, onclick: () => copy(rule, copier)}, 'Copy');
			return el('li', {}, el('code', {}, plain(rule)), ' ', copier);
		});
		result.replaceChildren(...[
			el('dl', {class: 'parties'}, c.before ? party(c.before, 'Nearest') : el('div', {}, el('dt', {}, 'Nearest'), el('dd', {}, 'none')), party({...c.miss, name: 'the miss'}, 'Miss')),
			options(false),
			el('p', {class: 'sum', role: 'status'}, n ? `The request differs from what was recorded in ${many(n, 'place')}${c.cut ? ', and more' : ''}.${c.after ? '' : ' What it has there is not held any more.'}` : 'Where it differs is not known; open the miss to see why.'),
			rules.length ? el('div', {class: 'flags'}, el('p', {}, 'Each of these, given to umtape replay, would let the nearest answer:'), el('ul', {}, ...rules)) : null,
			page.get('all') ? whole(c, sides, ['request']) : places(c.differences, sides),
		].filter(Boolean));
	}

	function twoCassettes(c) {
		const kinds = {changed: '!', removed: '-', added: '+'};
		const at = new Map();
		for (let n = rows.length - 1; n >= 0; n--) if (!at.has(rows.name(n))) at.set(rows.name(n), n);
		const one = (s) => opener(at.get(s.interaction) ?? -1, s.interaction);
		const list = c.changes.map((change) => {
			const s = change.after || change.before;
			return el('li', {class: `change ${change.kind}`},
				el('p', {}, el('strong', {}, `${kinds[change.kind]} ${change.kind}`), ' ', plain(s.operation), ' ',
					...[change.before, change.after].filter(Boolean).flatMap((x, k) => (k ? [' and ', one(x)] : [one(x)])),
					change.kind === 'changed' ? null : el('span', {class: 'faint'}, ` ${plain(s.answer)}`), ' ',
					change.kind === 'changed' && el('button', {type: 'button', onclick: () => ask(change.before.interaction, change.after.interaction)}, 'Side by side')),
				change.differences?.length ? el('ul', {}, ...change.differences.map((d) => el('li', {}, `${d.part} `, el('code', {}, plain(d.path)), `: ${plain(d.what)}`)), change.cut && el('li', {}, 'and more')) : null);
		});
		result.replaceChildren(
			el('div', {class: 'bar'}, headersToo(), el('button', {type: 'button', onclick: () => { again = true; show(); }}, 'Compare again')),
			el('p', {class: 'sum', role: 'status'}, `${many(c.same, 'interaction')} the same, ${c.changed} changed, ${c.removed} removed, ${c.added} added`
				+ (c.moved ? `; ${c.moved} in another order` : '') + '.' + (c.left_off ? ` The first ${c.changes.length} are here; umtape diff lists all.` : '')),
			list.length ? el('ol', {class: 'changes'}, ...list) : el('p', {class: 'nothing'}, 'Both say the same.'));
	}

	const selection = () => (page.get('a') && page.get('b') ? ['a', 'b'].map((k) => rows.find(page.get(k))).filter((n) => n >= 0) : null);
	// step goes from one difference to the next.
	function step(by) {
		const all = [...result.querySelectorAll('.place, .change, .whole .about')];
		const at = all.indexOf(document.activeElement) + by;
		const to = all[Math.min(Math.max(at, 0), all.length - 1)];
		if (!to) return;
		to.tabIndex = -1;
		to.focus({preventScroll: true});
		to.scrollIntoView({block: 'center'});
	}
	return {show, step, selection, focus: () => (page.get('b') || page.get('m') || page.get('after') ? page.box : a).focus({preventScroll: true})};
}

const pair = (label, field) => el('span', {class: 'field'}, label, field);

// places lists what differs, element by element.
function places(list, sides) {
	const value = (v, d) => {
		if (!v) return el('span', {class: 'faint'}, /^(Body|Header)\//.test(d.path) && !/^(missing|unexpected|added|removed)/.test(d.what) ? 'not known' : 'nothing');
		const text = [v.text && el('code', {}, plain(v.text)), v.elements ? el('span', {class: 'faint'}, `${v.text ? ' and ' : ''}${many(v.elements, 'element')}`) : null].filter(Boolean);
		return text.length ? el('span', {}, ...text) : el('span', {class: 'faint'}, 'empty');
	};
	const parts = ['request', 'response'].map((part) => [part, list.filter((d) => d.part === part)]).filter(([, some]) => some.length);
	return el('div', {class: 'differing'}, ...parts.map(([part, some]) => el('section', {}, el('h3', {}, part === 'request' ? 'Request' : 'Response'),
		el('ol', {}, ...some.map((d) => el('li', {class: 'place'},
			el('p', {}, el('code', {class: 'path'}, plain(d.path)), el('span', {class: 'what'}, ` ${plain(d.what)}`)),
			el('dl', {}, ...sides.map((side, k) => el('div', {}, el('dt', {}, side), el('dd', {}, value(k ? d.after : d.before, d)))))))))));
}

// whole shows both sides in full, with what differs marked where it stands.
function whole(c, sides, parts = ['request', 'response']) {
	const column = (p, label, at) => (p ? parts.map((part) => {
		const marks = c.differences.filter((d) => d.part === part && d[at]?.tag >= 0).map((d) => ({tag: d[at].tag, severity: 'differs', rule: d.path.slice(d.path.lastIndexOf('/') + 1), message: d.what}));
		const elsewhere = c.differences.filter((d) => d.part === part && !(d[at]?.tag >= 0) && !/^(Body|Header)(\/|$)/.test(d.path));
		const s = p[part], heading = `${label}: ${part}`;
		return el('section', {class: 'side', 'aria-label': heading}, el('header', {}, el('h3', {}, heading)),
			elsewhere.length ? el('ul', {class: 'elsewhere'}, ...elsewhere.map((d) => el('li', {}, el('code', {}, plain(d.path)), ` ${plain(d.what)}`, d[at] ? ': ' : null, d[at] ? el('code', {}, plain(d[at].text)) : null))) : null,
			s.bytes ? el('div', {class: 'scroll wrapped', tabindex: '0', role: 'region', 'aria-label': heading}, s.pretty ? xml(s.pretty, marks).box : el('pre', {class: 'raw'}, plain(s.raw))) : el('p', {class: 'raw faint'}, 'no body'));
	}) : []);
	const columns = sides.map((label, k) => column(k ? c.after : c.before, label, k ? 'after' : 'before'));
	const both = parts.flatMap((_, k) => columns.map((col) => col[k]).filter(Boolean));
	return el('div', {class: sides.length > 1 ? 'whole' : 'whole one'}, ...both);
}
