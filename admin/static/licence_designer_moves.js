// Moving things on the page: pointer, keyboard, clipboard, alignment, layers. Every act is one step of undo.
(() => {
  'use strict';
  const D = window.licenceDesigner;
  if (!D) return;
  const { say, round, clamp, view, page } = D;
  const NEAR = 6; // pixels within which an edge is caught by another
  const STEP = 1; // millimetres of the grid that a drag keeps to
  const CLIP = 'licence-designer-clipboard';
  const LEAST = { line: 0, qr: 12 };
  const least = (element) => LEAST[element.kind] ?? 1;

  // ---- what catches an edge: the page's edges and middle, and every other box
  function lines(axis, moving) {
    const size = axis === 'x' ? D.layout.width : D.layout.height;
    const found = [0, size / 2, size];
    for (const element of D.layout.elements) {
      if (moving.has(element.id)) continue;
      const [start, long] = axis === 'x' ? [element.x, element.w] : [element.y, element.h];
      found.push(start, start + long / 2, start + long);
    }
    return found;
  }
  function caught(edges, targets) {
    let best = null;
    for (const edge of edges) {
      for (const target of targets) {
        const by = target - edge;
        if (Math.abs(by) * D.scale <= NEAR && (!best || Math.abs(by) < Math.abs(best.by))) best = { by, at: target };
      }
    }
    return best;
  }
  function bounds(elements) {
    const x = Math.min(...elements.map((one) => one.x));
    const y = Math.min(...elements.map((one) => one.y));
    return { x, y, w: Math.max(...elements.map((one) => one.x + one.w)) - x, h: Math.max(...elements.map((one) => one.y + one.h)) - y };
  }

  // ---- dragging
  let drag = null;
  page.parentElement.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    view.focus({ preventScroll: true });
    const at = D.point(event);
    const chosen = D.chosen();
    const handle = grip(chosen, at);
    const many = event.shiftKey || event.ctrlKey || event.metaKey;
    const id = handle ? chosen[0].id : D.hit(at);
    if (!handle && id && many) {
      const next = new Set(D.selected);
      if (next.has(id)) next.delete(id); else next.add(id);
      D.select(next, { announce: true });
      return;
    }
    if (!handle && id && !D.selected.has(id)) D.select([id], { announce: true });
    if (!id && !many) D.select([]);
    if (id && !D.editable) return;
    drag = { at, handle: handle?.name, kind: id ? (handle ? 'resize' : 'move') : 'marquee', kept: D.snapshot(), before: new Map(D.chosen().map((one) => [one.id, { ...one }])), moved: false, held: [...D.selected] };
    page.parentElement.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  page.parentElement.addEventListener('pointermove', (event) => {
    const at = D.point(event);
    if (!drag) { hover(at); return; }
    const by = { x: at.x - drag.at.x, y: at.y - drag.at.y };
    if (!drag.moved && Math.hypot(by.x, by.y) * D.scale < 3) return;
    drag.moved = true;
    if (drag.kind === 'marquee') sweep(at, event);
    else if (drag.kind === 'move') move(by, event);
    else resize(at, event);
    D.draw();
    D.emit('moving');
  });
  const end = () => {
    if (!drag) return;
    const done = drag;
    drag = null;
    D.guide([]);
    D.marquee(null);
    D.draw();
    if (done.moved && done.kind !== 'marquee') { D.remember(done.kept); D.changed(); D.tell(); }
  };
  page.parentElement.addEventListener('pointerup', end);
  page.parentElement.addEventListener('pointercancel', end);

  function grip(chosen, at) { // the nearest handle within reach
    if (chosen.length !== 1 || !D.editable) return null;
    const far = (one) => Math.hypot(one.x - at.x, one.y - at.y) * D.scale;
    return D.handlesOf(chosen[0]).filter((one) => far(one) < 8).sort((a, b) => far(a) - far(b))[0] ?? null;
  }
  function hover(at) {
    const chosen = D.chosen();
    const handle = grip(chosen, at);
    page.style.cursor = handle ? `${handle.name}-resize` : D.hit(at) ? (D.editable ? 'move' : 'pointer') : 'default';
  }
  function move(by, event) {
    const before = [...drag.before.values()];
    const all = bounds(before);
    const guides = [];
    const shift = {};
    for (const axis of ['x', 'y']) {
      const long = axis === 'x' ? all.w : all.h;
      const size = axis === 'x' ? D.layout.width : D.layout.height;
      let start = all[axis] + by[axis];
      if (event.shiftKey && Math.abs(by[axis]) < Math.abs(by[axis === 'x' ? 'y' : 'x'])) start = all[axis];
      else if (D.snap && !event.altKey) {
        const found = caught([start, start + long / 2, start + long], lines(axis, D.selected));
        if (found) { start += found.by; guides.push({ axis, at: found.at }); } else start = round(start, STEP);
      }
      shift[axis] = round(clamp(start, 0, size - long)) - all[axis];
    }
    for (const element of D.chosen()) {
      const was = drag.before.get(element.id);
      element.x = round(was.x + shift.x);
      element.y = round(was.y + shift.y);
    }
    D.guide(guides);
  }
  function resize(at, event) {
    const element = D.chosen()[0];
    const was = drag.before.get(element.id);
    const name = drag.handle;
    const guides = [];
    const edge = (axis, value) => {
      if (!D.snap || event.altKey) return value;
      const found = caught([value], lines(axis, D.selected));
      if (found) { guides.push({ axis, at: found.at }); return found.at; }
      return round(value, STEP);
    };
    let [left, top, right, bottom] = [was.x, was.y, was.x + was.w, was.y + was.h];
    const min = least(element);
    const [x, y] = [edge('x', clamp(at.x, 0, D.layout.width)), edge('y', clamp(at.y, 0, D.layout.height))];
    if (name.includes('w')) left = Math.min(x, right - min);
    if (name.includes('e')) right = Math.max(x, left + min);
    if (name.includes('n')) top = Math.min(y, bottom - min);
    if (name.includes('s')) bottom = Math.max(y, top + min);
    if (element.kind === 'line' && !event.altKey) { if (right - left >= bottom - top) bottom = top = name === 'nw' ? was.y + was.h : was.y; else right = left = name === 'nw' ? was.x + was.w : was.x; }
    if (D.SQUARE.includes(element.kind) || (event.shiftKey && name.length === 2)) {
      const ratio = D.SQUARE.includes(element.kind) ? 1 : was.w / was.h;
      const wide = Math.min(right - left, (bottom - top) * ratio);
      if (name.includes('w')) left = right - wide; else right = left + wide;
      if (name.includes('n')) top = bottom - wide / ratio; else bottom = top + wide / ratio;
    }
    Object.assign(element, { x: round(left), y: round(top), w: round(right - left), h: round(bottom - top) });
    D.guide(guides);
  }
  function sweep(at, event) {
    const area = { x: Math.min(at.x, drag.at.x), y: Math.min(at.y, drag.at.y), w: Math.abs(at.x - drag.at.x), h: Math.abs(at.y - drag.at.y) };
    D.marquee(area);
    const found = D.layout.elements.filter((one) => one.kind !== 'border' && one.x < area.x + area.w && one.x + one.w > area.x && one.y < area.y + area.h && one.y + one.h > area.y).map((one) => one.id);
    D.selected = new Set(event.shiftKey ? [...drag.held, ...found] : found);
    D.emit('selection');
  }

  // ---- acts, used by keys, tool bar and lists alike
  D.add = (kind, given = {}, at = null) => {
    if (!D.editable) return;
    const { width, height } = D.layout;
    const fresh = D.whole({ kind, ...D.FRESH[kind], ...(kind === 'text' ? { text: say.newText } : {}), ...given });
    if (kind === 'border') Object.assign(fresh, { x: 8, y: 8, w: width - 16, h: height - 16 });
    else {
      fresh.w = Math.min(fresh.w, width);
      fresh.h = Math.min(fresh.h, height);
      const middle = at ?? { x: width / 2, y: Math.min(height - fresh.h, free(fresh)) + fresh.h / 2 };
      fresh.x = clamp(round(middle.x - fresh.w / 2, STEP), 0, width - fresh.w);
      fresh.y = clamp(round(middle.y - fresh.h / 2, STEP), 0, height - fresh.h);
    }
    fresh.id = D.nextId();
    D.change((layout) => { if (kind === 'border') layout.elements.unshift(fresh); else layout.elements.push(fresh); D.selected = new Set([fresh.id]); });
    D.emit('selection');
    D.announce(D.fill(say.added, { name: D.nameOf(fresh) }));
    return fresh;
  };
  function free(fresh) { // below what stands in the middle already
    const low = D.layout.elements.filter((one) => !['border', 'rect', 'qr', 'seal'].includes(one.kind)).map((one) => one.y + one.h);
    return clamp(Math.max(20, ...low) + 3, 0, D.layout.height - fresh.h - 10);
  }
  D.remove = () => {
    const gone = D.chosen();
    if (!gone.length) return;
    D.change((layout) => { layout.elements = layout.elements.filter((one) => !D.selected.has(one.id)); D.selected = new Set(); });
    D.emit('selection');
    D.announce(D.fill(say.removedThings, { n: gone.length }));
  };
  D.nudge = (x, y) => {
    const chosen = D.chosen();
    if (!chosen.length) return;
    const all = bounds(chosen);
    const by = { x: round(clamp(all.x + x, 0, D.layout.width - all.w) - all.x), y: round(clamp(all.y + y, 0, D.layout.height - all.h) - all.y) };
    D.change(() => chosen.forEach((one) => { one.x = round(one.x + by.x); one.y = round(one.y + by.y); }), `nudge ${[...D.selected]}`);
    D.tell();
  };
  D.copy = () => { if (D.selected.size) { try { sessionStorage.setItem(CLIP, JSON.stringify(D.chosen())); } catch { D.clip = JSON.stringify(D.chosen()); } D.announce(D.fill(say.copied, { n: D.selected.size })); } };
  D.paste = (given = null, by = 4) => {
    let found = given;
    try { found ??= JSON.parse(sessionStorage.getItem(CLIP) ?? D.clip ?? '[]'); } catch { found = []; }
    if (!found.length || !D.editable) return;
    const taken = new Set(D.layout.elements.map((one) => one.id));
    const made = found.map((one) => {
      const id = D.nextId(taken);
      taken.add(id);
      const whole = D.whole({ ...one, id });
      whole.w = Math.min(whole.w, D.layout.width);
      whole.h = Math.min(whole.h, D.layout.height);
      whole.x = clamp(round(whole.x + by), 0, D.layout.width - whole.w);
      whole.y = clamp(round(whole.y + by), 0, D.layout.height - whole.h);
      return whole;
    });
    D.change((layout) => { layout.elements.push(...made); D.selected = new Set(made.map((one) => one.id)); });
    D.emit('selection');
    D.announce(D.fill(say.pasted, { n: made.length }));
  };
  D.duplicate = () => D.paste(D.chosen().map((one) => ({ ...one })));
  D.align = (how) => {
    const chosen = D.chosen();
    if (!chosen.length) return;
    const all = chosen.length > 1 ? bounds(chosen) : { x: 0, y: 0, w: D.layout.width, h: D.layout.height };
    const to = {
      left: (one) => { one.x = all.x; }, center: (one) => { one.x = round(all.x + (all.w - one.w) / 2); }, right: (one) => { one.x = round(all.x + all.w - one.w); },
      top: (one) => { one.y = all.y; }, middle: (one) => { one.y = round(all.y + (all.h - one.h) / 2); }, bottom: (one) => { one.y = round(all.y + all.h - one.h); },
    }[how];
    D.change(() => chosen.forEach(to));
  };
  D.distribute = (axis) => {
    const long = axis === 'x' ? 'w' : 'h';
    const chosen = D.chosen().sort((a, b) => a[axis] - b[axis]);
    if (chosen.length < 3) return;
    const all = bounds(chosen);
    const gap = (all[long] - chosen.reduce((sum, one) => sum + one[long], 0)) / (chosen.length - 1);
    D.change(() => { let at = all[axis]; chosen.forEach((one) => { one[axis] = round(at); at += one[long] + gap; }); });
  };
  D.layer = (how) => {
    if (!D.selected.size) return;
    D.change((layout) => {
      const { elements } = layout;
      const mine = (one) => D.selected.has(one.id);
      if (how === 'front') layout.elements = [...elements.filter((one) => !mine(one)), ...elements.filter(mine)];
      else if (how === 'back') layout.elements = [...elements.filter(mine), ...elements.filter((one) => !mine(one))];
      else if (how === 'up') { for (let i = elements.length - 2; i >= 0; i -= 1) if (mine(elements[i]) && !mine(elements[i + 1])) [elements[i], elements[i + 1]] = [elements[i + 1], elements[i]]; }
      else for (let i = 1; i < elements.length; i += 1) if (mine(elements[i]) && !mine(elements[i - 1])) [elements[i], elements[i - 1]] = [elements[i - 1], elements[i]];
    });
    D.announce(say[`layer_${how}`]);
  };

  // ---- keys: on the page, and on the list of elements
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  D.keys = (event, { arrows = true } = {}) => {
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    const act = (does) => { event.preventDefault(); event.stopPropagation(); does(); };
    if (arrows && ARROWS[event.key] && D.selected.size && !command) {
      const by = event.shiftKey ? 5 : 0.5;
      return act(() => D.nudge(ARROWS[event.key][0] * by, ARROWS[event.key][1] * by));
    }
    if (event.key === 'Delete' || event.key === 'Backspace') return act(D.remove);
    if (event.key === 'Escape' && D.selected.size) return act(() => D.select([]));
    if (event.key === 'Enter' && D.selected.size) return act(() => D.emit('properties'));
    if (event.key === ']' || event.key === '[') return act(() => D.layer(event.key === ']' ? 'up' : 'down'));
    if (!command) return undefined;
    if (key === 'z') return act(event.shiftKey ? D.redo : D.undo);
    if (key === 'y') return act(D.redo);
    if (key === 'a') return act(() => D.select(D.layout.elements.map((one) => one.id), { announce: true }));
    if (key === 'c') return act(D.copy);
    if (key === 'x') return act(() => { D.copy(); D.remove(); });
    if (key === 'v') return act(() => D.paste());
    if (key === 'd') return act(D.duplicate);
    if (key === '=' || key === '+') return act(() => D.zoomBy(1.2));
    if (key === '-') return act(() => D.zoomBy(1 / 1.2));
    if (key === '0') return act(() => D.setZoom('fit'));
    return undefined;
  };
  view.addEventListener('keydown', D.keys);
  view.addEventListener('dblclick', () => D.emit('properties'));
})();
