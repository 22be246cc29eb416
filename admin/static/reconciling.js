// Pick every difference of the page at once.
document.querySelectorAll("[data-all]").forEach((all) => {
  // Not `form.id`: its boxes are named "id", and a form answers with them.
  const deal = all.form.getAttribute("id");
  all.addEventListener("change", () => {
    document.querySelectorAll('input[name="id"][form="' + deal + '"]').forEach((one) => { one.checked = all.checked; });
  });
});
