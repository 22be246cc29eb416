// The copy buttons beside code.
(() => {
  'use strict';
  document.querySelectorAll('[data-copy-code]').forEach((button) => button.addEventListener('click', async () => {
    const text = button.closest('figure').querySelector('pre').textContent;
    try { await navigator.clipboard.writeText(text); } catch { // not offered without TLS: select it instead
      const range = document.createRange();
      range.selectNodeContents(button.closest('figure').querySelector('pre'));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      document.execCommand('copy');
    }
    button.classList.add('done');
    button.append(' ✓');
    setTimeout(() => { button.lastChild.remove(); button.classList.remove('done'); }, 1500);
  }));
})();
