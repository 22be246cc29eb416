// Proposals to accept or refuse, coverage with its links, and what holds for the whole flow.
(() => {
  'use strict';
  const M = window.shenguanMapping;
  if (!M) return;
  const { el, one, say, fill, root } = M;
  const panel = one('[data-suggestions]', root);
  const opener = one('[data-open-suggestions]', root);
  const refused = new Set();
  let found = [];
  let timer = 0;
  const SURE = 0.8;
  const keyOf = (entry) => `${entry.rule.target}←${(entry.rule.sources ?? []).join('+')}`;
  const open = () => found.filter((entry) => !refused.has(keyOf(entry)) && !M.rules.has(entry.rule.target));

  let asks = 0;
  async function ask() {
    asks += 1;
    const number = asks;
    if (!M.editable || !M.targets().length || !M.sources().length) { found = []; show(); return; }
    try { const said = (await M.send(`${location.pathname}/suggestions`, { flow: M.posted() })).suggestions; if (number === asks) found = said; } catch { return; }
    show();
  }
  const soon = () => { clearTimeout(timer); timer = setTimeout(ask, 200); };
  function show() {
    const entries = open();
    opener.hidden = !entries.length;
    opener.textContent = fill(say.suggestions, { n: entries.length });
    if (!entries.length && !panel.hidden) { panel.hidden = true; M.announce(say.noSuggestions); }
    const title = new Map(M.targets().map((field) => [field.path, field.title]));
    one('ul', panel).replaceChildren(...entries.map((entry) => line(entry, title)));
    const sure = entries.filter((entry) => entry.sure >= SURE);
    const all = one('[data-accept-all]', panel);
    all.hidden = !sure.length;
    all.textContent = fill(say.acceptSure, { n: sure.length });
  }
  function line(entry, title) {
    const { rule } = entry;
    const steps = (rule.steps ?? []).map((step) => M.options.transforms[step.do]?.title ?? step.do);
    return el('li', {}, el('span', { class: 'proposal' }, el('b', {}, title.get(rule.target) ?? rule.target), el('i', { 'aria-hidden': 'true' }, '←'), el('span', {}, (rule.sources ?? []).map(M.titleOf).join(say.comma)), ...steps.map((text) => el('span', { class: 'step-chip' }, text)), el('small', {}, entry.why)),
      el('span', { class: `pill ${entry.sure >= SURE ? 'good' : 'warn'}` }, fill(say.sure, { n: Math.round(entry.sure * 100) })),
      el('button', { type: 'button', class: 'btn small', onclick: () => accept([entry]) }, say.accept),
      el('button', { type: 'button', class: 'ghost small', onclick: () => { refused.add(keyOf(entry)); show(); } }, say.reject));
  }
  function accept(entries) {
    if (!entries.length) return;
    M.change(() => entries.forEach(({ rule }) => { if (!M.rules.has(rule.target)) M.rules.set(rule.target, { ...rule }); }), { rebuild: true });
    M.announce(fill(say.accepted, { n: entries.length }));
    show();
  }
  opener.addEventListener('click', () => { panel.hidden = !panel.hidden; if (!panel.hidden) one('button', panel).focus(); });
  one('[data-accept-all]', panel).addEventListener('click', () => accept(open().filter((entry) => entry.sure >= SURE)));
  one('[data-close-suggestions]', panel).addEventListener('click', () => { panel.hidden = true; opener.focus(); });
  M.on('columns', () => { found = []; show(); clearTimeout(timer); ask().then(() => { panel.hidden = !open().length; }); });
  M.on('ready', soon);
  M.on('changed', () => { show(); clearTimeout(timer); timer = setTimeout(ask, 1500); });

  // ---- coverage
  const coverage = one('[data-coverage]', root);
  function showCoverage() {
    const fields = M.targets();
    const mapped = fields.filter((field) => M.rules.has(field.path)).length;
    const lacking = M.lacking.map((path) => fields.find((field) => field.path === path) ?? { path, title: path });
    const links = lacking.slice(0, 8).flatMap((field, index) => [index ? say.comma : '', el('button', { type: 'button', class: 'link', onclick: () => M.openTarget(field.path) }, field.title)]);
    coverage.classList.toggle('lacking', lacking.length > 0);
    coverage.replaceChildren(el('b', {}, fill(say.ofAll, { a: mapped, b: fields.length })), el('span', { class: 'bar-of' }, el('progress', { max: Math.max(fields.length, 1), value: mapped, 'aria-label': say.targets })),
      lacking.length ? el('span', {}, fill(say.lacking, { n: lacking.length }), ...links, lacking.length > 8 ? '…' : '') : fields.length ? el('span', { class: 'good-text' }, say.complete) : '');
  }
  M.on('result', showCoverage);
  M.on('changed', showCoverage);
  M.on('ready', showCoverage);

  // ---- the whole flow
  const each = one('[data-each]', root);
  const when = one('[data-when]', root);
  function drawFlow() {
    if (each) {
      const lists = Array.from(new Set(M.options.sources.map((field) => /^(.*?\[\])/.exec(field.path)?.[1]).filter(Boolean)));
      const titles = new Map(M.options.sources.map((field) => [field.path, field.title]));
      each.replaceChildren(el('option', { value: '' }, say.oneRecord), ...lists.map((path) => el('option', { value: path, selected: path === M.flow.each }, titles.get(path) ?? titles.get(path.slice(0, -2)) ?? M.options.groups?.[path.slice(0, -2)] ?? path)));
    }
    when.replaceChildren(M.editable ? M.conditionEditor(M.flow.when, (source) => M.change(() => { M.flow.when = source; }, { merge: 'when' }), say.condition) : el('code', {}, M.flow.when));
  }
  each?.addEventListener('change', () => M.change(() => { M.flow.each = each.value; }));
  M.on('ready', drawFlow);
  M.on('rebuilt', drawFlow);
})();
