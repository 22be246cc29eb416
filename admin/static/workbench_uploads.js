// Uploads of the workbench: several at once, each resumable - after a pause, a dropped connection, or a reload of the page.
(() => {
  'use strict';
  const bench = window.shenguanBench, root = document.getElementById('wb-case');
  if (!bench || !root) return;
  const { ask, say, refused, element, one, every } = bench;
  const words = root.dataset, caseNo = words.case, AT_ONCE = 2, MEMORY = `shenguan-uploads:${caseNo}`;
  const running = new Map(); // upload id -> its state here
  const waiting = [];
  let busy = 0;
  const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');
  const size = (n) => (n < 1024 ** 2 ? `${Math.max(1, Math.round(n / 1024))} KB` : n < 1024 ** 3 ? `${(n / 1024 ** 2).toFixed(1)} MB` : `${(n / 1024 ** 3).toFixed(2)} GB`);
  const sleep = (ms) => new Promise((done) => { setTimeout(done, ms); });
  const memory = () => { try { return JSON.parse(localStorage.getItem(MEMORY) ?? '{}'); } catch { return {}; } };
  const remember = (key, id) => { const all = memory(); if (id) all[key] = id; else delete all[key]; try { localStorage.setItem(MEMORY, JSON.stringify(all)); } catch { /* private window: only this page remembers */ } };
  const keyOf = (requirement, file) => `${requirement}|${file.name}|${file.size}|${file.lastModified}`;

  function box(up) {
    const line = element('li');
    const acts = element('span', 'acts');
    const pause = element('button', 'btn small', words.sayPause), cancel = element('button', 'btn small', words.sayCancel);
    pause.type = cancel.type = 'button';
    pause.addEventListener('click', () => { if (up.state === 'sending') hold(up); else resume(up); });
    cancel.addEventListener('click', () => abandon(up));
    acts.append(pause, cancel);
    const bar = element('progress');
    bar.max = up.size;
    bar.setAttribute('aria-label', up.name);
    up.parts = { line, bar, note: element('p'), title: element('b'), pause, cancel };
    line.append(up.parts.title, acts, bar, up.parts.note);
    return line;
  }
  function draw(up) {
    if (!up.parts) box(up);
    const { line, bar, note, title, pause, cancel } = up.parts;
    title.textContent = `${up.name} · ${size(up.size)}`;
    bar.value = up.received;
    bar.hidden = up.state === 'refused';
    line.className = up.state === 'refused' ? 'refused' : up.state === 'paused' || up.state === 'left' ? 'paused' : '';
    const percent = `${Math.floor((up.received / up.size) * 100)}%`;
    note.textContent = { sending: up.lost ? words.sayLost : percent, queued: '0%', paused: `${words.sayPaused} · ${percent}`, checking: words.sayChecking, scanning: words.sayScanning, refused: up.refusal, left: filled(words.sayAgain, { name: up.name, percent }) }[up.state] ?? '';
    if (up.state === 'refused') note.setAttribute('role', 'alert');
    pause.hidden = !['sending', 'paused'].includes(up.state);
    pause.textContent = up.state === 'paused' ? words.sayResume : words.sayPause;
    cancel.textContent = up.state === 'refused' ? words.sayDismiss : words.sayCancel;
    cancel.hidden = ['checking', 'scanning'].includes(up.state);
    const place = one(`[data-ups="${up.requirement}"]`, root);
    if (place && line.parentElement !== place) place.append(line);
  }
  function gone(up) { running.delete(up); running.delete(up.id); up.parts?.line.remove(); if (up.key) remember(up.key, null); }

  // ---- begin
  function take(requirement, files) {
    const line = document.getElementById(`line-${requirement}`);
    every('.fault', line).forEach((fault) => fault.remove());
    every('[data-file-field]', line).forEach((field) => field.removeAttribute('aria-invalid'));
    const fields = Object.fromEntries(every('[data-file-field]', line).map((field) => [field.dataset.fileField, field.value]));
    Array.from(files).forEach((file) => {
      const up = { requirement, file, fields, name: file.name, size: file.size, received: 0, state: 'queued', key: keyOf(requirement, file), lost: false };
      const known = memory()[up.key];
      if (known) { up.id = known; running.get(known)?.parts?.line.remove(); }
      running.set(up.id ?? up, up);
      draw(up);
      waiting.push(up);
    });
    next();
  }
  function next() {
    while (busy < AT_ONCE && waiting.length) {
      busy += 1;
      work(waiting.shift()).finally(() => { busy -= 1; next(); });
    }
  }
  async function work(up) {
    if (up.id && !(await known(up))) up.id = null;
    if (!up.id && !(await begun(up))) return;
    up.state = 'sending';
    draw(up);
    await send(up);
  }
  async function known(up) {
    const reply = await ask(`${words.uploads}${up.id}`);
    if (!reply.ok || !['receiving', 'checking', 'scanning', 'stored'].includes(reply.said.state)) return false;
    up.received = reply.said.received;
    return true;
  }
  function wrong(up, faults = {}) {
    const line = document.getElementById(`line-${up.requirement}`);
    let first = true;
    Object.entries(faults).forEach(([name, sentence]) => {
      const field = one(`[data-file-field="${CSS.escape(name)}"]`, line);
      if (!field) return;
      field.setAttribute('aria-invalid', 'true');
      field.after(element('strong', 'fault', sentence));
      if (first) field.focus();
      first = false;
    });
  }
  async function begun(up) {
    const reply = await ask(words.uploads, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ case_no: caseNo, requirement_id: up.requirement, file_name: up.name, size: up.size, fields: up.fields }) });
    if (!reply.ok) { up.state = 'refused'; up.refusal = reply.said.error; draw(up); wrong(up, reply.said.fields); if (reply.status === 401) refused(reply); return false; }
    running.delete(up);
    Object.assign(up, { id: reply.said.id, received: reply.said.received ?? 0, chunk: reply.said.chunk });
    running.set(up.id, up);
    remember(up.key, up.id);
    return true;
  }

  // ---- send: a piece at a time, from where the server is
  async function send(up) {
    let pause = 500;
    while (up.received < up.size) {
      if (up.state !== 'sending') return;
      const piece = up.file.slice(up.received, up.received + Math.min(up.chunk ?? 8388608, 8388608));
      const reply = await put(up, piece);
      if (up.state !== 'sending') return;
      if (reply.status === 200 || reply.status === 409 && reply.said.received !== undefined) {
        up.received = reply.said.received; up.lost = false; pause = 500;
        draw(up);
        if (reply.said.state && !['receiving', 'checking'].includes(reply.said.state)) break;
      } else if (reply.status === 0 || reply.status >= 500) {
        up.lost = true;
        draw(up);
        await sleep(pause);
        pause = Math.min(pause * 2, 8000);
        await known(up);
      } else { up.state = 'refused'; up.refusal = reply.said.error ?? reply.said.message; draw(up); if (reply.status === 401) { up.state = 'paused'; draw(up); refused(reply); } return; }
    }
    await settle(up);
  }
  function put(up, piece) {
    return new Promise((done) => {
      const call = new XMLHttpRequest();
      up.call = call;
      call.open('PATCH', `${words.uploads}${up.id}`);
      call.setRequestHeader('X-CSRFToken', bench.token());
      call.setRequestHeader('Accept', 'application/json');
      call.setRequestHeader('Upload-Offset', String(up.received));
      call.setRequestHeader('Content-Type', 'application/offset+octet-stream');
      const from = up.received;
      call.upload.onprogress = (event) => { if (up.parts && up.state === 'sending') { up.parts.bar.value = from + event.loaded; up.parts.note.textContent = `${Math.floor(((from + event.loaded) / up.size) * 100)}%`; } };
      call.onloadend = () => { let said = {}; try { said = JSON.parse(call.responseText); } catch { /* a proxy's page */ } done({ status: call.status, said }); };
      call.send(piece);
    });
  }
  function hold(up) { up.state = 'paused'; up.call?.abort(); draw(up); }
  async function resume(up) { up.state = 'sending'; draw(up); await known(up); draw(up); await send(up); }

  // ---- the server checks and stores
  async function settle(up) {
    up.state = 'checking';
    draw(up);
    for (let turn = 0; ; turn += 1) {
      const reply = await ask(`${words.uploads}${up.id}`);
      if (reply.ok) {
        const { state, refusal, known: before } = reply.said;
        if (state === 'stored') {
          gone(up);
          if (before) say(filled(words.sayKnown, { name: before.name, case: before.case_no ?? '' }));
          return bench.redraw();
        }
        if (state === 'refused' || state === 'abandoned') { up.state = 'refused'; up.refusal = refusal; remember(up.key, null); draw(up); return undefined; }
        up.state = state === 'scanning' ? 'scanning' : 'checking';
        draw(up);
      } else if (reply.status === 401 || reply.status === 404) { up.state = 'refused'; up.refusal = reply.said.error; draw(up); return undefined; }
      await sleep(turn < 20 ? 400 : 2000);
    }
  }
  async function abandon(up) {
    up.call?.abort();
    const finished = up.state === 'refused';
    up.state = 'gone';
    const at = waiting.indexOf(up);
    if (at >= 0) waiting.splice(at, 1);
    if (up.id && !finished) await ask(`${words.uploads}${up.id}`, { method: 'DELETE' });
    gone(up);
  }

  // ---- what the server still waits for after a reload
  function pickUp() {
    every('[data-left]', root).forEach((mark) => {
      const { left: id, name, size: whole, received, state } = mark.dataset;
      const requirement = mark.parentElement.dataset.ups;
      mark.remove();
      if (Array.from(running.values()).some((up) => up.id === id)) return;
      const up = { id, requirement, name, size: Number(whole), received: Number(received), state: state === 'receiving' ? 'left' : state };
      running.set(id, up);
      if (up.state !== 'left') settle(up);
    });
    running.forEach(draw);
  }
  root.addEventListener('drawn', pickUp);

  root.addEventListener('change', (event) => {
    const input = event.target.closest('input[data-pick]');
    if (input?.files.length) { take(input.dataset.pick, input.files); input.value = ''; }
  });
  const lineOf = (event) => event.target.closest?.('[data-line]');
  const carriesFiles = (event) => Array.from(event.dataTransfer?.types ?? []).includes('Files');
  document.addEventListener('dragover', (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    every('.line.over', root).forEach((line) => { if (line !== lineOf(event)) line.classList.remove('over'); });
    const line = lineOf(event);
    if (line && one('[data-pick]', line)) line.classList.add('over'); else event.dataTransfer.dropEffect = 'none';
  });
  document.addEventListener('drop', (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault(); // a file dropped beside a line must not replace the page
    every('.line.over', root).forEach((line) => line.classList.remove('over'));
    const line = lineOf(event);
    if (line && one('[data-pick]', line)) take(line.dataset.line, event.dataTransfer.files); else say(words.sayDropped, true);
  });
  addEventListener('beforeunload', (event) => { if (Array.from(running.values()).some((up) => up.state === 'sending')) event.preventDefault(); });
  pickUp();
})();
