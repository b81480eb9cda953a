// Reviewing by keys: arrows move from card to card, A accepts, R rejects and both go on to the next.
// The focus lies on a card's own checkbox, so Space chooses it.

(() => {
  "use strict";

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
