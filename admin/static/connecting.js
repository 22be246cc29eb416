// Setting up a connector: boxes that depend on others, unsaved changes, copying; nothing here is needed to save.
(() => {
  'use strict';
  const one = (selector, root = document) => root.querySelector(selector);
  const every = (selector, root = document) => Array.from(root.querySelectorAll(selector));

  // ---- boxes that are only asked for when another says so
  function valueOf(card, key) {
    const box = one(`.box[data-key="${key}"]`, card);
    const input = box && one('input, select, textarea', box);
    if (!input || box.hidden) return undefined;
    return input.type === 'checkbox' ? input.checked : input.value;
  }
  function fits(card, when) {
    return Object.entries(when).every(([key, wanted]) => {
      const value = valueOf(card, key);
      return (Array.isArray(wanted) ? wanted : [wanted]).some((each) => each === value || String(each) === String(value));
    });
  }
  every('.card').forEach((card) => {
    const depending = every('.box[data-when]', card);
    if (!depending.length) return;
    const show = () => depending.forEach((box) => { box.hidden = !fits(card, JSON.parse(box.dataset.when)); });
    card.addEventListener('change', show);
    show();
    show(); // a box that depends on one that was hidden just now
  });

  // ---- a preset decides the kind, and a kind which presets fit
  const presets = every('[data-preset] input');
  presets.forEach((input) => input.addEventListener('change', () => {
    const kind = one(`input[name=kind][value="${input.closest('[data-preset]').dataset.preset}"]`);
    if (kind) kind.checked = true;
  }));
  every('input[name=kind]').forEach((input) => input.addEventListener('change', () => {
    const own = presets.find((preset) => preset.value === input.value);
    if (own) own.checked = true;
    presets.forEach((preset) => { if (preset.checked && preset.closest('[data-preset]').dataset.preset !== input.value) one('input[name=preset][value=""]').checked = true; });
  }));

  // ---- whoever ticks a push wants the ticked ones
  every('input[name=push]').forEach((box) => box.addEventListener('change', () => { if (box.checked) one('input[name=way][value=picked]').checked = true; }));
  every('input[name=newest], input[name=synthetic]').forEach((field) => field.addEventListener('input', () => { one(`input[name=way][value=${field.name}]`).checked = true; }));

  // ---- questions before what cannot be taken back
  document.addEventListener('click', (event) => {
    const button = event.target.closest('button[data-confirm]');
    if (button && !window.confirm(button.dataset.confirm)) { event.preventDefault(); event.stopPropagation(); }
  }, true);
  every('[data-copy]').forEach((button) => button.addEventListener('click', async () => {
    const text = one(button.dataset.copy).textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const range = document.createRange(); // an address without TLS has no clipboard: mark it for Ctrl+C
      range.selectNodeContents(one(button.dataset.copy));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      return;
    }
    button.textContent = button.dataset.done;
  }));

  // ---- unsaved changes
  const form = one('[data-setup]');
  if (!form) return;
  let dirty = form.hasAttribute('data-dirty');
  let leaving = false;
  form.addEventListener('input', () => { dirty = true; one('[data-unsaved]').hidden = false; });
  form.addEventListener('submit', () => { leaving = true; });
  every('[data-redraw]').forEach((select) => select.addEventListener('change', () => form.requestSubmit(one('button[value=redraw]', form))));
  document.addEventListener('keydown', (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === 's') { event.preventDefault(); form.requestSubmit(one('button[value=save]', form)); }
  });
  addEventListener('beforeunload', (event) => { if (dirty && !leaving) event.preventDefault(); });
  (one('.wrong input, .wrong select, .wrong textarea', form) ?? one('[data-first]'))?.focus({ preventScroll: !one('[data-first]') });
})();
