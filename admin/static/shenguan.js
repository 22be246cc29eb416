// What every page of ours does: keys, menu, rows that open, live notices. No framework; nothing is fetched from outside.
(() => {
  'use strict';
  const one = (selector, root = document) => root.querySelector(selector);
  const every = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const token = () => one('meta[name=csrf-token]')?.content ?? '';
  const typing = (node) => node instanceof HTMLElement && (node.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(node.tagName));

  document.addEventListener('keydown', (event) => {
    if (event.key === '/' && !typing(event.target) && !event.ctrlKey && !event.metaKey) {
      const field = one('.finder input') ?? one('.bar .find input') ?? one('[data-focus-key]');
      if (field) { event.preventDefault(); field.focus(); field.select(); }
    }
    if (event.key === 'Escape') {
      document.body.classList.remove('menu-open');
      every('details.ask[open]').forEach((open) => { open.open = false; });
    }
  });
  document.addEventListener('click', (event) => {
    const node = event.target;
    every('details.ask[open]').forEach((open) => { if (!open.contains(node)) open.open = false; });
    if (node.closest('[data-open-menu]')) document.body.classList.add('menu-open');
    if (node.closest('[data-close-menu]')) document.body.classList.remove('menu-open');
    if (node.closest('[data-close]')) node.closest('.flash, .toast').remove();
    if (node.closest('[data-print]')) window.print();
    const mark = node.closest('[data-mark]');
    if (mark) markRead(mark.dataset.mark, mark);
    const row = node.closest('tr[data-href]');
    if (row && !node.closest('a, button, input, summary, form, details') && !String(getSelection())) location.href = row.dataset.href;
  });
  every('[data-submit]').forEach((select) => select.addEventListener('change', () => select.form.submit()));
  const many = one('[data-check-all]');
  if (many) {
    const boxes = () => every(`input[type=checkbox][name=${many.dataset.checkAll}]`);
    const count = one('[data-bulk-count]');
    const said = count?.textContent;
    const show = () => { const n = boxes().filter((box) => box.checked).length; if (count) count.textContent = n ? String(n) : said; };
    many.addEventListener('change', () => { boxes().forEach((box) => { box.checked = many.checked; }); show(); });
    boxes().forEach((box) => box.addEventListener('change', show));
  }
  every('[data-filter-list]').forEach((field) => field.addEventListener('input', () => {
    const wanted = field.value.trim().toLowerCase();
    every('li', one(field.dataset.filterList)).forEach((line) => { line.hidden = !line.textContent.toLowerCase().includes(wanted); });
  }));
  every('.drop input').forEach((input) => {
    const zone = input.closest('.drop');
    input.addEventListener('change', () => { one('[data-drop-name]', zone).textContent = input.files[0]?.name ?? ''; });
    ['dragenter', 'dragover'].forEach((kind) => input.addEventListener(kind, () => zone.classList.add('over')));
    ['dragleave', 'drop'].forEach((kind) => input.addEventListener(kind, () => zone.classList.remove('over')));
  });
  every('option[value=__None]').forEach((option) => { if (!option.text || option.text === '__None') option.text = document.documentElement.lang === 'en' ? '(any)' : '（不限）'; });
  const party = one('[data-party]');
  if (party) {
    const show = () => party.form.classList.toggle('natural', party.value === 'natural');
    party.addEventListener('change', show);
    show();
    one('[data-item]')?.addEventListener('change', (event) => {
      const field = one('[data-licence-name]');
      if (field && !field.value) field.value = event.target.selectedOptions[0].dataset.licence ?? '';
    });
  }

  // ---- live notices
  const board = one('#toasts');
  if (!board) return;
  const title = document.title;
  let unread = Number(board.dataset.count);
  function showUnread() {
    every('[data-unread]').forEach((badge) => { badge.hidden = unread === 0; badge.textContent = unread > 99 ? '99+' : unread; });
    every('[data-unread-figure]').forEach((figure) => { figure.textContent = unread.toLocaleString('zh-CN'); });
    document.title = unread ? `(${unread > 99 ? '99+' : unread}) ${title}` : title;
  }
  async function markRead(id, button) {
    const answer = await fetch(board.dataset.read, {
      method: 'POST', body: new URLSearchParams({ id }),
      headers: { 'X-CSRFToken': token(), 'X-Requested-With': 'fetch' },
    });
    if (!answer.ok) return;
    unread = (await answer.json()).unread;
    button.closest('.notice')?.classList.remove('fresh');
    button.remove();
    showUnread();
  }
  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }
  function caseLink(notice, text) {
    const link = element('a', '', text);
    link.href = board.dataset.case.replace('__CASE__', encodeURIComponent(notice.case_no));
    return link;
  }
  function noticeLink(notice) {
    const link = element('a', '', notice.title);
    link.href = board.dataset.notice.replace(/0$/, notice.id);
    return link;
  }
  function listLine(notice) {
    const line = element('li', `notice fresh new ${notice.severity}`);
    line.dataset.id = notice.id;
    const body = element('div');
    const small = element('small', '', new Date(notice.at).toLocaleTimeString('zh-CN', { hour12: false, timeZone: 'Asia/Shanghai' }));
    if (notice.case_no) small.append(' · ', caseLink(notice, notice.case_no));
    const head = element('b');
    head.append(noticeLink(notice));
    body.append(head, element('p', '', notice.body), small);
    const mark = element('button', 'ghost small', board.dataset.markText);
    mark.type = 'button';
    mark.dataset.mark = notice.id;
    line.append(body, mark);
    return line;
  }
  function toast(notice) {
    const box = element('div', `toast ${notice.severity}`);
    const body = element('div');
    const head = element('b');
    head.append(noticeLink(notice));
    body.append(head, element('p', '', notice.body));
    if (notice.case_no) body.append(caseLink(notice, board.dataset.open));
    const close = element('button', 'close', '×');
    close.type = 'button';
    close.dataset.close = '';
    close.setAttribute('aria-label', document.documentElement.lang === 'en' ? 'Close' : '关闭');
    box.append(body, close);
    board.append(box);
    while (board.children.length > 4) board.firstChild.remove();
    if (notice.severity !== 'alert') setTimeout(() => box.remove(), 12000);
  }
  // A short soft tone, made here; a browser that wants a click first stays silent.
  function sound() {
    if (!board.dataset.sound) return;
    const audio = new AudioContext();
    if (audio.state === 'suspended') { audio.close(); return; }
    const tone = new OscillatorNode(audio, { frequency: 740 });
    const gain = new GainNode(audio, { gain: 0.08 });
    gain.gain.exponentialRampToValueAtTime(0.0001, audio.currentTime + 0.4);
    tone.connect(gain).connect(audio.destination);
    tone.start();
    tone.stop(audio.currentTime + 0.4);
    tone.addEventListener('ended', () => audio.close());
  }
  // What others have read meanwhile: asked when the page is looked at again, and now and then.
  async function recount() {
    if (document.hidden) return;
    const answer = await fetch(board.dataset.recount).catch(() => null);
    if (answer?.ok && !answer.redirected) { unread = (await answer.json()).unread; showUnread(); }
  }
  document.addEventListener('visibilitychange', recount);
  setInterval(recount, 60000);
  showUnread();
  const seen = new Set(every('.notice[data-id]').map((line) => Number(line.dataset.id)));
  let stream = null;
  let after = board.dataset.after;
  function listen() {
    stream = new EventSource(`${board.dataset.live}?after=${after}`);
    stream.addEventListener('open', () => every('[data-live-state]').forEach((state) => state.classList.remove('off')));
    stream.addEventListener('error', () => {
      every('[data-live-state]').forEach((state) => state.classList.add('off'));
      if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 5000); // an answer that was no stream: try again
    });
    stream.addEventListener('notice', (event) => {
      const notice = JSON.parse(event.data);
      after = String(Math.max(Number(after), notice.id));
      if (seen.has(notice.id)) return;
      seen.add(notice.id);
      document.dispatchEvent(new CustomEvent('shenguan:notice', { detail: notice }));
      unread += 1;
      showUnread();
      toast(notice);
      sound();
      const list = one('[data-prepend]');
      if (list) {
        list.hidden = false;
        list.prepend(listLine(notice));
        every('[data-none]').forEach((hint) => hint.remove());
        while (list.children.length > 30) list.lastChild.remove();
      }
    });
  }
  listen();
  addEventListener('pagehide', () => stream?.close());
  addEventListener('pageshow', (event) => { if (event.persisted) listen(); });
})();
