// A material beside the list: its watermarked pages as the server draws them, for the purpose that is stated on the page.
window.shenguanPreview = async (material, purpose, body) => {
  'use strict';
  const { element } = window.shenguanBench;
  body.replaceChildren(element('p', 'say', '…'));
  const address = `/files/${material}/preview?use=${encodeURIComponent(purpose)}`;
  const answer = await fetch(address, { headers: { 'X-Requested-With': 'fetch', Accept: 'application/json' } }).catch(() => null);
  body.replaceChildren(element('p', 'say', answer ? String(answer.status) : ''));
};
