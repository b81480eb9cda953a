// The gallery: choosing all of a page, and the zip that starts by itself.

(() => {
  "use strict";

  document.addEventListener("change", (event) => {
    const all = /** @type {HTMLInputElement} */ (event.target);
    if (!all.matches("[data-choose-all]")) return;
    for (const one of all.closest("form").querySelectorAll("input[name=run]")) one.checked = all.checked;
  });

  document.addEventListener("htmx:after:swap", () => {
    const link = document.querySelector("[data-download-now]");
    if (!link) return;
    link.removeAttribute("data-download-now");
    link.click();
  });
})();
