// The sample beside the page, drawn by the press itself; tabs, rules and saving around it. Typing never waits for a sample.
(() => {
  'use strict';
  const D = window.licenceDesigner;
  if (!D) return;
  const { root, form, say, one, el, fill, options } = D;
  const every = (selector, place = document) => Array.from(place.querySelectorAll(selector));
  const token = one('meta[name=csrf-token]').content;
  const WAIT = 600;

  // ---- what is on the page now, as the server reads it
  function rules() {
    const said = {};
    for (const input of every('[data-rules] [name]')) {
      if (input.type === 'checkbox' && input.value !== 'on') { said[input.name] ??= []; if (input.checked) said[input.name].push(input.value); } else if (input.type === 'checkbox') said[input.name] = input.checked;
      else if (input.type !== 'radio' || input.checked) said[input.name] = input.value;
    }
    return said;
  }
  const design = () => ({ rules: rules(), fields: form.catalogueState?.fields ?? [], layout: D.layout });
  D.design = design;

  // ---- the sample
  const picture = one('[data-sample-picture]', root);
  const status = one('[data-sample-status]', root);
  const listed = one('[data-sample-faults]', root);
  const words = {};
  let preset = '';
  let timer = null;
  let asking = null;
  let asked = '';
  const shown = () => !one('#panel-layout').hidden && !root.classList.contains('no-sample');

  function later() { clearTimeout(timer); timer = setTimeout(ask, WAIT); }
  async function ask(force = false) {
    const drawn = shown();
    const body = JSON.stringify({ ...design(), words, preset, draw: drawn });
    if (body === asked && force !== true) return;
    asked = body;
    asking?.abort();
    asking = new AbortController();
    root.classList.add('asking');
    status.textContent = say.drawing;
    let answer;
    try {
      const sent = await fetch(root.dataset.sample, { method: 'POST', body, signal: asking.signal, headers: { 'Content-Type': 'application/json', 'X-CSRFToken': token, Accept: 'application/json' } });
      answer = await sent.json();
      if (!sent.ok && !answer.said) answer = { ...answer, said: answer.message ?? answer.error ?? say.sampleFailed };
    } catch (error) {
      if (error.name === 'AbortError') return;
      asked = '';
      answer = { said: say.offline };
      clearTimeout(timer);
      timer = setTimeout(ask, 5000);
    }
    root.classList.remove('asking');
    tell(answer, drawn);
  }
  function tell(answer, drawn) {
    D.texts = answer.texts ?? {};
    D.faults = Object.fromEntries(answer.faults ?? []);
    if (answer.issuer) options.issuer = answer.issuer;
    if (answer.picture) { picture.src = answer.picture; picture.hidden = false; one('[data-sample-none]', root).hidden = true; }
    root.classList.toggle('stale', Boolean(drawn && !answer.picture && picture.src));
    const count = (answer.faults ?? []).length + (answer.wrong ?? []).length;
    const blank = !D.layout.elements.length;
    status.textContent = answer.said ? say.sampleFailed : count ? fill(say.faultsFound, { n: count }) : blank ? say.sampleEmpty : say.sampleGood;
    status.className = `sample-status ${answer.said || count ? 'bad' : blank ? '' : 'good'}`;
    listed.replaceChildren(
      ...(answer.said ? [el('li', { class: 'bad' }, answer.said)] : []),
      ...(answer.faults ?? []).map(([id, sentence]) => el('li', { class: 'bad' }, D.find(id) ? el('button', { type: 'button', class: 'link', onclick: () => { D.select([id], { announce: true }); D.view.focus(); } }, sentence) : sentence)),
      ...(answer.wrong ?? []).map(([part, , , sentence]) => el('li', { class: 'bad' }, part === 'layout' ? sentence : el('button', { type: 'button', class: 'link', onclick: () => open(part === 'fields' ? 'fields' : 'rules') }, sentence))),
      ...(answer.warnings ?? []).map((sentence) => el('li', { class: 'warn' }, sentence)),
    );
    const example = one('[data-number-example]');
    if (example && answer.example !== undefined) { example.textContent = answer.example || '—'; }
    const badge = one('[data-faults-badge]');
    badge.hidden = !count;
    badge.textContent = count;
    if (answer.words) showWords(answer.words);
    D.draw();
    D.emit('faults');
  }
  function showWords(entries) {
    const place = one('[data-sample-words]', root);
    const key = JSON.stringify(entries.map(([source, label]) => [source, label]));
    if (place.dataset.key !== key) {
      place.dataset.key = key;
      place.replaceChildren(...entries.map(([source, label]) => el('label', { class: 'prop wide' }, el('span', {}, label), el('input', {
        class: 'input', 'data-source': source, autocomplete: 'off', maxlength: 2000, value: words[source] ?? '', 'data-sample-word': true,
        oninput: (event) => { if (event.target.value) words[source] = event.target.value; else delete words[source]; later(); },
      }))));
    }
    for (const [source, , value] of entries) { const input = one(`[data-source="${CSS.escape(source)}"]`, place); if (input) input.placeholder = value; }
  }
  every('[data-preset]', root).forEach((button) => button.addEventListener('click', () => {
    preset = button.dataset.preset;
    every('[data-preset]', root).forEach((other) => other.setAttribute('aria-pressed', String(other === button)));
    ask();
  }));
  one('[data-sample-pdf]', root)?.addEventListener('click', () => {
    const sender = el('form', { method: 'post', action: root.dataset.pdf, target: '_blank', hidden: true },
      el('input', { type: 'hidden', name: 'csrf_token', value: token }), el('input', { type: 'hidden', name: 'design', value: JSON.stringify({ ...design(), words, preset }) }));
    document.body.append(sender);
    sender.submit();
    sender.remove();
  });
  D.on('layout', later);
  D.on('sample-shown', () => { if (shown()) ask(true); requestAnimationFrame(() => D.setZoom(D.zoom)); });

  // ---- starting points
  D.on('start', async (key) => {
    if (D.layout.elements.length && !confirm(say.replaceLayout)) return; // eslint-disable-line no-alert
    let answer;
    try {
      const sent = await fetch(root.dataset.start, { method: 'POST', body: JSON.stringify({ ...design(), start: key }), headers: { 'Content-Type': 'application/json', 'X-CSRFToken': token, Accept: 'application/json' } });
      answer = await sent.json();
    } catch { answer = {}; }
    if (!answer.layout) { D.complain(answer.message ?? say.offline); return; }
    D.change(() => { D.layout = D.pageOf(answer.layout); D.selected = new Set(); });
    D.setZoom('fit');
    D.emit('selection');
    D.announce(say.started);
  });

  // ---- tabs, kept in the address
  const tabs = every('[role=tab][data-tab]');
  function open(name, focus = false) {
    const found = tabs.some((tab) => tab.dataset.tab === name) ? name : tabs[0].dataset.tab;
    for (const tab of tabs) {
      const on = tab.dataset.tab === found;
      tab.setAttribute('aria-selected', String(on));
      tab.tabIndex = on ? 0 : -1;
      one(`#panel-${tab.dataset.tab}`).hidden = !on;
      if (on && focus) tab.focus();
    }
    history.replaceState(null, '', `#${found}`);
    document.body.classList.toggle('designing', found === 'layout');
    if (found === 'layout') { requestAnimationFrame(() => { D.setZoom(D.zoom); if (options.drawsSamples) ask(); }); }
  }
  tabs.forEach((tab, index) => {
    tab.addEventListener('click', () => open(tab.dataset.tab));
    tab.addEventListener('keydown', (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (by) { event.preventDefault(); open(tabs[(index + by + tabs.length) % tabs.length].dataset.tab, true); }
      if (event.key === 'Home' || event.key === 'End') { event.preventDefault(); open(tabs.at(event.key === 'Home' ? 0 : -1).dataset.tab, true); }
    });
  });
  addEventListener('hashchange', () => { if (tabs.some((tab) => `#${tab.dataset.tab}` === location.hash)) open(location.hash.slice(1)); });
  every('[data-open-tab]').forEach((button) => button.addEventListener('click', () => open(button.dataset.openTab, true)));

  // ---- rules that show and hide what belongs to them
  const issuer = one('[data-issuer-mode]');
  const showIssuer = () => { one('[data-fixed-issuer]').hidden = issuer?.value !== 'fixed'; };
  issuer?.addEventListener('change', showIssuer);
  if (issuer) showIssuer();
  one('[data-rules-all]')?.addEventListener('input', later);
  one('[data-rules-all]')?.addEventListener('change', later);
  one('#panel-basic')?.addEventListener('input', later);
  every('[data-token]').forEach((button) => button.addEventListener('click', () => {
    const input = one('[name=number_rule]');
    const [from, to] = [input.selectionStart ?? input.value.length, input.selectionEnd ?? input.value.length];
    input.setRangeText(button.dataset.token, from, to, 'end');
    input.focus();
    input.dispatchEvent(new Event('input', { bubbles: true }));
  }));

  // ---- the fields' editor tells what it changes: a renamed field takes its boxes on the page along
  const known = new WeakMap();
  form.catalogueState?.fields.forEach((row) => known.set(row, row.name));
  form.addEventListener('catalogue:touched', () => {
    let renamed = false;
    for (const row of form.catalogueState.fields) {
      const was = known.get(row);
      if (was && row.name && was !== row.name && !form.catalogueState.fields.some((other) => other.name === was)) {
        for (const element of D.layout.elements) if (element.kind === 'field' && element.source === was) { element.source = row.name; renamed = true; }
      }
      if (row.name) known.set(row, row.name);
    }
    if (renamed) D.draw();
    D.emit('fields');
    later();
  });

  // ---- faults that the server found at the last save, and saving
  const first = (form.catalogueState?.faults ?? [])[0];
  for (const [part, line, , sentence] of form.catalogueState?.faults ?? []) if (part === 'layout' && D.layout.elements[line]) D.faults[D.layout.elements[line].id] = sentence;
  let dirty = false;
  let loaded = false;
  D.on('layout', () => { if (!loaded || !D.editable) return; dirty = true; one('[data-unsaved]').hidden = false; form.dispatchEvent(new CustomEvent('designer:touched')); });
  form.addEventListener('submit', () => {
    dirty = false;
    form.append(el('input', { type: 'hidden', name: 'layout', value: JSON.stringify(D.layout) }), el('input', { type: 'hidden', name: 'tab', value: location.hash.slice(1) }));
  });
  addEventListener('beforeunload', (event) => { if (dirty) event.preventDefault(); });

  D.ready();
  const wrongBox = one('.wrong', form)?.closest('[role=tabpanel]')?.id.replace('panel-', '');
  open(wrongBox ?? (first ? { fields: 'fields', layout: 'layout' }[first[0]] : null) ?? location.hash.slice(1) ?? '');
  loaded = true;
  if (location.hash !== '#layout') later();
})();
