// The web inbox: keys in the list, signing for several, boxes that depend on others, evidence brought while one types, drafts.
(() => {
  'use strict';
  const one = (selector, root = document) => root.querySelector(selector);
  const every = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const typing = (node) => node instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(node.tagName) && node.type !== 'checkbox';

  // ---- the list
  const several = one('#sign-several');
  const picks = every('input[name=ids][form=sign-several]');
  function count() {
    if (!several) return;
    const chosen = picks.filter((pick) => pick.checked).length;
    several.hidden = picks.length === 0;
    one('[data-chosen]', several).textContent = chosen || '';
    one('button.primary', several).disabled = chosen === 0;
  }
  picks.forEach((pick) => pick.addEventListener('change', count));
  one('[data-all]')?.addEventListener('click', () => {
    const all = picks.every((pick) => pick.checked);
    picks.forEach((pick) => { pick.checked = !all; });
    count();
  });
  count();
  const rows = every('.inbox tr[data-href]');
  let at = -1;
  document.addEventListener('keydown', (event) => {
    if (!rows.length || typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'j' || event.key === 'k') {
      rows[at]?.classList.remove('at');
      at = Math.min(Math.max(at + (event.key === 'j' ? 1 : -1), 0), rows.length - 1);
      rows[at].classList.add('at');
      rows[at].scrollIntoView({ block: 'nearest' });
    } else if (event.key === 'Enter' && at >= 0 && event.target === document.body) location.href = rows[at].dataset.href;
    else if (event.key === 'x' && at >= 0) one('input[name=ids]', rows[at])?.click();
  });

  // ---- a form is sent once
  every('form[data-once]').forEach((form) => form.addEventListener('submit', (event) => {
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (one('[data-bringing]', form)) { event.preventDefault(); one('[data-bringing]', form).scrollIntoView({ block: 'center' }); return; }
    form.dataset.sent = '1';
    every('button', form).forEach((button) => { button.setAttribute('aria-busy', 'true'); });
  }));
  window.addEventListener('pageshow', () => every('form[data-once]').forEach((form) => { delete form.dataset.sent; }));

  const form = one('form.report');
  if (!form) return;
  const words = one('[data-say-wait]', form).dataset;

  // ---- boxes that count only with a certain choice in another one
  function depend() {
    every('[data-only]', form).forEach((box) => {
      const field = form.elements[box.dataset.only];
      const counts = box.dataset.values.split(' ').includes(field?.value ?? '');
      box.hidden = !counts;
      every('input, select, textarea', box).forEach((input) => { input.disabled = !counts; });
    });
  }
  form.addEventListener('change', depend);

  // ---- 元 typed, 万元 shown
  function money(input) {
    const yuan = Number(input.value.replace(/[,，元\s]/g, ''));
    one('[data-wan]', input.parentElement).textContent = input.value.trim() && Number.isFinite(yuan) ? words.sayWan.replace('{n}', String(Math.round(yuan * 100) / 1e6)) : '';
  }
  every('[data-money]', form).forEach((input) => { input.addEventListener('input', () => money(input)); money(input); });

  // ---- what was typed survives a closed page; files are on the hub already
  const key = `shenguan-inbox:${form.dataset.draft}`, kept = 'input:not([type=hidden]):not([type=file]), select, textarea';
  const answered = Boolean(one('.flash.danger'));
  function keep() {
    const draft = {};
    every(kept, form).forEach((field) => {
      if (field.name === 'number') return;
      if (field.type === 'checkbox') (draft[field.name] ??= []).push(...(field.checked ? [field.value] : []));
      else if (field.type !== 'radio' || field.checked) draft[field.name] = field.value;
    });
    try { sessionStorage.setItem(key, JSON.stringify(draft)); } catch { /* a private window */ }
  }
  function restore() {
    let draft = null;
    try { draft = JSON.parse(sessionStorage.getItem(key)); } catch { /* nothing was kept */ }
    if (!draft || answered) return;
    every(kept, form).forEach((field) => {
      if (!(field.name in draft)) return;
      if (field.type === 'checkbox') field.checked = draft[field.name].includes(field.value);
      else if (field.type === 'radio') field.checked = draft[field.name] === field.value;
      else field.value = draft[field.name];
    });
  }
  restore();
  depend();
  form.addEventListener('input', keep);
  form.addEventListener('submit', () => { try { sessionStorage.removeItem(key); } catch { /* a private window */ } });
  one('[aria-invalid=true]', form)?.focus();

  // ---- evidence: each file at once, with its progress
  const input = one('[data-bring]', form), list = one('[data-files]', form);
  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }
  function bring(file) {
    const line = element('li'), bar = element('progress'), name = element('span', '', file.name);
    line.dataset.bringing = '';
    line.title = words.sayWait;
    bar.max = 1; bar.value = 0;
    bar.setAttribute('aria-label', file.name);
    line.append(name, bar);
    list.append(line);
    const body = new FormData();
    body.append('file', file);
    const call = new XMLHttpRequest();
    call.open('POST', input.dataset.bring);
    call.setRequestHeader('X-CSRFToken', one('meta[name=csrf-token]').content);
    call.setRequestHeader('Accept', 'application/json');
    call.upload.onprogress = (event) => { bar.value = event.total ? event.loaded / event.total : 0; };
    call.onloadend = () => {
      let said = {};
      try { said = JSON.parse(call.responseText); } catch { /* a proxy's page, or nothing at all */ }
      delete line.dataset.bringing;
      bar.remove();
      const remove = element('button', 'ghost small', words.sayRemove);
      remove.type = 'button';
      remove.dataset.remove = '';
      if (call.status === 201) {
        const field = element('input');
        field.type = 'hidden'; field.name = 'files'; field.value = said.sha256;
        line.append(field, remove);
      } else line.append(element('strong', 'bad', said.error ?? words.sayFailed), remove);
    };
    call.send(body);
  }
  input.addEventListener('change', () => { Array.from(input.files).forEach(bring); input.value = ''; });
  list.addEventListener('click', (event) => event.target.closest('[data-remove]')?.closest('li').remove());
  const zone = one('[data-drop]', form);
  ['dragenter', 'dragover'].forEach((kind) => zone.addEventListener(kind, (event) => { event.preventDefault(); zone.classList.add('over'); }));
  ['dragleave', 'drop'].forEach((kind) => zone.addEventListener(kind, () => zone.classList.remove('over')));
  zone.addEventListener('drop', (event) => { event.preventDefault(); Array.from(event.dataTransfer.files).forEach(bring); });
})();
