// Pages of a material, drawn by the server with their watermark: scrolled, zoomed, by keyboard too.
// window.shenguanPages(box, {pages, page, name}, words) fills any box; the viewer page fills its own.
(() => {
  'use strict';
  const STEPS = [0.5, 0.65, 0.8, 1, 1.25, 1.5, 2, 2.5];
  const element = (tag, className, text) => { const made = document.createElement(tag); if (className) made.className = className; if (text !== undefined) made.textContent = text; return made; };
  const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');

  window.shenguanPages = (box, said, words) => {
    let zoom = 3, fit = 800, now = 1, asked;
    const bar = element('div', 'pv-bar'), roll = element('div', 'pv-roll'), told = element('output'), whole = element('div', 'pv');
    const button = (text, label, act) => { const made = element('button', '', text); made.type = 'button'; made.setAttribute('aria-label', label); made.title = label; made.addEventListener('click', act); bar.append(made); return made; };
    told.setAttribute('aria-live', 'polite');
    bar.append(told);
    const before = button('↑', words.before, () => go(now - 1)), after = button('↓', words.next, () => go(now + 1));
    const smaller = button('−', words.smaller, () => set(zoom - 1)), larger = button('+', words.larger, () => set(zoom + 1));
    button('↔', words.fit, () => set(3));
    roll.tabIndex = 0;
    roll.setAttribute('role', 'region');
    roll.setAttribute('aria-label', said.name);
    whole.append(bar, roll);
    box.replaceChildren(whole);

    const address = (number, width) => `${said.page.replace('{page}', number)}&width=${width}`;
    const wide = () => Math.round(fit * STEPS[zoom]);
    // Few widths, so that a small change of the window draws nothing anew.
    const sharp = () => Math.min(2400, Math.ceil((wide() * Math.min(devicePixelRatio || 1, 2)) / 200) * 200);
    const figures = Array.from({ length: said.pages }, (_, at) => {
      const figure = element('figure', 'waiting');
      figure.dataset.number = at + 1;
      figure.dataset.say = words.failed;
      roll.append(figure);
      return figure;
    });
    function draw(figure) {
      const width = sharp();
      if (Number(figure.dataset.drawn ?? 0) >= width) return;
      figure.dataset.drawn = width;
      const picture = new Image();
      picture.alt = filled(words.page, { page: figure.dataset.number, pages: said.pages });
      picture.onload = () => { figure.classList.remove('waiting', 'failed'); figure.replaceChildren(picture); };
      picture.onerror = () => { delete figure.dataset.drawn; figure.classList.add('failed'); };
      picture.src = address(figure.dataset.number, width);
    }
    const seen = new Set();
    const watcher = new IntersectionObserver((entries) => {
      entries.forEach((entry) => { if (entry.isIntersecting) { seen.add(entry.target); draw(entry.target); } else seen.delete(entry.target); });
    }, { root: roll, rootMargin: '300px 0px' });
    function place() {
      fit = Math.max(240, roll.clientWidth - 36);
      figures.forEach((figure) => { figure.style.width = `${wide()}px`; });
      smaller.disabled = zoom === 0;
      larger.disabled = zoom === STEPS.length - 1;
      clearTimeout(asked);
      asked = setTimeout(() => seen.forEach(draw), 250);
      tell();
    }
    function set(step) {
      const keep = roll.scrollTop / Math.max(1, roll.scrollHeight);
      zoom = Math.min(STEPS.length - 1, Math.max(0, step));
      place();
      roll.scrollTop = keep * roll.scrollHeight;
    }
    function go(number) {
      const figure = figures[Math.min(said.pages, Math.max(1, number)) - 1];
      roll.scrollTop = figure.offsetTop - roll.offsetTop - 8;
    }
    function tell() {
      const line = roll.scrollTop + roll.clientHeight / 3;
      const ended = roll.scrollTop > 0 && roll.scrollTop + roll.clientHeight >= roll.scrollHeight - 2;
      now = ended ? said.pages : Math.max(1, figures.filter((figure) => figure.offsetTop - roll.offsetTop <= line).length);
      const text = filled(words.page, { page: now, pages: said.pages });
      if (told.textContent !== text) told.textContent = text;
      before.disabled = now === 1;
      after.disabled = now === said.pages;
    }
    roll.addEventListener('scroll', tell, { passive: true });
    roll.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const act = { '+': () => set(zoom + 1), '=': () => set(zoom + 1), '-': () => set(zoom - 1), 0: () => set(3), PageDown: () => go(now + 1), PageUp: () => go(now - 1), Home: () => go(1), End: () => go(said.pages) }[event.key];
      if (act) { event.preventDefault(); act(); }
    });
    new ResizeObserver(place).observe(roll);
    place();
    figures.forEach((figure) => watcher.observe(figure));
    return roll;
  };

  const own = document.querySelector('[data-pages]');
  if (own) {
    const { pages, page, name, sayPage, sayFailed, sayLarger, saySmaller, sayNext, sayBefore, sayFit } = own.dataset;
    window.shenguanPages(own, { pages: Number(pages), page, name }, { page: sayPage, failed: sayFailed, larger: sayLarger, smaller: saySmaller, next: sayNext, before: sayBefore, fit: sayFit }).focus();
  }
})();
