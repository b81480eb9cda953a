// What was chosen on a tool's page is there again after the browser's Back button, files included.
// It is kept in this browser only, until the page is opened afresh.

(() => {
  "use strict";

  const ecomVance = window.ecomVance;
  const STORE = "drafts";
  const form = /** @type {HTMLFormElement | null} */ (document.querySelector("form[data-price-form]"));
  if (!form) return;
  const name = location.pathname;

  /** @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest} act @returns {Promise<any>} */
  const withStore = (mode, act) =>
    new Promise((resolve, reject) => {
      const opening = indexedDB.open("ecomvance", 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
      opening.onerror = () => reject(opening.error);
      opening.onsuccess = () => {
        const request = act(opening.result.transaction(STORE, mode).objectStore(STORE));
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      };
    });

  /** @returns {HTMLInputElement[]} the fields that hold a choice of the merchant's */
  const fields = () =>
    [...form.elements].filter(
      (field) => field.name && !["hidden", "file", "submit", "search"].includes(field.type) && !field.matches("[data-photo-choice]"),
    );

  const isTicked = (/** @type {HTMLInputElement} */ field) => ["checkbox", "radio"].includes(field.type);

  const save = () => {
    const values = fields().map((field) => [field.name, isTicked(field) ? `${field.value} ${field.checked}` : field.value]);
    const draft = { values, ...(ecomVance.sources?.get() || { items: [] }) };
    withStore("readwrite", (store) => store.put(draft, name)).catch(() => {});
  };

  const forget = () => withStore("readwrite", (store) => store.delete(name)).catch(() => {});

  const restore = async () => {
    const draft = await withStore("readonly", (store) => store.get(name));
    if (!draft) return;
    fields().forEach((field, index) => {
      const [known, value] = draft.values[index] || [];
      if (known !== field.name) return;
      if (isTicked(field)) field.checked = value === `${field.value} true`;
      else field.value = value;
    });
    for (const details of form.querySelectorAll("details")) {
      if ([...details.querySelectorAll("input, textarea")].some((field) => field.value)) details.open = true;
    }
    ecomVance.sources?.set(draft);
    form.dispatchEvent(new Event("change", { bubbles: true }));
  };

  const [opened] = performance.getEntriesByType("navigation");
  const isBack = /** @type {PerformanceNavigationTiming} */ (opened)?.type === "back_forward";
  // What is chosen before the browser's store has answered is kept once it has.
  const ready = isBack ? restore().catch(() => {}) : forget();
  for (const name of ["change", "sources:changed"]) form.addEventListener(name, () => ready.then(save));
})();
