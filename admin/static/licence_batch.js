// Sheets of licences in and out: what must be filled in depends on what is chosen.
(() => {
  'use strict';
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
