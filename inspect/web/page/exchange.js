import {$, clock, copy, el, many, plain, took} from './dom.js';
import {load} from './load.js';
import {xml} from './xml.js';

// show asks for one exchange and shows it, unless another one is asked for meanwhile. go
// opens another one.
let asked = 0;
export async function show(n, anew, reveal, {go, close, comparing}) {
	const box = $('exchange'), mine = ++asked;
	box.setAttribute('aria-busy', 'true');
	let x;
	try {
		x = await load('exchange', {n, anew, reveal: reveal ? 1 : 0});
	} catch (e) {
		x = {error: e.message};
	}
	if (mine !== asked) return;
	const closer = el('button', {type: 'button', class: 'close', onclick: close, 'aria-keyshortcuts': 'Escape'}, 'Close');
	box.removeAttribute('aria-busy');
	if (x.error) {
		box.replaceChildren(el('header', {}, el('h2', {}, 'It cannot be shown'), closer), el('p', {class: 'problem'}, plain(x.error)));
		return;
	}
	x.findings?.forEach((f, k) => { f.k = k; });
	box.replaceChildren(...[
		el('header', {}, el('h2', {}, plain(x.operation), x.file ? el('span', {class: 'where'}, ` ${plain(x.file)}#${x.id}`) : null),
			comparing && el('button', {type: 'button', onclick: comparing.act, 'aria-keyshortcuts': 'c'}, plain(comparing.text)), closer),
		facts(x, go),
		findings(x),
		ofCall(x, go),
		...(x.request ? [
			side('Request', `${plain(x.method || '')} ${plain(x.url || '')}`, x.request, x, 'request'),
			x.response && side('Response', `${x.status} ${x.status_text || ''}`, x.response, x, 'response'),
			curl(x),
		] : []),
	].filter(Boolean));
}

function facts(x, go) {
	const list = el('dl', {class: 'facts'});
	const fact = (name, ...value) => { if (value.some((v) => v)) list.append(el('dt', {}, name), el('dd', {}, ...value)); };
	fact('Time', x.began && x.began.replace('T', ' ').replace('Z', ' UTC'));
	fact('Status', el('span', {class: x.status >= 400 || x.fault ? 'bad' : ''}, String(x.status || 'none')), ' ', x.status_text || '');
	fact('Took', took(x.took));
	if (x.outcome) fact('Outcome', el('span', {class: x.outcome === 'missed' ? 'bad' : ''}, x.outcome));
	fact('Why', x.reason && plain(x.reason));
	if (x.nearest) {
		fact('Nearest', x.nearest_n >= 0 ? el('button', {type: 'button', onclick: () => go(x.nearest_n)}, plain(x.nearest)) : plain(x.nearest));
	}
	if (x.call) {
		fact('Call', el('code', {}, plain(x.call)), x.decoded
			? (x.server ? ` at ${plain(x.server)}` : ' at a server that is hidden')
			: ' (its CallId is not base64 of GUID@SERVER)');
		fact('CallId', x.call_id && el('code', {}, plain(x.call_id)));
	}
	fact('Fault', x.fault && el('span', {class: 'bad'}, plain(x.fault)), x.fault_reason ? `: ${plain(x.fault_reason)}` : '');
	fact('SOAPAction', x.action !== undefined && el('code', {}, plain(`"${x.action}"`)));
	fact('Answer', x.shape && el('code', {}, plain(x.shape)));
	fact('Client', x.client && plain(x.client));
	fact('Line', x.line ? `${x.line} of ${plain(x.file)}` : '');
	fact('Redacted', x.redacted?.length ? plain(x.redacted.join(', ')) : '');
	for (const note of x.notes || []) fact('Note', plain(note));
	return list;
}

function findings(x) {
	if (!x.findings?.length) return null;
	return el('section', {}, el('h3', {}, many(x.findings.length, 'finding')), el('ul', {class: 'findings'}, ...x.findings.map((f) =>
		el('li', {class: `finding ${f.severity}`, 'data-finding': f.k},
			el('strong', {}, `${f.rule} ${f.severity}`), ` ${plain(f.message)} `,
			f.header || f.tag >= 0 ? el('button', {type: 'button', 'aria-label': `Show the place of ${f.rule}`, onclick: () => reach(f.k)}, 'Show') : '',
			el('p', {}, [f.part, f.header ? `header ${f.header}` : f.path].filter(Boolean).map(plain).join(', ')),
			f.fix ? el('p', {}, `Fix: ${f.fix}`) : null,
			f.source ? el('p', {}, `Source: ${f.source}`) : null))));
}

