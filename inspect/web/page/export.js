import {$, many} from './dom.js';
import {key} from './load.js';

const endings = {cassette: 'yaml', har: 'har', json: 'json'};

// exporting lets what is shown be downloaded: selection returns numbers of rows.
export function exporting(rows, state, selection) {
	const dialog = $('exports');
	let chosen = [];
	$('export').addEventListener('click', () => {
		chosen = selection();
		const n = chosen.length;
		$('exports-problem').textContent = '';
		$('exports-what').textContent = `What is shown: ${many(n, 'exchange')}, without what is on no cassette. ` + (state.reveal
			? 'What is sensitive goes with it, as it is shown now.'
			: 'Names of people, numbers and internal servers become pseudonyms, so that it can still be replayed. Press "Show sensitive" before to export them as they are.');
		for (const b of dialog.querySelectorAll('[data-as]')) b.disabled = n === 0;
		dialog.showModal();
	});
	dialog.addEventListener('click', async (e) => {
		const as = e.target.dataset.as;
		if (!as) return;
		$('exports-problem').textContent = '';
		try {
			const response = await fetch(`/api/export?as=${as}`, {
				method: 'POST',
				headers: {'Content-Type': 'application/json', 'Umtape-Key': key()},
				body: JSON.stringify({anew: rows.anew, rows: chosen, reveal: state.reveal}),
			});
			if (!response.ok) {
				const text = await response.text();
				let what = text;
				try { what = JSON.parse(text).error; } catch { /* plain text */ }
				throw new Error(what);
			}
			const a = document.createElement('a');
			a.href = URL.createObjectURL(await response.blob());
			a.download = `umtape.${endings[as]}`;
			a.click();
			setTimeout(() => URL.revokeObjectURL(a.href), 10000);
			dialog.close();
		} catch (problem) {
			$('exports-problem').textContent = problem.message;
		}
	});
}
