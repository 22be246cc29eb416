// Licences: the document in the page once a use is stated, the face while it is typed, forms that are sent once.
(() => {
  'use strict';
  const one = (selector, root = document) => root.querySelector(selector);
  const every = (selector, root = document) => Array.from(root.querySelectorAll(selector));

  // ---- the document itself, for a stated use
  const asked = one('[data-open-face]'), sheet = one('[data-face]');
  asked?.addEventListener('submit', async (event) => {
    event.preventDefault();
    const said = one('[data-face-said]', asked), { dataset: words } = sheet, button = one('button', asked);
    const use = asked.elements.use.value.trim();
    button.disabled = true;
    try {
      const answer = await fetch(`${words.preview}?${new URLSearchParams({ use })}`, { headers: { Accept: 'application/json' } });
      const told = await answer.json();
      if (!answer.ok || !told.pages) { said.textContent = told.message ?? told.error ?? told.why ?? words.sayFailed; return; }
      window.shenguanPages(sheet, told, { page: words.sayPage, failed: words.sayFailed, larger: words.sayLarger, smaller: words.saySmaller, next: words.sayNext, before: words.sayBefore, fit: words.sayFit }).focus();
    } catch { said.textContent = words.sayFailed; } finally { button.disabled = false; }
  });

  // ---- the face while it is typed
  function watchFace() {
    const live = one('[data-draw]');
    if (!live) return;
    const form = live.closest('form') ?? one('#lic-form'), picture = one('img', live), faults = one('[data-draw-faults]', live), state = one('[data-draw-state]', live);
    let waiting, running = null, shown = null;
    async function draw() {
      running?.abort();
      const mine = running = new AbortController();
      picture.classList.add('stale');
      try {
        const body = new FormData(form);
        every('input[type=file]', form).forEach((input) => body.delete(input.name));
        if (!live.isConnected) return;
        const answer = await fetch(live.dataset.draw, { method: 'POST', body, headers: { Accept: 'application/json' }, signal: mine.signal });
        const said = await answer.json();
        faults.replaceChildren(...(said.faults ?? [said.message ?? said.error]).map((sentence) => { const line = document.createElement('li'); line.textContent = sentence; return line; }));
        if (said.picture) { picture.src = said.picture; picture.hidden = false; shown = true; }
        state.textContent = said.said ?? '';
        const rows = one('[data-draw-changes] tbody');
        if (rows && said.changes) {
          rows.replaceChildren(...said.changes.map((cells) => { const row = document.createElement('tr'); cells.forEach((text, at) => { const cell = document.createElement('td'); cell.append(at === 0 ? text : Object.assign(document.createElement(at === 1 ? 'del' : 'ins'), { textContent: text || '—' })); row.append(cell); }); return row; }));
          rows.closest('[data-draw-changes]').hidden = said.changes.length === 0;
        }
      } catch (error) {
        if (error.name !== 'AbortError') state.textContent = live.dataset.sayFailed;
      } finally { if (running === mine) { running = null; picture.classList.remove('stale'); if (!shown) picture.hidden = true; } }
    }
    const later = () => { clearTimeout(waiting); waiting = setTimeout(draw, 350); };
    form.addEventListener('input', (event) => { if (event.target.type !== 'file') later(); });
    form.addEventListener('change', (event) => { if (event.target.type !== 'file') later(); });
    draw();
  }
  watchFace();

  // ---- deciding: another item, another licence
  const part = one('[data-licence-part]'), item = one('[data-item]');
  if (part && item) item.addEventListener('change', async () => {
    const answer = await fetch(`${part.dataset.licencePart}?${new URLSearchParams({ item: item.value })}`);
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').body;
    part.replaceChildren(...fresh.childNodes);
    const name = one('[data-licence-name]', part);
    if (name && !name.value) name.value = item.selectedOptions[0].dataset.licence ?? '';
    watchFace();
  });

  // ---- many notices at once
  const all = one('[data-mark-all]');
  all?.addEventListener('change', () => every('input[name=id]').forEach((box) => { box.checked = all.checked; }));

  // ---- what a rule's kind means for its results
  every('[data-kind]').forEach((kind) => {
    const show = () => every('[data-of-kind]', kind.form).forEach((option) => {
      const fits = option.dataset.ofKind === kind.value;
      option.hidden = option.disabled = !fits;
      if (!fits && option.selected) option.closest('select').value = '';
    });
    kind.addEventListener('change', show);
    show();
  });

  every('form[data-once]').forEach((form) => form.addEventListener('submit', (event) => {
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = '1';
    every('button:not([type=button])', form).forEach((button) => { setTimeout(() => { button.disabled = true; }); });
  }));
  addEventListener('pageshow', () => every('form[data-once]').forEach((form) => { delete form.dataset.sent; every('button', form).forEach((button) => { button.disabled = false; }); }));
})();
