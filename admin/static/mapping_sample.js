// Samples and the live preview: which record the page shows, and what the rules make of it; the other side's own fields.
(() => {
  'use strict';
  const M = window.shenguanMapping;
  if (!M) return;
  const { el, one, say, fill, root, given } = M;
  const choose = one('[data-sample]', root);
  const status = one('[data-status]', root);
  const uploaded = [];
  const base = location.pathname;

  // ---- which record
  async function pick() {
    const [kind, ...rest] = choose.value.split(':');
    const which = rest.join(':');
    try {
      if (kind === 'example') M.record = given.examples[Number(which)];
      else if (kind === 'collected') M.record = given.collected[Number(which)];
      else if (kind === 'file') M.record = uploaded[Number(which)];
      else if (kind === 'sent') M.record = (await M.send(`${base}/record/${which}`, null, { method: 'GET' })).record;
      else if (kind === '') M.record = null;
    } catch (error) { tell(error.message, true); return; }
    M.emit('record');
    preview(0);
  }
  choose.addEventListener('change', pick);
  const nameOf = (record) => record.case?.project_name ?? record.event?.subject ?? Object.values(record).filter((value) => typeof value === 'string' && value).slice(0, 2).join(' · ').slice(0, 40);
  function offer(label, kind, records) {
    choose.querySelectorAll(`optgroup[data-kind="${kind}"]`).forEach((group) => group.remove());
    choose.append(el('optgroup', { label, 'data-kind': kind }, records.map((record, index) => el('option', { value: `${kind}:${index}` }, `${index + 1}　${nameOf(record)}`))));
  }
  function useRecords(kind, label, records) {
    uploaded.splice(0, uploaded.length, ...(kind === 'file' ? records : uploaded));
    offer(label, kind, records);
    if (records.length) { choose.value = `${kind}:0`; pick(); }
  }
  const go = (by) => {
    const all = Array.from(choose.options).filter((option) => option.value);
    const at = all.indexOf(choose.selectedOptions[0]);
    if (all.length) { choose.value = all[(at + by + all.length) % all.length].value; pick(); }
  };
  one('[data-previous]', root).addEventListener('click', () => go(-1));
  one('[data-next]', root).addEventListener('click', () => go(1));

  // ---- pasted JSON
  const paste = one('[data-paste]', root);
  one('[data-use-paste]', root)?.addEventListener('click', () => {
    let said = null;
    try { said = JSON.parse(paste.value); } catch { /* told below */ }
    if (Array.isArray(said)) [said] = said;
    if (!said || typeof said !== 'object') { tell(say.badJson, true); return; }
    if (said.specversion && said.data) said = { ...said.data, event: { id: said.id, subject: said.subject, type: said.type, time: said.time } };
    useRecords('file', say.pasted, [said]);
    paste.closest('details').open = false;
  });

  // ---- the other side's fields
  const known = () => new Set(M.flow.columns.map((column) => column.name));
  M.addColumns = (columns) => {
    const there = known();
    const fresh = columns.filter((column) => !there.has(column.name));
    if (fresh.length || columns.some((column) => column.kind)) {
      const told = new Map(columns.map((column) => [column.name, column]));
      M.change(() => { M.flow.columns = [...M.flow.columns.map((column) => ({ ...column, ...told.get(column.name) })), ...fresh]; }, { rebuild: true });
    }
    M.emit('columns');
  };
  one('[data-file]', root)?.addEventListener('change', async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    const body = new FormData();
    body.append('file', file);
    event.target.value = '';
    tell(say.working);
    try {
      const said = await M.send(`${base}/file`, body);
      M.addColumns(said.columns);
      if (M.incoming) useRecords('file', file.name, said.records);
      tell(fill(say.read, { n: said.columns.length, m: said.records.length }));
    } catch (error) { tell(error.message, true); }
  });
  const typed = one('[data-type-column]', root);
  const addTyped = () => {
    const name = typed.value.trim();
    if (!name) return;
    if (known().has(M.spelled(name)) || known().has(name)) { tell(fill(say.twice, { name }), true); return; }
    M.addColumns([{ name: M.parts(name).length && !/["[\]]/.test(name) ? name : M.spelled(name) }]);
    typed.value = '';
    tell(fill(say.typed, { name }));
  };
  typed?.addEventListener('keydown', (event) => { if (event.key === 'Enter') { event.preventDefault(); addTyped(); } });
  one('[data-add-column]', root)?.addEventListener('click', addTyped);
  async function asked(kind) {
    tell(say.waiting);
    try {
      let job = await M.send(`${base}/ask`, { kind });
      const until = Date.now() + 90000;
      while (['waiting', 'running'].includes(job.state) && Date.now() < until) {
        await new Promise((resume) => { setTimeout(resume, 400); });
        job = await M.send(`${base}/job/${job.id}`, null, { method: 'GET' });
      }
      if (job.state !== 'done') throw new Error(job.words || say.offline);
      return job;
    } catch (error) { tell(error.message, true); return null; }
  }
  one('[data-ask-columns]', root)?.addEventListener('click', async () => {
    if (M.dirty && !(await M.save())) return;
    const job = await asked('columns');
    if (!job) return;
    M.addColumns(job.columns ?? []);
    const sample = M.incoming ? await asked('sample') : null;
    if (sample?.records?.length) { given.collected = sample.records; useRecords('collected', say.collected, sample.records); }
    tell(fill(say.read, { n: (job.columns ?? []).length, m: sample?.records?.length ?? 0 }));
  });

  // ---- the preview
  let timer = 0;
  let asking = null;
  function tell(text, bad = false) {
    status.textContent = text;
    status.classList.toggle('bad-text', bad);
  }
  function preview(wait = 350) {
    clearTimeout(timer);
    timer = setTimeout(run, wait);
  }
  async function run() {
    asking?.abort();
    asking = new AbortController();
    try {
      const said = await M.send(`${base}/preview`, { flow: M.posted(), tables: M.tables, record: M.record }, { signal: asking.signal });
      took(said);
    } catch (error) {
      if (error.name === 'AbortError') return;
      tell(error instanceof TypeError ? say.offline : error.message, true);
      if (error instanceof TypeError) preview(4000);
    }
  }
  function took(said) {
    M.lacking = said.lacking ?? [];
    M.results = new Map();
    for (const field of said.fields ?? []) M.results.set(field.target, { value: field.value, words: field.words });
    for (const fault of said.faults ?? []) M.results.set(fault.target, { value: fault.value, words: fault.words });
    for (const fault of said.message?.faults ?? []) if (!M.results.get(fault.target)?.words) M.results.set(fault.target, { value: M.results.get(fault.target)?.value, words: fault.words });
    for (const fault of said.broken ?? []) {
      const found = /^fields\[(\d+)\]/.exec(fault.at ?? '');
      const rule = found && M.posted().fields[Number(found[1])];
      if (rule) M.results.set(rule.target, { words: fault.words });
    }
    M.unmapped = said.unmapped ?? [];
    const wrong = Array.from(M.results.values()).filter((result) => result.words).length;
    if (said.broken?.length) tell(fill(say.broken, { words: said.broken[0].words }), true);
    else if (!M.record) tell(say.noRecord);
    else if (said.skipped) tell(say.skipped);
    else if (wrong) tell(fill(say.failed, { n: wrong }), true);
    else tell(fill(said.count > 1 ? say.several_records : say.fine, { n: said.count > 1 ? said.count : M.results.size }));
    showOutput(said);
    M.emit('result');
  }
  function showOutput(said) {
    const place = one('[data-output]', root);
    place.hidden = !said.records?.length && !said.message;
    const shown = said.message ? said.message.data : (said.records ?? []).length > 1 ? said.records : said.records?.[0];
    one('[data-output-json]', place).textContent = shown === undefined ? '' : JSON.stringify(shown, null, 2);
    const line = one('[data-output-line]', place);
    const faults = said.message?.faults ?? [];
    line.textContent = !said.message ? '' : faults.length ? say.messageFaults : say.messageFine;
    line.className = faults.length ? 'bad-text' : 'good-text';
    one('[data-output-faults]', place).replaceChildren(...faults.map((fault) => el('li', {}, fault.words)));
    const unmapped = one('[data-unmapped]', place.parentElement);
    unmapped.hidden = !M.unmapped.length;
    one('span', unmapped).textContent = M.unmapped.map((pair) => `${pair.table}${say.colon}${pair.value}`).join(say.semicolon);
  }
  M.on('changed', () => preview());
  M.on('ready', () => {
    if (given.collected.length) offer(say.collected, 'collected', given.collected);
    if (given.examples.length) offer(say.examples, 'example', given.examples);
    const first = Array.from(choose.options).find((option) => option.value && !option.value.startsWith('sent:'));
    if (first) choose.value = first.value;
    pick();
  });
})();
