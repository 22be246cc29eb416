// A form over many chosen rows: sent ten by ten, each row's result shown as it comes. Leaving the page stops it between tens.
(() => {
  'use strict';
  const form = document.querySelector('form[data-one-by-one]');
  if (!form) return;
  const bar = form.querySelector('progress');
  const said = form.querySelector('output');
  const results = document.querySelector('[data-results]');
  form.addEventListener('submit', async (event) => {
    const act = event.submitter?.value;
    const boxes = Array.from(document.querySelectorAll('input[type=checkbox][name=id]:checked'));
    if (!act || boxes.length === 0) return;
    event.preventDefault();
    const buttons = form.querySelectorAll('button');
    buttons.forEach((button) => { button.disabled = true; });
    bar.hidden = results.hidden = false;
    bar.max = boxes.length;
    let done = 0;
    let bad = 0;
    const tell = () => {
      bar.value = done;
      said.textContent = form.dataset.done.replace('{n}', done).replace('{all}', boxes.length).replace('{bad}', bad);
    };
    tell();
    for (let at = 0; at < boxes.length; at += 10) {
      const some = boxes.slice(at, at + 10);
      const body = new URLSearchParams(new FormData(form));
      body.delete('id');
      body.set('act', act);
      some.forEach((box) => body.append('id', box.value));
      const answer = await fetch(form.action, { method: 'POST', body, headers: { 'X-Requested-With': 'fetch' } }).catch(() => null);
      if (!answer?.ok || answer.redirected) { form.submit(); return; }
      for (const one of await answer.json()) {
        done += 1;
        bad += one.done ? 0 : 1;
        const line = document.createElement('li');
        const dot = document.createElement('i');
        dot.className = `dot ${one.done ? 'good' : 'bad'}`;
        line.append(dot, ` ${one.id}　${one.words}`);
        results.append(line);
        const box = some.find((each) => each.value === String(one.id));
        if (one.done && box) box.remove();
      }
      tell();
    }
    buttons.forEach((button) => { button.disabled = false; });
  });
})();
