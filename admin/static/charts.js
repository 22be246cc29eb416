// The charts of the home pages. ECharts is vendored; colours are the theme's.
(() => {
  'use strict';
  const css = getComputedStyle(document.documentElement);
  const token = (name) => css.getPropertyValue(name).trim();
  const text = { color: token('--muted'), fontFamily: css.getPropertyValue('--font') };
  const results = ['#27a468', '#e0a02f', '#b3261e'];
  const states = ['#e0a02f', '#6ba8d8', '#2f8f9f', '#0b6475', '#27a468', '#7a6fb0', '#4c9f8a', '#8aa0ab', '#b3261e', '#c27b3d', '#a3adb3'];
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
    // Only what there is: a slice and a legend line for each state that occurs, in the colour that the state always has.
    ring: (series, names, none) => {
      const palette = series.length === 3 ? results : states;
      const data = series.map((one, n) => ({ ...one, itemStyle: { color: palette[n % palette.length] } })).filter((one) => one.value);
      return {
        ...(data.length ? {} : { title: { text: none, left: 'center', top: 'middle', textStyle: { ...text, fontSize: 13, fontWeight: 400 } } }),
        legend: { orient: 'vertical', right: 0, top: 'middle', textStyle: text, itemWidth: 10, itemHeight: 10, icon: 'circle' },
        tooltip: { trigger: 'item', formatter: '{b}: {c} ({d}%)' },
        series: [{
          type: 'pie', radius: ['56%', '82%'], center: ['34%', '50%'], label: { show: false }, data,
          itemStyle: { borderColor: '#fff', borderWidth: 2 },
        }],
      };
    },
  };
  document.querySelectorAll('[data-chart]').forEach((box) => {
    const chart = echarts.init(box, null, { renderer: 'svg' });
    const names = JSON.parse(box.dataset.names ?? '[]');
    chart.setOption({ animationDuration: 300, textStyle: text, ...shapes[box.dataset.chart](JSON.parse(box.dataset.series), names, box.dataset.none ?? '') });
    chart.on('click', (point) => { if (point.data && point.data.href) location.href = point.data.href; });
    addEventListener('resize', () => chart.resize());
  });
})();
