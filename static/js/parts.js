// Parts of the page whose sentences follow from the balance, the plan, the runs, the restoration
// cases or the requests for approval. When one of these changes the page is fetched again and the new parts take the old ones'
// places. What depends on what is told by the server (data-follows), from one table.

(() => {
  "use strict";

  const ecomVance = (window.ecomVance = window.ecomVance || {});
  const GATHER_MILLISECONDS = 250;
  const SOURCES = ["balance", "plan", "runs", "cases", "approvals"];
  const { bannerUrl } = document.body.dataset;

  /** @type {Set<string>} */ const stale = new Set();
  /** @type {WeakMap<Element, string>} */ const served = new WeakMap();
  let timer = 0;
  let fetching = false;

  /** @param {ParentNode} root @returns {HTMLElement[]} */
  const partsOf = (root) => [...root.querySelectorAll("[data-part]")];

  // As the server wrote them: what was changed since by live figures is no difference.
  for (const part of partsOf(document)) served.set(part, part.outerHTML);

  /** What is being read or filled in stays; its part comes when the dialog is closed, or the next time. */
  const isBusy = (part) =>
    part.querySelector("dialog[open]") !== null ||
    [...part.querySelectorAll("input[type=email], input[type=text], textarea")].some(
      (field) => field.value !== field.defaultValue,
    );

  // What the pointer holds down, until the click that follows has been seen.
  /** @type {Node | null} */ let pressed = null;
  const release = () => setTimeout(() => (pressed = null));
  document.addEventListener("pointerdown", (event) => (pressed = event.target), true);
  document.addEventListener("pointerup", release, true);
  document.addEventListener("pointercancel", release, true);
  window.addEventListener("blur", release);

  /**
   * Must not be taken away now: a click, or the answer to a form, would find nothing to land on.
   * @param {Element} element
   */
  const isInUse = (element) =>
    (pressed !== null && element.contains(pressed)) || element.querySelector("form[data-busy]") !== null;
  ecomVance.isInUse = isInUse;

  const staleParts = () =>
    partsOf(document).filter(
      (part) => !isBusy(part) && part.dataset.follows.split(" ").some((source) => stale.has(source)),
    );

  const CONTROLS = "a, button, input, select, textarea, summary";

  /** Keeps what a person has opened and chosen, and where the keyboard is. */
  const carryOver = (before, after) => {
    const opened = [...before.querySelectorAll("details")];
    [...after.querySelectorAll("details")].forEach((one, i) => (one.open = Boolean(opened[i]?.open)));
    const checked = [...before.querySelectorAll("input[type=checkbox][name][value]:checked")];
    const chosen = new Set(checked.map((one) => `${one.name} ${one.value}`));
    for (const one of after.querySelectorAll("input[type=checkbox][name][value]")) {
      if (chosen.has(`${one.name} ${one.value}`)) one.checked = true;
    }
    const place = [...before.querySelectorAll(CONTROLS)].indexOf(document.activeElement);
    return () => place >= 0 && after.querySelectorAll(CONTROLS)[place]?.focus({ preventScroll: true });
  };

  /**
   * A banner that arrives while somebody reads lies over the page, so that nothing moves; one that
   * goes leaves its room. The next page has it in its place.
   * @param {HTMLElement} part @param {number} height of what stood there before
   */
  const holdStill = (part, height) => {
    if (part.dataset.part !== "page-banner") return;
    part.style.setProperty("--held-height", `${height}px`);
    part.classList.add("banner-held");
    if (part.offsetHeight <= height + 1) return;
    part.classList.add("banner-arrived");
    const head = part.querySelector(".banner__head:not(:has([data-dismiss]))");
    const close = document.getElementById("banner-close-template");
    if (head && close) head.append(close.content.firstElementChild.cloneNode(true));
  };

  /** @param {HTMLElement} part @param {HTMLElement | null} fresh */
  const put = (part, fresh) => {
    const next = fresh ? document.importNode(fresh, true) : part.cloneNode(false);
    const text = next.outerHTML;
    if (served.get(part) === text) return;
    const height = part.offsetHeight;
    const focus = carryOver(part, next);
    part.replaceWith(next);
    served.set(next, text);
    holdStill(next, height);
    window.htmx?.process(next);
    focus();
  };

  const refresh = async () => {
    if (fetching || document.hidden || !stale.size) return;
    const parts = staleParts();
    if (parts.some(isInUse)) return schedule();
    stale.clear();
    if (!parts.length) return;
    const isShellOnly = parts.every((part) => part.dataset.partOf === "shell");
    fetching = true;
    try {
      const address = isShellOnly && bannerUrl ? bannerUrl : window.location.href.split("#")[0];
      const response = await fetch(address, { headers: { Accept: "text/html", "X-Page-Parts": "1" } });
      if (!response.ok) return;
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      for (const part of parts) {
        if (!part.isConnected || isBusy(part)) continue;
        if (isInUse(part)) {
          part.dataset.follows.split(" ").forEach((source) => stale.add(source));
          continue;
        }
        put(part, page.querySelector(`[data-part="${part.dataset.part}"]`));
      }
      document.dispatchEvent(new CustomEvent("parts:swapped"));
    } catch {
      // Offline: the stream's next message asks again.
    } finally {
      fetching = false;
      if (stale.size) schedule();
    }
  };

  const schedule = () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, GATHER_MILLISECONDS);
  };

  /** @param {string[]} [sources] what has changed; everything when it is not known */
  ecomVance.stale = (sources = SOURCES) => {
    const isWaiting = stale.size > 0;
    for (const source of sources) stale.add(source);
    if (!isWaiting) schedule();
  };

  document.body.addEventListener("balance:stale", () => ecomVance.stale(["balance"]));
  document.addEventListener("visibilitychange", () => stale.size && schedule());
  document.addEventListener("close", () => ecomVance.stale(), true);
  document.addEventListener("htmx:after:swap", () => {
    for (const part of partsOf(document)) if (!served.has(part)) served.set(part, part.outerHTML);
  });
})();
