// The board: asked for again every second or two while somebody has still to sign, seldom otherwise, never in a hidden tab.
(() => {
  'use strict';
  const place = document.querySelector('[data-board]');
  if (!place) return;
  const BUSY_MS = 1200, CALM_MS = 3000, AWAY_MS = 8000;
  let timer = 0;
  const signed = () => new Map(Array.from(place.querySelectorAll('[data-code]'), (tile) => [tile.dataset.code, Number(tile.dataset.signed)]));

  function show(text) {
    const before = signed();
    const fresh = new DOMParser().parseFromString(text, 'text/html').querySelector('.board');
    if (!fresh) return;
    fresh.querySelectorAll('[data-code]').forEach((tile) => {
      if (Number(tile.dataset.signed) > (before.get(tile.dataset.code) ?? 0)) tile.classList.add('flash-on');
    });
    const held = place.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
    place.replaceChildren(fresh);
    if (held) place.querySelector(`a[href="${CSS.escape(held)}"]`)?.focus();
  }
  async function look() {
    clearTimeout(timer);
    if (document.hidden) return;
    const answer = await fetch(place.dataset.board, { headers: { 'X-Requested-With': 'fetch' } }).catch(() => null);
    const good = answer?.ok && !answer.redirected;
    if (good) show(await answer.text());
    place.classList.toggle('away', !good);
    const busy = place.querySelector('.board')?.dataset.busy;
    timer = setTimeout(look, good ? (busy ? BUSY_MS : CALM_MS) : AWAY_MS);
  }
  document.addEventListener('visibilitychange', look);
  document.querySelector('[data-wall]')?.addEventListener('click', () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen?.();
  });
  timer = setTimeout(look, BUSY_MS);
})();
