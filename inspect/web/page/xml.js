import {el, plain} from './dom.js';
import {report} from './load.js';

const veil = '***'; // what the server puts in the place of what is sensitive

// xml shows an indented document, one element a line, with what can be folded and what
// was found at which start tag.
export function xml(text, findings) {
	const box = el('div', {class: 'xml'});
	const byTag = new Map();
	for (const f of findings) if (f.tag >= 0) byTag.set(f.tag, [...(byTag.get(f.tag) || []), f]);
	const lines = text.split('\n');
	const depth = lines.map((l) => /^ */.exec(l)[0].length);
	const made = [];
	let tag = 0, state = '';
	lines.forEach((line, k) => {
		const about = [];
		const shown = el('span', {class: 'text'});
		[state, tag] = tokens(line, state, tag, shown, (n) => { if (byTag.has(n)) about.push(...byTag.get(n)); });
		const opens = !state && k + 1 < lines.length && depth[k + 1] > depth[k] && /^ *<[^!?/]/.test(line);
		const gutter = el('span', {class: 'gutter'});
		const e = el('div', {class: 'line'}, gutter, shown);
		if (about.length) {
			e.classList.add('about');
			e.dataset.finding = about.map((f) => f.k).join(' ');
			for (const f of about) {
				e.classList.add(f.severity);
				shown.append(el('span', {class: `mark ${f.severity}`}, `${f.rule}: ${plain(f.message)}`));
			}
		}
		if (opens) {
			const button = el('button', {type: 'button', class: 'fold', 'aria-expanded': 'true', 'aria-label': `Fold ${line.trim().slice(0, 60)}`}, '▾');
			button.addEventListener('click', () => fold(k, button.getAttribute('aria-expanded') === 'true'));
			gutter.append(button);
		}
		made.push(e);
		box.append(e);
	});
	const fold = (k, closed) => {
		const button = made[k].querySelector('.fold');
		button.setAttribute('aria-expanded', String(!closed));
		button.textContent = closed ? '▸' : '▾';
		for (let n = k + 1; n < lines.length && depth[n] > depth[k]; n++) {
			made[n].hidden = closed;
			const inner = made[n].querySelector('.fold');
			if (inner && !closed) {
				inner.setAttribute('aria-expanded', 'true');
				inner.textContent = '▾';
			}
		}
	};
	return {
		box,
		foldAll: (closed) => lines.forEach((_, k) => { if (depth[k] >= 4 && made[k].querySelector('.fold')) fold(k, closed); }),
	};
}

// tokens puts a line into coloured parts. state is what is open from the line before:
// the end that is waited for, '' for none.
function tokens(line, state, tag, into, at) {
	const put = (kind, text) => {
		const parts = plain(text).split(veil);
		parts.forEach((part, k) => {
			if (k > 0) into.append(el('span', {class: 'veil', title: report ? 'left out of this report' : 'hidden; Show sensitive shows it'}, veil));
			if (part) into.append(kind ? el('span', {class: kind}, part) : part);
		});
	};
	let rest = line;
	while (rest) {
		if (state) {
			const end = rest.indexOf(state);
			const size = end < 0 ? rest.length : end + state.length;
			put(state === '>' || state === '"' || state === "'" ? 't-value' : 't-note', rest.slice(0, size));
			rest = rest.slice(size);
			if (end >= 0) state = state === '"' || state === "'" ? '>' : '';
			continue;
		}
		const open = rest.indexOf('<');
		if (open !== 0) {
			const size = open < 0 ? rest.length : open;
			put('', rest.slice(0, size));
			rest = rest.slice(size);
			continue;
		}
		const special = [['<!--', '-->'], ['<![CDATA[', ']]>'], ['<?', '?>']].find(([begin]) => rest.startsWith(begin));
		if (special) {
			put('t-note', special[0]);
			rest = rest.slice(special[0].length);
			state = special[1];
			continue;
		}
		const name = /^<\/?[^\s>\/]*/.exec(rest)[0];
		if (!name.startsWith('</')) at(tag++);
		put('t-name', name);
		rest = rest.slice(name.length);
		for (;;) {
			const attr = /^(\s+)([^\s=>\/]+)(\s*=\s*)("[^"]*"|'[^']*')/.exec(rest);
			if (!attr) break;
			put('', attr[1]);
			put('t-attr', attr[2]);
			put('', attr[3]);
			put('t-value', attr[4]);
			rest = rest.slice(attr[0].length);
		}
		const end = /^\s*\/?>/.exec(rest);
		if (end) {
			put('t-name', end[0]);
			rest = rest.slice(end[0].length);
		} else if (rest) {
			put('', rest); // a tag over several lines
			rest = '';
			state = '>';
		} else {
			state = '>';
		}
	}
	return [state, tag];
}
