// Forms marked data-unsaved-guard: the save bar shows once something was changed, and leaving
// the page asks first until it is saved or discarded.
"use strict";

(() => {
  const guarded = "[data-unsaved-guard]";
  const known = new WeakSet();
  const changed = new WeakSet();

  const show = (form, isChanged) => {
    if (isChanged) changed.add(form);
    else changed.delete(form);
    for (const bar of form.querySelectorAll("[data-save-buttons]")) bar.hidden = !isChanged;
  };

  const start = () => {
    for (const form of document.querySelectorAll(guarded)) {
      // A form that came back refused still holds what was typed.
      if (!known.has(form)) show(form, form.querySelector(".field__error") !== null);
      known.add(form);
    }
  };

  document.addEventListener("input", (event) => {
    const form = event.target.closest(guarded);
    if (form) show(form, true);
  });
  document.addEventListener("reset", (event) => {
    if (event.target.matches(guarded)) show(event.target, false);
  });
  window.addEventListener("beforeunload", (event) => {
    const open = [...document.querySelectorAll(guarded)].some((form) => changed.has(form));
    if (open) event.preventDefault();
  });
  document.addEventListener("submit", (event) => {
    if (event.target.matches(guarded)) changed.delete(event.target);
  });
  document.addEventListener("htmx:after:swap", start);
  start();
})();
