// A box that searches while one types: arrows, Enter, Escape (WAI-ARIA combobox). `search(words)` gives entries {code, name,
// note, kind}; `chosen(entry, input)` is told which was taken; `words` are the page's own texts (`none`, and one per kind).
(() => {
  'use strict';
  let serial = 0;
  function el(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === false || value === null || value === undefined) continue;
      if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
      else if (['value', 'hidden'].includes(name)) made[name] = value;
      else made.setAttribute(name, value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  }

  window.shenguanCombo = ({ label, placeholder, search, chosen, words, keep = '' }) => {
    const id = `combo-${serial += 1}`;
    const list = el('ul', { class: 'combo-list', role: 'listbox', id, 'aria-label': label, hidden: true });
    const input = el('input', {
      class: 'input', role: 'combobox', 'aria-expanded': 'false', 'aria-controls': id, 'aria-autocomplete': 'list',
      'aria-label': label, placeholder, autocomplete: 'off', value: keep,
    });
    let found = [];
    let at = -1;
    const close = () => { list.hidden = true; input.setAttribute('aria-expanded', 'false'); input.removeAttribute('aria-activedescendant'); };
    const mark = (next) => {
      at = next;
      list.querySelectorAll('li').forEach((line, index) => line.setAttribute('aria-selected', String(index === at)));
      if (at >= 0) { input.setAttribute('aria-activedescendant', `${id}-${at}`); list.children[at].scrollIntoView({ block: 'nearest' }); }
    };
    const open = () => {
      found = search(input.value === keep ? '' : input.value.trim().toLowerCase()).slice(0, 60);
      list.replaceChildren(...(found.length ? found.map((entry, index) => el('li', {
        role: 'option', id: `${id}-${index}`, 'aria-selected': 'false',
        onmousedown: (event) => { event.preventDefault(); take(entry); },
      }, entry.kind ? el('i', { class: `kind of-${entry.kind}` }, words[entry.kind]) : null, el('b', {}, entry.name), el('small', {}, entry.note ?? entry.code)))
        : [el('li', { class: 'nothing', role: 'option', 'aria-disabled': 'true' }, words.none)]));
      list.hidden = false;
      input.setAttribute('aria-expanded', 'true');
      mark(found.length && input.value.trim() ? 0 : -1);
    };
    const take = (entry) => { close(); chosen(entry, input); keep = input.value; };
    input.addEventListener('focus', () => { input.select(); open(); });
    input.addEventListener('input', open);
    input.addEventListener('blur', () => { close(); input.value = keep; });
    input.addEventListener('keydown', (event) => {
      if (event.altKey) return;
      if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
        event.preventDefault();
        if (list.hidden) open();
        else if (found.length) mark((at + (event.key === 'ArrowDown' ? 1 : -1) + found.length) % found.length);
      } else if (event.key === 'Enter') {
        event.preventDefault();
        if (!list.hidden && at >= 0) take(found[at]);
      } else if (event.key === 'Escape' && !list.hidden) {
        event.stopPropagation();
        close();
      }
    });
    return el('span', { class: 'combo' }, input, list);
  };
})();
