// Buttons marked data-copy put their text into the clipboard. Where the browser keeps the clipboard
// from a frame, the old way over a selected field is taken.

(() => {
  "use strict";

  /**
   * @param {string} text
   * @returns {boolean} whether the browser has copied it
   */
  const copyBySelection = (text) => {
    const field = document.createElement("textarea");
    field.value = text;
    field.style.position = "fixed";
    field.style.opacity = "0";
    document.body.append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    return copied;
  };

  /** @param {string} text */
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return copyBySelection(text);
    }
  };

  document.addEventListener("click", async (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-copy]") : null;
    if (!button) return;
    const words = /** @type {HTMLElement} */ (button.closest("[data-copied]")).dataset;
    const copied = await copy(button.getAttribute("data-copy"));
    /** @type {HTMLElement} */ (button).focus();
    window.ecomVance.toast(copied ? words.copied : words.notCopied, { critical: !copied });
  });
})();
