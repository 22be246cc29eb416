// The layout of a licence's face: a page drawn to scale, with boxes to drag, resize, align and undo. Lengths are millimetres.
// This file holds the state and the canvas; licence_designer_panels.js the lists and properties, licence_designer_sample.js the sample.
(() => {
  'use strict';
  const root = document.querySelector('[data-designer]');
  if (!root) return;
  const one = (selector, place = document) => place.querySelector(selector);
  const read = (id) => JSON.parse(one(id).textContent);
  const options = read('#designer-options');
  const say = options.words;
  const form = one('[data-editor]');
  const SVG = 'http://www.w3.org/2000/svg';
  const PT = 25.4 / 72;
  const HANDLES = ['nw', 'n', 'ne', 'e', 'se', 's', 'sw', 'w'];
  const SQUARE = ['qr', 'seal'];
  const round = (value, step = 0.01) => Math.round(Math.round(value / step) * step * 100) / 100;
  const clamp = (value, least, most) => Math.min(Math.max(value, least), Math.max(least, most));
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_all, name) => values[name] ?? '');

  const D = {
    root, options, say, form, one, el, fill, round, clamp, SQUARE,
    editable: root.dataset.designer === 'edit',
    layout: null, selected: new Set(), faults: {}, texts: {}, scale: 2, zoom: 'fit', snap: true, grid: true,
    listeners: {},
  };
  window.licenceDesigner = D;
  D.on = (name, act) => { (D.listeners[name] ??= []).push(act); };
  D.emit = (name, ...told) => (D.listeners[name] ?? []).forEach((act) => act(...told));
  D.announce = (text) => { one('[data-said]').textContent = text; };

  function el(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === false || value === null || value === undefined) continue;
      if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
      else if (['value', 'checked', 'hidden', 'disabled'].includes(name)) made[name] = value;
      else made.setAttribute(name, value === true ? '' : value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  }
  function svg(tag, attributes = {}, ...children) {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  // ---- what a layout is
  const FRESH = {
    text: { w: 60, h: 8 }, field: { w: 70, h: 8, overflow: 'shrink', smallest: 7 }, image: { w: 30, h: 30 }, qr: { w: 22, h: 22 },
    seal: { w: 40, h: 40, color: '#D0021B' }, line: { w: 80, h: 0 }, rect: { w: 60, h: 30 }, border: { w: 0, h: 0, style: 'double', color: '#A9803A' },
  };
  D.whole = (given) => ({
    id: '', kind: 'text', x: 0, y: 0, w: 10, h: 10, text: '', source: '', prefix: '', suffix: '', format: '', size: 12, smallest: 6,
    overflow: 'refuse', bold: false, color: '#000000', align: 'left', valign: 'top', leading: 1.35, spacing: 0, image: '', stroke: 0.3,
    style: 'single', ...given,
  });
  D.pageOf = (given) => ({ width: 210, height: 297, background: '', paper: '#FFFFFF', ...given, elements: (given?.elements ?? []).map(D.whole) });
  D.layout = D.pageOf(read('#catalogue-state').layout);
  D.find = (id) => D.layout.elements.find((element) => element.id === id);
  D.chosen = () => D.layout.elements.filter((element) => D.selected.has(element.id));
  D.nextId = (taken = new Set(D.layout.elements.map((element) => element.id))) => {
    let number = 1;
    while (taken.has(`e${number}`)) number += 1;
    return `e${number}`;
  };
  D.sourceName = (source) => D.sources().find(([name]) => name === source)?.[1] ?? source;
  D.sources = () => [
    ...(form.catalogueState?.fields ?? []).filter((row) => row.name).map((row) => [row.name, row.label || row.name, row.type]),
    ...options.builtins,
  ];
  D.nameOf = (element) => {
    if (element.kind === 'text') return element.text.split('\n')[0].slice(0, 24) || say.text;
    if (element.kind === 'field') return `${element.prefix ? `${element.prefix} ` : ''}${D.sourceName(element.source) || say.field}`;
    return say[element.kind];
  };

  // ---- undo: snapshots of the layout; typing into one box is one step
  const past = [];
  const future = [];
  let merged = '';
  let mergedAt = 0;
  const snapshot = () => JSON.stringify([D.layout, [...D.selected]]);
  const restore = (kept) => {
    const [layout, selected] = JSON.parse(kept);
    D.layout = layout;
    D.selected = new Set(selected);
    merged = '';
    D.changed(true);
  };
  D.remember = (kept) => {
    past.push(kept);
    if (past.length > 200) past.shift();
    future.length = 0;
  };
  D.change = (act, merge = '') => {
    if (!D.editable) return;
    const now = Date.now();
    if (!(merge && merge === merged && now - mergedAt < 1200)) D.remember(snapshot());
    [merged, mergedAt] = [merge, now];
    act(D.layout);
    D.changed();
  };
  D.undo = () => { if (past.length) { future.push(snapshot()); restore(past.pop()); D.announce(say.undone); } };
  D.redo = () => { if (future.length) { past.push(snapshot()); restore(future.pop()); D.announce(say.redone); } };
  D.canUndo = () => past.length > 0;
  D.canRedo = () => future.length > 0;
  D.changed = (rebuilt = false) => { D.draw(); D.emit('layout', rebuilt); };
  D.select = (ids, { announce = false } = {}) => {
    D.selected = new Set(ids);
    D.draw();
    D.emit('selection');
    if (announce) tell();
  };
  const tell = () => {
    const chosen = D.chosen();
    if (chosen.length === 1) D.announce(fill(say.at, { name: D.nameOf(chosen[0]), x: chosen[0].x, y: chosen[0].y, w: chosen[0].w, h: chosen[0].h }));
    else if (chosen.length) D.announce(fill(say.many, { n: chosen.length }));
  };

  // ---- the page
  const view = one('.canvas-view', root);
  const page = one('.canvas-page', root);
  const marks = one('.canvas-marks', root);
  const nodes = new Map();
  const px = (millimetres) => `${millimetres * D.scale}px`;
  const box = (node, { x, y, w, h }) => { Object.assign(node.style, { left: px(x), top: px(y), width: px(w), height: px(h) }); };

  D.draw = () => {
    const { layout } = D;
    Object.assign(page.style, { width: px(layout.width), height: px(layout.height), backgroundColor: layout.paper });
    page.classList.toggle('gridded', D.grid);
    page.style.setProperty('--mm', px(1));
    const back = one('.canvas-background', page);
    const picture = D.image(layout.background);
    back.hidden = !picture;
    if (picture && back.getAttribute('src') !== picture.url) back.src = picture.url;
    const wanted = new Set(layout.elements.map((element) => element.id));
    for (const [id, node] of nodes) if (!wanted.has(id)) { node.remove(); nodes.delete(id); }
    const painted = [];
    layout.elements.forEach((element, index) => {
      let node = nodes.get(element.id);
      if (!node) { node = el('div', { class: 'de' }); nodes.set(element.id, node); page.insertBefore(node, marks); }
      box(node, element);
      node.style.zIndex = index + 1;
      node.classList.toggle('faulty', Boolean(D.faults[element.id]));
      const key = JSON.stringify([element, D.scale, D.words(element), element.kind === 'seal' ? options.issuer : '']);
      if (node.painted !== key) { node.painted = key; node.dataset.kind = element.kind; node.replaceChildren(...paint(element)); painted.push([node, element]); }
    });
    shrink(painted);
    drawMarks();
    drawRulers();
  };
  function shrink(painted) { // roughly what the press does; the sample shows it exactly. All are measured, then all are set.
    let open = painted.filter(([, element]) => element.overflow === 'shrink' && ['text', 'field'].includes(element.kind))
      .map(([node, element]) => ({ node, element, words: node.firstChild.firstChild, size: element.size }));
    for (let pass = 0; pass < 5 && open.length; pass += 1) {
      const heights = open.map(({ node, words }) => [node.clientHeight, words.offsetHeight]);
      open = open.filter((one_, index) => {
        const [room, needed] = heights[index];
        if (needed <= room + 1 || one_.size <= one_.element.smallest) return false;
        one_.size = Math.max(one_.element.smallest, one_.size * Math.min(0.96, Math.sqrt(room / needed) * 1.02));
        one_.words.style.fontSize = `${one_.size * PT * D.scale}px`;
        return true;
      });
    }
  }
  D.image = (sha256) => (sha256 ? options.images.find((image) => image.sha256 === sha256) : null);
  D.words = (element) => {
    if (element.kind === 'text') return element.text;
    if (element.kind !== 'field') return '';
    return D.texts[element.id] ?? `${element.prefix}${D.sourceName(element.source) || '…'}${element.suffix}`;
  };

  function paint(element) {
    const { kind, w, h, color } = element;
    if (kind === 'text' || kind === 'field') {
      const words = el('span', {}, D.words(element));
      const size = element.size * PT * D.scale;
      Object.assign(words.style, {
        fontSize: `${size}px`, lineHeight: element.leading, letterSpacing: `${element.spacing}em`, color, textAlign: element.align,
        fontWeight: element.bold ? 700 : 400,
      });
      return [el('div', { class: `de-words v-${element.valign}` }, words)];
    }
    if (kind === 'image') {
      const picture = D.image(element.image);
      return [picture ? el('img', { src: picture.url, alt: '', draggable: 'false' }) : el('div', { class: 'de-empty' }, say.image)];
    }
    if (kind === 'seal' && D.image(element.image)) return [el('img', { src: D.image(element.image).url, alt: '', draggable: 'false' })];
    const draw = svg('svg', { viewBox: `0 0 ${Math.max(w, 0.1)} ${Math.max(h, 0.1)}`, preserveAspectRatio: 'none' });
    if (kind === 'qr') draw.append(...qrLike(w, h, color));
    if (kind === 'seal') draw.append(...sealLike(element));
    if (kind === 'line') { // in pixels: a line has no height to scale by
      draw.removeAttribute('viewBox');
      draw.append(svg('line', { x1: 0, y1: 0, x2: w * D.scale, y2: h * D.scale, stroke: color, 'stroke-width': Math.max(element.stroke * D.scale, 0.5) }));
    }
    if (kind === 'rect') draw.append(svg('rect', { x: 0, y: 0, width: w, height: h, fill: 'none', stroke: color, 'stroke-width': element.stroke }));
    if (kind === 'border') draw.append(...borderLike(element));
    return [draw];
  }
  function qrLike(w, h, color) {
    const cells = [];
    const n = 21;
    const finder = (x, y) => (x < 7 && y < 7) || (x >= n - 7 && y < 7) || (x < 7 && y >= n - 7);
    const edge = (x, y) => { const [a, b] = [x < 7 ? x : x - n + 7, y < 7 ? y : y - n + 7]; return a === 0 || a === 6 || b === 0 || b === 6 || (a > 1 && a < 5 && b > 1 && b < 5); };
    for (let y = 0; y < n; y += 1) for (let x = 0; x < n; x += 1) if (finder(x, y) ? edge(x, y) : (x * 7 + y * 13 + x * y * 5) % 11 < 5) cells.push(`M${x} ${y}h1v1h-1z`);
    return [svg('g', { transform: `scale(${w / n} ${h / n})` }, svg('path', { d: cells.join(''), fill: color, 'fill-opacity': 0.75 }))];
  }
  function sealLike(element) {
    const r = Math.min(element.w, element.h) / 2;
    const [cx, cy] = [element.w / 2, element.h / 2];
    const star = Array.from({ length: 10 }, (_n, i) => { const turn = (i * Math.PI) / 5 - Math.PI / 2; const far = r * (i % 2 ? 0.115 : 0.3); return `${cx + far * Math.cos(turn)},${cy + far * Math.sin(turn)}`; }).join(' ');
    const id = `arc-${element.id}`;
    const inner = r * 0.72;
    const words = [...(options.issuer || say.issuer)].slice(0, 24);
    const size = Math.min(r * 0.26, (inner * 3.9) / Math.max(words.length, 4));
    const text = svg('text', { 'font-size': size, fill: element.color, 'text-anchor': 'middle' }, svg('textPath', { href: `#${id}`, startOffset: '50%' }, words.join('')));
    return [
      svg('circle', { cx, cy, r: r * 0.95, fill: 'none', stroke: element.color, 'stroke-width': r * 0.055 }),
      svg('polygon', { points: star, fill: element.color }),
      svg('path', { id, d: `M${cx - inner * 0.9} ${cy + inner * 0.5}A${inner} ${inner} 0 1 1 ${cx + inner * 0.9} ${cy + inner * 0.5}`, fill: 'none' }),
      text,
    ];
  }
  function borderLike({ w, h, style, stroke, color }) {
    const frame = (inset, width) => svg('rect', { x: inset, y: inset, width: Math.max(0, w - 2 * inset), height: Math.max(0, h - 2 * inset), fill: 'none', stroke: color, 'stroke-width': width });
    if (style === 'single') return [frame(stroke / 2, stroke)];
    if (style === 'double') return [frame(stroke, stroke * 2), frame(stroke * 4, stroke)];
    const waves = frame(2.5, 3);
    waves.setAttribute('stroke-dasharray', '1.2 0.5');
    waves.setAttribute('stroke-opacity', 0.55);
    return [frame(stroke / 2, stroke), waves, frame(5, stroke)];
  }

  // ---- selection frames, handles, guides
  let guides = [];
  let marquee = null;
  function drawMarks() {
    const made = [];
    const chosen = D.chosen();
    for (const element of chosen) {
      const frame = el('div', { class: 'de-frame' });
      box(frame, element);
      made.push(frame);
    }
    if (chosen.length === 1 && D.editable) {
      for (const handle of handlesOf(chosen[0])) {
        const dot = el('i', { class: `de-handle ${handle.name}` });
        Object.assign(dot.style, { left: px(handle.x), top: px(handle.y) });
        made.push(dot);
      }
    }
    for (const guide of guides) {
      const line = el('i', { class: `de-guide ${guide.axis}` });
      line.style[guide.axis === 'x' ? 'left' : 'top'] = px(guide.at);
      made.push(line);
    }
    if (marquee) { const area = el('div', { class: 'de-marquee' }); box(area, marquee); made.push(area); }
    marks.replaceChildren(...made);
  }
  function handlesOf(element) {
    const { x, y, w, h } = element;
    const along = { w: x, e: x + w };
    const down = { n: y, s: y + h };
    const small = { n: w, s: w, e: h, w: h }; // no room between two corners
    const names = element.kind === 'line' ? ['nw', 'se'] : SQUARE.includes(element.kind) ? ['nw', 'ne', 'se', 'sw'] : HANDLES.filter((name) => name.length === 2 || small[name] * D.scale > 26);
    return names.map((name) => ({ name, x: along[name.at(-1)] ?? x + w / 2, y: down[name[0]] ?? y + h / 2 }));
  }
  function hit(point) {
    const slack = 4 / D.scale;
    for (let index = D.layout.elements.length - 1; index >= 0; index -= 1) {
      const { id, kind, x, y, w, h } = D.layout.elements[index];
      const inside = (by) => point.x >= x - by && point.x <= x + w + by && point.y >= y - by && point.y <= y + h + by;
      if (!inside(slack)) continue;
      if (kind !== 'rect' && kind !== 'border') return id;
      const deep = kind === 'border' ? Math.max(6, slack) : Math.max(1.5, slack);
      if (point.x < x + deep || point.x > x + w - deep || point.y < y + deep || point.y > y + h - deep) return id;
    }
    return null;
  }

  // ---- rulers
  function drawRulers() {
    const ratio = window.devicePixelRatio || 1;
    const origin = { x: page.offsetLeft - view.scrollLeft, y: page.offsetTop - view.scrollTop };
    for (const axis of ['x', 'y']) {
      const ruler = one(`.ruler-${axis}`, root);
      const length = axis === 'x' ? view.clientWidth : view.clientHeight;
      const [wide, high] = axis === 'x' ? [length, 20] : [20, length];
      if (ruler.width !== wide * ratio || ruler.height !== high * ratio) { ruler.width = wide * ratio; ruler.height = high * ratio; }
      const pen = ruler.getContext('2d');
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, wide, high);
      pen.fillStyle = '#5a6b75';
      pen.strokeStyle = '#b7c4ca';
      pen.font = '10px system-ui, sans-serif';
      const size = axis === 'x' ? D.layout.width : D.layout.height;
      const labelled = D.scale >= 2.2 ? 10 : D.scale >= 1 ? 20 : 50;
      const step = D.scale >= 4 ? 1 : D.scale >= 1.4 ? 5 : 10;
      for (let at = 0; at <= size; at += step) {
        const place = Math.round(origin[axis] + at * D.scale) + 0.5;
        if (place < 0 || place > length) continue;
        const tall = at % 10 === 0 ? 9 : at % 5 === 0 ? 6 : 3;
        pen.beginPath();
        if (axis === 'x') { pen.moveTo(place, 20); pen.lineTo(place, 20 - tall); } else { pen.moveTo(20, place); pen.lineTo(20 - tall, place); }
        pen.stroke();
        if (at % labelled) continue;
        if (axis === 'x') pen.fillText(String(at), place + 2, 10);
        else { pen.save(); pen.translate(9, place + 2); pen.rotate(-Math.PI / 2); pen.textAlign = 'right'; pen.fillText(String(at), 0, 0); pen.restore(); }
      }
    }
  }
  view.addEventListener('scroll', drawRulers, { passive: true });

  // ---- zoom
  D.setZoom = (zoom) => {
    D.zoom = zoom;
    const wide = (view.clientWidth - 36) / D.layout.width;
    const high = (view.clientHeight - 36) / D.layout.height;
    D.scale = clamp(zoom === 'fit' ? Math.min(wide, high) : zoom === 'width' ? wide : zoom, 0.3, 16);
    D.draw();
    D.emit('zoom');
  };
  D.zoomBy = (factor) => D.setZoom(clamp(D.scale * factor, 0.4, 16));
  new ResizeObserver(() => { if (view.clientWidth) { if (typeof D.zoom === 'string') D.setZoom(D.zoom); else D.draw(); } }).observe(view);
  view.addEventListener('wheel', (event) => { if (event.ctrlKey || event.metaKey) { event.preventDefault(); D.zoomBy(event.deltaY < 0 ? 1.1 : 1 / 1.1); } }, { passive: false });

  Object.assign(D, {
    view, page, marks, snapshot, tell, hit, handlesOf, FRESH,
    guide: (found) => { guides = found; },
    marquee: (area) => { marquee = area; },
    point: (event) => { const at = page.getBoundingClientRect(); return { x: (event.clientX - at.left) / D.scale, y: (event.clientY - at.top) / D.scale }; },
  });
})();
