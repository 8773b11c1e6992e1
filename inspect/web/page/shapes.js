// Shapes: the structure of each kind of message, which exchanges have which, and two of
// them side by side.

import {el, many, plain} from './dom.js';
import {among} from './filter.js';
import {Source, report} from './load.js';
import {chips, panes, told} from './panes.js';
import {beside as besideOf, merge} from './shapetree.js';

export const name = 'shapes';
export const title = 'Shapes';

export function make(page) {
	const {box, rows, state} = page;
	const source = new Source(page, 'shapes', draw);
	const said = told(source);
	box.append(el('header', {class: 'bar'}, said.box));
	const two = panes(box, 'Kinds of message', (key) => {
		page.set({s: key, n: '', a: '', b: '', other: ''});
		draw();
		two.detail.scrollTop = 0;
	});
	let groups = []; // those with messages that the filter lets through
	let drawn = ''; // what the detail was made of

	function show() {
		source.look();
		draw();
	}

	function draw() {
		if (box.hidden) return;
		const data = source.data;
		if (!data) return said.say('');
		const isShown = among(rows, state.shown);
		groups = data.anew !== rows.anew ? [] : data.groups.map((g) => {
			const variants = g.variants.map((v) => ({...v, shown: v.rows.filter(isShown)})).filter((v) => v.shown.length);
			return {...g, shown: variants, all: variants.length === g.variants.length, count: variants.reduce((sum, v) => sum + v.shown.length, 0)};
		}).filter((g) => g.count);
		const several = groups.filter((g) => g.shown.length > 1).length;
		said.say(`${many(groups.length, 'kind')} of message${several ? `, ${several} of more than one structure` : ''}`);
		if (!groups.length) {
			drawn = '';
			return empty();
		}
		const chosen = groups.find((g) => g.key === page.get('s')) || groups[0];
		two.show(groups.map((g) => ({key: g.key, parts: [
			el('span', {class: `kind ${g.message}`}, plain(g.name)),
			el('small', {}, many(g.count, 'message'), g.shown.length > 1 ? el('strong', {class: 'odd'}, `, ${g.shown.length} structures`) : ''),
		]})), chosen.key);
		const made = JSON.stringify([data.anew, chosen.key, chosen.shown.map((v) => [v.name, v.shown.length]), ...['n', 'a', 'b', 'other'].map(page.get)]);
		if (made !== drawn) {
			drawn = made;
			detail(chosen, made);
		}
	}

	function empty() {
		if (rows.length && state.shown.length < rows.length) {
			return two.empty(el('h2', {}, 'Nothing fits the filter'), el('p', {}, 'None of what it lets through is a SOAP message.'),
				el('button', {type: 'button', onclick: () => page.filter('')}, 'Clear the filter'));
		}
		two.empty(el('h2', {}, rows.length ? 'There is no SOAP here' : 'There is no message yet'), el('p', {}, rows.length
			? `None of ${many(rows.length, 'exchange')} holds a SOAP message, whose structure could be shown. Exchanges has them all.`
			: 'The structure of each kind of message appears here as exchanges happen. The list of exchanges says how to point a client here.'));
	}

	// detail shows a kind of message. It is not drawn if another one was chosen while
	// umtape was asked.
	async function detail(g, made) {
		const only = g.shown.find((v) => v.name === page.get('n'));
		let tree, beside = null, problem = '';
		try {
			tree = await together(g, only ? [only] : g.all ? [] : g.shown);
			const a = page.get('a'), b = page.get('b');
			if (a && b) beside = await sideBySide(g.key, a, page.get('other') || g.key, b);
		} catch (e) {
			problem = e.message;
		}
		if (made !== drawn) return;
		two.fill(
			el('h2', {}, plain(g.name), ' ', el('span', {class: 'where'}, many(g.count, 'message'))),
			g.namespace ? el('p', {class: 'faint'}, 'in ', el('code', {}, plain(g.namespace))) : '',
			...(problem ? [el('p', {class: 'problem'}, plain(problem))] : []),
			...(tree ? [
				el('h3', {}, only ? `The structure of ${many(only.shown.length, 'message')}` : 'All of them together'),
				only ? el('p', {}, el('button', {type: 'button', onclick: () => { page.set({n: ''}); draw(); }}, 'All structures')) : '',
				treeOf(tree.parts, only ? [] : tree.variants.map((v) => g.shown.find(({name}) => name === v.name)?.shown.length || 0), g.count),
				variants(g, tree, only),
				compare(g, beside),
			] : []));
	}

	// together asks for the tree of some structures of a kind, or of all if none is given.
	// A report holds one of each, and all together.
	async function together(g, some) {
		const asking = (list) => page.load('shape', [['key', g.key], ...(g.variants.length > 1 ? list : []).map((v) => ['variant', v.name])]);
		if (!report || some.length < 2) return asking(some);
		const all = await asking([]);
		const trees = await Promise.all(some.map(async (v) => [all.variants.findIndex(({name}) => name === v.name), (await asking([v])).parts]));
		return {...all, parts: merge(trees, some.some((v) => v.lumped))};
	}

	async function sideBySide(key, a, other, b) {
		if (!report) return page.load('shape', {key, a, other, b});
		const tree = async (key, name) => {
			const g = source.data.groups.find((g) => g.key === key), v = g?.variants.find((v) => v.name === name);
			if (!v) throw new Error('There is no such shape; choose another one.');
			return (await together(g, [v])).parts;
		};
		return besideOf(await tree(key, a), await tree(other, b));
	}

	// treeOf draws a tree; counts are how many messages each variant has, of how many.
	function treeOf(parts, counts, of) {
		const body = el('tbody');
		const add = (list, depth, space) => {
			for (const p of list) {
				const varies = p.occurs !== '1' || p.any_order;
				const have = (p.in || []).reduce((sum, n) => sum + (counts[n] || 0), 0);
				const notes = [p.optional && (have ? `in ${have.toLocaleString('en')} of ${many(of, 'message')}` : 'not in all'), p.any_order && 'its elements in any order'].filter(Boolean).join(', ');
				body.append(el('tr', {class: varies ? 'varies' : null}, element(p, depth, space),
					el('td', {}, varies && p.occurs !== '1' ? el('strong', {class: 'odd'}, p.occurs) : p.occurs), el('td', {}, p.values || ''), el('td', {}, notes)));
				add(p.parts || [], depth + 1, p.attr ? space : p.ns || '');
			}
		};
		add(parts, 0, '');
		return el('table', {class: 'tree'}, el('thead', {}, el('tr', {}, ...['Element', 'Occurs', 'Values', 'Note'].map((h) => el('th', {scope: 'col'}, h)))), body);
	}

	function element(p, depth, space) {
		const e = el('th', {scope: 'row'}, el('code', {class: p.attr ? 't-attr' : 't-name'}, plain(p.name)),
			(p.ns || '') !== space && !(p.attr && !p.ns) ? el('small', {class: 'faint'}, ` ${plain(p.ns || 'no namespace')}`) : '');
		e.style.paddingLeft = `${.75 + Math.min(depth, 20)}rem`;
		return e;
	}

	function variants(g, tree, only) {
		if (g.variants.length < 2) return el('p', {}, `All ${many(g.count, 'message')} have this structure: `, chips(page, g.shown[0].shown));
		const differs = new Map(tree.variants.map((v) => [v.name, v.differences]));
		const most = g.variants[0].name;
		return el('section', {}, el('h3', {}, `${many(g.shown.length, 'structure')}, and which exchanges have it`), el('ol', {class: 'variants'}, ...g.shown.map((v) => el('li', {class: v === only ? 'chosen' : ''},
			el('p', {}, el('strong', {}, many(v.shown.length, 'message')), v.name === most ? ', as most have it' : v.lumped ? ' of still other structures' : v.shown.length > 1 ? ' differ:' : ' differs:'),
			v.name === most ? '' : el('ul', {class: 'differences'}, ...differs.get(v.name)?.map((d) => el('li', {class: d.change}, difference(d))) || []),
			el('p', {class: 'choices'},
				el('button', {type: 'button', 'aria-pressed': String(v === only), onclick: () => { page.set({n: v === only ? '' : v.name}); draw(); }}, 'Only these'),
				v.name === most ? '' : el('button', {type: 'button', onclick: () => put(most, g.key, v.name)}, 'Side by side with most')),
			chips(page, v.shown)))));
	}

	function difference(d) {
		const path = el('code', {}, plain(d.path));
		if (d.change === 'added') return el('span', {}, el('strong', {}, '+ '), path, plain(d.new || ''), ' is there');
		if (d.change === 'removed') return el('span', {}, el('strong', {}, '− '), path, plain(d.old || ''), ' is missing');
		return el('span', {}, el('strong', {}, '~ '), path, `: ${plain(d.new || '')}, with most ${plain((d.old || '').replace(/^occurs /, ''))}`);
	}

	function put(a, other, b) {
		page.set({a, b, other: b && other !== page.get('s') ? other : ''}, true);
		draw();
	}

	function compare(g, beside) {
		const option = (group, v, on) => el('option', {value: JSON.stringify([group.key, v.name]), selected: on}, `${page.shortly(v.name)} (${many(v.shown.length, 'message')})`);
		const a = page.get('a') || g.shown[0].name, b = page.get('b'), other = page.get('other') || g.key;
		const first = el('select', {id: 'shapes-a'}, ...g.shown.map((v) => option(g, v, v.name === a)));
		const second = el('select', {id: 'shapes-b'}, el('option', {value: ''}, 'choose'),
			...groups.map((o) => el('optgroup', {label: plain(o.name)}, ...o.shown.map((v) => option(o, v, o.key === other && v.name === b)))));
		const changed = () => {
			const [, left] = JSON.parse(first.value);
			if (!second.value) return put('', '', '');
			const [key, right] = JSON.parse(second.value);
			put(left, key, right);
		};
		first.addEventListener('change', changed);
		second.addEventListener('change', changed);
		return el('section', {}, el('h3', {}, 'Side by side'),
			el('p', {class: 'choices'}, el('label', {for: 'shapes-a'}, 'The structure of'), first, el('label', {for: 'shapes-b'}, 'and of'), second),
			...(beside ? [both(beside.parts, a, b), beside.differences.length ? '' : el('p', {}, 'They have the same structure.')] : []));
	}

	function both(parts, a, b) {
		const body = el('tbody');
		const cell = (side) => (side ? el('td', {}, side.occurs, side.values ? ` ${side.values}` : '') : el('td', {class: 'faint'}, 'not there'));
		const add = (list, depth, space) => {
			for (const p of list) {
				const how = p.same ? '' : p.a && p.b ? 'differs' : p.a ? 'only in the first' : 'only in the second';
				body.append(el('tr', {class: how ? 'varies' : null}, element(p, depth, space), cell(p.a), cell(p.b), el('td', {}, el('strong', {class: 'odd'}, how))));
				add(p.parts || [], depth + 1, p.attr ? space : p.ns || '');
			}
		};
		add(parts, 0, '');
		return el('table', {class: 'tree'}, el('thead', {}, el('tr', {}, ...['Element', page.shortly(a), page.shortly(b), 'Note'].map((h) => el('th', {scope: 'col'}, h)))), body);
	}

	return {
		show,
		focus: two.focus,
		step: two.step,
		keys: two.keys,
		selection: () => {
			const g = groups.find(({key}) => key === page.get('s')) || groups[0];
			if (!g) return [];
			const only = g.shown.find((v) => v.name === page.get('n'));
			return (only ? only.shown : g.shown.flatMap((v) => v.shown)).slice().sort((x, y) => x - y);
		},
	};
}
