// load asks umtape for what a view shows, such as load('calls', {reveal: 1}). Whatever
// goes wrong is an Error that says so in words. signal ends it before.
export async function load(name, params = {}, signal) {
	let response, text;
	try {
		response = await fetch(`/api/${name}?${new URLSearchParams(params)}`, {signal});
		text = await response.text();
	} catch {
		throw new Error('umtape does not answer; it may have been ended. Start it again and open the link that it prints.');
	}
	let data;
	try { data = JSON.parse(text); } catch { data = {error: text.trim()}; }
	if (data.error || !response.ok) throw new Error(data.error || `umtape answers with ${response.status}`);
	return data;
}
