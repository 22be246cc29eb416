// Beside the page: what can be added, the list of elements, the properties of what is chosen, the page itself, pictures.
(() => {
  'use strict';
  const D = window.licenceDesigner;
  if (!D) return;
  const { root, say, one, el, fill, options, round, clamp } = D;
  const every = (selector, place = document) => Array.from(place.querySelectorAll(selector));
  const token = one('meta[name=csrf-token]').content;

  // ---- adding: a click or Enter puts it on the page, a drag puts it where it is dropped
  const ghost = el('div', { class: 'de-ghost', hidden: true });
  document.body.append(ghost);
  function adder(kind, given, label, icon) {
    let started = null;
    let dragged = false;
    const button = el('button', {
      type: 'button', class: `palette-item of-${kind}`, title: say.dragHint, 'data-kind': kind, 'data-source': given.source ?? null,
      onclick: () => { if (!dragged) { D.add(kind, given); D.view.focus({ preventScroll: true }); } dragged = false; },
      onpointerdown: (event) => { if (event.button === 0) { started = [event.clientX, event.clientY]; dragged = false; button.setPointerCapture(event.pointerId); } },
      onpointermove: (event) => {
        if (!started || Math.hypot(event.clientX - started[0], event.clientY - started[1]) < 5) return;
        dragged = true;
        const fresh = { ...D.FRESH[kind], ...given };
        ghost.hidden = false;
        ghost.textContent = label;
        Object.assign(ghost.style, { left: `${event.clientX}px`, top: `${event.clientY}px`, width: `${Math.max(fresh.w, 12) * D.scale}px`, height: `${Math.max(fresh.h, 4) * D.scale}px` });
      },
      onpointerup: (event) => {
        ghost.hidden = true;
        if (!started) return;
        started = null;
        if (!dragged) return;
        const inside = D.view.getBoundingClientRect();
        if (event.clientX < inside.left || event.clientX > inside.right || event.clientY < inside.top || event.clientY > inside.bottom) return;
        D.add(kind, given, D.point(event));
        D.view.focus({ preventScroll: true });
      },
      onpointercancel: () => { started = null; ghost.hidden = true; },
      onlostpointercapture: () => { ghost.hidden = true; },
    }, el('i', { 'aria-hidden': 'true' }, icon), el('span', {}, label));
    return button;
  }
  const KINDS = [['text', '文'], ['image', '▣'], ['qr', '▦'], ['seal', '★'], ['line', '─'], ['rect', '▭'], ['border', '❏']];
  let paletteFor = '';
  one('[data-palette]', root).replaceChildren(...KINDS.map(([kind, icon]) => adder(kind, {}, say[kind], icon)));
  function showPalette() {
    const key = JSON.stringify([D.sources(), [...new Set(D.layout.elements.map((element) => element.source))].sort()]);
    if (key === paletteFor) return;
    paletteFor = key;
    const placed = new Set(D.layout.elements.map((element) => element.source));
    const item = ([source, label]) => {
      const made = adder('field', { source, format: '' }, label, source.startsWith('$') ? '◆' : '▤');
      made.classList.toggle('placed', placed.has(source));
      if (placed.has(source)) made.append(el('small', {}, say.placed));
      return made;
    };
    one('[data-sources]', root).replaceChildren(...D.sources().map(item));
  }

  // ---- the elements, front first; a listbox of several
  const list = one('[data-elements]', root);
  let lastIndex = 0;
  let listFor = '';
  function showElements() {
    const key = JSON.stringify([D.layout.elements.map((element) => [element.id, element.kind, element.size, D.nameOf(element)]), D.faults]);
    if (key === listFor) { markElements(); return; }
    listFor = key;
    const shown = [...D.layout.elements].reverse();
    list.replaceChildren(...shown.map((element) => el('li', {
      role: 'option', id: `de-option-${element.id}`, 'aria-selected': String(D.selected.has(element.id)), class: D.faults[element.id] ? 'faulty' : '',
      title: D.faults[element.id] ?? null, 'data-id': element.id,
    }, el('i', { 'aria-hidden': 'true' }, KINDS.find(([kind]) => kind === element.kind)?.[1] ?? (element.source.startsWith('$') ? '◆' : '▤')),
    el('b', {}, D.nameOf(element)), el('small', {}, D.faults[element.id] ? say.hasFault : element.kind === 'text' || element.kind === 'field' ? `${element.size}pt` : ''))));
    markElements();
    one('[data-nothing]', root).hidden = shown.length > 0;
    one('[data-count]', root).textContent = shown.length || '';
  }
  function markElements() {
    let active = '';
    for (const line of list.children) {
      const on = D.selected.has(line.dataset.id);
      if (on) active ||= line.id;
      line.setAttribute('aria-selected', String(on));
    }
    if (active) list.setAttribute('aria-activedescendant', active); else list.removeAttribute('aria-activedescendant');
  }
  const ids = () => every('li', list).map((line) => line.dataset.id);
  function pick(index, event) {
    const all = ids();
    const at = clamp(index, 0, all.length - 1);
    if (!all.length) return;
    if (event.shiftKey) {
      const [from, to] = [Math.min(lastIndex, at), Math.max(lastIndex, at)];
      D.select(all.slice(from, to + 1), { announce: true });
    } else if (event.ctrlKey || event.metaKey) {
      const next = new Set(D.selected);
      if (next.has(all[at])) next.delete(all[at]); else next.add(all[at]);
      D.select(next, { announce: true });
    } else { lastIndex = at; D.select([all[at]], { announce: true }); }
    every('li', list)[at]?.scrollIntoView({ block: 'nearest' });
  }
  list.addEventListener('click', (event) => { const line = event.target.closest('li'); if (line) pick(ids().indexOf(line.dataset.id), event); });
  list.addEventListener('keydown', (event) => {
    const at = ids().findIndex((id) => D.selected.has(id));
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (event.altKey) { event.preventDefault(); D.layer(event.key === 'ArrowUp' ? 'up' : 'down'); return; }
      event.preventDefault();
      pick(at < 0 ? 0 : at + (event.key === 'ArrowDown' ? 1 : -1), { shiftKey: false });
    } else if (event.key === 'Home' || event.key === 'End') { event.preventDefault(); pick(event.key === 'Home' ? 0 : ids().length - 1, {}); } else if (event.key === ' ' && D.selected.size) { event.preventDefault(); D.view.focus(); } else D.keys(event, { arrows: false });
  });

  // ---- properties
  const panel = one('[data-properties]', root);
  let shownFor = '';
  const shared = (key) => { const values = new Set(D.chosen().map((element) => element[key])); return values.size === 1 ? [...values][0] : ''; };
  function set(key, value, merge = true) {
    D.change(() => D.chosen().forEach((element) => { element[key] = value; if (key === 'source') delete D.texts[element.id]; }), merge ? `${key} ${[...D.selected]}` : '');
  }
  const labelled = (text, input, extra = '') => el('label', { class: `prop ${extra}`, 'data-prop': input.dataset?.key ?? null }, el('span', {}, text), input);
  function numberBox(key, text, { least = 0, most = 1000, step = 0.5, fits = (value) => value } = {}) {
    const input = el('input', {
      class: 'input', type: 'number', min: least, max: most, step, value: shared(key), 'data-key': key, disabled: !D.editable, inputmode: 'decimal',
      oninput: (event) => {
        const value = event.target.valueAsNumber;
        if (Number.isFinite(value)) set(key, round(clamp(fits(value), least, most)));
      },
      onchange: (event) => { event.target.value = shared(key); },
    });
    return labelled(text, input);
  }
  const place = (key) => {
    const element = D.chosen()[0];
    const [size, long] = key === 'x' || key === 'w' ? [D.layout.width, 'w'] : [D.layout.height, 'h'];
    if (key === 'x' || key === 'y') return { most: size, fits: (value) => Math.min(value, size - element[long]) };
    const least = element.kind === 'line' ? 0 : element.kind === 'qr' ? 12 : 1;
    return { least, most: size, fits: (value) => Math.min(value, size - element[key === 'w' ? 'x' : 'y']) };
  };
  function textBox(key, text, attributes = {}) {
    return labelled(text, el(attributes.rows ? 'textarea' : 'input', {
      class: 'input', 'data-key': key, autocomplete: 'off', disabled: !D.editable, maxlength: 100, value: shared(key), ...attributes,
      oninput: (event) => set(key, event.target.value),
    }), 'wide');
  }
  function select(key, text, choices, extra = '', changed = () => {}) {
    const input = el('select', { class: 'input', 'data-key': key, disabled: !D.editable, onchange: (event) => { set(key, event.target.value, false); changed(); } },
      ...choices.map(([value, label]) => el('option', { value }, label)));
    input.value = shared(key);
    return labelled(text, input, extra);
  }
  function tick(key, text) {
    return el('label', { class: 'prop tick' }, el('input', { type: 'checkbox', checked: Boolean(shared(key)), 'data-key': key, disabled: !D.editable, onchange: (event) => set(key, event.target.checked, false) }), text);
  }
  function color(key, text) {
    return labelled(text, el('input', { class: 'input', type: 'color', value: shared(key) || '#000000', 'data-key': key, disabled: !D.editable, oninput: (event) => set(key, event.target.value.toUpperCase()) }));
  }
  function radios(key, text, choices) {
    const group = el('div', { class: 'segments', role: 'radiogroup', 'aria-label': text });
    for (const [value, label, icon] of choices) {
      group.append(el('label', { title: label }, el('input', { type: 'radio', name: `prop-${key}`, value, checked: shared(key) === value, disabled: !D.editable, onchange: () => set(key, value, false), 'aria-label': label }), el('span', { 'aria-hidden': 'true' }, icon)));
    }
    return el('div', { class: 'prop wide' }, el('span', {}, text), group);
  }
  const group = (title, ...inside) => el('fieldset', { class: 'props' }, el('legend', {}, title), ...inside.filter(Boolean));
  function typeGroup() {
    return group(say.letters,
      numberBox('size', say.size, { least: 4, most: 200, step: 0.5 }), color('color', say.color), tick('bold', say.bold),
      radios('align', say.align, [['left', say.left, '⇤'], ['center', say.center, '↔'], ['right', say.right, '⇥'], ['justify', say.justify, '☰']]),
      radios('valign', say.valign, [['top', say.top, '⤒'], ['middle', say.middle, '↕'], ['bottom', say.bottom, '⤓']]),
      select('overflow', say.overflow, [['refuse', say.refuse], ['shrink', say.shrink]], 'wide', () => show(true)),
      shared('overflow') === 'shrink' ? numberBox('smallest', say.smallest, { least: 4, most: 200, step: 0.5 }) : null,
      numberBox('leading', say.leading, { least: 0.8, most: 4, step: 0.05 }), numberBox('spacing', say.spacing, { least: -0.2, most: 5, step: 0.05 }));
  }
  function sourceGroup() {
    const kinds = Object.fromEntries(D.sources().map(([name, , type]) => [name, type]));
    const formats = Object.entries(options.formats[kinds[shared('source')]] ?? {});
    return group(say.content,
      select('source', say.source, [['', say.choose], ...D.sources().map(([name, label]) => [name, label])], 'wide', () => { set('format', '', true); show(true); }),
      formats.length ? select('format', say.format, [['', say.usual], ...formats], 'wide') : null,
      textBox('prefix', say.prefix), textBox('suffix', say.suffix));
  }
  function pictureBox(key, text) {
    const value = key === 'background' ? D.layout.background : shared(key);
    const put = (sha256) => { if (key === 'background') D.change((layout) => { layout.background = sha256; }); else set(key, sha256, false); show(true); };
    const file = el('input', { type: 'file', accept: 'image/png,image/jpeg', class: 'sr-only', 'aria-label': `${say.upload} ${text}`, onchange: async (event) => {
      const picked = event.target.files[0];
      event.target.value = '';
      if (picked) { const sha256 = await upload(picked); if (sha256) put(sha256); }
    } });
    const picture = D.image(value);
    const choices = el('select', { class: 'input', 'data-key': key, disabled: !D.editable, 'aria-label': text, onchange: (event) => put(event.target.value) },
      el('option', { value: '' }, key === 'image' && shared('kind') === 'seal' ? say.drawnSeal : say.noPicture), ...options.images.map((image) => el('option', { value: image.sha256 }, `${image.name} ${image.width}×${image.height}`)));
    choices.value = value;
    return el('div', { class: 'prop wide picture' }, el('span', {}, text), choices,
      picture ? el('img', { src: picture.url, alt: picture.name }) : null,
      D.editable ? el('label', { class: 'btn small' }, say.upload, file) : null);
  }
  async function upload(file) {
    const data = new FormData();
    data.append('file', file);
    D.announce(say.uploading);
    let answer;
    try {
      const sent = await fetch(root.dataset.images, { method: 'POST', body: data, headers: { 'X-CSRFToken': token, Accept: 'application/json' } });
      answer = await sent.json();
    } catch { answer = {}; }
    if (!answer.image) { complain(answer.message ?? answer.error ?? say.offline); return ''; }
    if (!options.images.some((image) => image.sha256 === answer.image.sha256)) options.images.push(answer.image);
    D.announce(fill(say.uploaded, { name: answer.image.name }));
    return answer.image.sha256;
  }
  function complain(sentence) {
    const said = el('p', { class: 'fault', role: 'alert' }, sentence);
    panel.prepend(said);
    setTimeout(() => said.remove(), 12000);
  }
  D.complain = complain;

  const SIZES = [['A4', 210, 297], ['A4L', 297, 210], ['A3', 297, 420], ['A3L', 420, 297], ['A5', 148, 210], ['A5L', 210, 148], ['CARD', 85.6, 54]];
  function pageGroup() {
    const { layout } = D;
    const now = SIZES.find(([, w, h]) => w === layout.width && h === layout.height)?.[0] ?? '';
    const size = el('select', { class: 'input', disabled: !D.editable, 'data-key': 'page', onchange: (event) => {
      const found = SIZES.find(([name]) => name === event.target.value);
      if (found) resizePage(found[1], found[2]);
    } }, el('option', { value: '' }, say.custom), ...SIZES.map(([name]) => el('option', { value: name }, say[`page_${name}`])));
    size.value = now;
    const side = (key, text) => labelled(text, el('input', { class: 'input', type: 'number', min: 40, max: 1000, step: 0.1, value: layout[key], disabled: !D.editable, 'data-key': key, onchange: (event) => {
      const value = clamp(event.target.valueAsNumber || layout[key], 40, 1000);
      resizePage(key === 'width' ? value : layout.width, key === 'height' ? value : layout.height);
    } }));
    const paper = labelled(say.paper, el('input', { class: 'input', type: 'color', value: layout.paper, disabled: !D.editable, 'data-key': 'paper', oninput: (event) => D.change((page) => { page.paper = event.target.value.toUpperCase(); }, 'paper') }));
    return group(say.page, labelled(say.pageSize, size, 'wide'), side('width', say.width), side('height', say.height), paper, pictureBox('background', say.background));
  }
  function resizePage(width, height) {
    D.change((layout) => {
      [layout.width, layout.height] = [round(width), round(height)];
      for (const element of layout.elements) { // nothing may be left outside
        if (element.kind === 'border') Object.assign(element, { w: round(layout.width - 2 * element.x), h: round(layout.height - 2 * element.y) });
        element.w = Math.min(Math.max(element.w, element.kind === 'line' ? 0 : 1), layout.width);
        element.h = Math.min(Math.max(element.h, element.kind === 'line' ? 0 : 1), layout.height);
        element.x = round(clamp(element.x, 0, layout.width - element.w));
        element.y = round(clamp(element.y, 0, layout.height - element.h));
      }
    });
    D.setZoom('fit');
    show(true);
  }
  function startGroup() {
    if (!D.editable) return null;
    const starting = el('div', { class: 'starts' }, ...options.starts.map(([key, label, note]) => el('button', { type: 'button', class: 'start', 'data-start': key, onclick: () => D.emit('start', key) },
      el('i', { class: `shape of-${key}`, 'aria-hidden': 'true' }), el('b', {}, label), el('small', {}, note))));
    return group(say.startFrom, starting);
  }
  function show(force = false) {
    const chosen = D.chosen();
    const key = JSON.stringify([[...D.selected], chosen.map((one_) => one_.kind), D.sources().length, options.images.length, D.layout.elements.length === 0, chosen.length ? 0 : [D.layout.width, D.layout.height, D.layout.background]]);
    if (!force && key === shownFor) { refresh(); return; }
    shownFor = key;
    requestAnimationFrame(() => showFault());
    if (!chosen.length) { put(...[D.layout.elements.length ? null : el('p', { class: 'hint' }, say.emptyPage), D.layout.elements.length ? null : startGroup(), pageGroup(), D.layout.elements.length ? startGroup() : null, keysHelp()].filter(Boolean)); return; }
    const worded = chosen.every((element) => ['text', 'field'].includes(element.kind));
    const drawn = chosen.every((element) => ['line', 'rect', 'border'].includes(element.kind));
    const [first] = chosen;
    const single = chosen.length === 1;
    const parts = [el('h2', {}, single ? `${say[first.kind]}` : fill(say.many, { n: chosen.length }))];
    parts.push(el('p', { class: 'fault', 'data-fault': true, hidden: true }));
    if (single && first.kind === 'text') parts.push(group(say.content, textBox('text', say.text, { rows: 3, maxlength: 2000 })));
    if (single && first.kind === 'field') parts.push(sourceGroup());
    if (single && (first.kind === 'image' || first.kind === 'seal')) parts.push(group(say.content, pictureBox('image', first.kind === 'seal' ? say.sealPicture : say.image), first.kind === 'seal' ? el('p', { class: 'hint wide' }, say.sealHint) : null));
    if (single && first.kind === 'qr') parts.push(group(say.content, el('p', { class: 'hint wide' }, say.qrHint)));
    if (worded) parts.push(typeGroup());
    if (drawn) parts.push(group(say.lineGroup, first.kind === 'border' && single ? select('style', say.borderStyle, [['single', say.single], ['double', say.double], ['ornate', say.ornate]], 'wide') : null, numberBox('stroke', say.stroke, { least: 0.05, most: 20, step: 0.05 }), color('color', say.color)));
    if (single && ['seal', 'qr'].includes(first.kind)) parts.push(group(say.look, color('color', say.color)));
    if (single) parts.push(group(say.place, ...['x', 'y', 'w', 'h'].map((side) => numberBox(side, say[`side_${side}`], place(side)))));
    if (D.editable) {
      parts.push(el('div', { class: 'prop-acts' }, el('button', { type: 'button', class: 'btn small', onclick: D.duplicate }, say.duplicate), el('button', { type: 'button', class: 'btn small danger', onclick: D.remove }, say.remove)));
    }
    put(...parts);
  }
  function put(...parts) { // what had the focus keeps it
    const { key } = panel.contains(document.activeElement) ? document.activeElement.dataset : {};
    panel.replaceChildren(...parts);
    if (key) one(`[data-key="${key}"]`, panel)?.focus();
  }
  function keysHelp() {
    return el('details', { class: 'keys' }, el('summary', {}, say.keys), el('dl', {}, ...options.keys.flatMap(([key, what]) => [el('dt', {}, el('kbd', {}, key)), el('dd', {}, what)])));
  }
  function refresh() {
    for (const input of every('[data-key]', panel)) {
      if (input === document.activeElement) continue;
      const { key } = input.dataset;
      if (!D.selected.size || !(key in D.whole({}))) continue;
      if (input.type === 'checkbox') input.checked = Boolean(shared(key)); else if (input.type === 'color') input.value = shared(key) || '#000000'; else input.value = shared(key);
    }
  }
  D.on('properties', () => (one('textarea, input:not([type=file]), select', panel))?.focus());
  D.on('moving', refresh);
  D.on('selection', () => { showElements(); show(); tools(); });
  D.on('layout', (rebuilt) => { showElements(); showPalette(); show(rebuilt); tools(); });
  D.on('fields', () => { showPalette(); showElements(); show(true); });
  const showFault = () => {
    const place_ = one('[data-fault]', panel);
    const said = D.selected.size === 1 ? D.faults[[...D.selected][0]] : '';
    if (place_) { place_.hidden = !said; place_.textContent = said ?? ''; }
  };
  D.on('faults', () => { showElements(); showFault(); });
  // What is typed here is no box of the form; Enter must not send it.
  ['input', 'change'].forEach((kind) => root.addEventListener(kind, (event) => event.stopPropagation()));
  root.addEventListener('keydown', (event) => { if (event.key === 'Enter' && event.target.matches('input')) event.preventDefault(); });

  // ---- the tool bar
  const acts = {
    undo: D.undo, redo: D.redo, 'zoom-in': () => D.zoomBy(1.2), 'zoom-out': () => D.zoomBy(1 / 1.2), 'zoom-fit': () => D.setZoom('fit'), 'zoom-width': () => D.setZoom('width'),
    'distribute-x': () => D.distribute('x'), 'distribute-y': () => D.distribute('y'),
    ...Object.fromEntries(['left', 'center', 'right', 'top', 'middle', 'bottom'].map((how) => [`align-${how}`, () => D.align(how)])),
    ...Object.fromEntries(['front', 'back', 'up', 'down'].map((how) => [`layer-${how}`, () => D.layer(how)])),
    snap: () => { D.snap = !D.snap; tools(); }, grid: () => { D.grid = !D.grid; D.draw(); tools(); },
    sample: () => { root.classList.toggle('no-sample'); tools(); D.emit('sample-shown'); },
  };
  const NEEDS = { 'distribute-x': 3, 'distribute-y': 3 };
  function tools() {
    for (const button of every('[data-act]', root)) {
      const { act } = button.dataset;
      if (/^(align|layer|distribute)/.test(act)) button.disabled = !D.editable || D.selected.size < (NEEDS[act] ?? 1);
      if (act === 'undo') button.disabled = !D.canUndo();
      if (act === 'redo') button.disabled = !D.canRedo();
      if (act === 'snap') button.setAttribute('aria-pressed', String(D.snap));
      if (act === 'grid') button.setAttribute('aria-pressed', String(D.grid));
      if (act === 'sample') button.setAttribute('aria-pressed', String(!root.classList.contains('no-sample')));
    }
    one('[data-zoom]', root).textContent = `${Math.round((D.scale / (96 / 25.4)) * 100)}%`;
  }
  every('[data-act]', root).forEach((button) => button.addEventListener('click', () => acts[button.dataset.act]()));
  D.on('zoom', tools);
  const tabs = every('[data-side-tab]', root);
  tabs.forEach((tab, index) => {
    tab.addEventListener('click', () => tabs.forEach((other) => { other.setAttribute('aria-selected', String(other === tab)); other.tabIndex = other === tab ? 0 : -1; one(`#${other.getAttribute('aria-controls')}`).hidden = other !== tab; }));
    tab.addEventListener('keydown', (event) => { if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') { const next = tabs[(index + 1) % tabs.length]; next.click(); next.focus(); } });
  });
  if (!D.editable) tabs[1].click();
  D.ready = () => { showPalette(); showElements(); show(true); tools(); D.setZoom('fit'); };
})();
