// The mask editor: what is painted over the first chosen picture leaves the form as a PNG, white
// where it is marked. The server enlarges it to the picture's own size.

(() => {
  "use strict";

  const LONGEST = 1024;
  const SHORTEST = 256;
  const PAINT = "#d72c0d";

  /** @param {HTMLElement} editor */
  const setUp = (editor) => {
    const find = (/** @type {string} */ name) => editor.querySelector(`[data-mask-${name}]`);
    const form = editor.closest("form");
    const picture = /** @type {HTMLImageElement} */ (find("picture"));
    const canvas = /** @type {HTMLCanvasElement} */ (editor.querySelector("[data-paint-canvas]"));
    const mode = find("mode");
    let address = "";
    // What was marked last time, where the same picture comes again.
    /** @type {HTMLCanvasElement | null} */
    let kept = null;

    /** @param {CanvasRenderingContext2D} context @param {any[]} strokes @param {string} colour */
    const trace = (context, strokes, colour) => {
      if (kept) {
        context.drawImage(kept, 0, 0, canvas.width, canvas.height);
        context.globalCompositeOperation = "source-in";
        context.fillStyle = colour;
        context.fillRect(0, 0, canvas.width, canvas.height);
      }
      for (const stroke of strokes) {
        context.globalCompositeOperation = stroke.mode === "erase" ? "destination-out" : "source-over";
        context.strokeStyle = colour;
        window.ecomVance.trace(context, stroke);
      }
      context.globalCompositeOperation = "source-over";
    };

    const draw = (/** @type {any[]} */ strokes) => {
      const context = canvas.getContext("2d");
      context.clearRect(0, 0, canvas.width, canvas.height);
      trace(context, strokes, PAINT);
    };

    const save = () => {
      const status = find("status");
      const file = /** @type {HTMLInputElement} */ (find("file"));
      const strokes = painter.strokes();
      const isMarked = Boolean(kept || strokes.length);
      status.textContent = isMarked ? status.dataset.marked : status.dataset.clear;
      if (!isMarked) {
        file.value = "";
        return;
      }
      const made = document.createElement("canvas");
      made.width = canvas.width;
      made.height = canvas.height;
      const context = made.getContext("2d");
      trace(context, strokes, "#ffffff");
      // What no stroke covers is black, so that the mask has no transparency.
      context.globalCompositeOperation = "destination-over";
      context.fillStyle = "#000000";
      context.fillRect(0, 0, made.width, made.height);
      made.toBlob((blob) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([blob], "mask.png", { type: "image/png" }));
        file.files = transfer.files;
      }, "image/png");
    };

    const painter = window.ecomVance.painter(editor, {
      mode: () => (mode.getAttribute("aria-pressed") === "true" ? "erase" : "paint"),
      draw,
      changed: save,
    });

    mode.addEventListener("click", () => {
      mode.setAttribute("aria-pressed", String(mode.getAttribute("aria-pressed") !== "true"));
    });
    editor.querySelector("[data-paint-clear]").addEventListener("click", () => {
      kept = null;
      draw([]);
      save();
    });

    /** @param {boolean} shown */
    const reveal = (shown) => {
      find("stage").hidden = !shown;
      for (const tools of editor.querySelectorAll("[data-mask-tools]")) tools.hidden = !shown;
      find("empty").hidden = shown;
    };

    /** White of a stored mask as opaque, black as clear. @param {HTMLImageElement} mask */
    const opaque = (mask) => {
      const made = document.createElement("canvas");
      made.width = mask.naturalWidth;
      made.height = mask.naturalHeight;
      const context = made.getContext("2d");
      context.drawImage(mask, 0, 0);
      const pixels = context.getImageData(0, 0, made.width, made.height);
      for (let at = 0; at < pixels.data.length; at += 4) pixels.data[at + 3] = pixels.data[at];
      context.putImageData(pixels, 0, 0);
      return made;
    };

    const bringBack = () => {
      const address = editor.dataset.kept;
      delete editor.dataset.kept; // Good for the first picture alone.
      if (!address) return;
      const mask = new Image();
      mask.addEventListener("load", () => {
        kept = opaque(mask);
        draw(painter.strokes());
        save();
      });
      mask.src = address;
    };

    picture.addEventListener("load", () => {
      const { naturalWidth: width, naturalHeight: height } = picture;
      const scale = Math.min(1, Math.max(LONGEST / Math.max(width, height), SHORTEST / Math.min(width, height)));
      const enlarged = Math.max(scale, SHORTEST / Math.min(width, height));
      canvas.width = Math.round(width * enlarged);
      canvas.height = Math.round(height * enlarged);
      kept = null;
      reveal(true);
      painter.begin([]);
      save();
      bringBack();
    });
    picture.addEventListener("error", () => {
      reveal(false);
      find("empty").textContent = editor.dataset.unshown;
    });

    const show = () => {
      const chosen = /** @type {HTMLImageElement | null} */ (form.querySelector("[data-chosen-list] img"));
      const next = chosen?.src || "";
      if (next === address) return;
      address = next;
      if (address) picture.src = address;
      else reveal(false);
    };

    form.addEventListener("sources:changed", show);
    show();
  };

  document.querySelectorAll("[data-mask-editor]").forEach(setUp);
})();
