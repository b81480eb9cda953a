// Partial updates (htmx 4): the CSRF header on the web dashboard, one request per form at a time,
// and a sentence for the merchant when a request fails. Inside the Shopify admin App Bridge wraps
// window.fetch, which htmx uses, and adds the session token by itself.

(() => {
  "use strict";

  const ecomVance = (window.ecomVance = window.ecomVance || {});
  const SWAPPED_ERRORS = new Set([402, 409, 422]); // These answers are fragments that say what is wrong.
  const AGAIN_MILLISECONDS = 100;
  const MESSAGES = {
    400: "unreadable",
    401: "signedOut",
    403: "forbidden",
    404: "missing",
    413: "tooLarge",
    429: "tooMany",
  };

  /** @returns {Record<string, string>} headers that an unsafe request needs on the web dashboard */
  ecomVance.csrfHeaders = () => {
    const token = document.querySelector("meta[name=csrf-token]")?.getAttribute("content");
    return token ? { "X-CSRFToken": token } : {};
  };

  /**
   * Shows one persistent banner above the page's content.
   * @param {string} name which of the sentences in #request-errors
   */
  ecomVance.showError = (name) => {
    const region = document.getElementById("request-errors");
    const template = /** @type {HTMLTemplateElement} */ (document.getElementById("request-error-template"));
    if (!region || region.dataset.shown === name) return;
    const banner = template.content.firstElementChild.cloneNode(true);
    banner.querySelector(".banner__body p").textContent = region.dataset[name] || region.dataset.server;
    banner.querySelector("[data-dismiss]").addEventListener("click", () => delete region.dataset.shown);
    region.replaceChildren(banner);
    region.dataset.shown = name;
    region.scrollIntoView({ block: "nearest" });
  };

  ecomVance.clearError = (name = "") => {
    const region = document.getElementById("request-errors");
    if (!region || (name && region.dataset.shown !== name)) return;
    region.replaceChildren();
    delete region.dataset.shown;
  };

  /**
   * Whether a person asked for this, rather than a timer or a live event.
   * @param {{sourceEvent?: Event}} ctx
   */
  const askedFor = (ctx) => /^(click|submit|change|input|keyup)$/.test(ctx?.sourceEvent?.type || "");

  /** @param {Element} element */
  const formOf = (element) => (element instanceof HTMLFormElement ? element : element.closest("form"));

  document.addEventListener("htmx:config:request", (event) => {
    const { ctx } = /** @type {CustomEvent} */ (event).detail;
    if (ctx.request.method === "GET") return;
    Object.assign(ctx.request.headers, ecomVance.csrfHeaders());
    const form = formOf(ctx.sourceElement);
    // Before htmx's own queue, which would send the second click after the first has ended.
    if (form && !ecomVance.beginSubmit(form, ctx.request.submitter)) event.preventDefault();
  });

  document.addEventListener("htmx:finally:request", (event) => {
    const { ctx } = /** @type {CustomEvent} */ (event).detail;
    const form = formOf(ctx.sourceElement);
    const leaving = ctx.keepIndicators; // A redirect is under way: stay busy until the next page is there.
    if (!form || leaving) return;
    ecomVance.endSubmit(form);
    const status = ctx.response?.status || 0;
    if ("closesDialog" in form.dataset && status >= 200 && status < 400) form.closest("dialog")?.close();
  });

  document.addEventListener("htmx:before:request", (event) => {
    if (askedFor(/** @type {CustomEvent} */ (event).detail.ctx)) ecomVance.clearError();
  });

  // What nobody asked for waits while a click or a form's answer is on its way to what it would take
  // away. Who asks every few seconds is answered again anyhow.
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx } = /** @type {CustomEvent} */ (event).detail;
    if (askedFor(ctx) || !(ctx.target instanceof Element) || !ecomVance.isInUse?.(ctx.target)) return;
    event.preventDefault();
    if (/\bevery\b/.test(ctx.sourceElement?.getAttribute("hx-trigger") || "")) return;
    const later = () => {
      if (ctx.target.isConnected && ecomVance.isInUse(ctx.target)) setTimeout(later, AGAIN_MILLISECONDS);
      else if (ctx.target.isConnected) window.htmx.swap(ctx);
    };
    setTimeout(later, AGAIN_MILLISECONDS);
  });

  document.addEventListener("htmx:response:error", (event) => {
    const { ctx } = /** @type {CustomEvent} */ (event).detail;
    const status = ctx.response.status;
    if (SWAPPED_ERRORS.has(status)) return;
    // App Bridge is taking the whole window to Shopify: nobody is signed out.
    if (ctx.response.headers.has("X-Shopify-API-Request-Failure-Reauthorize-Url")) return;
    if (status === 401 || askedFor(ctx)) ecomVance.showError(MESSAGES[status] || "server");
  });

  document.addEventListener("htmx:error", (event) => {
    const { ctx } = /** @type {CustomEvent} */ (event).detail;
    if (ctx && askedFor(ctx) && !ctx.response) ecomVance.showError(navigator.onLine ? "server" : "offline");
  });

  window.addEventListener("offline", () => ecomVance.showError("offline"));
  window.addEventListener("online", () => ecomVance.clearError("offline"));
})();
