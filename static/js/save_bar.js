// Forms marked data-unsaved-guard: the save bar shows once something was changed and stays until it
// is saved or discarded, also when a save is refused. Inside Shopify's admin it is the admin's own
// bar, which also asks before the page is left; on the web dashboard the form has its own buttons,
// and a link asks in a dialog with the same words.

(() => {
  "use strict";

  const ecomVance = (window.ecomVance = window.ecomVance || {});
  const GUARDED = "form[data-unsaved-guard]";
  const isEmbedded = document.body.dataset.surface === "embedded";
  const bar = document.querySelector("ui-save-bar");

  /** @type {WeakSet<HTMLFormElement>} */ const known = new WeakSet();
  /** @type {Set<string>} ids of forms that hold something unsaved */ const changed = new Set();
  /** @type {Map<string, HTMLFormElement>} each form as it was saved last */ const saved = new Map();

  const adminBar = () => (isEmbedded && bar ? window.shopify?.saveBar : undefined);
  const changedForm = () => [...document.querySelectorAll(GUARDED)].find((form) => changed.has(form.id));

  /** Whether leaving the page would lose something. */
  ecomVance.hasUnsaved = () => changedForm() !== undefined;

  const draw = () => {
    for (const form of document.querySelectorAll(GUARDED)) {
      const buttons = form.querySelector("[data-save-buttons]");
      if (buttons) buttons.hidden = Boolean(adminBar()) || !changed.has(form.id);
    }
    const action = changedForm() ? "show" : "hide";
    adminBar()?.[action](bar.id);
  };

  /** @param {HTMLFormElement} form @param {boolean} isChanged */
  const mark = (form, isChanged) => {
    if (changed.has(form.id) === isChanged) return;
    if (isChanged) changed.add(form.id);
    else changed.delete(form.id);
    draw();
  };

  const start = () => {
    for (const form of document.querySelectorAll(GUARDED)) {
      if (known.has(form)) continue;
      known.add(form);
      // A form that came back refused still holds what was typed, and what was saved last is kept.
      const isRefused = form.querySelector(".field__error") !== null;
      if (isRefused) changed.add(form.id);
      else {
        changed.delete(form.id);
        saved.set(form.id, form.cloneNode(true));
      }
    }
    draw();
  };

  /** @param {HTMLFormElement} form */
  const discard = (form) => {
    const clean = saved.get(form.id)?.cloneNode(true);
    if (!clean) return;
    form.replaceWith(clean);
    window.htmx?.process(clean);
    start();
  };

  /** @param {boolean} isBusy */
  const setBusy = (isBusy) => bar?.querySelector("[variant=primary]")?.toggleAttribute("loading", isBusy);

  bar?.querySelector("[variant=primary]")?.addEventListener("click", () => changedForm()?.requestSubmit());
  bar?.querySelector("button:not([variant])")?.addEventListener("click", () => {
    const form = changedForm();
    if (form) discard(form);
  });

  for (const name of ["input", "change"]) {
    document.addEventListener(name, (event) => {
      const form = event.target.closest(GUARDED);
      if (form) mark(form, true);
    });
  }
  document.addEventListener("reset", (event) => {
    if (!event.target.matches(GUARDED)) return;
    event.preventDefault();
    discard(event.target);
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches(GUARDED)) return;
    setBusy(true);
    // Without htmx the next page is what comes of it.
    if (!window.htmx) changed.delete(event.target.id);
  });
  document.addEventListener("htmx:finally:request", () => setBusy(false));
  document.addEventListener("htmx:after:swap", start);

  const dialog = document.getElementById("unsaved-leave");
  let isLeaving = false;
  /** @type {string} where the link led that asked */ let wanted = "";

  /** @param {MouseEvent} event @returns {string} where a plain click on a link leaves this page for */
  const leavesFor = (event) => {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return "";
    const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
    if (!link || link.hasAttribute("download") || (link.target && link.target !== "_self")) return "";
    const isHere = link.pathname === location.pathname && link.search === location.search && link.hash;
    return isHere ? "" : link.href;
  };

  document.addEventListener("click", (event) => {
    const address = dialog && ecomVance.hasUnsaved() && leavesFor(event);
    if (!address) return;
    event.preventDefault();
    wanted = address;
    dialog.showModal();
  });
  dialog?.querySelector("[data-leave-page]")?.addEventListener("click", () => {
    isLeaving = true;
    location.assign(wanted);
  });
  // A page from the browser's cache asks again.
  window.addEventListener("pageshow", () => {
    isLeaving = false;
  });

  const TYPED = "textarea, input:is([type=text], [type=email], [type=number], [type=search], [type=url])";
  const valuesOf = (form) => [...(form?.querySelectorAll(TYPED) ?? [])].map((field) => field.value).join("\n");

  /** Whether words or figures were typed that are saved nowhere; a choice is made again at once. */
  const wouldLoseText = () => {
    const form = changedForm();
    return form !== undefined && valuesOf(form) !== valuesOf(saved.get(form.id));
  };

  // Closing the tab or loading it anew: there only the browser can ask. The admin asks by itself.
  window.addEventListener("beforeunload", (event) => {
    if (!isEmbedded && !isLeaving && wouldLoseText()) event.preventDefault();
  });
  start();
})();
