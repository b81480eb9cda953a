// The brush on a cut-out: shows what the strokes will keep and erase, and sends them as data. The
// server lays them on the master at its full size.

(() => {
  "use strict";

  const GHOST = 0.25;
  const CLOSEST = 0.002;

  /** @param {string} address @returns {Promise<HTMLImageElement>} */
  const loaded = (address) =>
    new Promise((resolve, reject) => {
      const image = new Image();
      image.addEventListener("load", () => resolve(image));
      image.addEventListener("error", reject);
      image.src = address;
    });

  /** Fewer points where they lie close together. @param {{x: number, y: number}[]} points */
  const thinned = (points) => {
    const kept = [points[0]];
    for (const point of points.slice(1)) {
      const last = kept[kept.length - 1];
      if (Math.hypot(point.x - last.x, point.y - last.y) >= CLOSEST) kept.push(point);
    }
    const inside = (/** @type {number} */ value) => Number(Math.min(1.5, Math.max(-0.5, value)).toFixed(4));
    return kept.map(({ x, y }) => [inside(x), inside(y)]);
  };

  /** @param {HTMLFormElement} editor */
  const setUp = async (editor) => {
    const canvas = /** @type {HTMLCanvasElement} */ (editor.querySelector("[data-paint-canvas]"));
    const sent = /** @type {HTMLInputElement} */ (editor.querySelector("[data-brush-strokes]"));
    const ghost = /** @type {HTMLInputElement} */ (editor.querySelector("[data-brush-ghost]"));
    const modes = /** @type {NodeListOf<HTMLInputElement>} */ (editor.querySelectorAll("[data-brush-mode]"));
    const [photo, made] = await Promise.all([loaded(editor.dataset.photo), loaded(editor.dataset.made)]);
    const mask = document.createElement("canvas");
    canvas.width = mask.width = made.naturalWidth;
    canvas.height = mask.height = made.naturalHeight;

    /** @param {any[]} strokes */
    const draw = (strokes) => {
      const alpha = mask.getContext("2d");
      alpha.clearRect(0, 0, mask.width, mask.height);
      alpha.drawImage(made, 0, 0);
      for (const stroke of strokes) {
        alpha.globalCompositeOperation = stroke.mode === "erase" ? "destination-out" : "source-over";
        alpha.strokeStyle = "#000000";
        window.ecomVance.trace(alpha, stroke);
      }
      alpha.globalCompositeOperation = "source-over";
      const context = canvas.getContext("2d");
      context.clearRect(0, 0, canvas.width, canvas.height);
      context.drawImage(mask, 0, 0);
      context.globalCompositeOperation = "source-in";
      context.drawImage(photo, 0, 0, canvas.width, canvas.height);
      if (ghost.checked) {
        context.globalCompositeOperation = "destination-over";
        context.globalAlpha = GHOST;
        context.drawImage(photo, 0, 0, canvas.width, canvas.height);
        context.globalAlpha = 1;
      }
      context.globalCompositeOperation = "source-over";
    };

    const put = () => {
      const strokes = painter.strokes().map(({ mode, radius, points }) => ({ mode, radius, points: thinned(points) }));
      sent.value = JSON.stringify(strokes);
    };

    const painter = window.ecomVance.painter(editor, {
      mode: () => [...modes].find((mode) => mode.checked).value,
      draw,
      changed: put,
    });
    ghost.addEventListener("change", () => draw(painter.strokes()));
    canvas.addEventListener("keydown", (event) => {
      const wanted = { k: "keep", e: "erase" }[event.key.toLowerCase()];
      if (wanted && !event.ctrlKey && !event.metaKey) for (const mode of modes) mode.checked = mode.value === wanted;
    });

    const kept = JSON.parse(document.getElementById("kept-strokes").textContent);
    painter.begin(kept.map((stroke) => ({ ...stroke, points: stroke.points.map(([x, y]) => ({ x, y })) })));
    put();
    editor.toggleAttribute("data-ready", true);
  };

  document.querySelectorAll("[data-brush-editor]").forEach((editor) => setUp(/** @type {HTMLFormElement} */ (editor)));
})();
