// The mask editor: paints over the chosen picture, by pointer or by keys, and hands the strokes to
// the form as a PNG, white where it is marked. The server enlarges it to the picture's own size.

(() => {
  "use strict";

  const LONGEST = 1024;
  const SHORTEST = 256;
  const PAINT = "#d72c0d";

  /**
   * @typedef {{x: number, y: number}} Point
   * @typedef {{points: Point[], radius: number, erases: boolean}} Stroke
   */

  /** @param {HTMLElement} editor */
  const setUp = (editor) => {
    const find = (/** @type {string} */ name) => editor.querySelector(`[data-mask-${name}]`);
    const form = editor.closest("form");
    const picture = /** @type {HTMLImageElement} */ (find("picture"));
    const canvas = /** @type {HTMLCanvasElement} */ (find("canvas"));
    const size = /** @type {HTMLInputElement} */ (find("size"));
    const mode = find("mode");
    /** @type {Stroke[]} */
    let strokes = [];
    /** @type {Stroke | null} */
    let current = null;
    /** @type {Point} */
    let cursor = { x: 0.5, y: 0.5 };
    let showsCursor = false;
    let address = "";

    const radius = () => (Number(size.value) / 100) * Math.max(canvas.width, canvas.height);

    /** @param {CanvasRenderingContext2D} context @param {Stroke} stroke @param {string} colour */
    const trace = (context, stroke, colour) => {
      context.globalCompositeOperation = stroke.erases ? "destination-out" : "source-over";
      context.strokeStyle = context.fillStyle = colour;
      context.lineWidth = stroke.radius * 2;
      context.lineCap = context.lineJoin = "round";
      context.beginPath();
      const [first, ...rest] = stroke.points;
      context.moveTo(first.x * canvas.width, first.y * canvas.height);
      for (const point of rest.length ? rest : [first]) {
        context.lineTo(point.x * canvas.width + 0.01, point.y * canvas.height);
      }
      context.stroke();
      context.globalCompositeOperation = "source-over";
    };

    const draw = () => {
      const context = canvas.getContext("2d");
      context.clearRect(0, 0, canvas.width, canvas.height);
      for (const stroke of [...strokes, ...(current ? [current] : [])]) trace(context, stroke, PAINT);
      if (!showsCursor) return;
      context.lineWidth = 2;
      context.strokeStyle = "#ffffff";
      context.beginPath();
      context.arc(cursor.x * canvas.width, cursor.y * canvas.height, radius(), 0, 2 * Math.PI);
      context.stroke();
    };

    const save = () => {
      const status = find("status");
      const file = /** @type {HTMLInputElement} */ (find("file"));
      status.textContent = strokes.length ? status.dataset.marked : status.dataset.clear;
      if (!strokes.length) {
        file.value = "";
        return;
      }
      const made = document.createElement("canvas");
      made.width = canvas.width;
      made.height = canvas.height;
      const context = made.getContext("2d");
      for (const stroke of strokes) trace(context, stroke, "#ffffff");
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

    const finish = () => {
      if (!current) return;
      strokes.push(current);
      current = null;
      draw();
      save();
    };

    const undo = () => {
      strokes.pop();
      draw();
      save();
    };

    /** @param {Point} point */
    const begin = (point) => {
      current = { points: [point], radius: radius(), erases: mode.getAttribute("aria-pressed") === "true" };
    };

    /** @param {PointerEvent} event @returns {Point} */
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
    };

    canvas.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      canvas.focus({ preventScroll: true });
      canvas.setPointerCapture(event.pointerId);
      showsCursor = false;
      begin(place(event));
      draw();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!current) return;
      current.points.push(place(event));
      draw();
    });
    canvas.addEventListener("pointerup", finish);
    canvas.addEventListener("pointercancel", finish);

    canvas.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 0.1 : 0.02;
      const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
      const move = moves[event.key];
      if (move) {
        cursor = {
          x: Math.min(1, Math.max(0, cursor.x + move[0])),
          y: Math.min(1, Math.max(0, cursor.y + move[1])),
        };
        if (current) current.points.push(cursor);
      } else if (event.key === " ") {
        if (!current) begin(cursor);
      } else if (event.key === "+" || event.key === "-") {
        size.value = String(Number(size.value) + (event.key === "+" ? 1 : -1));
      } else if (event.key === "z" && (event.ctrlKey || event.metaKey)) {
        undo();
      } else {
        return;
      }
      showsCursor = true;
      event.preventDefault();
      draw();
    });
    canvas.addEventListener("keyup", (event) => {
      if (event.key === " ") finish();
    });
    canvas.addEventListener("blur", () => {
      finish();
      showsCursor = false;
      draw();
    });

    mode.addEventListener("click", () => {
      mode.setAttribute("aria-pressed", String(mode.getAttribute("aria-pressed") !== "true"));
    });
    find("undo").addEventListener("click", undo);
    find("clear").addEventListener("click", () => {
      strokes = [];
      draw();
      save();
    });

    /** @param {boolean} shown */
    const reveal = (shown) => {
      find("stage").hidden = !shown;
      for (const tools of editor.querySelectorAll("[data-mask-tools]")) tools.hidden = !shown;
      find("empty").hidden = shown;
    };

    picture.addEventListener("load", () => {
      const { naturalWidth: width, naturalHeight: height } = picture;
      const scale = Math.min(1, Math.max(LONGEST / Math.max(width, height), SHORTEST / Math.min(width, height)));
      const enlarged = Math.max(scale, SHORTEST / Math.min(width, height));
      canvas.width = Math.round(width * enlarged);
      canvas.height = Math.round(height * enlarged);
      strokes = [];
      current = null;
      reveal(true);
      draw();
      save();
    });
    picture.addEventListener("error", () => {
      reveal(false);
      find("empty").textContent = editor.dataset.unshown;
    });

    const show = () => {
      const file = form.querySelector("input[name=image]")?.files?.[0];
      const chosen = form.querySelector("[data-photo-choice]:checked")?.closest("label")?.querySelector("img");
      if (address.startsWith("blob:")) URL.revokeObjectURL(address);
      address = file ? URL.createObjectURL(file) : chosen?.currentSrc || chosen?.src || "";
      if (address) picture.src = address;
      else reveal(false);
    };

    form.addEventListener("change", (event) => {
      if (/** @type {Element} */ (event.target).matches("input[name=image], [data-photo-choice]")) show();
    });
    show();
  };

  document.querySelectorAll("[data-mask-editor]").forEach(setUp);
})();
