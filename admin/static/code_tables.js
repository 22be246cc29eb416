// Code tables of a connector: pairs of theirs and ours, pasted, proposed and checked both ways; saved as one part of the draft.
(() => {
  'use strict';
  const place = document.querySelector('[data-code-tables]');
  if (!place) return;
  const one = (selector, root = document) => root.querySelector(selector);
  const state = JSON.parse(one('#code-tables').textContent);
  const say = state.words;
  const ours = new Map(state.ours.map(([name, title, codes]) => [name, { title, codes: new Map(codes) }]));
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_all, name) => values[name] ?? '');
  const NAME = /^[0-9A-Za-z_\u4e00-\u9fff][0-9A-Za-z_.\u4e00-\u9fff-]{0,59}$/;
  let dirty = false;
  const tables = state.tables.map((table) => ({ title: '', ours: '', pairs: [], ...table }));
  for (const name of [...Object.keys(state.unmapped), ...Object.keys(state.used)]) if (!tables.some((table) => table.name === name)) tables.push({ name, title: '', ours: '', pairs: [] });

  function el(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === false || value === null || value === undefined) continue;
      if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
      else if (['value', 'checked', 'hidden', 'disabled', 'open', 'selected'].includes(name)) made[name] = value;
      else made.setAttribute(name, value === true ? '' : value);
    }
    made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
    return made;
  }
  function touched() {
    dirty = true;
    told(say.unsaved);
  }
  function told(text, bad = false) {
    const line = one('[data-unsaved]');
    line.hidden = false;
    line.textContent = text;
    line.classList.toggle('bad-text', bad);
  }
  const announce = (text) => { one('[data-said]').textContent = text; };
  const box = (label, input) => el('label', { class: 'box' }, el('span', {}, label), input);

  function tablePart(table, open) {
    const part = el('details', { class: 'card code-table', open });
    const head = el('summary', {});
    const rows = el('tbody');
    const checks = el('ul', { class: 'check-lines plain', 'aria-live': 'polite' });
    const unmapped = el('div', {});
    const codes = () => ours.get(table.ours)?.codes;
    const used = state.used[table.name] ?? [];
    const showHead = () => {
      head.replaceChildren(el('b', {}, table.title || table.name), el('small', { class: 'mono' }, table.name), el('span', { class: 'pill mute' }, fill(say.pairs, { n: table.pairs.length })),
        el('small', {}, used.length ? fill(say.used, { flows: used.map(([flow]) => flow).join(document.documentElement.lang === 'en' ? ', ' : '、') }) : say.unused));
    };
    const waiting = () => (state.unmapped[table.name] ?? []).filter(([value, direction]) => !table.pairs.some((pair) => pair[direction === 'out' ? 1 : 0] === value));
    const check = () => {
      const lines = [];
      const count = (index) => table.pairs.reduce((found, pair) => found.set(pair[index], (found.get(pair[index]) ?? 0) + 1), new Map());
      for (const [value, n] of count(0)) if (value && n > 1) lines.push(fill(say.twice, { value, n }));
      for (const [value, n] of count(1)) if (value && n > 1) lines.push(fill(say.several, { value: `${value} ${codes()?.get(value) ?? ''}`.trim(), n }));
      const half = table.pairs.filter((pair) => !pair[0] !== !pair[1]).length;
      if (half) lines.push(fill(say.half, { n: half }));
      if (codes()) {
        for (const pair of table.pairs) if (pair[1] && !codes().has(pair[1])) lines.push(fill(say.unknown, { value: pair[1] }));
        const lacking = Array.from(codes().keys()).filter((code) => !table.pairs.some((pair) => pair[1] === code));
        if (lacking.length) lines.push(fill(say.lacking, { n: lacking.length, values: lacking.slice(0, 8).map((code) => `${code} ${codes().get(code)}`).join(document.documentElement.lang === 'en' ? ', ' : '、') }));
      }
      checks.replaceChildren(...lines.slice(0, 30).map((text) => el('li', {}, text)));
      if (!lines.length && table.pairs.length) checks.append(el('li', { class: 'good-text' }, say.fine));
      showHead();
      showUnmapped();
    };
    const changed = () => { touched(); check(); };
    function oursBox(pair) {
      if (!codes()) return el('input', { class: 'input', value: pair[1], 'aria-label': say.ours, autocomplete: 'off', oninput: (event) => { pair[1] = event.target.value.trim(); changed(); } });
      const strange = pair[1] && !codes().has(pair[1]);
      return el('select', { class: 'input', 'aria-label': say.ours, onchange: (event) => { pair[1] = event.target.value; changed(); } },
        el('option', { value: '' }, say.choose), strange ? el('option', { value: pair[1], selected: true }, pair[1]) : null,
        Array.from(codes(), ([code, name]) => el('option', { value: code, selected: code === pair[1] }, `${code} ${name}`)));
    }
    const rowOf = (pair) => {
      const row = el('tr', {}, el('td', {}, el('input', { class: 'input', value: pair[0], 'aria-label': say.theirs, autocomplete: 'off', oninput: (event) => { pair[0] = event.target.value.trim(); changed(); } })), el('td', {}, '→'), el('td', {}, oursBox(pair)),
        el('td', {}, el('button', { type: 'button', class: 'tool', title: say.remove, 'aria-label': say.remove, onclick: () => { table.pairs.splice(table.pairs.indexOf(pair), 1); row.remove(); changed(); } }, '×')));
      return row;
    };
    const draw = () => { rows.replaceChildren(...table.pairs.slice(0, 2000).map(rowOf)); check(); };
    const add = (pairs) => { table.pairs.push(...pairs); draw(); touched(); };
    function showUnmapped() {
      const values = waiting();
      unmapped.hidden = !values.length;
      unmapped.replaceChildren(el('p', { class: 'hint' }, say.found), el('div', { class: 'unmapped-values' }, values.slice(0, 200).map(([value, direction, times]) => el('button', {
        type: 'button', class: 'btn small', disabled: !state.editable,
        onclick: () => { add([direction === 'out' ? ['', value] : [value, '']]); (direction === 'out' ? rows.lastChild.querySelector('input') : rows.lastChild.querySelector('td:nth-child(3) .input')).focus(); },
      }, `+ ${value}`, el('small', {}, fill(say.times, { n: times }))))));
    }
    const paste = el('textarea', { class: 'input', rows: 5, placeholder: say.pasteHint, 'aria-label': say.paste, spellcheck: 'false' });
    const usePaste = () => {
      const named = new Map(Array.from(codes() ?? [], ([code, name]) => [name, code]));
      const read = paste.value.split(/\r?\n/).map((line) => line.split(line.includes('\t') ? '\t' : /[,，]/.test(line) ? /[,，]/ : /\s+/).map((cell) => cell.trim())).filter((cells) => cells[0]);
      add(read.map(([theirs, mine = '']) => [theirs.slice(0, 500), named.get(mine) ?? mine.slice(0, 500)]));
      paste.value = '';
      paste.closest('details').open = false;
    };
    const propose = async () => {
      const open_ = table.pairs.filter((pair) => pair[0] && !pair[1]);
      const values = [...open_.map((pair) => pair[0]), ...waiting().filter(([, direction]) => direction === 'in').map(([value]) => value)];
      const names = values.length ? values : Array.from(codes().values()).filter((name) => !table.pairs.some((pair) => pair[0] === name));
      try {
        const said = await send(`${location.pathname}/pairs`, { values: names, ours: table.ours });
        const known = new Map(said.pairs.map((pair) => [pair[0], pair[1]]));
        let n = 0;
        for (const pair of open_) if (known.has(pair[0])) { pair[1] = known.get(pair[0]); known.delete(pair[0]); n += 1; }
        const fresh = Array.from(known).filter(([theirs]) => !table.pairs.some((pair) => pair[0] === theirs)).map(([theirs, mine]) => [theirs, mine]);
        if (n + fresh.length) { add(fresh); announce(fill(say.proposed, { n: n + fresh.length })); told(fill(say.proposed, { n: n + fresh.length })); } else told(say.noProposal);
      } catch (error) { told(error instanceof TypeError ? say.offline : error.message, true); }
    };
    const proposing = el('button', { type: 'button', class: 'btn small', disabled: !table.ours, onclick: propose }, say.propose);
    const kinds = el('select', { class: 'input', disabled: !state.editable, onchange: (event) => { table.ours = event.target.value; proposing.disabled = !table.ours; draw(); touched(); } },
      el('option', { value: '' }, say.free), state.ours.map(([name, title]) => el('option', { value: name, selected: name === table.ours }, document.documentElement.lang === 'en' ? `${title} (${name})` : `${title}（${name}）`)));
    const fixed = used.length || state.tables.some((known) => known.name === table.name);
    part.append(head, el('div', { class: 'inside' },
      el('div', { class: 'table-heads' },
        box(say.name, el('input', { class: 'input mono', value: table.name, disabled: Boolean(fixed), autocomplete: 'off', 'data-name': true, oninput: (event) => { table.name = event.target.value.trim(); touched(); showHead(); } })),
        box(say.title, el('input', { class: 'input', value: table.title, maxlength: 100, disabled: !state.editable, autocomplete: 'off', oninput: (event) => { table.title = event.target.value.trim(); touched(); showHead(); } })),
        box(say.table, kinds)),
      unmapped, el('div', { class: 'pairs-view' }, el('table', { class: 'pair-table' }, el('thead', {}, el('tr', {}, el('th', {}, say.theirs), el('th', {}), el('th', {}, say.ours), el('th', {}))), rows)), checks,
      state.editable ? el('div', { class: 'line-tools' },
        el('button', { type: 'button', class: 'btn small', onclick: () => { add([['', '']]); rows.lastChild.querySelector('input').focus(); } }, `+ ${say.add}`), proposing,
        el('details', { class: 'ask paste' }, el('summary', { class: 'btn small' }, say.paste), el('div', { class: 'paste-box' }, paste, el('button', { type: 'button', class: 'btn primary small', onclick: usePaste }, say.usePaste))),
        el('span', { class: 'grow' }),
        el('button', { type: 'button', class: 'btn small danger', onclick: () => { if (confirm(say.dropAsk)) { tables.splice(tables.indexOf(table), 1); part.remove(); touched(); } } }, say.drop)) : null)); // eslint-disable-line no-alert
    draw();
    if (!state.editable) part.querySelectorAll('.pair-table :is(input, select, button)').forEach((input) => { input.disabled = true; });
    return part;
  }

  async function send(url, body) {
    const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', 'X-CSRFToken': one('meta[name=csrf-token]').content, Accept: 'application/json' } });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(said.message ?? say.offline);
    return said;
  }
  async function save() {
    const names = tables.map((table) => table.name);
    const wrong = names.findIndex((name, index) => !NAME.test(name) || names.indexOf(name) !== index);
    if (wrong >= 0) { told(say.nameFault, true); place.children[wrong].open = true; one('[data-name]', place.children[wrong]).focus(); return; }
    told(say.saving);
    const kept = JSON.stringify(tables);
    try {
      const said = await send(location.pathname, { seen: state.seen, tables });
      state.seen = said.seen;
      dirty = JSON.stringify(tables) !== kept;
      told(dirty ? say.unsaved : say.saved);
    } catch (error) { told(fill(say.notSaved, { words: error instanceof TypeError ? say.offline : error.message }), true); }
  }
  place.append(...tables.map((table) => tablePart(table, tables.length < 4 || Boolean(state.unmapped[table.name]?.length))));
  one('[data-new-table]')?.addEventListener('click', () => {
    let n = tables.length + 1;
    while (tables.some((table) => table.name === `table${n}`)) n += 1;
    const table = { name: `table${n}`, title: '', ours: '', pairs: [] };
    tables.push(table);
    const part = tablePart(table, true);
    place.append(part);
    touched();
    one('[data-name]', part).focus();
  });
  one('[data-save]')?.addEventListener('click', save);
  document.addEventListener('keydown', (event) => { if ((event.ctrlKey || event.metaKey) && event.key === 's') { event.preventDefault(); if (state.editable) save(); } });
  addEventListener('beforeunload', (event) => { if (dirty) event.preventDefault(); });
})();
