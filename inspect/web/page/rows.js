import {load} from './load.js';

// All rows, in columns: texts once, rows as numbers, so that 100 000 of them take a few
// megabytes and are filtered at once.

class Texts {
	texts = [];
	known = new Map();
	rows = [];
	add(column) {
		const own = column.texts.map((t) => {
			let n = this.known.get(t);
			if (n === undefined) {
				n = this.texts.push(t) - 1;
				this.known.set(t, n);
			}
			return n;
		});
		for (const n of column.rows) this.rows.push(own[n]);
	}
	of(row) { return this.texts[this.rows[row]]; }
}

const textColumns = ['file', 'operation', 'client', 'shape', 'fault', 'outcome'];
const numberColumns = ['id', 'began', 'took', 'call', 'status', 'errors', 'warnings'];

export class Rows {
	constructor() { this.clear(-1); }

	clear(anew) {
		this.anew = anew;
		this.length = 0;
		this.calls = [];
		for (const c of textColumns) this[c] = new Texts();
		for (const c of numberColumns) this[c] = [];
	}

	// load asks for what is not here yet, up to total; changed is told after each part.
	async load(total, anew, changed) {
		if (anew !== this.anew) this.clear(anew);
		while (this.length < total) {
			const part = await load('rows', {from: this.length, calls: this.calls.length});
			if (part.anew !== this.anew) {
				this.clear(part.anew);
				if (part.from > 0) continue;
			}
			for (const c of part.calls || []) this.calls.push(c);
			if (!part.id) break;
			for (const c of textColumns) this[c].add(part[c]);
			for (const c of numberColumns) for (const v of part[c]) this[c].push(v);
			this.length += part.id.length;
			total = Math.max(total, part.total);
			changed();
		}
	}

	callOf(row) { return this.call[row] < 0 ? '' : this.calls[this.call[row]]; }

	name(row) { return this.file.of(row) ? `${this.file.of(row)}#${this.id[row]}` : ''; }

	find(name) {
		for (let n = this.length - 1; n >= 0; n--) if (name && this.name(n) === name) return n;
		return -1;
	}
}
