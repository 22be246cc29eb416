// The timeline of a case: narrowed on the spot and kept in the address; fresh facts are fetched when a notice speaks of it.
(() => {
  'use strict';
  const page = document.querySelector('.trace[data-case]');
  const form = document.querySelector('[data-filters]');
  if (!page || !form) return;
  const names = ['q', 'family', 'department', 'person', 'from', 'to', 'signed'];
  const field = (name) => form.elements[name];
  const value = (name) => (field(name).type === 'checkbox' ? (field(name).checked ? '1' : '') : field(name).value.trim());

  function read() {
    const given = new URLSearchParams(location.search);
    for (const name of names) {
      if (field(name).type === 'checkbox') field(name).checked = given.get(name) === '1';
      else if (given.has(name)) field(name).value = given.get(name);
    }
  }
  function keep(wanted) {
    const given = new URLSearchParams(location.search);
    for (const name of names) { if (wanted[name]) given.set(name, wanted[name]); else given.delete(name); }
    const query = given.toString();
    history.replaceState(null, '', `${location.pathname}${query ? `?${query}` : ''}${location.hash}`);
  }
  function fits(line, wanted, words) {
    const of = line.dataset;
    return (!wanted.family || of.f === wanted.family)
      && (!wanted.department || of.d === (wanted.department === '-' ? '' : wanted.department))
      && (!wanted.person || of.w === wanted.person)
      && (!wanted.from || of.t >= wanted.from) && (!wanted.to || of.t <= wanted.to)
      && (!wanted.signed || line.querySelector('[href*="/signed?"]') !== null)
      && words.every((word) => line.textContent.toLowerCase().includes(word));
  }
  function narrow() {
    const wanted = Object.fromEntries(names.map((name) => [name, value(name)]));
    const words = wanted.q.toLowerCase().split(/\s+/).filter(Boolean);
    let day = null, some = false, shown = 0, all = 0;
    for (const line of document.querySelector('[data-timeline]').children) {
      if (line.classList.contains('day')) {
        if (day) day.hidden = !some;
        [day, some] = [line, false];
        continue;
      }
      all += 1;
      const fit = fits(line, wanted, words);
      line.hidden = !fit;
      if (fit) { shown += 1; some = true; }
    }
    if (day) day.hidden = !some;
    const count = document.querySelector('[data-count]');
    count.textContent = shown === all ? count.dataset.all : count.dataset.some.replace('__N__', shown.toLocaleString('zh-CN'));
    document.querySelector('[data-nothing]').hidden = shown > 0;
    keep(wanted);
  }
  let soon = 0;
  form.addEventListener('input', () => { clearTimeout(soon); soon = setTimeout(narrow, 120); });
  form.addEventListener('submit', (event) => { event.preventDefault(); narrow(); });
  form.addEventListener('reset', () => setTimeout(narrow));
  const expand = form.querySelector('[data-expand]');
  expand.addEventListener('click', () => {
    const open = expand.getAttribute('aria-pressed') !== 'true';
    expand.setAttribute('aria-pressed', String(open));
    document.querySelectorAll('[data-timeline] details').forEach((one) => { one.open = open; });
  });
  addEventListener('beforeprint', () => document.querySelectorAll('[data-timeline] details').forEach((one) => { one.open = true; }));
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && event.target.closest?.('.advice form')) event.target.form.requestSubmit();
  });
  document.addEventListener('submit', (event) => { // twice pressed is once sent
    const sent = event.target.closest('.advice form');
    if (sent) setTimeout(() => sent.querySelectorAll('button').forEach((button) => { button.disabled = true; }));
  });

  // ---- fresh facts
  const writing = () => Array.from(document.querySelectorAll('.advice textarea, .advice input:not([type=hidden])')).some((box) => box.value.trim());
  async function refresh() {
    if (writing()) { document.querySelector('#fresh').hidden = false; return; }
    const answer = await fetch(location.href, { headers: { 'X-Requested-With': 'fetch' } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
    for (const what of ['#pushes', '#advice', '[data-timeline]', '.lanes-box']) {
      const [old, now] = [document.querySelector(what), fresh.querySelector(what)];
      if (old && now) old.replaceWith(document.adoptNode(now));
    }
    const [old, now] = [document.querySelector('[data-count]'), fresh.querySelector('[data-count]')];
    Object.assign(old.dataset, { all: now.dataset.all, some: now.dataset.some });
    narrow();
  }
  let asked = 0;
  document.addEventListener('shenguan:notice', (event) => {
    if (event.detail.case_no !== page.dataset.case) return;
    clearTimeout(asked);
    asked = setTimeout(refresh, 150);
  });
  read();
  if (location.search) narrow();
})();
