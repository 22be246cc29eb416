// Pick every difference of the page at once.
document.querySelectorAll("[data-all]").forEach((all) => {
  all.addEventListener("change", () => {
    document.querySelectorAll('input[name="id"][form="' + all.form.id + '"]').forEach((one) => { one.checked = all.checked; });
  });
});
