// The price in the run button: follows the chosen options and the live balance while the merchant
// looks. The server prices the run again when it is asked for; this only shows.

(() => {
  "use strict";

  const ecomVance = window.ecomVance;
  let announcement = 0;

  /**
   * Unit price of the chosen options times the number of chosen items.
   * @param {HTMLFormElement} form
   * @returns {number}
   */
  const costOf = (form) => {
    const option = form.querySelector("[data-price]:checked, option[data-price]:checked");
    const unit = Number(option?.getAttribute("data-price") ?? form.dataset.price ?? 0);
    const counter = form.querySelector("[data-price-count]");
    const items = form.querySelectorAll("[data-price-item]");
    if (counter) return unit * Math.max(1, Number(counter.value) || 1);
    if (items.length) return unit * form.querySelectorAll("[data-price-item]:checked").length;
    return unit;
  };

  /**
   * @param {Element} bar
   * @param {Record<string, number>} amounts
   */
  const write = (bar, amounts) => {
    for (const element of bar.querySelectorAll("[data-price-out]")) {
      element.textContent = ecomVance.formatNumber(amounts[element.getAttribute("data-price-out")]);
    }
    for (const word of bar.querySelectorAll("[data-price-word]")) ecomVance.setWord(word, amounts.cost);
    bar.querySelector("[data-price-from=plan]").hidden = !amounts.plan;
    bar.querySelector("[data-price-from=package]").hidden = !amounts.package;
    bar.querySelector("[data-price-from=both]").hidden = !(amounts.plan && amounts.package);
  };

  /** @param {Element} bar @param {Record<string, number>} amounts */
  const announce = (bar, amounts) => {
    clearTimeout(announcement);
    announcement = setTimeout(() => {
      const status = bar.querySelector("[data-price-status]");
      const text = amounts.short ? status.dataset.short : status.dataset.text;
      status.textContent = text.replace(/\{(\w+)\}/g, (_, name) => ecomVance.formatNumber(amounts[name]));
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
    form.dataset.affordable = String(!short);
    bar.querySelector("[data-run-button]").hidden = Boolean(short);
    bar.querySelector("[data-buy-button]").hidden = !short;
    bar.querySelector("[data-after]").hidden = Boolean(short);
    bar.setAttribute("data-ready", "");
    if (aloud) announce(bar, amounts);
  };

  /** @param {boolean} aloud */
  const updateAll = (aloud) => document.querySelectorAll("form[data-price-form]").forEach((form) => update(form, aloud));

  document.addEventListener("change", (event) => {
    const form = /** @type {Element} */ (event.target).closest("form[data-price-form]");
    if (form) update(form, true);
  });
  document.addEventListener("input", (event) => {
    const target = /** @type {Element} */ (event.target);
    if (target.matches("[data-price-count]")) update(target.closest("form[data-price-form]"), true);
  });
  document.addEventListener("htmx:after:swap", () => updateAll(false));
  document.body.addEventListener("balance:changed", () => updateAll(false));
  updateAll(false);
})();
