// Reviewing by keys: arrows move from card to card, A accepts, R rejects and both go on to the next.
// The focus lies on a card's own checkbox, so Space chooses it.

(() => {
  "use strict";

  const ecomVance = window.ecomVance;
  const TOO_FAST_MILLISECONDS = 2_000;

  const cards = () => [...document.querySelectorAll("[data-review-card]")];

  /** @param {number} place */
  const focus = (place) => {
    const all = cards();
    if (!all.length) return;
    const card = all[Math.min(Math.max(place, 0), all.length - 1)];
    card.querySelector("input[name=run]").focus();
    card.scrollIntoView({ block: "nearest" });
  };

  /** How many cards stand in a row of the grid. @param {HTMLElement[]} all */
  const columns = (all) => all.filter((card) => card.offsetTop === all[0].offsetTop).length || 1;

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = /** @type {HTMLElement} */ (event.target);
    if (target.matches("input:not([type=checkbox]), textarea, select, dialog *")) return;
    const all = cards();
    if (!all.length) return;
    const here = all.findIndex((card) => card.contains(target));
    const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(all), ArrowUp: -columns(all) };
    if (event.key in moves) {
      event.preventDefault();
      focus(here < 0 ? 0 : here + moves[event.key]);
      return;
    }
    const what = { a: "[data-accept]", r: "[data-reject]" }[event.key.toLowerCase()];
    if (!what || here < 0) return;
    event.preventDefault();
    all[here].querySelector(what).click();
    // At once, not with the answer: the cards may be made anew before it, by what the stream tells.
    focus(here + 1);
  });

  /** Presses that wait to be sent, one after the other: who goes fast is not slowed and loses none. */
  /** @type {{address: string, mark: string}[]} */ const waiting = [];
  let isSending = false;

  /** @param {{address: string, mark: string}} press @returns {Promise<{status: number, text: string}>} */
  const send = async ({ address, mark }) => {
    const headers = { Accept: "text/html", "HX-Request": "true", ...ecomVance.csrfHeaders() };
    try {
      const body = new URLSearchParams({ one: mark });
      const response = await fetch(address, { method: "POST", headers, body });
      return { status: response.status, text: response.ok ? await response.text() : "" };
    } catch {
      return { status: 0, text: "" };
    }
  };

  const sendAll = async () => {
    isSending = true;
    while (waiting.length) {
      const since = ecomVance.partsCount();
      const { status, text } = await send(waiting[0]);
      if (status === 429) {
        await new Promise((done) => setTimeout(done, TOO_FAST_MILLISECONDS));
        continue;
      }
      waiting.shift();
      if (!text) {
        waiting.length = 0;
        const isOffline = status === 0 && !navigator.onLine;
        ecomVance.showError(isOffline ? "offline" : { 401: "signedOut", 403: "forbidden", 404: "missing" }[status] || "server");
        ecomVance.stale(["runs"]);
      } else if (!waiting.length) {
        // By the way of the parts, which leaves ticks and keyboard where they are and older answers aside.
        ecomVance.putParts(text, since);
      }
    }
    isSending = false;
  };

  document.addEventListener("click", (event) => {
    const button = /** @type {HTMLButtonElement | null} */ (event.target.closest("[data-accept], [data-reject]"));
    if (!button) return;
    event.preventDefault();
    waiting.push({ address: button.form.getAttribute("action"), mark: button.value });
    if (!isSending) sendAll();
  });

  /** Where the keyboard was when fresh cards took the old ones' place. */
  let place = -1;

  document.addEventListener("htmx:before:swap", () => {
    place = cards().findIndex((card) => card.contains(document.activeElement));
  });

  document.addEventListener("htmx:after:swap", () => {
    if (place >= 0 && document.activeElement === document.body) focus(place);
    place = -1;
  });
})();
