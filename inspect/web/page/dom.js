// Elements are made here and nowhere else, and text only ever becomes text.

export const $ = (id) => document.getElementById(id);

// el makes an element: el('p', {class: 'x', onclick: f}, 'text', child).
export function el(tag, props = {}, ...children) {
	const e = document.createElement(tag);
	for (const [name, value] of Object.entries(props)) {
		if (value === undefined || value === null || value === false) continue;
		if (name.startsWith('on')) e.addEventListener(name.slice(2), value);
		else e.setAttribute(name, value === true ? '' : value);
	}
	e.append(...children.filter((c) => c !== null && c !== undefined && c !== false));
	return e;
}

// plain shows what could turn the direction of text or is not seen as what it is.
export function plain(text) {
	return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
		(c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'));
}

export async function copy(text, button) {
	const was = button.dataset.was ||= button.textContent; // it may say Copied still
	try {
		await navigator.clipboard.writeText(text);
		button.textContent = 'Copied';
	} catch {
		button.textContent = 'The browser does not allow it';
	}
	clearTimeout(button.again);
	button.again = setTimeout(() => { button.textContent = was; }, 1500);
}

export function took(ms) {
	if (ms <= 0) return '-';
	if (ms < 10) return ms.toFixed(2) + ' ms';
	if (ms < 1000) return ms.toFixed(0) + ' ms';
	return (ms / 1000).toFixed(2) + ' s';
}

export function clock(ms) {
	return ms ? new Date(ms).toISOString().slice(11, 23) : '-';
}

export const many = (n, what) => `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`;

// rem is how long one is, in pixels.
export const rem = () => parseFloat(getComputedStyle(document.documentElement).fontSize);
