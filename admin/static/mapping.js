// The mapping of one flow: the state, undo and saving. mapping_fields.js draws both sides, mapping_rule.js one rule,
// mapping_condition.js conditions, mapping_sample.js samples and the preview, mapping_suggest.js proposals and coverage.
(() => {
  'use strict';
  const root = document.querySelector('[data-mapping]');
  if (!root) return;
  const one = (selector, place = document) => place.querySelector(selector);
  const read = (id) => JSON.parse(one(id).textContent);
  const given = read('#mapping-state');
  const options = read('#mapping-options');
  const say = options.words;
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_all, name) => values[name] ?? '');

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

  const M = {
    root, given, options, say, el, one, fill,
    editable: root.dataset.mapping === 'edit',
    incoming: options.direction === 'in',
    flow: { each: given.flow.each || '', when: given.flow.when || '', columns: given.flow.columns },
    rules: new Map(given.flow.fields.map((rule) => [rule.target, rule])),
    tables: given.tables, tablesChanged: false,
    open: '', armed: '', record: null, results: new Map(), lacking: [],
  };
  window.shenguanMapping = M;
  const listeners = {};
  M.on = (name, act) => { (listeners[name] ??= []).push(act); };
  M.emit = (name, ...told) => (listeners[name] ?? []).forEach((act) => act(...told));
  M.announce = (text) => { one('[data-said]').textContent = text; };

  // ---- paths, spelled as schemas.mapping.paths spells them
  M.spelled = (key) => (key && key === key.trim() && !/[.[\]"\\]/.test(key) ? key : `"${key.replace(/\\/g, '\\\\').replace(/"/g, '\\"')}"`);
  M.parts = (path) => Array.from(path.matchAll(/"((?:[^"\\]|\\.)*)"|\[(\d*)\]|([^.[\]"]+)/g), ([, quoted, index, bare]) => {
    if (index !== undefined) return index === '' ? '[]' : Number(index);
    return bare ?? quoted.replace(/\\(.)/g, '$1');
  });
  const step = (value, part) => (part === '[]' ? (Array.isArray(value) ? value : []) : value?.[part]);
  M.valueAt = (record, path) => {
    let values = [record];
    let many = false;
    for (const part of M.parts(path)) {
      if (part === '[]') { many = true; values = values.flatMap((value) => step(value, part)); } else values = values.map((value) => step(value, part));
    }
    values = values.filter((value) => value !== undefined && value !== null);
    return many ? (values.length ? values : undefined) : values[0];
  };
  M.text = (value) => {
    if (value === null || value === undefined || value === '') return '';
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  };

  // ---- the fields of both sides
  const own = () => M.flow.columns.map((column) => ({ ...column, path: column.name, title: column.title || column.name, own: true }));
  // Whether a field that is not listed is missing for certain: ours always, theirs once they were read.
  const seen = (ours) => ours || M.flow.columns.length > 0;
  const named = (list) => {
    const known = new Map(list.map((field) => [field.path, field]));
    return (path) => known.get(path);
  };
  M.targets = () => {
    const list = M.incoming ? options.targets : own();
    const known = new Set(list.map((field) => field.path));
    return [...list, ...Array.from(M.rules.keys()).filter((path) => !known.has(path)).map((path) => ({ path, title: path, gone: seen(M.incoming) }))];
  };
  M.sources = () => {
    const list = M.incoming ? own() : [...options.sources];
    const known = new Set(list.map((field) => field.path));
    const more = (path, gone) => { if (!known.has(path)) { known.add(path); list.push({ path, title: path, gone }); } };
    for (const path of leaves(M.record)) more(path, false);
    for (const rule of M.rules.values()) for (const path of rule.sources ?? []) more(path, seen(!M.incoming) && !path.startsWith('@'));
    return list;
  };
  function leaves(record) {
    const found = [];
    const walk = (value, path, depth) => {
      if (found.length > 400 || depth > 5) return;
      if (Array.isArray(value)) { if (value.length && typeof value[0] === 'object') walk(value[0], `${path}[]`, depth + 1); else if (value.length) found.push(path); } else if (value && typeof value === 'object') {
        for (const [key, inner] of Object.entries(value)) walk(inner, path ? `${path}.${M.spelled(key)}` : M.spelled(key), depth + 1);
      } else if (path) found.push(path);
    };
    if (record) walk(record, '', 0);
    return found;
  }
  M.titleOf = (path) => named(M.sources())(path)?.title ?? path;
  M.rule = (target) => M.rules.get(target);
  const bare = (rule) => Object.values({ ...rule, target: '' }).every((value) => !value || (Array.isArray(value) && !value.length));

  // ---- changes, undo
  const past = [];
  const future = [];
  let merged = '';
  let mergedAt = 0;
  const snapshot = () => JSON.stringify([M.flow, [...M.rules.values()]]);
  const restore = (kept) => {
    const [flow, rules] = JSON.parse(kept);
    M.flow = flow;
    M.rules = new Map(rules.map((rule) => [rule.target, rule]));
    merged = '';
    touched();
    M.emit('rebuilt');
    M.emit('changed');
  };
  function touched() {
    M.dirty = true;
    one('[data-unsaved]').hidden = false;
    one('[data-unsaved]').textContent = say.unsaved;
    showUndo();
  }
  function showUndo() {
    one('[data-undo]').disabled = !past.length;
    one('[data-redo]').disabled = !future.length;
  }
  M.change = (act, { merge = '', rebuild = false } = {}) => {
    if (!M.editable) return;
    const now = Date.now();
    if (!(merge && merge === merged && now - mergedAt < 1500)) {
      past.push(snapshot());
      if (past.length > 200) past.shift();
      future.length = 0;
    }
    [merged, mergedAt] = [merge, now];
    act();
    for (const [target, rule] of M.rules) if (bare(rule) && target !== M.open) M.rules.delete(target);
    touched();
    if (rebuild) M.emit('rebuilt');
    M.emit('changed');
  };
  M.changeRule = (target, act, options_ = {}) => M.change(() => {
    const rule = M.rules.get(target) ?? { target };
    M.rules.set(target, rule);
    act(rule);
  }, options_);
  /** A code table of ours made into one of the connector's, with its names for theirs until somebody says otherwise. */
  M.newTable = (ours) => {
    const known = options.codes[ours];
    let name = ours;
    for (let n = 2; M.tables.some((table) => table.name === name); n += 1) name = `${ours}-${n}`;
    M.tables.push({ name, title: known.title, ours, pairs: Object.entries(known.codes).map(([code, title]) => [title, code]) });
    options.tables.push([name, known.title]);
    M.tablesChanged = true;
    return name;
  };
  M.connect = (target, source) => {
    const before = M.rules.get(target)?.sources ?? [];
    if (!source || before.includes(source)) return;
    M.changeRule(target, (rule) => { rule.sources = [...before, source]; });
    M.announce(fill(say.connected, { source: M.titleOf(source), target: M.targets().find((field) => field.path === target)?.title ?? target }));
    M.emit('rule', target);
  };
  M.undo = () => { if (past.length) { future.push(snapshot()); restore(past.pop()); M.announce(say.undone); } };
  M.redo = () => { if (future.length) { past.push(snapshot()); restore(future.pop()); M.announce(say.redone); } };

  // ---- the server
  const token = one('meta[name=csrf-token]').content;
  M.send = async (url, body, { method = 'POST', signal } = {}) => {
    const whole = body instanceof FormData;
    const answer = await fetch(url, { method, signal, body: method === 'GET' ? undefined : whole ? body : JSON.stringify(body), headers: { 'X-CSRFToken': token, Accept: 'application/json', ...(whole ? {} : { 'Content-Type': 'application/json' }) } });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(said.message ?? say.offline);
    return said;
  };
  M.posted = () => ({ ...M.flow, fields: M.targets().map((field) => M.rules.get(field.path)).filter(Boolean) });
  let saving = false;
  M.save = async () => {
    if (saving || !M.editable) return false;
    saving = true;
    const line = one('[data-unsaved]');
    const kept = snapshot();
    line.hidden = false;
    line.textContent = say.saving;
    line.classList.remove('bad-text');
    try {
      const said = await M.send(location.pathname, { seen: given.seen, flow: M.posted(), ...(M.tablesChanged ? { tables: M.tables } : {}) });
      M.tablesChanged = false;
      given.seen = said.seen;
      M.dirty = snapshot() !== kept;
      line.textContent = M.dirty ? say.unsaved : say.saved;
    } catch (error) {
      line.classList.add('bad-text');
      line.textContent = fill(say.notSaved, { words: error instanceof TypeError ? say.offline : error.message });
    }
    saving = false;
    return !M.dirty;
  };

  one('[data-go]')?.addEventListener('change', (event) => { location.href = event.target.value; });
  one('[data-undo]').addEventListener('click', M.undo);
  one('[data-redo]').addEventListener('click', M.redo);
  one('[data-save]')?.addEventListener('click', M.save);
  document.addEventListener('keydown', (event) => {
    if (!(event.ctrlKey || event.metaKey)) return;
    const key = event.key.toLowerCase();
    if (key === 's') { event.preventDefault(); M.save(); }
    if (event.target.matches('input:not([type=checkbox], [role=combobox]), textarea')) return;
    if (key === 'z') { event.preventDefault(); if (event.shiftKey) M.redo(); else M.undo(); }
    if (key === 'y') { event.preventDefault(); M.redo(); }
  });
  addEventListener('beforeunload', (event) => { if (M.dirty) event.preventDefault(); });
  showUndo();
  document.addEventListener('DOMContentLoaded', () => M.emit('ready'));
})();
