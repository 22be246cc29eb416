// The charts of the home pages. ECharts is vendored; colours are the theme's.
(() => {
  'use strict';
  const css = getComputedStyle(document.documentElement);
  const token = (name) => css.getPropertyValue(name).trim();
  const text = { color: token('--muted'), fontFamily: css.getPropertyValue('--font') };
  const shapes = {
    days: (series, names) => ({
      color: [token('--accent-line'), token('--accent')],
      grid: { left: 4, right: 8, top: 34, bottom: 4, containLabel: true },
      legend: { top: 0, right: 0, textStyle: text, itemWidth: 10, itemHeight: 10, icon: 'roundRect' },
      tooltip: { trigger: 'axis' },
      xAxis: { type: 'category', data: series.labels, axisTick: { show: false }, axisLine: { lineStyle: { color: token('--line-2') } }, axisLabel: text },
      yAxis: { type: 'value', minInterval: 1, splitLine: { lineStyle: { color: token('--line') } }, axisLabel: text },
      series: [
        { name: names[0], type: 'bar', data: series.pushed, barMaxWidth: 18, itemStyle: { borderRadius: [3, 3, 0, 0] } },
        { name: names[1], type: 'line', data: series.signed, smooth: true, symbolSize: 6, lineStyle: { width: 2 } },
      ],
    }),
    ring: (series) => ({
      color: ['#e0a02f', '#6ba8d8', '#2f8f9f', '#0b6475', '#b3261e'],
      legend: { orient: 'vertical', right: 0, top: 'middle', textStyle: text, itemWidth: 10, itemHeight: 10, icon: 'circle' },
      tooltip: { trigger: 'item', formatter: '{b}: {c} ({d}%)' },
      series: [{
        type: 'pie', radius: ['56%', '82%'], center: ['34%', '50%'], label: { show: false }, data: series,
        itemStyle: { borderColor: '#fff', borderWidth: 2 },
        ...(series.length === 3 ? { color: ['#27a468', '#e0a02f', '#b3261e'] } : {}),
      }],
    }),
  };
  document.querySelectorAll('[data-chart]').forEach((box) => {
    const chart = echarts.init(box, null, { renderer: 'svg' });
    const names = JSON.parse(box.dataset.names ?? '[]');
    chart.setOption({ animationDuration: 300, textStyle: text, ...shapes[box.dataset.chart](JSON.parse(box.dataset.series), names) });
    chart.on('click', (point) => { if (point.data && point.data.href) location.href = point.data.href; });
    addEventListener('resize', () => chart.resize());
  });
})();
