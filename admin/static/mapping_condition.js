// Conditions by choosing: field, comparison, value; written as CEL, and read back from what was written so. Anything else
// that somebody wrote in CEL is shown as it is.
(() => {
  'use strict';
  const M = window.shenguanMapping;
  if (!M) return;
  const { el, say } = M;
  const quoted = (text) => JSON.stringify(String(text));
  const QUOTED = '"(?:[^"\\\\]|\\\\.)*"';
  const NUMBER = /^-?\d{1,15}(\.\d{1,6})?$/;
  const WAYS = ['is', 'isNot', 'oneOf', 'contains', 'starts', 'greater', 'less', 'present', 'absent'];

  /** The field in CEL: null where it is not there. `item` where it is in the list that `each` goes through. */
  function field(path) {
    const each = M.flow.each ? M.parts(M.flow.each) : [];
    let parts = M.parts(path);
    let start = 'r';
    if (each.length && each.every((part, index) => parts[index] === part)) {
      parts = parts.slice(each.length);
      start = 'item';
    }
    if (parts.some((part) => typeof part !== 'string' || part === '[]')) return null;
    return parts.reduce((inner, part) => `get(${inner}, ${quoted(part)})`, start);
  }
  function written({ path, way, value }) {
    const place = field(path);
    if (!place) return null;
    const number = NUMBER.test(value.trim());
    const comparing = (sign) => (number ? `(!empty(${place}) && number(${place}) ${sign} ${value.trim().includes('.') ? value.trim() : `${value.trim()}.0`})` : `text(${place}) ${sign} ${quoted(value)}`);
    switch (way) {
      case 'isNot': return `text(${place}) != ${quoted(value)}`;
      case 'oneOf': return `text(${place}) in [${value.split(/[、,，;；]/).map((one) => one.trim()).filter(Boolean).map(quoted).join(', ')}]`;
      case 'contains': return `text(${place}).contains(${quoted(value)})`;
      case 'starts': return `text(${place}).startsWith(${quoted(value)})`;
      case 'greater': return comparing('>');
      case 'less': return comparing('<');
      case 'present': return `!empty(${place})`;
      case 'absent': return `empty(${place})`;
      default: return `text(${place}) == ${quoted(value)}`;
    }
  }
  const PLACE = `((?:get\\()+(?:r|item)(?:, ${QUOTED}\\))+)`;
  const SHAPES = [
    ['isNot', new RegExp(`^text\\(${PLACE}\\) != (${QUOTED})$`)], ['is', new RegExp(`^text\\(${PLACE}\\) == (${QUOTED})$`)],
    ['contains', new RegExp(`^text\\(${PLACE}\\)\\.contains\\((${QUOTED})\\)$`)], ['starts', new RegExp(`^text\\(${PLACE}\\)\\.startsWith\\((${QUOTED})\\)$`)],
    ['oneOf', new RegExp(`^text\\(${PLACE}\\) in \\[((?:${QUOTED}(?:, )?)*)\\]$`)],
    ['present', new RegExp(`^!empty\\(${PLACE}\\)$`)], ['absent', new RegExp(`^empty\\(${PLACE}\\)$`)],
    ['greater', new RegExp(`^text\\(${PLACE}\\) > (${QUOTED})$`)], ['less', new RegExp(`^text\\(${PLACE}\\) < (${QUOTED})$`)],
    ['greater', new RegExp(`^\\(!empty\\(${PLACE}\\) && number\\(.+\\) > (-?[0-9.]+)\\)$`)], ['less', new RegExp(`^\\(!empty\\(${PLACE}\\) && number\\(.+\\) < (-?[0-9.]+)\\)$`)],
  ];
  const unquoted = (text) => JSON.parse(text);
  function readOne(text) {
    for (const [way, shape] of SHAPES) {
      const found = shape.exec(text);
      if (!found) continue;
      const keys = Array.from(found[1].matchAll(new RegExp(QUOTED, 'g')), ([key]) => M.spelled(unquoted(key)));
      const path = (/\(item,/.test(found[1]) ? `${M.flow.each}.` : '') + keys.join('.');
      let value = found[2] ?? '';
      if (way === 'oneOf') value = Array.from(value.matchAll(new RegExp(QUOTED, 'g')), ([one]) => unquoted(one)).join('、');
      else if (value.startsWith('"')) value = unquoted(value);
      else value = value.replace(/\.0$/, '');
      const row = { path, way, value };
      return written(row) === text ? row : null;
    }
    return null;
  }
  /** The rows of a condition, or null where it is not one of ours. */
  function rowsOf(source) {
    if (!source) return [];
    const parts = [];
    let depth = 0;
    let from = 0;
    for (const token of source.matchAll(/"(?:[^"\\]|\\.)*"|[()]| && /g)) {
      if (token[0] === '(') depth += 1;
      else if (token[0] === ')') depth -= 1;
      else if (token[0] === ' && ' && depth === 0) { parts.push(source.slice(from, token.index)); from = token.index + 4; }
    }
    parts.push(source.slice(from));
    const rows = parts.map(readOne);
    return rows.every(Boolean) ? rows : null;
  }

  /** The editor of one condition; `changed` is told the CEL. */
  M.conditionEditor = (source, changed, label) => {
    const place = el('div', { class: 'condition', role: 'group', 'aria-label': label });
    let rows = rowsOf(source);
    let formula = rows === null;
    const tell = () => changed(rows.filter((row) => row.path).map(written).filter(Boolean).join(' && '));
    const box = (title, input) => el('label', { class: 'box' }, el('span', {}, title), input);
    function rowLine(row, index) {
      const fields = M.sources().filter((one) => field(one.path));
      if (row.path && !fields.some((one) => one.path === row.path)) fields.unshift({ path: row.path, title: row.path });
      const pick = window.shenguanCombo({
        label: say.field, placeholder: say.choose, keep: row.path ? M.titleOf(row.path) : '', words: { none: say.none },
        search: (words) => fields.filter((one) => `${one.title} ${one.path}`.toLowerCase().includes(words)).map((one) => ({ code: one.path, name: one.title, note: one.path })),
        chosen: (entry, input) => { row.path = entry.code; input.value = entry.name; tell(); },
      });
      const value = el('input', { class: 'input', value: row.value, 'aria-label': say.value, placeholder: row.way === 'oneOf' ? say.several : '', autocomplete: 'off', oninput: (event) => { row.value = event.target.value; tell(); } });
      const valueBox = box(say.value, value);
      valueBox.hidden = ['present', 'absent'].includes(row.way);
      const way = el('select', { class: 'input', onchange: (event) => { row.way = event.target.value; tell(); draw(); } }, WAYS.map((one) => el('option', { value: one, selected: one === row.way }, say[one])));
      return el('div', { class: 'condition-line' }, index ? el('i', { class: 'and' }, say.all) : null, box(say.field, pick), box(say.compare, way), valueBox, el('button', {
        type: 'button', class: 'tool', 'aria-label': say.remove, title: say.remove, onclick: () => { rows.splice(index, 1); tell(); draw(); },
      }, '×'));
    }
    function draw() {
      if (formula) {
        place.replaceChildren(el('textarea', { class: 'input mono', rows: 2, 'aria-label': say.formula, spellcheck: 'false', oninput: (event) => { source = event.target.value.trim(); changed(source); } }, source),
          el('button', { type: 'button', class: 'ghost small', disabled: rowsOf(source) === null, onclick: () => { rows = rowsOf(source) ?? []; formula = false; draw(); } }, say.byChoice));
        return;
      }
      place.replaceChildren(...rows.map(rowLine), el('div', { class: 'line-tools' },
        el('button', { type: 'button', class: 'ghost small', 'data-add-condition': true, onclick: () => { rows.push({ path: '', way: 'is', value: '' }); draw(); place.querySelector('.condition-line:last-of-type input')?.focus(); } }, `+ ${rows.length ? say.addCondition : say.onlyWhen}`),
        el('button', { type: 'button', class: 'ghost small', onclick: () => { source = rows.filter((row) => row.path).map(written).join(' && '); formula = true; draw(); } }, say.asFormula)));
    }
    draw();
    return place;
  };
})();
