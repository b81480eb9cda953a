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

  /** @returns {Balance} what the page shows now */
  ecomVance.currentBalance = () => {
    if (latest) return latest;
    const plan = Number(dataset.balancePlan || 0);
    const bought = Number(dataset.balancePackage || 0);
    const { balanceVersion, balanceResets, balanceLow } = dataset;
    return {
      plan,
      package: bought,
      total: plan + bought,
      version: Number(balanceVersion || 0),
      resets_at: balanceResets || null,
      low: balanceLow === "true",
    };
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
  };

  const instant = (text) => Date.parse(text || "") || 0;

  /** @param {Balance} balance @returns {boolean} whether it says what the page says already */
  const isShown = (balance) => {
    const shown = ecomVance.currentBalance();
    return (
      balance.version === version &&
      balance.plan === shown.plan &&
      balance.package === shown.package &&
      Boolean(balance.low) === shown.low &&
      instant(balance.resets_at) === instant(shown.resets_at)
    );
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
    const unchanged = isShown(balance);
    version = balance.version;
    latest = balance;
    dataset.balanceVersion = String(version);
    show(document);
    for (const button of document.querySelectorAll("[data-balance-button]")) {
      button.classList.toggle("balance--low", Boolean(balance.low));
    }
    if (unchanged) return;
    ecomVance.stale(["balance"]);
    if (balance.total !== before) announce();
    document.body.dispatchEvent(new CustomEvent("balance:changed", { detail: balance }));
  };

  document.body.addEventListener("balance:fresh", (event) => ecomVance.applyBalance(event.detail));

  // A fragment rendered before the last message may carry older figures.
  const showAgain = () => latest && show(document);
  document.addEventListener("htmx:after:swap", showAgain);
  document.addEventListener("parts:swapped", showAgain);
})();
