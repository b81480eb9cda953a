// The price in the run button: follows the chosen options and the live balance while the merchant
// looks. The server prices the run again when it is asked for; this only shows.

(() => {
  "use strict";

  const ecomVance = window.ecomVance;
  const plurals = new Intl.PluralRules(document.documentElement.lang || "en");
  let announcement = 0;

  /** @param {HTMLFormElement} form @returns {number} what the chosen option costs */
  const costOf = (form) => {
    const option = form.querySelector("[data-price]:checked");
    return Number(option?.getAttribute("data-price") ?? form.dataset.price ?? 0);
  };

  /** @param {Record<string, number>} amounts @returns {string} which of the sentences about the split */
  const splitOf = ({ plan, package: bought }) => (plan && bought ? "both" : plan ? "plan" : bought ? "package" : "free");

  /** @param {string} text @param {Record<string, number>} amounts */
  const filled = (text, amounts) => text.replace(/\{(\w+)\}/g, (_, name) => ecomVance.formatNumber(amounts[name]));

  /**
   * Whole sentences, each with the places of its figures, so that a language may order them its own way.
   * @param {Element} bar
   * @param {Record<string, number>} amounts
   */
  const write = (bar, amounts) => {
    const forms = {
      cost: plurals.select(amounts.cost),
      split: splitOf(amounts),
      left: amounts.short ? "short" : "enough",
    };
    for (const element of bar.querySelectorAll("[data-price-text]")) {
      const { dataset } = element;
      element.textContent = filled(dataset[forms[dataset.priceText]] ?? dataset.other, amounts);
    }
  };

  /** @param {Element} bar @param {Record<string, number>} amounts */
  const announce = (bar, amounts) => {
    clearTimeout(announcement);
    announcement = setTimeout(() => {
      const status = bar.querySelector("[data-price-status]");
      status.textContent = filled(status.dataset[amounts.short ? "short" : "enough"], amounts);
    }, 300);
  };

  /** @param {HTMLFormElement} form @param {boolean} aloud */
  const update = (form, aloud) => {
    const bar = form.querySelector("[data-run-bar]");
    if (!bar) return;
    const balance = ecomVance.currentBalance();
    const cost = costOf(form);
    const short = Math.max(0, cost - balance.total);
    const plan = Math.min(cost, balance.plan);
    const amounts = {
      cost,
      short,
      plan: short ? 0 : plan,
      package: short ? 0 : cost - plan,
      before: balance.total,
      after: Math.max(0, balance.total - cost),
    };
    write(bar, amounts);
    const time = bar.querySelector("[data-run-time]");
    const chosen = form.querySelector("[data-time]:checked");
    if (time && chosen) time.textContent = chosen.getAttribute("data-time");
    const promised = bar.querySelector("[data-promised]");
    if (promised) promised.value = short ? "" : String(amounts.package);
    const most = form.querySelector("[data-max-credits]");
    if (most) most.value = String(cost);
    form.dataset.affordable = String(!short);
    bar.querySelector("[data-run-button]").hidden = Boolean(short);
    bar.querySelector("[data-buy-button]").hidden = !short;
    bar.setAttribute("data-ready", "");
    if (aloud) announce(bar, amounts);
  };

  /** @param {boolean} aloud */
  const updateAll = (aloud) => document.querySelectorAll("form[data-price-form]").forEach((form) => update(form, aloud));

  document.addEventListener("change", (event) => {
    const form = /** @type {Element} */ (event.target).closest("form[data-price-form]");
    if (form) update(form, true);
  });
  document.addEventListener("htmx:after:swap", () => updateAll(false));
  document.body.addEventListener("balance:changed", () => {
    updateAll(false);
    // What was said of the old balance is not true any more, and the new one is said by itself.
    clearTimeout(announcement);
    for (const status of document.querySelectorAll("[data-price-status]")) status.textContent = "";
  });
  updateAll(false);
})();
