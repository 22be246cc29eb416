// Sheets of licences in and out: what must be filled in depends on what is chosen.
(() => {
  'use strict';
  // How far a batch is, once a second, less often where the answer takes long: counting half a million rows is work, too.
  // The forms beside it are left alone until other buttons are due.
  const poll = async () => {
    const now = document.getElementById('batch-now');
    if (!now?.dataset.poll) return;
    const asked = performance.now();
    try {
      const answer = await fetch(now.dataset.poll, { headers: { 'X-Requested-With': 'fetch' } });
      if (answer.ok && !answer.redirected) {
        const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById('batch-now');
        if (fresh?.dataset.state !== now.dataset.state) {
          location.reload();
          return;
        }
        now.replaceWith(fresh);
      }
    } catch { /* the network is away: the next second tries again */ }
    setTimeout(poll, Math.max(1000, 4 * (performance.now() - asked)));
  };
  setTimeout(poll, 1000);
  const complete = document.querySelector('[data-complete]');
  complete?.addEventListener('change', () => {
    document.querySelector('[data-use]').required = complete.checked;
  });
  const form = document.querySelector('[data-batch-form]');
  if (!form) return;
  const type = form.querySelector('[data-batch-type]');
  const department = form.querySelector('[name=department]');
  const show = () => {
    const issuing = form.querySelector('[name=operation]:checked').value === 'issue';
    type.required = issuing;
    if (department) department.required = issuing;
    type.options[0].textContent = issuing ? form.dataset.choose : form.dataset.any;
  };
  form.querySelectorAll('[name=operation]').forEach((radio) => radio.addEventListener('change', show));
  show();
})();
