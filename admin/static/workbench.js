// The clerk's workbench: look-up, keys, buttons that stay on the page, the preview beside the list. Uploads: workbench_uploads.js.
(() => {
  'use strict';
  const one = (selector, root = document) => root.querySelector(selector);
  const every = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const bench = one('[data-workbench]');
  if (!bench) return;
  const token = () => one('meta[name=csrf-token]')?.content ?? '';
  const typing = (node) => node instanceof HTMLElement && (node.isContentEditable || /^(TEXTAREA|SELECT)$/.test(node.tagName) || (node.tagName === 'INPUT' && !/^(checkbox|radio|file|button)$/.test(node.type)));
  const element = (tag, className, text) => { const made = document.createElement(tag); if (className) made.className = className; if (text !== undefined) made.textContent = text; return made; };

  // ---- one sentence at a time, read out, gone by itself unless it is a refusal
  const board = one('#wb-said');
  function say(sentence, bad = false, link = null) {
    board.replaceChildren();
    if (!sentence) return;
    const line = element('div', bad ? 'line-said bad' : 'line-said'), [head, ...parts] = sentence.replace(/。$/, '').split(/：(?=.*；)|；/);
    const words = element('div', '', parts.length > 1 ? head : sentence);
    if (parts.length > 1) { const list = element('ul'); parts.forEach((part) => list.append(element('li', '', part))); words.append(list); }
    line.append(words);
    if (bad) line.setAttribute('role', 'alert');
    if (link) { const a = element('a', '', link.text); a.href = link.href; a.target = '_blank'; line.append(' ', a); }
    if (bad) { const close = element('button', '', '×'); close.type = 'button'; close.setAttribute('aria-label', one('#wb-case')?.dataset.sayDismiss ?? 'OK'); close.addEventListener('click', () => line.remove()); line.append(close); }
    board.append(line);
    if (!bad) setTimeout(() => line.remove(), 4500);
  }
  async function ask(url, options = {}) {
    let answer;
    try {
      answer = await fetch(url, { ...options, headers: { 'X-CSRFToken': token(), Accept: 'application/json', 'X-Requested-With': 'fetch', ...(options.headers ?? {}) } });
    } catch { return { ok: false, status: 0, said: { error: bench.dataset.lost } }; }
    const said = await answer.json().catch(() => ({ error: bench.dataset.lost }));
    if (!answer.ok && !said.error) said.error = said.message ?? bench.dataset.lost;
    if (said.message && !said.html && !answer.ok) said.error = said.message;
    return { ok: answer.ok, status: answer.status, said };
  }
  function refused(reply) {
    say(reply.said.error, true, reply.status === 401 ? { href: bench.dataset.login, text: '→' } : null);
  }
  window.shenguanBench = { ask, say, refused, element, one, every, swap: (html) => swap(html), token };

  // ---- look-up: checked while it is typed
  const find = one('[data-find]');
  if (find) {
    const input = one('input[name=q]', find), hint = one('.wb-hint', find), names = one('.wb-names', find);
    let waiting = 0, asked = '';
    const check = async () => {
      const text = input.value.trim();
      if (text === asked) return;
      asked = text;
      if (!text) { hint.textContent = ''; names.hidden = true; find.classList.remove('bad', 'good'); return; }
      const { ok, said, status } = await ask(find.dataset.check, { method: 'POST', body: JSON.stringify({ q: text }), headers: { 'Content-Type': 'application/json' } });
      if (input.value.trim() !== text) return;
      if (!ok) { if (status === 401) refused({ said, status }); return; }
      hint.textContent = said.fault ?? said.hint ?? '';
      find.classList.toggle('bad', Boolean(said.fault) && (text.length >= 18 || said.kind === 'number'));
      find.classList.toggle('good', !said.fault && ['uscc', 'citizen', 'case'].includes(said.kind));
      input.setAttribute('aria-invalid', String(find.classList.contains('bad')));
      names.replaceChildren(...said.parties.map((party) => {
        const line = element('li'), link = element('a');
        link.href = party.href;
        link.append(element('b', '', party.name), element('span', 'mono', party.code));
        line.append(link);
        return line;
      }));
      names.hidden = said.parties.length === 0;
      if (!names.hidden) hint.textContent = '';
    };
    input.addEventListener('input', () => { clearTimeout(waiting); waiting = setTimeout(check, 160); });
    find.addEventListener('keydown', (event) => {
      const links = every('a', names);
      if (event.key === 'Escape') { names.hidden = true; input.blur(); return; }
      if (!['ArrowDown', 'ArrowUp'].includes(event.key) || names.hidden || !links.length) return;
      event.preventDefault();
      const at = links.indexOf(document.activeElement) + (event.key === 'ArrowDown' ? 1 : -1);
      (at < 0 ? input : links[Math.min(at, links.length - 1)]).focus();
    });
    find.addEventListener('focusout', (event) => { if (!find.contains(event.relatedTarget)) setTimeout(() => { names.hidden = true; }, 150); });
  }

  // ---- lists walked with the arrows; items filtered while typing
  document.addEventListener('keydown', (event) => {
    const list = event.target.closest?.('[data-rove]');
    if (!list || !['ArrowDown', 'ArrowUp'].includes(event.key)) return;
    event.preventDefault();
    const doors = every('a, button', list).filter((door) => door.offsetParent);
    const at = doors.indexOf(event.target) + (event.key === 'ArrowDown' ? 1 : -1);
    if (at < 0) one('#wb-item')?.focus(); else doors[Math.min(at, doors.length - 1)].focus();
  });
  const items = one('[data-items]');
  if (items) {
    const input = one('#wb-item', items), lines = every('li[data-words]', items), nothing = one('[data-nothing]', items);
    const filter = () => {
      const words = input.value.normalize('NFKC').toLowerCase().split(/\s+/).filter(Boolean);
      let first = true;
      lines.forEach((line) => {
        line.hidden = !words.every((word) => line.dataset.words.includes(word));
        line.classList.toggle('first', !line.hidden && first && words.length > 0);
        if (!line.hidden) first = false;
      });
      nothing.hidden = !first;
    };
    input.addEventListener('input', filter);
    input.addEventListener('keydown', (event) => {
      const shown = lines.filter((line) => !line.hidden);
      if (event.key === 'ArrowDown' && shown.length) { event.preventDefault(); one('button', shown[0]).focus(); }
      if (event.key === 'Enter') { event.preventDefault(); if (shown.length && input.value.trim()) one('button', shown[0]).click(); }
    });
    filter();
  }
  every('form[data-once]').forEach((form) => form.addEventListener('submit', (event) => {
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = '1';
    setTimeout(() => { delete form.dataset.sent; }, 4000);
  }));
  addEventListener('pageshow', () => every('form[data-once]').forEach((form) => { delete form.dataset.sent; }));

  // A scanner may type as soon as the page is there: the browser gives autofocus its focus a little later.
  if (document.activeElement === document.body) one('[autofocus]', bench)?.focus();

  // ---- the shortcut list
  const keys = one('#wb-keys');
  document.addEventListener('click', (event) => { if (event.target.closest('[data-keys]')) keys.showModal(); });

  const root = one('#wb-case');
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || keys.open) return;
    if (event.key === 'Escape' && typing(event.target)) { event.target.blur(); return; }
    if (event.key === '?' && !typing(event.target)) { event.preventDefault(); keys.showModal(); }
    const field = one('#wb-q');
    if (event.key === '/' && field && (!typing(event.target) || (event.target === field && !field.value))) { event.preventDefault(); field.focus(); field.select(); }
    if (event.key.toLowerCase() === 'n' && !typing(event.target) && one('.receipt-page')) location.href = one('.receipt-page .actions a').href;
  }, true);
  if (!root) return;

  // ---- the case: its body is drawn by the server; what was typed and ticked survives each drawing
  let current = null; // the line that the keys speak of
  const lines = () => every('[data-line]', root);
  function remembered() {
    const kept = new Map();
    every('input[id], select[id], textarea[id]', root).forEach((field) => { if (field.type !== 'file' && field.value !== field.defaultValue && !field.dataset.field) kept.set(field.id, field.value); });
    every('select[id]', root).forEach((field) => { if (!field.dataset.field) kept.set(field.id, field.value); });
    const writing = document.activeElement?.dataset?.field ? document.activeElement : null; // half a word in the form
    if (writing && writing.value !== writing.defaultValue) kept.set(writing.id, writing.value);
    const ticks = new Map(every('input[name=pick]', root).map((tick) => [tick.value, tick.checked]));
    const opened = every('details[open]', root).map((details) => details.closest('[data-line]')?.id).filter(Boolean);
    return { kept, ticks, opened, focus: document.activeElement?.id, line: current, y: scrollY };
  }
  function swap(html) {
    const before = remembered();
    const view = one('#wb-view', root);
    root.innerHTML = html;
    const fresh = one('#wb-view', root);
    if (view && fresh && !view.hidden) { fresh.replaceWith(view); one('.wb-cols', root).classList.add('viewing'); }
    before.kept.forEach((value, id) => { const field = document.getElementById(id); if (!field || !value) return; field.value = value; if (field.dataset.field) field.dataset.unsaved = ''; });
    every('input[name=pick]', root).forEach((tick) => { if (before.ticks.has(tick.value)) tick.checked = before.ticks.get(tick.value); });
    counted();
    owed();
    if (before.line) mark(document.getElementById(`line-${before.line}`), false);
    if (before.focus) document.getElementById(before.focus)?.focus({ preventScroll: true });
    else if (before.line) document.getElementById(`line-${before.line}`)?.focus({ preventScroll: true });
    scrollTo({ top: before.y });
    root.dispatchEvent(new CustomEvent('drawn'));
  }
  async function redraw() {
    const answer = await fetch(root.dataset.body, { headers: { 'X-Requested-With': 'fetch' } }).catch(() => null);
    if (answer?.ok && !answer.redirected) swap(await answer.text());
  }
  window.shenguanBench.redraw = redraw;
  function counted() {
    const ticks = every('input[name=pick]:checked', root);
    every('[data-ticked]', root).forEach((place) => { place.textContent = ticks.length; });
    const needed = ticks.some((tick) => 'needsConsent' in tick.dataset);
    every('[data-consent]', root).forEach((field) => { field.required = needed; });
    const button = one('#wb-reuse', root);
    if (button) button.disabled = ticks.length === 0;
  }
  root.addEventListener('change', (event) => { if (event.target.name === 'pick') counted(); });

  root.addEventListener('submit', async (event) => {
    const form = event.target.closest('form[data-act]');
    if (!form) return;
    event.preventDefault();
    if (form.dataset.busy) return;
    form.dataset.busy = '1';
    const reply = await ask(form.action, { method: 'POST', body: new FormData(form) });
    delete form.dataset.busy;
    if (reply.ok && reply.said.next) { location.href = reply.said.next; return; }
    if (reply.said.html) swap(reply.said.html);
    if (reply.ok) say(reply.said.said);
    else {
      refused(reply);
      if (form.hasAttribute('data-accept')) { const open = one('.line:is(.open, .bad, .ready, .warn):not(.optional):has(.take, .offer)', root); if (open) mark(open); else unfilled()[0]?.focus(); }
    }
  });

  // ---- the form of the application: each field saves itself
  root.addEventListener('focusout', (event) => { if (event.target.dataset?.unsaved !== undefined) { delete event.target.dataset.unsaved; event.target.dispatchEvent(new Event('change', { bubbles: true })); } });
  const unfilled = () => every('.wb-field', root).filter((field) => one('em', field) && !one('[data-field]', field).value).map((field) => one('[data-field]', field));
  function owed() {
    const said = one('[data-owed]', root);
    if (!said) return;
    const left = Number(said.dataset.owed) + unfilled().length;
    said.textContent = left ? said.dataset.sayLeft.replace('{n}', left) : said.dataset.sayDone;
    one('#wb-accept', root).classList.toggle('primary', left === 0);
  }
  root.addEventListener('change', async (event) => {
    const field = event.target.closest('[data-field]');
    if (!field) return;
    const source = document.getElementById(field.getAttribute('aria-describedby'));
    const body = new URLSearchParams({ name: field.dataset.field, value: field.value });
    const reply = await ask(one('[data-fields]', root).dataset.fields, { method: 'POST', body });
    owed();
    field.classList.toggle('saved', reply.ok);
    field.setAttribute('aria-invalid', String(!reply.ok));
    source.classList.toggle('bad', !reply.ok);
    source.textContent = reply.ok ? reply.said.source : reply.said.error;
    if (reply.ok && reply.said.value !== undefined && document.activeElement !== field) field.value = reply.said.value;
    if (reply.status === 401) refused(reply);
  });

  // ---- lines by the keyboard
  function mark(line, focus = true) {
    if (!line) return;
    current = line.dataset.line;
    if (focus) { line.focus({ preventScroll: true }); line.scrollIntoView({ block: 'nearest' }); }
  }
  root.addEventListener('focusin', (event) => { const line = event.target.closest('[data-line]'); if (line) current = line.dataset.line; });
  function step(by) {
    const all = lines();
    if (!all.length) return;
    const at = all.findIndex((line) => line.dataset.line === current);
    mark(all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + by))]);
  }
  const here = () => (current ? document.getElementById(`line-${current}`) : null);
  const acts = {
    j: () => step(1), k: () => step(-1), ArrowDown: () => step(1), ArrowUp: () => step(-1),
    ' ': () => one('input[name=pick]', here() ?? root)?.click(),
    o: () => one('[data-view]', here() ?? root)?.click(),
    u: () => { const line = here() ?? root, more = one('.take-more', line), form = one('[data-file-field]', line); if (more && !more.open) { more.open = true; one('input', more)?.focus(); } else if (form && !form.value) form.focus(); else one('input[data-pick]', line)?.click(); },
    d: () => { const open = one('.promise', here() ?? root); if (open) { open.open = true; one('input', open)?.focus(); } },
    r: () => one('#wb-reuse', root)?.click(),
    F9: () => one('#wb-accept', root)?.click(),
  };
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || keys.open) return;
    if (event.key === 'Escape') { closeView(); return; }
    if (event.key !== 'F9' && (typing(event.target) || event.target.closest?.('.pages'))) return;
    if (event.key === ' ' && event.target !== document.body && !event.target.matches('[data-line]')) return;
    const act = acts[event.key] ?? acts[event.key.toLowerCase()];
    if (act) { event.preventDefault(); act(); }
  });

  // ---- preview beside the list
  function closeView() {
    const view = one('#wb-view', root);
    if (!view || view.hidden) return;
    view.hidden = true;
    view.replaceChildren();
    one('.wb-cols', root).classList.remove('viewing');
    const line = here();
    if (line) line.focus({ preventScroll: true });
  }
  root.addEventListener('click', async (event) => {
    const button = event.target.closest('[data-view]');
    if (!button) return;
    const view = one('#wb-view', root);
    const head = element('header'), close = element('button', 'btn small', '×');
    close.type = 'button';
    close.setAttribute('aria-label', root.dataset.sayClose);
    close.addEventListener('click', closeView);
    head.append(element('b', '', button.dataset.name), close);
    const body = element('div', 'pages');
    body.tabIndex = 0;
    body.setAttribute('role', 'group');
    body.setAttribute('aria-label', button.dataset.name);
    view.replaceChildren(head, body);
    view.hidden = false;
    one('.wb-cols', root).classList.add('viewing');
    const purpose = one('#wb-purpose', root)?.value || one('#wb-case').dataset.case;
    await window.shenguanPreview(button.dataset.view, purpose, body, view);
    body.focus({ preventScroll: true });
  });
  counted();
  owed();
})();
