// The upload field: shows the chosen file and refuses one that is too large before it is sent. Where
// pictures are listed (sources.js) the list shows them. The server checks everything again.

(() => {
  "use strict";

  const MEGABYTE = 1024 * 1024;

  /** @param {number} bytes */
  const size = (bytes) => {
    const unit = bytes < MEGABYTE ? "kilobyte" : "megabyte";
    const value = bytes < MEGABYTE ? Math.max(1, Math.round(bytes / 1024)) : bytes / MEGABYTE;
    const format = { style: "unit", unit, maximumFractionDigits: 1 };
    return new Intl.NumberFormat(document.documentElement.lang || "en", format).format(value);
  };

  /** @param {HTMLElement} zone */
  const show = (zone) => {
    const input = zone.querySelector("input[type=file]");
    const chosen = zone.querySelector("[data-dropzone-file]");
    const error = zone.parentElement.querySelector("[data-dropzone-error]");
    const files = [...input.files];
    const tooLarge = files.some((file) => file.size > Number(zone.dataset.maxBytes));
    chosen.textContent = files.map((file) => `${file.name} (${size(file.size)})`).join(", ");
    chosen.hidden = !files.length;
    zone.querySelector("[data-dropzone-prompt]").hidden = files.length > 0;
    error.hidden = !tooLarge;
    error.querySelector("span").textContent = tooLarge ? zone.dataset.tooLarge : "";
    input.setCustomValidity(tooLarge ? zone.dataset.tooLarge : "");
    input.toggleAttribute("aria-invalid", tooLarge);
    if (tooLarge) input.setAttribute("aria-invalid", "true");
  };

  document.addEventListener("change", (event) => {
    const target = /** @type {HTMLInputElement} */ (event.target);
    const zone = target.closest("[data-dropzone]");
    if (zone) show(zone);
    // Another reference picture takes the place of the one of last time.
    if (target.name !== "reference" || !target.files.length) return;
    const kept = target.form?.querySelector("[data-reference-again]");
    if (kept) kept.checked = false;
  });
  // Files that a script has put into the field.
  document.addEventListener("files:set", (event) => {
    const zone = /** @type {Element} */ (event.target).closest("[data-dropzone]");
    if (zone) show(zone);
  });

  for (const [name, over] of [["dragenter", true], ["dragover", true], ["dragleave", false], ["drop", false]]) {
    document.addEventListener(name, (event) => {
      const zone = event.target instanceof Element && event.target.closest("[data-dropzone]");
      if (zone) zone.toggleAttribute("data-over", over);
    });
  }
})();
