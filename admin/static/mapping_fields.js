// Both sides of a mapping: source fields with the sample's values, target fields with what they become.
(() => {
  'use strict';
  const M = window.shenguanMapping;
  if (!M) return;
  const { el, one, say, fill, root } = M;
  const left = one('[data-sources]', root);
  const right = one('[data-targets]', root);
  const rows = new Map();
  const lines = new Map();
  const plain = (text) => text.toLowerCase().replace(/\s+/g, '');
  const matches = (field, words) => words.every((word) => plain(`${field.title} ${field.path}`).includes(word));
  const wordsOf = (input) => input.value.trim().split(/\s+/).map(plain).filter(Boolean);
  const codeOf = (field) => (field.title === field.path ? '' : field.path);

  // ---- sources
  const find = one('[data-find-source]', root);
  const groupOf = (field, groups) => {
    const [first] = M.parts(field.path);
    return groups.has(first) ? String(first) : '';
  };
  const RANK = ['', 'case', 'result', 'licence', 'elements', 'fact', 'materials', 'steps', 'form'];
  const LAST = ['push', 'event'];
  const rank = (group) => (LAST.includes(group) ? 100 + LAST.indexOf(group) : RANK.includes(group) ? RANK.indexOf(group) : 50);
  function drawSources() {
    const groups = new Map();
    const fields_ = M.sources();
    const known = new Set(fields_.map((field) => M.parts(field.path)).filter((parts) => parts.length > 1).map(([first]) => first));
    for (const field of fields_) {
      const group = groupOf(field, known);
      if (!groups.has(group)) groups.set(group, []);
      groups.get(group).push(field);
    }
    lines.clear();
    const titleOf = (group, fields) => fields.find((field) => field.path === `${group}[]` || field.path === group)?.title ?? fields.find((field) => field.group && M.parts(field.path).length === 2)?.group ?? (group === 'event' ? say.envelope : group);
    left.replaceChildren(...Array.from(groups).sort(([one_], [other]) => rank(one_) - rank(other)).map(([group, fields]) => {
      const list = el('ul', {}, fields.map(sourceLine));
      return group ? el('details', { open: !LAST.includes(group), 'data-group': group }, el('summary', {}, titleOf(group, fields), el('small', {}, String(fields.length))), list) : list;
    }));
    if (!left.childElementCount) left.append(el('p', { class: 'hint' }, M.incoming ? say.noColumns : say.nothing));
    showValues();
    showUse();
    filterSources();
  }
  function sourceLine(field) {
    const button = el('button', {
      type: 'button', class: `source${field.gone ? ' gone' : ''}`, 'aria-pressed': 'false', disabled: !M.editable,
      onclick: () => take(field.path), title: field.path,
    }, el('b', {}, field.title), el('small', { class: 'mono' }, codeOf(field)), el('span', { class: 'sample-value' }), el('em', { class: 'used' }));
    const line = el('li', {}, button);
    if (field.gone) button.append(el('i', { class: 'bad-text' }, say.gone));
    lines.set(field.path, { line, button, field });
    return line;
  }
  function take(path) {
    if (M.open) { M.connect(M.open, path); return; }
    M.armed = M.armed === path ? '' : path;
    root.classList.toggle('arming', Boolean(M.armed));
    lines.forEach(({ button }, key) => button.setAttribute('aria-pressed', String(key === M.armed)));
    if (M.armed) M.announce(fill(say.armed, { source: M.titleOf(path) }));
  }
  function disarm() {
    M.armed = '';
    root.classList.remove('arming');
    lines.forEach(({ button }) => button.setAttribute('aria-pressed', 'false'));
  }
  function filterSources() {
    const words = wordsOf(find);
    lines.forEach(({ line, field }) => { line.hidden = !matches(field, words); });
    left.querySelectorAll('details').forEach((part) => {
      const some = part.querySelector('li:not([hidden])');
      part.hidden = !some;
      if (words.length && some) part.open = true;
    });
  }
  function showValues() {
    lines.forEach(({ button, field }) => {
      const text = M.record ? M.text(M.valueAt(M.record, field.path)) : M.text(field.example);
      const place = one('.sample-value', button);
      place.textContent = text.slice(0, 120);
      place.classList.toggle('of-example', !M.record);
    });
  }
  function showUse() {
    const used = new Map();
    for (const [target, rule] of M.rules) for (const path of rule.sources ?? []) used.set(path, [...(used.get(path) ?? []), target]);
    const title = new Map(M.targets().map((field) => [field.path, field.title]));
    lines.forEach(({ button }, path) => {
      const names = (used.get(path) ?? []).map((target) => title.get(target) ?? target);
      const mark = one('.used', button);
      mark.textContent = names.length ? '●' : '';
      mark.title = names.length ? fill(say.used, { names: names.join(say.comma) }) : '';
    });
  }

  // ---- targets
  const findTarget = one('[data-find-target]', root);
  const only = one('[data-only]', root);
  function drawTargets() {
    const fields = M.targets();
    rows.clear();
    right.replaceChildren(...fields.map(targetRow));
    if (!fields.length) right.append(el('li', { class: 'hint none-yet' }, say.noColumns));
    if (M.open && rows.has(M.open)) expand(M.open, false);
    else M.open = '';
    showResults();
    filterTargets();
  }
  function targetRow(field) {
    const head = el('button', { type: 'button', class: 'target-head', 'aria-expanded': 'false', onclick: () => press(field.path) },
      el('span', { class: 'dot', 'aria-hidden': 'true' }),
      el('span', { class: 'name' }, el('b', {}, field.title), field.required ? el('em', { class: 'must', title: say.required }, '*') : null, el('small', { class: 'mono' }, codeOf(field))),
      el('span', { class: 'from' }), el('span', { class: 'becomes' }));
    const row = el('li', { class: 'target', 'data-target': field.path, id: `t-${rows.size}` }, head);
    if (field.gone) one('.name', head).append(el('i', { class: 'bad-text' }, say.gone));
    rows.set(field.path, { row, head, field });
    showRow(field.path);
    return row;
  }
  function showRow(path) {
    const entry = rows.get(path);
    if (!entry) return;
    const rule = M.rules.get(path);
    const from = one('.from', entry.head);
    const parts = [];
    for (const source of rule?.sources ?? []) parts.push(el('span', { class: 'from-chip' }, M.titleOf(source)));
    for (const taken of rule?.steps ?? []) parts.push(el('span', { class: 'step-chip' }, stepText(taken)));
    if (rule?.when) parts.push(el('span', { class: 'when-chip' }, say.condition));
    from.replaceChildren(...(parts.length ? parts : [el('span', { class: 'unmapped' }, say.unmapped)]));
    entry.row.classList.toggle('mapped', Boolean(rule && parts.length));
  }
  const stepText = (taken) => {
    const title = M.options.transforms[taken.do]?.title ?? taken.do;
    return taken.do === 'constant' ? `“${M.text(taken.options?.value).slice(0, 20)}”` : title;
  };
  function press(path) {
    if (M.armed && M.editable) { M.connect(path, M.armed); disarm(); if (M.open !== path) return; }
    if (M.open === path) collapse();
    else expand(path, true);
  }
  function collapse() {
    const entry = rows.get(M.open);
    if (entry) { entry.head.setAttribute('aria-expanded', 'false'); one('.rule', entry.row)?.remove(); entry.row.classList.remove('opened'); showRow(M.open); }
    M.open = '';
  }
  function expand(path, focus) {
    collapse();
    const entry = rows.get(path);
    if (!entry) return;
    M.open = path;
    entry.head.setAttribute('aria-expanded', 'true');
    entry.row.classList.add('opened');
    entry.row.append(M.ruleEditor(entry.field));
    showResults();
    if (focus) entry.row.scrollIntoView({ block: 'nearest' });
    if (focus && !M.rules.get(path)?.sources?.length) one('.rule [data-focus]', entry.row)?.focus({ preventScroll: true });
  }
  M.openTarget = (path) => {
    findTarget.value = '';
    only.value = '';
    filterTargets();
    expand(path, true);
    rows.get(path)?.row.scrollIntoView({ block: 'center' });
  };
  M.collapse = collapse;
  M.redrawOpen = (selector) => {
    const path = M.open;
    if (!path) return;
    expand(path, false);
    const there = selector && one(`.rule ${selector}`, rows.get(path).row);
    (there || one('.rule [data-focus]', rows.get(path).row))?.focus();
  };
  function filterTargets() {
    const words = wordsOf(findTarget);
    let shown = 0;
    rows.forEach(({ row, field }, path) => {
      const result = M.results.get(path);
      const mapped = M.rules.has(path);
      const fits = { '': true, unmapped: !mapped, wrong: Boolean(result?.words) || (M.lacking.includes(path)), required: Boolean(field.required) }[only.value];
      row.hidden = !(fits && matches(field, words)) && path !== M.open;
      if (!row.hidden) shown += 1;
    });
    one('[data-no-target]', root).hidden = shown > 0 || !rows.size;
  }
  function showResults() {
    rows.forEach(({ row, head }, path) => {
      const result = M.results.get(path);
      const place = one('.becomes', head);
      const bad = Boolean(result?.words);
      const lacking = M.lacking.includes(path);
      place.textContent = bad ? result.words : M.text(result?.value).slice(0, 160);
      place.classList.toggle('bad-text', bad);
      row.classList.toggle('bad', bad);
      row.classList.toggle('lacking', lacking && !bad);
      const full = one('.rule-result', row);
      if (full) {
        full.textContent = bad ? result.words : M.text(result?.value);
        full.classList.toggle('bad-text', bad);
      }
    });
  }

  find.addEventListener('input', filterSources);
  findTarget.addEventListener('input', filterTargets);
  only.addEventListener('change', filterTargets);
  find.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' && event.key !== 'ArrowDown') return;
    event.preventDefault();
    left.querySelector('li:not([hidden]) .source')?.focus();
  });
  const step = (event, list, selector) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    if (!event.target.matches(selector)) return;
    event.preventDefault();
    const all = Array.from(list.querySelectorAll(selector)).filter((item) => item.offsetParent);
    all[Math.min(Math.max(all.indexOf(event.target) + (event.key === 'ArrowDown' ? 1 : -1), 0), all.length - 1)]?.focus();
  };
  left.addEventListener('keydown', (event) => step(event, left, '.source'));
  right.addEventListener('keydown', (event) => {
    step(event, right, '.target-head');
    if (event.key === 'Escape' && M.open && !event.defaultPrevented) { const { head } = rows.get(M.open); collapse(); head.focus(); }
  });
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape' && M.armed) disarm(); });
  M.on('ready', () => { drawSources(); drawTargets(); });
  M.on('rebuilt', () => { drawSources(); drawTargets(); });
  M.on('record', drawSources);
  M.on('rule', (target) => { if (target === M.open) M.redrawOpen(); else if (!rows.has(target)) drawTargets(); });
  M.on('changed', () => { rows.forEach((_entry, path) => showRow(path)); showUse(); });
  M.on('result', () => { showResults(); filterTargets(); });
})();
