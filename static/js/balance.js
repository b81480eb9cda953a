// The balance on the page: one state, shown wherever an element carries data-balance.
// A message is taken when its version is equal to or newer than the one shown, so that a slow
// answer can never put an older balance back.

/**
 * @typedef {object} Balance as GET /api/v1/balance answers it
 * @property {number} plan
 * @property {number} package
 * @property {number} total
 * @property {string | null} resets_at ISO 8601
 * @property {number} version the account's last ledger sequence
 * @property {boolean} low
 */

(() => {
  "use strict";

  const ecomVance = (window.ecomVance = window.ecomVance || {});
  const { dataset } = document.body;
  const language = document.documentElement.lang || "en";
  const figures = new Intl.NumberFormat(language);
  const plurals = new Intl.PluralRules(language);

  const WEEK_MILLISECONDS = 7 * 24 * 60 * 60 * 1000;

  let version = Number(dataset.balanceVersion || 0);
  /** @type {Balance | null} */
  let latest = null;
  let announcement = 0;

  ecomVance.formatNumber = (value) => figures.format(value);

  /**
   * Puts the right form of a word beside a number; the forms stand in data-one, data-few, data-other …
   * @param {HTMLElement} element
   * @param {number} value
   */
  ecomVance.setWord = (element, value) => {
    element.textContent = element.dataset[plurals.select(value)] || element.dataset.other || "";
  };

  /** @returns {{plan: number, package: number, total: number}} what the page shows now */
  ecomVance.currentBalance = () => {
    if (latest) return latest;
    const plan = Number(dataset.balancePlan || 0);
    const bought = Number(dataset.balancePackage || 0);
    return { plan, package: bought, total: plan + bought };
  };

  /** @param {ParentNode} root */
  const show = (root) => {
    for (const element of root.querySelectorAll("[data-balance]")) {
      const bucket = element.getAttribute("data-balance");
      const text = figures.format(latest[bucket]);
      if (bucket in latest && element.textContent !== text) element.textContent = text;
    }
    for (const word of root.querySelectorAll("[data-balance-word]")) ecomVance.setWord(word, latest.total);
    for (const meter of root.querySelectorAll("progress[data-balance-meter]")) {
      meter.value = latest[meter.dataset.balanceMeter];
    }
    // The trial's last day ends less than a week after the one shown; a plan's period ends later.
    const ahead = Date.parse(latest.resets_at || "") - Date.parse(dataset.balanceResets || "");
    const trialRuns = ahead < WEEK_MILLISECONDS;
    for (const label of root.querySelectorAll("[data-balance-trial]")) label.hidden = !trialRuns;
  };

  /**
   * Asks for the banner and the popover's lines again once they would read differently: the total
   * has passed one of the warning's steps, or another period runs.
   */
  const renew = () => {
    const banner = document.getElementById("page-banner");
    if (!banner) return;
    const { total, steps, resets } = banner.dataset;
    const passed = (credits) => steps.split(" ").filter((step) => credits > Number(step)).length;
    const instant = (text) => Date.parse(text || "") || 0;
    if (instant(resets) !== instant(latest.resets_at) || passed(Number(total)) !== passed(latest.total)) {
      document.body.dispatchEvent(new CustomEvent("banner:stale"));
    }
  };

  /** Says the new total once, however many entries arrive within a second. */
  const announce = () => {
    clearTimeout(announcement);
    announcement = setTimeout(() => {
      const announcer = document.getElementById("announcer");
      const text = announcer.dataset.balanceText || "{total}";
      announcer.textContent = text.replace("{total}", figures.format(latest.total));
    }, 1000);
  };

  /**
   * Shows a balance unless a newer one is on the page already.
   * @param {Balance} balance
   */
  ecomVance.applyBalance = (balance) => {
    if (!(balance.version >= version)) return;
    const before = ecomVance.currentBalance().total;
    const unchanged = latest && balance.version === version && balance.total === before && balance.plan === latest.plan;
    version = balance.version;
    latest = balance;
    dataset.balanceVersion = String(version);
    show(document);
    for (const button of document.querySelectorAll("[data-balance-button]")) {
      button.classList.toggle("balance--low", Boolean(balance.low));
    }
    renew();
    if (unchanged) return;
    if (balance.total !== before) announce();
    document.body.dispatchEvent(new CustomEvent("balance:changed", { detail: balance }));
  };

  // A fragment rendered before the last message may carry older figures.
  document.addEventListener("htmx:after:swap", () => {
    if (latest) show(document);
  });
})();
