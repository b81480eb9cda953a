// Parts of the page whose sentences follow from the balance, the plan, the runs, the restoration
// cases or the requests for approval. When one of these changes the page is fetched again and the new parts take the old ones'
// places. What depends on what is told by the server (data-follows), from one table.

(() => {
  "use strict";

  const ecomVance = (window.ecomVance = window.ecomVance || {});
  const GATHER_MILLISECONDS = 250;
  const PRESS_MILLISECONDS = 10_000; // A pointer that is let go outside the window is never told of.
  const LONGEST_WAIT = 60_000;
  const SOURCES = ["balance", "plan", "runs", "cases", "approvals"];
  const { bannerUrl } = document.body.dataset;

  // One running count of what was told: when each source changed last, and up to which change a part is true.
  let count = 0;
  /** @type {Map<string, number>} */ const changed = new Map();
  /** @type {WeakMap<Element, number>} */ const asOf = new WeakMap();
  /** @type {WeakMap<object, number>} of htmx's requests, when they began */ const begun = new WeakMap();
  /** @type {WeakMap<Element, string>} */ const served = new WeakMap();
  let timer = 0;
  let fetching = false;
  let failures = 0;
  let pressedAt = -Infinity;
  /** @type {Node | null} */ let pressed = null;

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

  /** @param {HTMLElement} part */
  const isStale = (part) =>
    part.dataset.follows.split(" ").some((source) => (changed.get(source) || 0) > (asOf.get(part) || 0));

  const staleParts = () => partsOf(document).filter((part) => isStale(part) && !isBusy(part));

  /**
   * Must not be taken away now: a button that is replaced while the pointer is down on it is never
   * clicked, and the answer to a form finds nothing to land on.
   * @param {Element} element
   */
  const isInUse = (element) =>
    (element.contains(pressed) && performance.now() - pressedAt < PRESS_MILLISECONDS) ||
    element.querySelector("form[data-busy]") !== null;
  ecomVance.isInUse = isInUse;

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
    const active = /** @type {HTMLInputElement} */ (document.activeElement);
    const place = [...before.querySelectorAll(CONTROLS)].indexOf(active);
    const isSame = (one) => one.name && one.name === active.name && one.value === active.value;
    return () => {
      const fresh = [...after.querySelectorAll(CONTROLS)];
      if (place >= 0) (fresh.find(isSame) || fresh[place])?.focus({ preventScroll: true });
    };
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

  /**
   * @param {HTMLElement} part @param {HTMLElement | null} fresh
   * @param {number} since up to which change it is true
   */
  const put = (part, fresh, since) => {
    if (since < (asOf.get(part) || 0)) return;
    asOf.set(part, since);
    const next = fresh ? document.importNode(fresh, true) : part.cloneNode(false);
    const text = next.outerHTML;
    if (served.get(part) === text) return;
    const height = part.offsetHeight;
    const focus = carryOver(part, next);
    part.replaceWith(next);
    for (const one of [next, ...partsOf(next)]) {
      served.set(one, one.outerHTML);
      asOf.set(one, since);
    }
    holdStill(next, height);
    window.htmx?.process(next);
    focus();
  };

  /** @param {string} text of a page @param {HTMLElement[]} parts @param {number} since */
  const putAll = (text, parts, since) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    if (!page.querySelector("[data-part]")) return; // Another page: nobody is signed in any more.
    for (const part of parts) {
      // What came or is being used meanwhile stays as it is, and stale as long as it is.
      if (!part.isConnected || isBusy(part) || isInUse(part)) continue;
      put(part, page.querySelector(`[data-part="${part.dataset.part}"]`), since);
    }
    document.dispatchEvent(new CustomEvent("parts:swapped"));
  };

  /** @param {HTMLElement[]} parts @returns {Promise<boolean>} whether it need not be asked again */
  const fetchAll = async (parts) => {
    const since = count;
    const isShellOnly = parts.every((part) => part.dataset.partOf === "shell");
    const address = isShellOnly && bannerUrl ? bannerUrl : window.location.href.split("#")[0];
    try {
      const response = await fetch(address, { headers: { Accept: "text/html", "X-Page-Parts": "1" } });
      if (response.ok) putAll(await response.text(), parts, since);
      else if (response.status >= 500 || response.status === 429) return false;
      else for (const part of parts) asOf.set(part, since);
      return true;
    } catch {
      return false; // Offline.
    }
  };

  /** @returns {Promise<void>} */
  const refresh = async () => {
    timer = 0;
    if (fetching || document.hidden) return;
    const parts = staleParts();
    if (!parts.length) return;
    if (parts.some(isInUse)) return schedule();
    fetching = true;
    failures = (await fetchAll(parts)) ? 0 : failures + 1;
    fetching = false;
    if (failures) schedule(Math.min(LONGEST_WAIT, 2_000 * 2 ** failures) * (0.75 + Math.random() / 2));
    else if (staleParts().length) schedule();
  };

  const schedule = (wait = GATHER_MILLISECONDS) => {
    timer ||= setTimeout(refresh, wait);
  };

  /** @param {string[]} [sources] what has changed; everything when it is not known */
  ecomVance.stale = (sources = SOURCES) => {
    count += 1;
    for (const source of sources) changed.set(source, count);
    schedule();
  };

  /** Up to which change an answer is true that is asked for now. */
  ecomVance.partsCount = () => count;

  /** @param {string} text an answer with parts of this page @param {number} since `partsCount` before it was asked for */
  ecomVance.putParts = (text, since) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    const names = new Set(partsOf(page).map((part) => part.dataset.part));
    putAll(text, partsOf(document).filter((part) => names.has(part.dataset.part)), since);
    if (staleParts().length) schedule();
  };

  document.body.addEventListener("balance:stale", () => ecomVance.stale(["balance"]));
  document.addEventListener("visibilitychange", () => schedule());
  document.addEventListener("close", () => ecomVance.stale(), true);

  const release = () =>
    setTimeout(() => {
      pressed = null;
      if (staleParts().length) schedule();
    });
  document.addEventListener(
    "pointerdown",
    (event) => {
      pressed = /** @type {Node} */ (event.target);
      pressedAt = performance.now();
    },
    true,
  );
  document.addEventListener("pointerup", release, true);
  document.addEventListener("pointercancel", release, true);

  document.addEventListener("htmx:before:request", (event) => {
    begun.set(/** @type {CustomEvent} */ (event).detail.ctx, count);
  });
  document.addEventListener("htmx:after:swap", (event) => {
    // What was told while the answer was on its way may not be in it.
    const since = begun.get(/** @type {CustomEvent} */ (event).detail.ctx) ?? count;
    for (const part of partsOf(document)) {
      if (served.has(part)) continue;
      served.set(part, part.outerHTML);
      asOf.set(part, since);
    }
    if (staleParts().length) schedule();
  });
  document.addEventListener("htmx:finally:request", (event) => {
    // htmx throws an answer away whose place was taken by a fresh part meanwhile.
    const { ctx } = /** @type {CustomEvent} */ (event).detail;
    const isLost = ctx.status !== "swapped" && ctx.target?.isConnected === false;
    if (isLost && ctx.request.method !== "GET") ecomVance.stale();
  });
})();
