// Before and after: a slider with the arrow keys, and buttons that need no dragging (WCAG 2.5.7).

(() => {
  "use strict";

  /** @param {HTMLElement} compare @param {string} mode */
  const setMode = (compare, mode) => {
    compare.dataset.mode = mode;
    for (const button of compare.querySelectorAll("[data-compare-mode]")) {
      button.setAttribute("aria-pressed", String(button.dataset.compareMode === mode));
    }
  };

  document.addEventListener("click", (event) => {
    const button = /** @type {Element} */ (event.target).closest("[data-compare-mode]");
    if (button) setMode(button.closest("[data-compare]"), button.dataset.compareMode);
  });

  // The CSS object model is open to scripts under a strict style policy; style attributes are not.
  document.addEventListener("input", (event) => {
    const range = /** @type {HTMLInputElement} */ (event.target);
    if (!range.matches(".compare__range")) return;
    range.closest("[data-compare]").style.setProperty("--compare-position", `${range.value}%`);
  });

  // --- The loupe: a piece of the full picture, three times as large as it is shown.

  const ZOOM = 3;
  const STEP = 0.02;

  /** @param {HTMLElement} compare @param {number} x of the window @param {number} y of the window
   *  @returns {HTMLImageElement} the picture that is seen there */
  const pictureAt = (compare, x, y) => {
    const [before, after] = compare.querySelectorAll(".compare__picture img");
    const box = before.getBoundingClientRect();
    switch (compare.dataset.mode) {
      case "before":
        return before;
      case "after":
        return after;
      case "both":
        return x < after.getBoundingClientRect().left && y <= box.bottom ? before : after;
      default: {
        const shown = Number(compare.querySelector(".compare__range").value) / 100;
        return (x - box.left) / box.width < shown ? before : after;
      }
    }
  };

  /** @param {HTMLImageElement} image @returns {DOMRect} where its pixels are, without the bars beside them */
  const pixelsOf = (image) => {
    const box = image.getBoundingClientRect();
    const ratio = image.naturalWidth / image.naturalHeight || 1;
    const width = Math.min(box.width, box.height * ratio);
    const height = width / ratio;
    return new DOMRect(box.left + (box.width - width) / 2, box.top + (box.height - height) / 2, width, height);
  };

  /** @param {HTMLElement} compare @param {number} x @param {number} y */
  const look = (compare, x, y) => {
    const lens = compare.querySelector("[data-compare-lens]");
    const seen = pictureAt(compare, x, y);
    const pixels = pixelsOf(seen);
    const stage = compare.querySelector("[data-compare-stage]").getBoundingClientRect();
    const half = { x: Math.min(Math.max(x, pixels.left), pixels.right), y: Math.min(Math.max(y, pixels.top), pixels.bottom) };
    const copy = lens.querySelector("img") ?? lens.appendChild(Object.assign(document.createElement("img"), { alt: "" }));
    const full = seen.dataset.full || seen.src;
    if (copy.getAttribute("src") !== full) copy.src = full;
    lens.hidden = false;
    const radius = lens.offsetWidth / 2;
    lens.style.transform = `translate(${half.x - stage.left - radius}px, ${half.y - stage.top - radius}px)`;
    copy.style.width = `${pixels.width * ZOOM}px`;
    copy.style.height = `${pixels.height * ZOOM}px`;
    copy.style.left = `${radius - (half.x - pixels.left) * ZOOM}px`;
    copy.style.top = `${radius - (half.y - pixels.top) * ZOOM}px`;
    compare.dataset.loupeX = String((half.x - pixels.left) / pixels.width);
    compare.dataset.loupeY = String((half.y - pixels.top) / pixels.height);
  };

  /** Looks at the same place again, moved by parts of the picture's size.
   *  @param {HTMLElement} compare @param {number} dx @param {number} dy */
  const lookAgain = (compare, dx = 0, dy = 0) => {
    const shown = compare.querySelector(compare.dataset.mode === "before" ? ".compare__picture--before img" : ".compare__picture--after img");
    const pixels = pixelsOf(shown);
    const at = [Number(compare.dataset.loupeX ?? 0.5) + dx, Number(compare.dataset.loupeY ?? 0.5) + dy];
    look(compare, pixels.left + at[0] * pixels.width, pixels.top + at[1] * pixels.height);
  };

  /** @param {HTMLElement} compare @param {boolean} on */
  const setLoupe = (compare, on) => {
    const button = compare.querySelector("[data-compare-loupe]");
    if (!button) return;
    button.setAttribute("aria-pressed", String(on));
    compare.toggleAttribute("data-loupe", on);
    if (on) lookAgain(compare);
    else compare.querySelector("[data-compare-lens]").hidden = true;
  };

  document.addEventListener("click", (event) => {
    const button = /** @type {Element} */ (event.target).closest("[data-compare-loupe]");
    if (button) setLoupe(button.closest("[data-compare]"), button.getAttribute("aria-pressed") !== "true");
  });

  let pointer = "";

  document.addEventListener("pointermove", (event) => {
    // A browser also tells of a pointer that rests while the page moves under it; the loupe that
    // was moved by keys stays where it is.
    const at = `${event.screenX} ${event.screenY}`;
    if (at === pointer) return;
    pointer = at;
    const stage = /** @type {Element} */ (event.target).closest?.("[data-compare][data-loupe] [data-compare-stage]");
    if (stage) look(stage.closest("[data-compare]"), event.clientX, event.clientY);
  });

  // Keys count only while the comparison has the focus (WCAG 2.1.4).
  const MODES = { s: "slider", b: "before", a: "after", d: "both" };
  const MOVES = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };

  document.addEventListener("keydown", (event) => {
    const compare = /** @type {Element} */ (event.target).closest?.("[data-compare]");
    if (!compare || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    if (key in MODES) setMode(compare, MODES[key]);
    else if (key === "l") setLoupe(compare, !compare.hasAttribute("data-loupe"));
    else if (event.key in MOVES && compare.hasAttribute("data-loupe")) {
      event.preventDefault();
      lookAgain(compare, ...MOVES[event.key]);
    }
  });

  /** @param {Event} event @returns {HTMLElement | null} the comparison, when it shows the result alone */
  const heldStage = (event) =>
    event.target instanceof Element ? event.target.closest("[data-compare][data-mode=after] [data-compare-stage]") : null;

  document.addEventListener("pointerdown", (event) => {
    heldStage(event)?.closest("[data-compare]").toggleAttribute("data-held", true);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    document.addEventListener(name, () => {
      for (const held of document.querySelectorAll("[data-compare][data-held]")) held.removeAttribute("data-held");
    });
  }
  // A long press would open the phone's picture menu instead of showing the original.
  document.addEventListener("contextmenu", (event) => {
    if (heldStage(event) && matchMedia("(pointer: coarse)").matches) event.preventDefault();
  });
})();
