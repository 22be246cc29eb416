// One rule, opened below its target field: sources, steps with their options, condition, what must not be empty.
(() => {
  'use strict';
  const M = window.shenguanMapping;
  if (!M) return;
  const { el, say, fill } = M;

  M.ruleEditor = (field) => {
    const target = field.path;
    const rule = () => M.rules.get(target) ?? { target };
    const change = (act, settings) => M.changeRule(target, act, settings);
    const again = (act, selector) => { change(act); M.redrawOpen(selector); };
    const tool = (label, text, act, more = {}) => el('button', { type: 'button', class: 'tool', 'aria-label': label, title: label, onclick: act, ...more }, text);

    function sourcesPart() {
      const taken = rule().sources ?? [];
      const chips = taken.map((path, index) => el('span', { class: 'chip' }, M.titleOf(path), el('small', {}, M.record ? M.text(M.valueAt(M.record, path)).slice(0, 24) : ''),
        taken.length > 1 && index ? tool(say.up, '‹', () => again((now) => { now.sources = moved(taken, index, -1); })) : null,
        el('button', { type: 'button', 'aria-label': `${say.remove} ${M.titleOf(path)}`, onclick: () => { again((now) => { now.sources = taken.filter((one) => one !== path); }); M.announce(fill(say.disconnected, { source: M.titleOf(path) })); } }, '×')));
      const combo = window.shenguanCombo({
        label: taken.length ? say.addSource : say.pick, placeholder: `+ ${taken.length ? say.addSource : say.pick}`, words: { none: say.none },
        search: (words) => M.sources().filter((one) => !taken.includes(one.path) && words.split(/\s+/).every((word) => `${one.title} ${one.path}`.toLowerCase().includes(word))).map((one) => ({ code: one.path, name: one.title, note: one.path })),
        chosen: (entry) => M.connect(target, entry.code),
      });
      combo.querySelector('input').dataset.focus = '';
      return el('div', { class: 'rule-line' }, el('span', { class: 'rule-label' }, say.sources), el('div', { class: 'rule-body chips' }, chips, combo));
    }
    const moved = (list, index, by) => {
      const next = [...list];
      next.splice(index + by, 0, ...next.splice(index, 1));
      return next;
    };

    function stepsPart() {
      const steps = rule().steps ?? [];
      const lines = steps.map((step, index) => {
        const info = M.options.transforms[step.do] ?? { title: step.do, options: {} };
        const form = M.optionsForm(info.options, step.options ?? {}, (name, value) => {
          change((now) => {
            const options = { ...now.steps[index].options };
            if (value === undefined || value === '') delete options[name];
            else options[name] = value;
            now.steps = now.steps.map((one, at) => (at === index ? { ...one, options } : one));
          }, { merge: `${target}/${index}/${name}` });
        });
        return el('li', { class: 'step' }, el('div', { class: 'step-head' }, el('b', {}, info.title),
          tool(say.up, '↑', () => again((now) => { now.steps = moved(steps, index, -1); }, `.step:nth-child(${index}) .tool`), { disabled: !index }),
          tool(say.down, '↓', () => again((now) => { now.steps = moved(steps, index, 1); }), { disabled: index === steps.length - 1 }),
          tool(say.remove, '×', () => again((now) => { now.steps = steps.filter((_one, at) => at !== index); }))), form);
      });
      const menu = el('select', { class: 'input add-step', 'aria-label': say.addStep, onchange: (event) => {
        const name = event.target.value;
        if (name) again((now) => { now.steps = [...steps, { do: name, options: M.defaults(M.options.transforms[name].options) }]; }, `.step:nth-child(${steps.length + 1}) :is(input, select, textarea)`);
      } }, el('option', { value: '' }, `+ ${say.addStep}`), Object.entries(M.options.transforms).map(([name, info]) => el('option', { value: name }, info.title)));
      return el('div', { class: 'rule-line' }, el('span', { class: 'rule-label' }, say.stepsTitle), el('div', { class: 'rule-body' }, lines.length ? el('ol', { class: 'steps' }, lines) : null, menu));
    }

    function conditionPart() {
      const editor = M.conditionEditor(rule().when ?? '', (source) => {
        change((now) => { now.when = source; }, { merge: `${target}/when` });
        otherwise.hidden = !source;
      }, say.condition);
      const otherwise = el('label', { class: 'box otherwise', hidden: !rule().when }, el('span', {}, say.otherwise), el('input', {
        class: 'input', value: M.text(rule().otherwise), placeholder: say.empty, autocomplete: 'off',
        oninput: (event) => change((now) => { if (event.target.value) now.otherwise = event.target.value; else delete now.otherwise; }, { merge: `${target}/otherwise` }),
      }));
      return el('div', { class: 'rule-line' }, el('span', { class: 'rule-label' }, say.condition), el('div', { class: 'rule-body' }, editor, otherwise));
    }

    function lastPart() {
      return el('div', { class: 'rule-line last' },
        el('label', { class: 'tick' }, el('input', { type: 'checkbox', checked: Boolean(rule().required), onchange: (event) => change((now) => { now.required = event.target.checked; }) }), say.mustHave),
        el('input', { class: 'input note', value: rule().note ?? '', placeholder: say.note, 'aria-label': say.note, maxlength: 500, autocomplete: 'off', oninput: (event) => change((now) => { now.note = event.target.value; }, { merge: `${target}/note` }) }),
        el('button', { type: 'button', class: 'btn small', disabled: !M.rules.has(target), onclick: () => { M.change(() => M.rules.delete(target)); M.announce(fill(say.cleared, { target: field.title })); M.redrawOpen(); } }, say.clear),
        field.own ? el('button', { type: 'button', class: 'btn small danger', onclick: () => { M.open = ''; M.change(() => { M.rules.delete(target); M.flow.columns = M.flow.columns.filter((one) => one.name !== target); }, { rebuild: true }); } }, say.removeColumn) : null);
    }

    if (!M.editable) return el('div', { class: 'rule' }, el('output', { class: 'rule-result' }));
    const wanted = wants(field);
    return el('div', { class: 'rule' }, wanted ? el('p', { class: 'hint wants' }, wanted) : null, sourcesPart(), stepsPart(), conditionPart(), el('output', { class: 'rule-result' }), lastPart());
  };

  // ---- a form out of a small JSON Schema
  M.defaults = (schema) => {
    const made = {};
    for (const [name, one] of Object.entries(schema?.properties ?? {})) if (one.default !== undefined) made[name] = one.default;
    return made;
  };
  M.optionsForm = (schema, values, changed) => {
    const entries = Object.entries(schema?.properties ?? {});
    if (!entries.length) return null;
    const must = new Set(schema.required ?? []);
    const place = el('div', { class: 'step-options' });
    const shown = { ...M.defaults(schema), ...values };
    const boxes = new Map();
    const fits = () => entries.forEach(([name, one]) => { boxes.get(name).hidden = Object.entries(one['x-when'] ?? {}).some(([other, wanted]) => ![].concat(wanted).includes(shown[other])); });
    for (const [name, one] of entries) {
      const tell = (value) => { shown[name] = value; changed(name, value); fits(); };
      const box = el('label', { class: one.type === 'boolean' ? 'tick' : 'box', 'data-option': name }, one.type === 'boolean' ? null : el('span', {}, one.title ?? name, must.has(name) ? el('em', {}, ' *') : null), control(name, one, shown[name], tell), one.type === 'boolean' ? one.title ?? name : null, one.description ? el('small', {}, one.description) : null);
      boxes.set(name, box);
      place.append(box);
    }
    fits();
    return place;
  };
  /** The connector's code tables, and those of ours that can become one. */
  function tableBox(value, tell) {
    const fresh = Object.entries(M.options.codes).filter(([ours]) => !M.tables.some((table) => table.ours === ours));
    return el('select', { class: 'input', onchange: (event) => { const chosen = event.target.value; tell(chosen.startsWith('+') ? M.newTable(chosen.slice(1)) : chosen); } },
      el('option', { value: '' }, say.choose), value && !M.options.tables.some(([known]) => known === value) ? el('option', { value, selected: true }, value) : null,
      M.options.tables.map(([known, title]) => el('option', { value: known, selected: known === value }, title)),
      el('optgroup', { label: say.makeTable }, fresh.map(([ours, table]) => el('option', { value: `+${ours}` }, `+ ${table.title}`))));
  }
  /** What the target wants: its kind, length, and the codes that it takes. */
  const wants = (field) => {
    const codes = M.options.codes[field.table];
    const said = [M.options.kinds[field.kind], field.length ? fill(say.longest, { n: field.length }) : '', codes ? `${codes.title}${say.colon}${Object.entries(codes.codes).slice(0, 12).map(([code, title]) => `${code} ${title}`).join(say.comma)}${Object.keys(codes.codes).length > 12 ? '…' : ''}` : ''];
    return said.filter(Boolean).join(say.semicolon);
  };
  function control(name, one, value, tell) {
    if (one.type === 'boolean') return el('input', { type: 'checkbox', checked: Boolean(value), onchange: (event) => tell(event.target.checked) });
    if (name === 'table') return tableBox(value, tell);
    const choices = one.enum ? one.enum.map((code, index) => [code, one['x-enum-titles']?.[index] ?? String(code)]) : null;
    if (choices && one.type !== 'array') {
      const known = choices.some(([code]) => code === value) || value === undefined || value === '';
      return el('select', { class: 'input', onchange: (event) => tell(choices.find(([code]) => String(code) === event.target.value)?.[0] ?? '') },
        el('option', { value: '' }, say.choose), known ? null : el('option', { value, selected: true }, value), choices.map(([code, title]) => el('option', { value: code, selected: code === value }, title)));
    }
    if (one.type === 'array') {
      const wanted = one.items?.enum;
      if (wanted) {
        const now = new Set(value ?? []);
        return el('span', { class: 'tick-list' }, wanted.map((code, index) => el('label', { class: 'tick' }, el('input', { type: 'checkbox', checked: now.has(code), onchange: (event) => { if (event.target.checked) now.add(code); else now.delete(code); tell(wanted.filter((all) => now.has(all))); } }), one.items['x-enum-titles']?.[index] ?? code)));
      }
      return el('textarea', { class: 'input', rows: Math.min(Math.max((value ?? []).length, 2), 6), placeholder: say.listHint, spellcheck: 'false', oninput: (event) => tell(event.target.value.split('\n').filter((line) => line !== '')) }, (value ?? []).join('\n'));
    }
    if (one.type === 'integer' || one.type === 'number') {
      return el('input', { class: 'input', type: 'number', value: value ?? '', min: one.minimum, max: one.maximum, step: one.type === 'integer' ? 1 : 'any', oninput: (event) => tell(event.target.value === '' ? undefined : Number(event.target.value)) });
    }
    if (one['x-multiline']) return el('textarea', { class: 'input mono', rows: 2, spellcheck: 'false', oninput: (event) => tell(event.target.value) }, M.text(value));
    return el('input', { class: 'input', value: M.text(value), maxlength: one.maxLength, autocomplete: 'off', spellcheck: 'false', oninput: (event) => tell(event.target.value) });
  }
})();