// reach goes to the place of a finding of the exchange that is shown: its element or
// header, or else what is said of it. It reports whether there is such a place.
export function reach(k) {
	const box = $('exchange'), all = [...box.querySelectorAll(`[data-finding~="${k}"]`)];
	const at = all.find((e) => !e.matches('.finding') && e.getClientRects().length) || all[0];
	if (!at) return false;
	for (const e of box.querySelectorAll('.reached')) e.classList.remove('reached');
	at.classList.add('reached');
	at.setAttribute('tabindex', '-1');
	at.scrollIntoView({block: 'center'});
	at.focus({preventScroll: true});
	return true;
}

function ofCall(x, go) {
	if (!x.of_call || x.of_call.length < 2) return null;
	const first = x.of_call[0].began;
	return el('details', {open: x.of_call.length <= 12}, el('summary', {}, `The call: ${many(x.of_call.length, 'exchange')}`),
		el('ol', {class: 'of-call'}, ...x.of_call.map((m) => el('li', {},
			el('button', {type: 'button', onclick: () => go(m.n), 'aria-current': m.n === x.n ? 'true' : null}, plain(m.operation)),
			el('span', {class: m.fault || m.status >= 400 ? 'bad' : 'faint'}, ` ${m.status || ''} ${plain(m.fault || '')}`),
			el('span', {class: 'faint'}, m.began ? (m.began > first ? ` +${took(m.began - first)}` : ` ${clock(m.began)}`) : '')))));
}

function side(title, what, s, x, part) {
	const about = (x.findings || []).filter((f) => f.part === part);
	const body = el('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `${title} body`});
	const bar = el('header', {}, el('h3', {}, `${title} `, el('span', {class: 'faint'}, what)));
	const box = el('section', {class: 'side', 'aria-label': title}, bar);
	if (s.headers.length) {
		const told = new Set(about.map((f) => (f.header || '').toLowerCase()));
		box.append(el('details', {open: told.size > 1 || !told.has('') && told.size > 0},
			el('summary', {}, many(s.headers.length, 'header')),
			el('table', {class: 'headers'}, el('tbody', {}, ...s.headers.map(([name, value]) =>
				el('tr', {class: told.has(name.toLowerCase()) ? 'about' : null, 'data-finding': about.filter((f) => f.header?.toLowerCase() === name.toLowerCase()).map((f) => f.k).join(' ')}, el('th', {scope: 'row'}, plain(name)), el('td', {}, plain(value))))))));
	}
	if (!s.bytes) {
		box.append(el('p', {class: 'raw faint'}, 'no body'));
		return box;
	}
	if (s.error) box.append(el('p', {class: 'problem'}, plain(s.error)));
	const raw = () => {
		body.replaceChildren(el('pre', {class: 'raw'}, plain(s.raw)));
		if (s.cut) body.append(el('p', {class: 'raw faint'}, `This is the beginning of ${many(s.bytes, 'byte')}; umtape inspect --raw shows all of it.`));
	};
	if (s.pretty) {
		const tree = xml(s.pretty, about);
		const both = [['Indented', () => body.replaceChildren(tree.box)], [s.hex ? 'Bytes' : 'Raw', raw]].map(([name, f], k) => {
			const b = el('button', {type: 'button', 'aria-pressed': String(k === 0)}, name);
			b.addEventListener('click', () => {
				f();
				for (const other of both) other.setAttribute('aria-pressed', String(other === b));
			});
			return b;
		});
		let folded = false;
		const folder = el('button', {type: 'button', onclick: () => {
			folded = !folded;
			tree.foldAll(folded);
			folder.textContent = folded ? 'Unfold' : 'Fold';
		}}, 'Fold');
		bar.append(...both, folder);
		body.append(tree.box);
	} else {
		raw();
	}
	const copier = el('button', {type: 'button', 'aria-label': `Copy ${part}`, onclick: () => copy(s.pretty && body.querySelector('.xml') ? s.pretty : s.raw, copier)}, 'Copy');
	bar.append(copier);
	box.append(body);
	return box;
}

function curl(x) {
	if (!x.curl) return null;
	const copier = el('button', {type: 'button', 'aria-label': 'Copy as curl', onclick: () => copy(x.curl, copier)}, 'Copy');
	return el('section', {class: 'side', 'aria-label': 'As curl'},
		el('header', {}, el('h3', {}, 'As curl ', el('span', {class: 'faint'}, x.masked ? 'with what is hidden left out' : '')), copier),
		el('pre', {class: 'raw scroll', tabindex: '0'}, plain(x.curl)));
}
