// Reviewing by keys: arrows move from card to card, A accepts, R rejects and both go on to the next.
// The focus lies on a card's own checkbox, so Space chooses it.

(() => {
  "use strict";

  /** The card that was decided by a key, and where the keyboard goes once fresh cards are there.
   * @type {HTMLElement | null} */
  let decided = null;
  let next = 0;

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
    decided = all[here];
    next = here + 1;
    all[here].querySelector(what).click();
  });

  document.addEventListener("htmx:after:swap", () => {
    // Other parts of the page are swapped too; the cards are fresh when the decided one is gone.
    if (!decided || decided.isConnected) return;
    decided = null;
    focus(next);
  });
})();
