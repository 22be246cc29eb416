// The push rule editor: items, conditions, departments with what each does not see. One state, posted as JSON; the server
// checks it all again.
(() => {
  'use strict';
  const one = (selector, root = document) => root.querySelector(selector);
  const every = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  let leaving = false;
  every('[data-confirm]').forEach((button) => button.addEventListener('click', (event) => {
    if (!confirm(button.dataset.confirm)) event.preventDefault(); // eslint-disable-line no-alert
    else leaving = true;
  }));
  const form = one('[data-rule]');
  if (!form) return;
  const state = JSON.parse(one('#rule-state').textContent);
  const options = JSON.parse(one('#rule-options').textContent);
  const say = options.words;
  let dirty = false;

  function el(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === false || value === null || value === undefined) continue;
      if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
      else if (['value', 'checked', 'hidden', 'open'].includes(name)) made[name] = value;
      else made.setAttribute(name, value === true ? '' : value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  }
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_all, name) => values[name] ?? '');
  const announce = (text) => { one('[data-said]').textContent = text; };
  function touched() { dirty = true; one('[data-unsaved]').hidden = false; }
  const box = (label, input, key) => el('label', { class: 'box', 'data-box': key }, el('span', {}, label), input);
  function select(row, key, label, choices, changed = () => {}) {
    const input = el('select', { class: 'input', onchange: (event) => { row[key] = event.target.value; changed(); touched(); } },
      el('option', { value: '' }, say.choose), ...choices.map(([value, text]) => el('option', { value }, text)));
    input.value = row[key] ?? '';
    return box(label, input, key);
  }

  // ---- items: a searching box and chips (WAI-ARIA combobox)
  function itemsPart(place) {
    const chips = el('div', { class: 'item-chips' });
    const nothing = el('p', { class: 'hint' }, say.allItems);
    const names = new Map(options.items);
    const show = () => {
      chips.replaceChildren(...state.items.map((code, index) => el('span', { class: 'chip' }, names.get(code) ?? code, el('button', {
        type: 'button', 'aria-label': `${say.remove} ${names.get(code) ?? code}`,
        onclick: () => { state.items.splice(index, 1); show(); touched(); announce(fill(say.removed, { name: names.get(code) ?? code })); one('input', adder).focus(); },
      }, '×'))));
      nothing.hidden = state.items.length > 0;
    };
    const adder = window.shenguanCombo({
      label: say.addItem, placeholder: `+ ${say.addItem}`, words: say,
      search: (typed) => options.items.map(([code, name]) => ({ code, name })).filter(({ code, name }) => !state.items.includes(code)
        && typed.split(/\s+/).every((word) => `${code} ${name}`.toLowerCase().includes(word))),
      chosen: ({ code, name }, input) => { state.items.push(code); input.value = ''; show(); touched(); announce(fill(say.added, { name })); },
    });
    adder.classList.add('item-adder');
    place.append(chips, nothing, adder);
    show();
  }

  // ---- one condition
  function conditionRow(row, remove) {
    const value = el('input', { class: 'input', value: row.value ?? '', autocomplete: 'off', oninput: (event) => { row.value = event.target.value; touched(); } });
    const valueBox = box(say.value, value, 'value');
    const show = () => {
      valueBox.hidden = row.is === 'present' || row.is === 'absent';
      value.placeholder = row.is === 'one_of' ? say.several : '';
    };
    const name = el('input', { class: 'input', list: 'elements', value: row.name ?? '', autocomplete: 'off', oninput: (event) => {
      const known = options.elements.find(([code, title]) => event.target.value === title || event.target.value === code);
      row.name = known ? known[0] : event.target.value;
      touched();
    }, onchange: (event) => { event.target.value = row.name; } });
    show();
    return [el('div', { class: 'row-main condition-row' }, box(say.element, name, 'name'), select(row, 'is', say.way, options.ways, show), valueBox, remove)];
  }

  // ---- what a department does not see
  const wayOf = (row, path) => (row.left_out.includes(path) ? 'left_out' : row.masked.includes(path) ? 'masked' : '');
  function setWay(row, path, way) {
    row.left_out = row.left_out.filter((known) => known !== path);
    row.masked = row.masked.filter((known) => known !== path);
    if (way) row[way].push(path);
    touched();
  }
  function pathLine(row, path, title, ways, note, changed) {
    const line = el('li', { class: wayOf(row, path) });
    const input = el('select', { class: 'input', 'aria-label': title, onchange: (event) => { setWay(row, path, event.target.value); line.className = event.target.value; changed(); } },
      el('option', { value: '' }, say.provide), ...['masked', 'left_out'].filter((way) => ways.includes(way)).map((way) => el('option', { value: way }, say[way])));
    input.value = wayOf(row, path);
    line.append(el('span', {}, title, note && note !== title ? el('small', { class: 'mono' }, note) : null), input);
    line.dataset.words = `${title} ${note ?? ''}`.toLowerCase();
    return line;
  }
  function namesOf(row, section) {
    const items = new Set(state.items);
    const known = (options.rows[section] ?? []).filter(([, , codes]) => !codes.length || !items.size || codes.some((code) => items.has(code))).map(([name, title]) => [name, title]);
    for (const path of [...row.left_out, ...row.masked]) {
      const named = new RegExp(`^${section}\\[(.+)\\]`).exec(path);
      if (named && !known.some(([name]) => name === named[1])) known.push([named[1], named[1]]);
    }
    return known;
  }
  function sectionLines(row, part, changed) {
    const base = part.list ? `${part.section}[]` : part.section;
    const lines = [];
    if (part.whole) lines.push(pathLine(row, base, say.whole, ['left_out'], '', changed));
    if (part.section === 'elements') {
      const names = new Map(options.elements);
      for (const path of [...row.left_out, ...row.masked]) if (path.startsWith('elements.') && !names.has(path.slice(9))) names.set(path.slice(9), path.slice(9));
      for (const [code, title] of names) lines.push(pathLine(row, `elements.${code}`, title, ['masked', 'left_out'], code, changed));
    }
    if (part.list && part.members.length) lines.push(el('li', { class: 'sub' }, say.eachRow));
    for (const [key, title, ways] of part.members) lines.push(pathLine(row, `${base}.${key}`, title, ways, '', changed));
    const names = part.list ? namesOf(row, part.section) : [];
    if (names.length) lines.push(el('li', { class: 'sub' }, say.byName));
    for (const [name, title] of names) {
      lines.push(pathLine(row, `${part.section}[${name}]`, title, ['left_out'], name, changed));
      if (part.section === 'form') lines.push(pathLine(row, `form[${name}].value`, `${title} · ${say.value}`, ['masked'], name, changed));
    }
    return lines;
  }
  function withheldPart(row) {
    const summary = el('summary');
    const tree = el('div', { class: 'tree' });
    const show = () => {
      summary.textContent = `${say.withheld}${document.documentElement.lang === 'en' ? ': ' : '：'}${row.left_out.length + row.masked.length ? fill(say.counted, { a: row.left_out.length, b: row.masked.length }) : say.everything}`;
      every('details', tree).forEach((part) => { one('summary b', part).textContent = every('li.masked, li.left_out', part).length || ''; });
    };
    const find = el('input', { class: 'input find-names', type: 'search', placeholder: say.filter, 'aria-label': say.filter, oninput: (event) => {
      const words = event.target.value.trim().toLowerCase();
      every('li[data-words]', tree).forEach((line) => { line.hidden = Boolean(words) && !line.dataset.words.includes(words); });
      if (words) every('details', tree).forEach((part) => { part.open = every('li[data-words]:not([hidden])', part).length > 0; });
    } });
    const holder = el('details', { class: 'withheld', 'data-box': 'withheld', ontoggle: () => {
      if (!holder.open || tree.childElementCount) return;
      tree.append(...options.tree.map((part) => el('details', { open: false }, el('summary', {}, part.title, el('b', {})), el('ul', {}, ...sectionLines(row, part, show)))));
      show();
    } }, summary, find, tree);
    show();
    return holder;
  }

  // ---- one department
  function departmentRow(row, remove) {
    row.left_out ??= [];
    row.masked ??= [];
    row.hears ??= [];
    const departments = options.departments.filter(([code, , active]) => active || code === row.department).map(([code, name, active]) => [code, active ? name : document.documentElement.lang === 'en' ? `${name} (${say.inactive})` : `${name}（${say.inactive}）`]);
    const days = ['sign', 'claim', 'plan', 'feedback'].map((key) => box(say[key], el('input', {
      class: 'input', type: 'number', min: 0, max: 250, value: row[`${key}_days`] ?? '', placeholder: options.area_days[key] === null ? say.inherit : `${say.inherit} ${options.area_days[key]}`,
      oninput: (event) => { row[`${key}_days`] = event.target.value === '' ? null : Number(event.target.value); touched(); },
    }), `${key}_days`));
    const hears = el('fieldset', { class: 'hears', 'data-box': 'hears' }, el('legend', {}, say.hears), ...options.kinds.map(([key, text]) => el('label', { class: 'tick' }, el('input', {
      type: 'checkbox', checked: row.hears.includes(key),
      onchange: (event) => { row.hears = options.kinds.map(([known]) => known).filter((known) => (known === key ? event.target.checked : row.hears.includes(known))); touched(); },
    }), text)));
    return [el('div', { class: 'row-main department-row' }, select(row, 'department', say.department, departments), ...days, remove), hears, withheldPart(row)];
  }

  // ---- a list of rows
  function build(place, rows, make, empty, add, fresh) {
    const list = el('ol', { class: 'rows' });
    const nothing = el('p', { class: 'hint' }, empty);
    const renumber = () => {
      Array.from(list.children).forEach((item, index) => { one('.no', item).textContent = index + 1; });
      nothing.hidden = rows.length > 0;
    };
    const put = (row) => {
      const item = el('li', { class: 'row' }, el('span', { class: 'no', 'aria-hidden': 'true' }));
      const remove = el('span', { class: 'row-tools' }, el('button', { type: 'button', class: 'tool', title: say.remove, 'aria-label': say.remove, onclick: () => {
        rows.splice(rows.indexOf(row), 1);
        item.remove();
        renumber();
        touched();
        announce(fill(say.removed, { name: row.name ?? row.department ?? '' }));
        adder.focus();
      } }, '×'));
      item.append(el('div', { class: 'row-body' }, ...make(row, remove)));
      list.append(item);
      return item;
    };
    const adder = el('button', { type: 'button', class: 'btn', onclick: () => {
      const row = fresh();
      rows.push(row);
      const item = put(row);
      renumber();
      touched();
      one('input, select', item).focus();
    } }, `+ ${add}`);
    rows.forEach(put);
    place.append(list, nothing, adder);
    renumber();
    return list;
  }

  document.body.append(el('datalist', { id: 'elements' }, ...options.elements.map(([code, title]) => el('option', { value: code }, title))));
  itemsPart(one('[data-items]'));
  const lists = {
    conditions: build(one('[data-conditions]'), state.conditions, conditionRow, say.noConditions, say.addCondition, () => ({ name: '', is: 'equals', value: '' })),
    departments: build(one('[data-departments]'), state.departments, departmentRow, say.noDepartments, say.addDepartment, () => ({ department: '', left_out: [], masked: [], hears: [] })),
  };
  for (const [part, line, key, sentence] of state.faults ?? []) {
    const item = lists[part]?.children[line];
    const place = item && one(`[data-box="${key}"]`, item);
    if (place) {
      place.classList.add('wrong');
      one('input, select', place)?.setAttribute('aria-invalid', 'true');
    }
    (place ?? item ?? lists[part])?.after(el('strong', { class: 'fault', role: 'alert' }, sentence));
  }
  (one('.wrong input, .wrong select') ?? one('[data-first]'))?.focus();
  form.addEventListener('input', touched);
  form.addEventListener('submit', () => {
    leaving = true;
    every('input[data-posted]', form).forEach((input) => input.remove());
    for (const name of ['items', 'conditions', 'departments']) form.append(el('input', { type: 'hidden', name, value: JSON.stringify(state[name]), 'data-posted': true }));
  });
  document.addEventListener('keydown', (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === 's') { event.preventDefault(); form.requestSubmit(one('button[value=save]', form)); }
  });
  addEventListener('beforeunload', (event) => { if (dirty && !leaving) event.preventDefault(); });
})();
