import {load} from './load.js';

// Text in bodies, text:WORD in a filter, is looked for by umtape: in pieces, from the
// newest exchange back, as long as the filter asks for it.
export class Search {
	constructor(rows, changed) {
		this.rows = rows;
		this.changed = changed; // is told when more is known
		this.sought = new Map(); // by text: what is known
		this.problem = '';
	}

	// want says what is to be looked for from now on.
	want(texts, reveal) {
		if (this.reveal !== reveal || this.anew !== this.rows.anew) this.sought.clear();
		this.reveal = reveal;
		this.anew = this.rows.anew;
		for (const text of this.sought.keys()) if (!texts.includes(text)) this.sought.delete(text);
		for (const text of texts) {
			if (!this.sought.has(text)) this.sought.set(text, {found: new Set(), end: 0, gaps: [], unread: 0});
		}
		if (this.running && this.running !== this.next()?.[0]) this.aborter.abort();
		this.problem = '';
		clearTimeout(this.soon);
		if (texts.length) this.soon = setTimeout(() => this.run(), 200); // more may be typed
	}

	// next is what is to be looked for next: rows that came since, then those before.
	next() {
		for (const [text, s] of this.sought) {
			if (s.end < this.rows.length) s.gaps.push([s.end, s.end = this.rows.length]);
			if (s.gaps.length) return [text, s];
		}
		return null;
	}

	async run() {
		if (this.running) return;
		for (let next; (next = this.next());) {
			const [text, s] = next, gap = s.gaps.at(-1);
			this.running = text;
			this.aborter = new AbortController();
			try {
				const piece = await load('search', {text, first: gap[0], end: gap[1], reveal: this.reveal ? 1 : 0}, this.aborter.signal);
				if (piece.anew !== this.anew) break; // the rows will come anew
				this.problem = '';
				for (const n of piece.found) s.found.add(n);
				s.unread += piece.unread;
				gap[1] = Math.min(piece.from, gap[1] - 1);
				if (gap[1] <= gap[0]) s.gaps.pop();
			} catch (e) {
				if (this.aborter.signal.aborted) continue;
				this.problem = `the search was ended: ${e.message}`;
				break;
			} finally {
				this.running = '';
				this.changed();
			}
		}
	}

	// test tells of a row whether it says a text. Of rows that were not looked at, neither
	// that they do nor that they do not.
	test(text, not) {
		const s = this.sought.get(text);
		if (!s) return () => false;
		const known = (n) => n < s.end && !s.gaps.some(([from, to]) => n >= from && n < to);
		return (n) => not ? known(n) && !s.found.has(n) : s.found.has(n);
	}

	// left is the part of the rows that was not looked at yet, from 0 to 1.
	left() {
		let left = 0;
		for (const s of this.sought.values()) {
			left += this.rows.length - s.end;
			for (const [from, to] of s.gaps) left += to - from;
		}
		return left ? left / (this.rows.length * this.sought.size) : 0;
	}

	unread() { return Math.max(0, ...[...this.sought.values()].map((s) => s.unread)); }
}

// mark shows where the texts are in what an element shows, and returns the first place;
// null for none, or if the browser cannot show it.
export function mark(box, texts) {
	if (!window.Highlight) return null;
	const ranges = [];
	for (const part of texts.length ? box.querySelectorAll('.line > .text, pre.raw') : []) {
		const nodes = [], starts = [];
		let whole = '';
		for (const walk = document.createTreeWalker(part, NodeFilter.SHOW_TEXT); walk.nextNode();) {
			nodes.push(walk.currentNode);
			starts.push(whole.length);
			whole += walk.currentNode.data;
		}
		const lower = whole.toLowerCase();
		if (lower.length !== whole.length) continue; // some letters become two
		const place = (at) => {
			const n = starts.findLastIndex((start) => start <= at);
			return [nodes[n], at - starts[n]];
		};
		for (const text of texts) {
			for (let at = lower.indexOf(text); at >= 0 && ranges.length < 2000; at = lower.indexOf(text, at + text.length)) {
				const range = new Range();
				range.setStart(...place(at));
				const [node, end] = place(at + text.length - 1);
				range.setEnd(node, end + 1);
				ranges.push(range);
			}
		}
	}
	CSS.highlights.set('sought', new Highlight(...ranges));
	return ranges[0] || null;
}
