// 共享与复用: resources found as one types, boxes narrowed by a word, the statistics' chart.
(() => {
  'use strict';
  const finder = document.querySelector('[data-resources]');
  if (finder) {
    const field = finder.querySelector('input');
    const place = document.querySelector('[data-found]');
    let asked = 0;
    let waiting;
    field.addEventListener('input', () => {
      clearTimeout(waiting);
      waiting = setTimeout(async () => {
        const mine = ++asked;
        const answer = await fetch(`${finder.dataset.resources}?only=1&q=${encodeURIComponent(field.value)}`, { headers: { 'X-Requested-With': 'fetch' } });
        if (answer.ok && !answer.redirected && mine === asked) place.innerHTML = await answer.text(); // our own page, escaped by the server
      }, 180);
    });
  }
  document.querySelectorAll('[data-narrow]').forEach((field) => {
    const boxes = document.getElementById(field.dataset.narrow);
    field.addEventListener('input', () => {
      const word = field.value.trim();
      boxes.querySelectorAll('label').forEach((box) => { box.hidden = word !== '' && !box.textContent.includes(word) && !box.querySelector('input').checked; });
    });
  });
  document.querySelectorAll('[data-reuse]').forEach((box) => {
    const css = getComputedStyle(document.documentElement);
    const token = (name) => css.getPropertyValue(name).trim();
    const text = { color: token('--muted'), fontFamily: css.getPropertyValue('--font') };
    const months = JSON.parse(box.dataset.reuse);
    const names = JSON.parse(box.dataset.names);
    const chart = echarts.init(box, null, { renderer: 'svg' });
    const bar = (name, key) => ({ name, type: 'bar', stack: 'files', barMaxWidth: 34, data: months.map((m) => ({ value: m[key], href: m.href })) });
    chart.setOption({
      animationDuration: 300, textStyle: text, color: [token('--accent'), token('--line-2'), '#e0a02f'],
      grid: { left: 4, right: 8, top: 36, bottom: 4, containLabel: true },
      legend: { top: 0, right: 0, textStyle: text, itemWidth: 10, itemHeight: 10, icon: 'roundRect' },
      tooltip: { trigger: 'axis' },
      xAxis: { type: 'category', data: months.map((m) => m.month), axisTick: { show: false }, axisLine: { lineStyle: { color: token('--line-2') } }, axisLabel: text },
      yAxis: [
        { type: 'value', minInterval: 1, splitLine: { lineStyle: { color: token('--line') } }, axisLabel: text },
        { type: 'value', min: 0, max: 100, splitLine: { show: false }, axisLabel: { ...text, formatter: '{value}%' } },
      ],
      series: [bar(names[0], 'used'), bar(names[1], 'taken'), { name: names[2], type: 'line', yAxisIndex: 1, symbolSize: 6, data: months.map((m) => m.rate) }],
    });
    chart.on('click', (point) => { if (point.data && point.data.href) location.href = point.data.href; });
    addEventListener('resize', () => chart.resize());
    addEventListener('beforeprint', () => chart.resize());
  });
})();
