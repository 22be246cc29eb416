// The catalogue's editors: material list, fields, special steps. One state, posted as JSON; the server checks it all again.
(() => {
  'use strict';
  const one = (selector, root = document) => root.querySelector(selector);
  const every = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const read = (id) => JSON.parse(one(id)?.textContent ?? 'null');
  const form = one('[data-editor]');
  every('[data-confirm]').forEach((button) => button.addEventListener('click', (event) => {
    if (!confirm(button.dataset.confirm)) event.preventDefault(); // eslint-disable-line no-alert
    else leaving = true;
  }));
  let leaving = false;
  const sharing = one('[data-sharing] select');
  if (sharing) {
    const show = () => {
      const box = sharing.closest('[data-sharing]');
      one('.sharing-conditional', box).hidden = sharing.value !== 'conditional';
      one('.sharing-none', box).hidden = sharing.value !== 'none';
    };
    sharing.addEventListener('change', show);
    show();
  }
  const tryCode = one('[data-try]');
  if (tryCode) {
    tryCode.addEventListener('input', async () => {
      const answer = await fetch(`${tryCode.dataset.try}?${new URLSearchParams({ code: tryCode.value })}`);
      if (answer.ok) one('[data-try-answer]').innerHTML = (await answer.text());
    });
  }
  if (!form) return;

  const state = read('#catalogue-state');
  const options = read('#catalogue-options');
  const say = options.words;
  form.catalogueState = state; // for what stands beside these lists on the page
  let dirty = false;

  function el(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === false || value === null || value === undefined) continue;
      if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
      else if (name === 'value' || name === 'checked' || name === 'hidden') made[name] = value;
      else made.setAttribute(name, value === true ? '' : value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  }
  function touched() {
    dirty = true;
    one('[data-unsaved]').hidden = false;
    showCounts();
    form.dispatchEvent(new CustomEvent('catalogue:touched'));
  }
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_all, name) => values[name] ?? '');
  function announce(text) { one('[data-said]').textContent = text; }
  function showCounts() {
    every('[data-rows]').forEach((badge) => { badge.textContent = state[badge.dataset.rows].length; });
  }

  // ---- boxes bound to one key of a row
  function labelled(text, input, key, extra = '') {
    return el('label', { class: `box ${extra}`, 'data-box': key }, el('span', {}, text), input);
  }
  function textBox(row, key, label, attributes = {}) {
    const input = el('input', {
      class: 'input', value: row[key] ?? '', autocomplete: 'off', 'aria-label': attributes.short ? label : null,
      oninput: (event) => { row[key] = event.target.value; touched(); }, ...attributes,
    });
    return attributes.short ? el('span', { class: 'box', 'data-box': key }, input) : labelled(label, input, key);
  }
  function numberBox(row, key, label, least, most, hint = '') {
    return labelled(label, el('input', {
      class: 'input', type: 'number', min: least, max: most, value: row[key] ?? '', placeholder: hint,
      oninput: (event) => { row[key] = event.target.value === '' ? null : Number(event.target.value); touched(); },
    }), key, 'narrow');
  }
  function tick(row, key, label, changed = () => {}) {
    const input = el('input', { type: 'checkbox', checked: Boolean(row[key]), onchange: (event) => { row[key] = event.target.checked; changed(); touched(); } });
    return el('label', { class: 'tick', 'data-box': key }, input, label);
  }
  function select(row, key, label, choices, changed = () => {}, empty = '') {
    const input = el('select', { class: 'input', 'aria-label': label, onchange: (event) => { row[key] = event.target.value; changed(); touched(); } },
      empty ? el('option', { value: '' }, empty) : null,
      ...choices.map(([value, text]) => el('option', { value }, text)));
    input.value = row[key] ?? '';
    return labelled(label, input, key);
  }

  const combobox = (settings) => window.shenguanCombo({ ...settings, words: say });
  const matching = (entries, words) => entries.filter((entry) => words.split(/\s+/).every((word) => `${entry.name} ${entry.code}`.toLowerCase().includes(word)));
  const materials = (options.materials ?? []).map(([code, name, version]) => ({ kind: 'material', code, name, note: version ? code : `${code} · ${say.unpublished}` }));
  const licences = (options.licences ?? []).map(([code, name]) => ({ kind: 'licence', code, name }));
  const results = (options.items ?? []).map(([code, name]) => ({ kind: 'result', code, name }));
  const nameOf = (kind, code) => ({ material: materials, licence: licences, result: results })[kind]?.find((entry) => entry.code === code)?.name ?? code;

  // ---- one row of each kind
  function standIns(row) {
    const chips = el('span', { class: 'chips' });
    const show = () => chips.replaceChildren(...row.stand_ins.map((entry, index) => el('span', { class: `chip of-${entry.kind}` },
      el('i', {}, say[entry.kind]), nameOf(entry.kind, entry.code),
      el('button', {
        type: 'button', 'aria-label': `${say.remove} ${nameOf(entry.kind, entry.code)}`,
        onclick: () => { row.stand_ins.splice(index, 1); show(); touched(); announce(fill(say.removed, { name: nameOf(entry.kind, entry.code) })); one('input', box).focus(); },
      }, '×'))));
    const search = (words) => matching([...materials, ...licences, ...results], words)
      .filter((entry) => !(entry.kind === 'material' && entry.code === row.material_type) && !row.stand_ins.some((known) => known.kind === entry.kind && known.code === entry.code));
    const adder = combobox({
      label: say.addStandIn, placeholder: `+ ${say.addStandIn}`, search,
      chosen: (entry, input) => { row.stand_ins.push({ kind: entry.kind, code: entry.code }); input.value = ''; show(); touched(); announce(fill(say.chosen, { name: entry.name })); },
    });
    const box = el('div', { class: 'row-stand-ins', 'data-box': 'stand_ins' }, el('span', { class: 'hint' }, say.standIns), chips, adder);
    show();
    return box;
  }
  function formats(row) {
    return el('div', { class: 'box wide-box', role: 'group', 'aria-label': say.formats, 'data-box': 'formats' }, el('span', {}, document.documentElement.lang === 'en' ? `${say.formats} (${say.formatsHint})` : `${say.formats}（${say.formatsHint}）`),
      el('span', { class: 'checks' }, ...options.formats.map((format) => el('label', { class: 'tick' }, el('input', {
        type: 'checkbox', checked: row.formats.includes(format),
        onchange: (event) => { row.formats = options.formats.filter((known) => (known === format ? event.target.checked : row.formats.includes(known))); touched(); },
      }), format))));
  }
  function lineRow(row, tools) {
    row.stand_ins ??= [];
    row.formats ??= [];
    const name = textBox(row, 'name', say.name, { short: true, placeholder: say.nameHint, maxlength: 100 });
    const type = combobox({
      label: say.materialType, placeholder: say.chooseType, keep: row.material_type ? nameOf('material', row.material_type) : '',
      search: (words) => matching(materials, words).map((entry) => ({ ...entry, kind: '' })),
      chosen: (entry, input) => {
        row.material_type = entry.code;
        input.value = entry.name;
        if (!row.name) { row.name = entry.name; one('input', name).value = entry.name; }
        touched();
      },
    });
    type.dataset.box = 'material_type';
    const days = numberBox(row, 'deferral_days', say.days, 0, 250, say.daysHint);
    const follow = () => { days.hidden = !row.may_follow; if (!row.may_follow) { row.deferral_days = null; one('input', days).value = ''; } };
    const more = el('div', { class: 'row-more', hidden: true },
      days, select(row, 'form', say.form, options.forms), numberBox(row, 'copies', say.copies, 1, 99), numberBox(row, 'max_mb', say.maxMb, 1, 1048576),
      textBox(row, 'code', say.code, { maxlength: 40 }), formats(row),
      labelled(say.note, el('input', { class: 'input', value: row.note ?? '', maxlength: 500, oninput: (event) => { row.note = event.target.value; touched(); } }), 'note', 'wide-box'));
    const toggle = el('button', { type: 'button', class: 'ghost small', 'aria-expanded': 'false', onclick: () => {
      more.hidden = !more.hidden;
      toggle.setAttribute('aria-expanded', String(!more.hidden));
      toggle.textContent = more.hidden ? say.more : say.less;
    } }, say.more);
    follow();
    const openMore = () => { follow(); if (row.may_follow && more.hidden) toggle.click(); };
    return [el('div', { class: 'row-main' }, type, name, tick(row, 'required', say.required), tick(row, 'may_follow', say.mayFollow, openMore), el('span', { class: 'row-tools' }, toggle, ...tools)), standIns(row), more];
  }
  function fieldRow(row, tools) {
    const table = select(row, 'code_table', say.table, options.tables, () => {}, say.choose);
    const length = numberBox(row, 'max_length', say.length, 1, 10000);
    const show = () => {
      table.hidden = row.type !== 'code';
      length.hidden = !['text', 'long_text'].includes(row.type);
      if (table.hidden) row.code_table = null;
      if (length.hidden) row.max_length = null;
    };
    const name = textBox(row, 'name', say.fieldName, { class: 'input mono', maxlength: 40, pattern: '[A-Za-z][A-Za-z0-9_]*' });
    const type = select(row, 'type', say.type, options.types, show);
    const label = textBox(row, 'label', say.label, { maxlength: 60, list: 'known-fields' });
    one('input', label).addEventListener('change', () => {
      if (row.name || !row.label) return;
      const known = (options.known ?? []).find((entry) => entry[1] === row.label);
      if (!known || state.fields?.some((other) => other.name === known[0])) {
        row.name = nextName((state.fields ?? state.form_fields).filter((other) => other !== row));
        one('input', name).value = row.name;
        touched();
        return;
      } // the same field as in a material type: take its name and type, so that it is filled from there
      [row.name, , row.type] = known;
      row.code_table = known[3] || null;
      one('input', name).value = row.name;
      one('select', type).value = row.type;
      one('select', table).value = row.code_table ?? '';
      show();
      touched();
    });
    show();
    return [el('div', { class: 'row-main field-row' }, label, name, type, el('span', { class: 'extra' }, table, length), tick(row, 'required', say.must), el('span', { class: 'row-tools' }, ...tools))];
  }
  function stepRow(row, tools) {
    return [el('div', { class: 'row-main step-row' }, textBox(row, 'name', say.stepName, { maxlength: 60 }), numberBox(row, 'days', say.stepDays, 0, 3650),
      textBox(row, 'basis', say.basis, { maxlength: 500 }), tick(row, 'counted', say.counted), tick(row, 'fee', say.fee), el('span', { class: 'row-tools' }, ...tools))];
  }
  function mustStepRow(row, tools) {
    const input = el('input', { class: 'input', list: 'known-steps', value: row.name ?? '', maxlength: 60, autocomplete: 'off', oninput: (event) => { row.name = event.target.value; touched(); } });
    return [el('div', { class: 'row-main must-row' }, labelled(say.stepName, input, 'name'), el('span', { class: 'row-tools' }, ...tools))];
  }
  function mustElementRow(row, tools) {
    const title = el('small', { class: 'hint' }, row.title ?? '');
    const input = el('input', { class: 'input mono', list: 'known-elements', value: row.name ?? '', maxlength: 100, autocomplete: 'off', oninput: (event) => {
      const known = options.elements.find(([code, label]) => event.target.value === code || event.target.value === label);
      row.name = known ? known[0] : event.target.value;
      row.title = known ? known[1] : '';
      title.textContent = row.title;
      touched();
    }, onchange: (event) => { event.target.value = row.name; } });
    return [el('div', { class: 'row-main must-row' }, labelled(say.element, input, 'name'), title, el('span', { class: 'row-tools' }, ...tools))];
  }
  const nextName = (rows) => { let number = rows.length + 1; while (rows.some((row) => row.name === `field_${number}`)) number += 1; return `field_${number}`; };
  const KINDS = {
    lines: { row: lineRow, empty: say.emptyLines, add: say.addMaterial, fresh: () => ({ required: true, may_follow: false, form: 'either', copies: 1, formats: [], stand_ins: [] }) },
    form_fields: { row: fieldRow, empty: say.emptyFields, add: say.addField, fresh: () => ({ type: 'text', required: false }) },
    fields: { row: fieldRow, empty: say.emptyFields, add: say.addField, fresh: () => ({ type: 'text', required: false }) },
    steps: { row: stepRow, empty: say.emptySteps, add: say.addStep, fresh: () => ({ counted: false, fee: false }) },
    must_steps: { row: mustStepRow, empty: say.emptyMustSteps, add: say.addStep, fresh: () => ({ name: '' }) },
    must_elements: { row: mustElementRow, empty: say.emptyMustElements, add: say.addElement, fresh: () => ({ name: '', title: '' }) },
  };

  // ---- a list of rows
  function build(place, name) {
    const kind = KINDS[name];
    const rows = state[name];
    const list = el('ol', { class: `rows ${name}` });
    const nothing = el('p', { class: 'hint nothing' }, kind.empty);
    const titleOf = (row) => row.name || row.label || kind.add;
    const renumber = () => {
      Array.from(list.children).forEach((item, index) => { one('.no', item).textContent = index + 1; item.setAttribute('aria-label', fill(say.line, { n: index + 1 })); });
      nothing.hidden = rows.length > 0;
    };
    const move = (row, item, by) => {
      const from = rows.indexOf(row);
      const next = from + by;
      if (next < 0 || next >= rows.length) return;
      const focused = document.activeElement;
      rows.splice(from, 1);
      rows.splice(next, 0, row);
      list.insertBefore(item, by < 0 ? list.children[next] : list.children[next].nextSibling);
      renumber();
      touched();
      if (item.contains(focused)) focused.focus();
      announce(fill(say.moved, { name: titleOf(row), n: next + 1 }));
    };
    const remove = (row, item) => {
      const index = rows.indexOf(row);
      rows.splice(index, 1);
      item.remove();
      renumber();
      touched();
      announce(fill(say.removed, { name: titleOf(row) }));
      (one('input, select, button', list.children[Math.min(index, rows.length - 1)] ?? place) ?? adder).focus();
    };
    const put = (row) => {
      const item = el('li', { class: 'row' }, el('span', { class: 'no', 'aria-hidden': 'true' }));
      const button = (text, label, act) => el('button', { type: 'button', class: 'tool', 'aria-label': label, title: label, onclick: act }, text);
      const tools = [button('↑', `${say.up} (Alt+↑)`, () => move(row, item, -1)), button('↓', `${say.down} (Alt+↓)`, () => move(row, item, 1)), button('×', say.remove, () => remove(row, item))];
      item.append(el('div', { class: 'row-body' }, ...kind.row(row, tools)));
      item.addEventListener('keydown', (event) => {
        if (event.altKey && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) { event.preventDefault(); move(row, item, event.key === 'ArrowUp' ? -1 : 1); }
      });
      list.append(item);
      return item;
    };
    const adder = el('button', { type: 'button', class: 'btn', onclick: () => {
      const row = kind.fresh();
      rows.push(row);
      const item = put(row);
      renumber();
      touched();
      one('input', item).focus();
    } }, `+ ${kind.add}`);
    rows.forEach(put);
    place.append(list, nothing, adder);
    renumber();
    return list;
  }

  const lists = {};
  every('[data-list]').forEach((place) => { lists[place.dataset.list] = build(place, place.dataset.list); });
  if (options.known) document.body.append(el('datalist', { id: 'known-fields' }, ...options.known.map(([, label]) => el('option', { value: label }))));
  for (const [id, entries] of [['known-steps', options.known_steps], ['known-elements', options.elements]]) if (entries) document.body.append(el('datalist', { id }, ...entries.map(([value, text]) => el('option', { value }, text))));
  for (const [part, line, box, sentence] of state.faults ?? []) {
    const list = lists[part === 'form' ? 'form_fields' : part];
    const item = list?.children[line];
    const place = item ? one(`[data-box="${box}"]`, item) : null;
    const said = el('strong', { class: 'fault', role: 'alert' }, sentence);
    if (place) {
      place.classList.add('wrong');
      one('input, select', place)?.setAttribute('aria-invalid', 'true');
      const more = place.closest('.row-more');
      if (more?.hidden) one('.row-tools .ghost', item).click();
      (place.matches('.combo') ? place.closest('.row-body') : place).append(said);
    } else (item ?? list)?.append(said);
  }
  (one('.wrong input, .wrong select') ?? one('[data-first]'))?.focus();

  form.addEventListener('input', (event) => { if (!event.target.closest('[data-list]')) touched(); });
  form.addEventListener('submit', () => {
    leaving = true;
    for (const name of Object.keys(lists)) {
      if (KINDS[name].row === fieldRow) state[name].forEach((row) => { if (!row.name) row.name = nextName(state[name]); });
      form.append(el('input', { type: 'hidden', name, value: JSON.stringify(state[name]) }));
    }
  });
  document.addEventListener('keydown', (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === 's') { event.preventDefault(); form.requestSubmit(one('button[value=save]', form)); }
  });
  addEventListener('beforeunload', (event) => { if (dirty && !leaving) event.preventDefault(); });
  showCounts();
  const validity = one('[data-validity]');
  if (validity) {
    const show = () => {
      one('.validity-length').hidden = !['days', 'months'].includes(validity.value);
      one('.validity-field').hidden = validity.value !== 'field';
      const picker = one('.validity-field select');
      const kept = picker.value || picker.dataset.value;
      picker.replaceChildren(el('option', { value: '' }, say.choose), ...state.fields.filter((row) => row.type === 'date' && row.name).map((row) => el('option', { value: row.name }, row.label || row.name)));
      picker.value = kept;
    };
    validity.addEventListener('change', show);
    one('.validity-field select').addEventListener('focus', show);
    show();
  }
})();
