// Before and after: a slider with the arrow keys, and buttons that need no dragging (WCAG 2.5.7).

(() => {
  "use strict";

  /** @param {HTMLElement} compare @param {string} mode */
  const setMode = (compare, mode) => {
    compare.dataset.mode = mode;
    for (const button of compare.querySelectorAll("[data-compare-mode]")) {
      button.setAttribute("aria-pressed", String(button.dataset.compareMode === mode));
    }
  };

  document.addEventListener("click", (event) => {
    const button = /** @type {Element} */ (event.target).closest("[data-compare-mode]");
    if (button) setMode(button.closest("[data-compare]"), button.dataset.compareMode);
  });

  // The CSS object model is open to scripts under a strict style policy; style attributes are not.
  document.addEventListener("input", (event) => {
    const range = /** @type {HTMLInputElement} */ (event.target);
    if (!range.matches(".compare__range")) return;
    range.closest("[data-compare]").style.setProperty("--compare-position", `${range.value}%`);
  });

  /** @param {Event} event @returns {HTMLElement | null} the comparison, when it shows the result alone */
  const heldStage = (event) =>
    event.target instanceof Element ? event.target.closest("[data-compare][data-mode=after] [data-compare-stage]") : null;

  document.addEventListener("pointerdown", (event) => {
    heldStage(event)?.closest("[data-compare]").toggleAttribute("data-held", true);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    document.addEventListener(name, () => {
      for (const held of document.querySelectorAll("[data-compare][data-held]")) held.removeAttribute("data-held");
    });
  }
  // A long press would open the phone's picture menu instead of showing the original.
  document.addEventListener("contextmenu", (event) => {
    if (heldStage(event) && matchMedia("(pointer: coarse)").matches) event.preventDefault();
  });
})();
