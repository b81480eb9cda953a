// Toasts, dialogs, dismissible banners and the guard against a second submit.
// Everything listens on the document, so fragments that arrive later need no set-up.

/** @typedef {{idToken?: () => Promise<string>, toast?: {show: (text: string, options?: object) => void}}} AppBridge */

(() => {
  "use strict";

  const TOAST_MILLISECONDS = 5000;
  const ecomVance = (window.ecomVance = window.ecomVance || {});

  /** @returns {AppBridge | undefined} Shopify's own object, only inside the admin */
  const appBridge = () => (document.body.dataset.surface === "embedded" ? window.shopify : undefined);

  /**
   * Shows two or three words for a few seconds: through the admin when the page is inside it.
   * @param {string} text
   * @param {{critical?: boolean}} [options]
   */
  ecomVance.toast = (text, { critical = false } = {}) => {
    const bridge = appBridge();
    if (bridge?.toast) {
      bridge.toast.show(text, { isError: critical, duration: TOAST_MILLISECONDS });
      return;
    }
    const template = /** @type {HTMLTemplateElement} */ (document.getElementById("toast-template"));
    const toast = template.content.firstElementChild.cloneNode(true);
    toast.classList.toggle("toast--critical", critical);
    toast.firstElementChild.textContent = text;
    document.getElementById("toasts").append(toast);
    setTimeout(() => toast.remove(), TOAST_MILLISECONDS);
  };

  /**
   * Marks a form as being sent, so that a second submit does nothing.
   * @param {HTMLFormElement} form
   * @param {Element | null | undefined} submitter
   * @returns {boolean} false when the form is already being sent
   */
  ecomVance.beginSubmit = (form, submitter) => {
    if ("busy" in form.dataset) return false;
    form.dataset.busy = "";
    (submitter || form.querySelector("button[type=submit], button:not([type])"))?.setAttribute("aria-busy", "true");
    return true;
  };

  /** @param {HTMLFormElement} form */
  ecomVance.endSubmit = (form) => {
    delete form.dataset.busy;
    for (const button of form.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  };

  document.addEventListener("submit", (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    const partial = form.matches("[hx-get], [hx-post], [hx-put], [hx-patch], [hx-delete]");
    const submitterIsPartial = event.submitter?.matches("[hx-get], [hx-post], [hx-put], [hx-patch], [hx-delete]");
    if (partial || submitterIsPartial || event.defaultPrevented || form.method === "dialog") return;
    if (!ecomVance.beginSubmit(form, event.submitter)) event.preventDefault();
  });

  // A page that comes back from the browser's cache still has its forms marked.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) document.querySelectorAll("form[data-busy]").forEach(ecomVance.endSubmit);
  });

  document.addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    const opener = target.closest("[data-dialog-open]");
    if (opener) {
      const dialog = document.getElementById(opener.getAttribute("data-dialog-open"));
      if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal();
    }
    target.closest("[data-dialog-close]")?.closest("dialog")?.close();
    target.closest("[data-dismiss]")?.closest(".banner")?.remove();
    // The dialog's own box has no padding, so a click that lands on the element itself is on its backdrop.
    if (target instanceof HTMLDialogElement && target.open) target.close();
  });

  // What a person has just asked for must not appear out of sight, below the form on a phone.
  document.addEventListener("htmx:after:swap", (event) => {
    const ctx = /** @type {CustomEvent} */ (event).detail?.ctx;
    const { target } = ctx || {};
    if (target instanceof Element && target.matches("[data-reveal]")) target.scrollIntoView({ block: "nearest" });
    // A refusal is read at once, wherever the button was.
    const refusal = ctx?.response?.status >= 400 && document.querySelector("[data-focus]");
    if (refusal && refusal.textContent.trim()) {
      refusal.scrollIntoView({ block: "center" });
      refusal.focus({ preventScroll: true });
    }
  });

  // Messages that the server rendered as toasts leave like the others.
  const shown = document.querySelectorAll("#toasts [data-toast-shown]");
  if (appBridge()?.toast) {
    for (const toast of shown) {
      ecomVance.toast(toast.textContent.trim());
      toast.remove();
    }
  } else {
    setTimeout(() => shown.forEach((toast) => toast.remove()), TOAST_MILLISECONDS);
  }

  // `HX-Trigger: {"toast": {"message": "Image published"}}` on any partial answer.
  document.addEventListener("toast", (event) => {
    const { message, value, critical } = /** @type {CustomEvent} */ (event).detail || {};
    if (message || value) ecomVance.toast(String(message || value), { critical: Boolean(critical) });
  });
})();
