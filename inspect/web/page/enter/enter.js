'use strict';
// The link has led here, with the cookie. A browser gives that to whatever listens on
// this host, on other ports as well, but what it stores to this port alone: the key is
// stored, and what was after # in the link stays.
try {
	localStorage.setItem('umtape-key', document.documentElement.dataset.key);
	location.replace(`/${location.hash}`);
} catch {
	document.getElementById('said').textContent = 'The browser stores nothing for this page, which needs that to be let in: allow it, and open the link again.';
}
