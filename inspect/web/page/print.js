// On paper the list of exchanges is a table, for of the list itself only what is seen is
// there, and nothing is folded that is about one exchange. The other views print as they
// are.

import {el, many, plain, took} from './dom.js';

const most = 2000; // rows, which are some fifty pages

// printing has a table of what the list shows while the page is printed.
export function printing(rows, state, list, nameOf) {
	let folded = [];
	const table = el('div', {class: 'printed', hidden: true});
	list.append(table);
	addEventListener('beforeprint', () => {
		folded = [...document.querySelectorAll('.about, #exchange details')].filter((d) => !d.open);
		for (const d of folded) d.open = true;
		const some = state.shown.slice(-most).reverse(), left = state.shown.length - some.length;
		table.replaceChildren(
			el('table', {}, el('thead', {}, el('tr', {}, ...['Exchange', 'Time (UTC)', 'Operation', 'Call', 'Status', 'Took', 'Answer', 'Findings'].map((h) => el('th', {scope: 'col'}, h)))),
				el('tbody', {}, ...some.map((n) => row(rows, n, nameOf(n))))),
			left ? el('p', {}, `${many(left, 'exchange')} more, which came before, are left out.`) : '');
		table.hidden = false;
	});
	addEventListener('afterprint', () => {
		for (const d of folded) d.open = false;
		table.hidden = true;
		table.replaceChildren();
	});
}

function row(rows, n, name) {
	const found = [[rows.errors[n], 'error'], [rows.warnings[n], 'warning']].filter(([count]) => count).map(([count, what]) => many(count, what));
	return el('tr', {class: rows.fault.of(n) || rows.status[n] >= 400 ? 'failed' : ''}, el('th', {scope: 'row'}, name),
		...[rows.began[n] ? new Date(rows.began[n]).toISOString().slice(0, 23).replace('T', ' ') : '-', rows.operation.of(n), rows.callOf(n) || '-', rows.status[n] || '-', took(rows.took[n]), rows.shape.of(n), found.join(', ')]
			.map((text) => el('td', {}, plain(String(text)))));
}
