// The upload field: shows the chosen file, refuses one that is too large before it is sent, and
// keeps "a file" and "a product photo" from being chosen at once. The server checks everything again.

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
    if (zone) {
      show(zone);
      if (!target.files.length) return;
      for (const photo of target.form?.querySelectorAll("[data-photo-choice]") || []) photo.checked = false;
    } else if (target.matches("[data-photo-choice]") && target.checked) {
      for (const input of target.form?.querySelectorAll("[data-dropzone] input[type=file]") || []) {
        input.value = "";
        show(input.closest("[data-dropzone]"));
      }
    }
  });

  for (const [name, over] of [["dragenter", true], ["dragover", true], ["dragleave", false], ["drop", false]]) {
    document.addEventListener(name, (event) => {
      const zone = event.target instanceof Element && event.target.closest("[data-dropzone]");
      if (zone) zone.toggleAttribute("data-over", over);
    });
  }
})();
