// Two panes: a list of things to choose from, and what is chosen in full.

import {el} from './dom.js';

// panes puts them into a box. choose(key) is told what was chosen.
export function panes(box, what, choose) {
	const list = el('ul', {class: 'choose', 'aria-label': what});
	const detail = el('div', {class: 'detail', role: 'region', 'aria-label': `One of the ${what.toLowerCase()}`, tabindex: '0'});
	const none = el('div', {class: 'empty', role: 'region', 'aria-label': 'What to do next', tabindex: '0', hidden: true});
	const both = el('div', {class: 'panes'}, list, detail);
	box.append(both, none);
	let keys = [];
	const at = () => keys.indexOf(list.querySelector('[aria-current]')?.dataset.key);
	list.addEventListener('click', (e) => {
		const b = e.target.closest('button');
		if (b) choose(b.dataset.key);
	});
	const step = (by) => {
		if (!keys.length) return;
		choose(keys[Math.min(Math.max(at() + by, 0), keys.length - 1)]);
		list.querySelector('[aria-current]')?.scrollIntoView({block: 'nearest'});
	};
	const inList = (by) => (e) => {
		if (!list.contains(e.target) && e.target !== box && e.target !== document.body) return false;
		step(by);
		list.querySelector('[aria-current]')?.focus();
	};
	return {
		detail,
		step,
		keys: {ArrowDown: inList(1), ArrowUp: inList(-1), Home: inList(-Infinity), End: inList(Infinity)},
		focus: () => (both.hidden ? none : list.querySelector('[aria-current]') || box).focus({preventScroll: true}), // the box, too, has the keys of the list

		// fill puts others in the place of what the detail shows. What had the focus keeps
		// it, if it is there again.
		fill(...children) {
			const inside = () => [...detail.querySelectorAll('button, select, [tabindex]')];
			const at = inside().indexOf(document.activeElement);
			detail.replaceChildren(...children);
			if (at >= 0) (inside()[at] || detail).focus({preventScroll: true});
		},

		// show shows items, {key, parts}, one of which is chosen.
		show(items, chosen) {
			both.hidden = false;
			none.hidden = true;
			const focused = list.contains(document.activeElement) ? document.activeElement.dataset.key : '';
			const had = new Map([...list.querySelectorAll('button')].map((b) => [b.dataset.key, b]));
			keys = items.map(({key}) => key);
			list.replaceChildren(...items.map(({key, parts}) => {
				const b = had.get(key) || el('button', {type: 'button', 'data-key': key});
				b.replaceChildren(...parts);
				if (key === chosen) b.setAttribute('aria-current', 'true');
				else b.removeAttribute('aria-current');
				return el('li', {}, b);
			}));
			if (focused) had.get(focused)?.focus({preventScroll: true});
		},

		// empty says what to do next.
		empty(...children) {
			both.hidden = true;
			none.hidden = false;
			none.replaceChildren(...children);
		},
	};
}

// told is a line that says what a view holds, or why a source has nothing newer.
export function told(source) {
	const box = el('p', {class: 'count', role: 'status'});
	const say = (text) => {
		const now = source.problem || text;
		if (box.textContent !== now) box.textContent = now;
		box.classList.toggle('wrong', Boolean(source.problem));
	};
	return {box, say};
}

// chips are buttons that open exchanges, some of them at first.
export function chips(page, list, open = (n) => page.open(n), some = 12) {
	const box = el('span', {class: 'chips'});
	let shown = 0;
	const more = (n) => {
		box.querySelector('.more-chips')?.remove();
		for (const row of list.slice(shown, shown + n)) {
			box.append(el('button', {type: 'button', onclick: () => open(row)}, page.nameOf(row)));
		}
		shown = Math.min(shown + n, list.length);
		if (shown < list.length) box.append(el('button', {type: 'button', class: 'more-chips', onclick: () => more(200)}, `${(list.length - shown).toLocaleString('en')} more`));
	};
	more(some);
	return box;
}
