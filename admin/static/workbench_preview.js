// A material beside the list: its watermarked pages as the server draws them, for the purpose that is stated on the page.
window.shenguanPreview = async (material, purpose, body, head) => {
  'use strict';
  const { ask, element, one } = window.shenguanBench;
  const words = one('#wb-case').dataset;
  const say = (sentence, link = null) => {
    const line = element('p', 'say', sentence);
    line.setAttribute('role', 'status');
    if (link) { const a = element('a', 'btn small', words.sayViewer); a.href = link; a.target = '_blank'; a.rel = 'noopener'; body.replaceChildren(line, a); } else body.replaceChildren(line);
  };
  say('…');
  const query = new URLSearchParams({ use: purpose.slice(0, 200), case: words.case });
  const { ok, said } = await ask(`/files/${material}/preview?${query}`);
  if (!ok) { say(said.error); return; }
  const viewer = element('a', 'btn small', words.sayViewer);
  viewer.href = said.viewer; viewer.target = '_blank'; viewer.rel = 'noopener';
  head.querySelector('[data-viewer]')?.remove();
  viewer.dataset.viewer = '';
  head.querySelector('header button').before(viewer);
  if (said.fields) {
    const list = element('dl', 'two-dl');
    said.fields.forEach(([label, value]) => list.append(element('dt', '', label), element('dd', '', value || '—')));
    body.replaceChildren(list, element('p', 'hint', said.said));
    return;
  }
  if (!said.pages) { say(said.why ?? said.name, said.viewer); return; }
  const wide = Math.min(1600, Math.max(600, Math.round(body.clientWidth * devicePixelRatio)));
  body.replaceChildren(...Array.from({ length: said.pages }, (_, at) => {
    const page = element('img');
    page.loading = at < 2 ? 'eager' : 'lazy';
    page.alt = words.sayPage.replace('{page}', at + 1).replace('{pages}', said.pages);
    page.src = `${said.page.replace('{page}', at + 1)}&width=${wide}`;
    page.addEventListener('error', () => page.replaceWith(element('p', 'say', words.sayFailed)), { once: true });
    return page;
  }));
  body.onkeydown = (event) => {
    if (event.key === '+' || event.key === '=') { event.preventDefault(); body.classList.add('wide'); }
    if (event.key === '-') { event.preventDefault(); body.classList.remove('wide'); }
  };
};
