import {$, clock, el, plain, took} from './dom.js';

// The list holds as many elements as are to be seen, however many rows there are. The
// newest row is the first.
//
// No browser makes an element much higher than tallest, in pixels. Where the rows would
// need more the list scrolls by more than the bar does: top and scrollTo are in pixels of
// rows.
const tallest = 12e6;

export class List {
	constructor(rows, open) {
		this.rows = rows;
		this.open = open;
		this.shown = []; // numbers of rows, oldest first
		this.had = 0; // how many there were when they were shown
		this.active = -1; // number of a row
		this.pool = [];
		this.scale = 1;
		this.box = $('list');
		this.body = $('rows');
		this.box.addEventListener('scroll', () => this.paint(), {passive: true});
		new ResizeObserver(() => this.measure()).observe(this.box);
		this.body.addEventListener('click', (e) => {
			const row = e.target.closest('.row');
			if (!row) return;
			this.activate(Number(row.dataset.n), false);
			this.open(this.active);
		});
	}

	measure() {
		const narrow = this.box.clientWidth <= 46 * rem();
		this.height = (narrow ? 3.5 : 2) * rem();
		document.documentElement.style.setProperty('--row', this.height + 'px');
		this.head = narrow ? 0 : 2 * rem();
		this.size();
		this.paint();
	}

	// show shows other rows. With stay, what is being looked at stays where it is.
	show(shown, stay) {
		const top = this.top(), {scale} = this;
		const more = shown.length - this.had; // the array itself may have grown
		this.shown = shown;
		this.had = shown.length;
		this.size();
		this.box.setAttribute('aria-rowcount', shown.length + 1);
		if (!stay) this.scrollTo(0);
		else if (top > 0 && (more > 0 || this.scale !== scale)) this.scrollTo(top + Math.max(more, 0) * this.height);
		this.paint();
	}

	size() {
		const full = this.had * this.height, tall = Math.min(full, tallest), room = this.box.clientHeight - this.head;
		this.body.style.height = tall + 'px';
		this.scale = tall < full ? (full - room) / (tall - room) : 1;
	}

	top() { return this.box.scrollTop * this.scale; }

	scrollTo(top) { this.box.scrollTop = top / this.scale; }

	// at is where a row is in the list, from the top; -1 if it is not.
	at(n) {
		let low = 0, high = this.shown.length;
		while (low < high) {
			const mid = (low + high) >> 1;
			if (this.shown[mid] < n) low = mid + 1; else high = mid;
		}
		return this.shown[low] === n ? this.shown.length - 1 - low : -1;
	}

	move(by) {
		if (!this.shown.length) return;
		const at = this.at(this.active);
		const next = at < 0 && by !== Infinity ? 0 : Math.min(Math.max(at + by, 0), this.shown.length - 1);
		this.activate(this.shown[this.shown.length - 1 - next], true);
	}

	page() { return Math.max(1, Math.floor((this.box.clientHeight - this.head) / this.height) - 1); }

	activate(n, reach) {
		this.active = n;
		const at = this.at(n);
		if (reach && at >= 0) {
			this.box.scrollIntoView({block: 'nearest'}); // where the page itself scrolls
			const room = this.box.clientHeight - this.head;
			const top = at * this.height;
			if (top < this.top()) this.scrollTo(top);
			else if (top + this.height > this.top() + room) this.scrollTo(top + this.height - room);
		}
		this.paint();
	}

	paint() {
		if (!this.height) return;
		const top = this.top();
		this.off = this.box.scrollTop - top;
		const from = Math.max(0, Math.floor(top / this.height) - 4);
		const fit = Math.ceil(this.box.clientHeight / this.height) + 8;
		const to = Math.min(this.shown.length, from + fit);
		while (this.pool.length < to - from) this.pool.push(this.body.appendChild(makeRow()));
		let active = '';
		// An element keeps its row while scrolling, so that little is written.
		for (let k = 0; k < this.pool.length; k++) {
			const e = this.pool[k];
			const at = from + ((k - from % this.pool.length) + this.pool.length) % this.pool.length;
			const n = this.shown[this.shown.length - 1 - at];
			// Rows that are being replaced may be fewer for the moment than are shown.
			e.hidden = at >= to || n >= this.rows.length;
			if (e.hidden) continue;
			this.fill(e, n, at);
			if (n === this.active) active = e.id;
		}
		if (active) this.box.setAttribute('aria-activedescendant', active);
		else this.box.removeAttribute('aria-activedescendant');
	}

	fill(e, n, at) {
		const rows = this.rows;
		const key = `${rows.anew}.${n}`;
		if (e.dataset.key !== key) {
			e.dataset.key = key;
			e.dataset.n = n;
			e.id = `row-${n}`;
			const [time, operation, call, status, tookCell, shape, client, found] = e.children;
			const fault = rows.fault.of(n), outcome = rows.outcome.of(n);
			time.textContent = clock(rows.began[n]);
			operation.textContent = plain(rows.operation.of(n));
			call.textContent = rows.callOf(n) || '-';
			status.textContent = rows.status[n] || '-';
			status.className = 'status ' + (rows.status[n] >= 400 || fault ? 'bad' : '');
			tookCell.textContent = took(rows.took[n]);
			const answered = !outcome || outcome === 'recorded' || outcome === 'replayed';
			shape.textContent = answered ? plain(rows.shape.of(n)) : outcome;
			shape.className = 'shape ' + (fault || !answered ? 'bad' : '');
			if (outcome === 'replayed') shape.prepend(el('span', {class: 'hit'}, 'hit'), ' ');
			client.textContent = plain(rows.client.of(n));
			found.textContent = '';
			if (rows.errors[n]) found.append(el('span', {class: 'bad'}, `${rows.errors[n]} error${rows.errors[n] > 1 ? 's' : ''}`));
			else if (rows.warnings[n]) found.append(el('span', {class: 'odd'}, `${rows.warnings[n]} odd`));
		}
		e.setAttribute('aria-rowindex', at + 2);
		e.classList.toggle('active', n === this.active);
		e.setAttribute('aria-selected', n === this.active);
		e.style.transform = `translateY(${at * this.height + this.off}px)`;
	}
}

function makeRow() {
	const cell = (name) => el('span', {class: name, role: 'gridcell'});
	return el('div', {class: 'row', role: 'row'}, ...['time', 'operation', 'call', 'status', 'took', 'shape', 'client', 'found'].map(cell));
}

const rem = () => parseFloat(getComputedStyle(document.documentElement).fontSize);
