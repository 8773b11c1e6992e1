// Findings: by rule, with what it is for, how to mend it, and every place.

import {el, many, plain} from './dom.js';
import {among} from './filter.js';
import {Source} from './load.js';
import {panes, told} from './panes.js';

export const name = 'findings';
export const title = 'Findings';

const atOnce = 50; // exchanges whose places are asked for at once

export function make(page) {
	const {box, rows, state} = page;
	const source = new Source(page, 'findings', draw);
	const severity = el('select', {id: 'findings-severity', onchange: () => { page.set({severity: severity.value}); draw(); }},
		...[['', 'All findings'], ['error', 'Errors'], ['warning', 'Warnings'], ['note', 'Notes']].map(([value, text]) => el('option', {value}, text)));
	const said = told(source);
	box.append(el('header', {class: 'bar'}, el('label', {for: 'findings-severity'}, 'Show'), severity, said.box));
	const two = panes(box, 'Rules', (key) => {
		page.set({rule: key});
		draw();
		two.detail.scrollTop = 0;
	});
	let rules = []; // those with findings in what the filter lets through
	let drawn = null; // what the detail shows: a rule, and of how many exchanges it has asked for places

	function show() {
		severity.value = page.get('severity');
		if (severity.selectedIndex < 0) severity.value = '';
		source.look();
		draw();
	}

	function draw() {
		if (box.hidden) return;
		const data = source.data;
		if (!data) return said.say('');
		const isShown = among(rows, state.shown);
		const all = state.shown.length === rows.length;
		const counts = {error: 0, warning: 0, note: 0};
		rules = data.anew !== rows.anew ? [] : data.rules.map((r) => {
			const shown = [];
			let count = all ? r.files?.length || 0 : 0;
			r.rows.forEach((n, k) => {
				if (!isShown(n)) return;
				shown.push(n);
				count += r.times[k];
			});
			return {...r, shown, count, files: all && r.files || []};
		}).filter((r) => r.count);
		for (const r of rules) counts[r.severity] += r.count;
		said.say(Object.entries(counts).map(([s, n]) => many(n, s)).join(', '));
		rules = rules.filter((r) => !severity.value || r.severity === severity.value);
		if (!rules.length) {
			drawn = null;
			return empty(data);
		}
		const chosen = rules.find((r) => r.id === page.get('rule')) || rules[0];
		two.show(rules.map((r) => ({key: r.id, parts: [
			el('span', {}, el('strong', {class: `severity ${r.severity}`}, r.severity), ' ', el('b', {}, r.id), el('span', {class: 'number'}, r.count.toLocaleString('en'))),
			el('small', {}, r.summary),
		]})), chosen.id);
		const is = drawn && drawn.anew === data.anew && drawn.rule.id === chosen.id && drawn.rule.files.length === chosen.files.length
			&& drawn.rule.shown.every((n, k) => chosen.shown[k] === n);
		if (is && drawn.rule.count === chosen.count) return;
		if (is) {
			drawn.rule = chosen;
			drawn.count.textContent = many(chosen.count, 'time');
			return more(drawn, atOnce);
		}
		drawn = {anew: data.anew, rule: chosen, asked: 0, busy: false};
		detail(drawn, chosen);
	}

	function empty(data) {
		if (!rows.length) {
			return two.empty(el('h2', {}, 'Nothing has been said yet'), el('p', {}, 'What is wrong or odd with exchanges and calls appears here as they happen. The list of exchanges says how to point a client here.'));
		}
		if (state.shown.length < rows.length || severity.value) {
			return two.empty(el('h2', {}, 'Nothing like that was found'), el('p', {}, `Of ${many(data.rules.length, 'rule')} that something was found of, none fits the filter and what is chosen above.`),
				el('button', {type: 'button', onclick: () => { page.set({severity: ''}); page.filter(''); }}, 'Show all findings'));
		}
		two.empty(el('h2', {}, 'Nothing was found'), el('p', {}, `${many(rows.length, 'exchange')} and their calls are as the rules want them. The rules are listed by `, el('code', {}, 'umtape validate --rules'), '.'));
	}

	function detail(d, r) {
		d.button = el('button', {type: 'button', class: 'more-places', onclick: () => more(d, d.asked + atOnce)}, 'More places');
		d.list = el('ul', {class: 'places'}, ...r.files.map((f) => el('li', {}, el('strong', {}, plain(f.file)), ` ${plain(f.message)}`)));
		d.count = el('span', {class: 'where'}, many(r.count, 'time'));
		two.fill(
			el('h2', {}, el('span', {class: `severity ${r.severity}`}, r.severity), ` ${r.id} `, d.count),
			el('p', {class: 'summary'}, r.summary),
			el('dl', {class: 'facts'}, ...[['Why', r.reason], ['Fix', r.fix], ['Source', r.source]].flatMap(([name, text]) => (text ? [el('dt', {}, name), el('dd', {}, text)] : []))),
			el('h3', {}, 'Where'), d.list, d.button);
		more(d, atOnce);
	}

	// more shows the places in more exchanges, which umtape reads again for that.
	async function more(d, until) {
		if (d.busy) return;
		d.busy = true;
		while (d.asked < Math.min(until, d.rule.shown.length)) {
			const some = d.rule.shown.slice(d.asked, Math.min(until, d.asked + atOnce));
			d.asked += some.length;
			let places;
			try {
				({places} = await page.load('found', {rule: d.rule.id, rows: some.join(',')}));
			} catch (e) {
				places = [{message: e.message}];
			}
			if (d !== drawn) return;
			d.list.append(...places.map((p) => el('li', {}, p.name || p.operation ? el('button', {type: 'button', onclick: () => page.open(p.n, p.nth)}, p.name ? page.shortly(p.name) : plain(p.operation)) : '',
				` ${plain(p.message)}`, el('small', {class: 'faint'}, where(p)))));
		}
		d.busy = false;
		d.button.hidden = d.asked >= d.rule.shown.length;
		d.button.textContent = `More places: ${many(d.rule.shown.length - d.asked, 'exchange')}`;
	}

	const where = (p) => ' ' + [p.name && p.operation, p.part, p.header ? `header ${p.header}` : p.path].filter(Boolean).map(plain).join(', ');

	return {
		show,
		focus: two.focus,
		step: two.step,
		keys: two.keys,
		selection: () => (rules.find((r) => r.id === page.get('rule')) || rules[0])?.shown || [],
	};
}
