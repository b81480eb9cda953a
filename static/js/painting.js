// Painting over a picture, for the mask and for the brush on a cut-out: strokes by pointer or by
// keys, undo, and zoom. Whoever uses it draws the strokes and takes them from it.

(() => {
  "use strict";

  const ecomVance = (window.ecomVance = window.ecomVance || {});
  const ZOOMS = [1, 1.5, 2, 3, 4, 6];

  /**
   * @typedef {{x: number, y: number}} Point from 0 to 1 across and down
   * @typedef {{points: Point[], radius: number, mode: string}} Stroke radius as share of the longer side
   */

  /** @param {CanvasRenderingContext2D} context @param {Stroke} stroke */
  ecomVance.trace = (context, stroke) => {
    const { width, height } = context.canvas;
    context.lineWidth = stroke.radius * 2 * Math.max(width, height);
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    const [first, ...rest] = stroke.points;
    context.moveTo(first.x * width, first.y * height);
    for (const point of rest.length ? rest : [first]) context.lineTo(point.x * width + 0.01, point.y * height);
    context.stroke();
  };

  /**
   * @param {HTMLElement} editor holds scroller, sheet, canvas, size, undo, clear and the zoom buttons
   * @param {{mode: () => string, draw: (strokes: Stroke[]) => void, changed: () => void}} owner
   */
  ecomVance.painter = (editor, owner) => {
    const find = (/** @type {string} */ name) => /** @type {HTMLElement} */ (editor.querySelector(`[data-paint-${name}]`));
    const canvas = /** @type {HTMLCanvasElement} */ (find("canvas"));
    const size = /** @type {HTMLInputElement} */ (find("size"));
    const scroller = find("scroller");
    /** @type {Stroke[]} */
    let strokes = [];
    /** @type {Stroke | null} */
    let current = null;
    /** @type {Point} */
    let cursor = { x: 0.5, y: 0.5 };
    let showsCursor = false;
    let zoom = 0;
    let fitted = 0;
    /** @type {Map<number, PointerEvent>} */
    const pointers = new Map();

    // Closer in, the same brush is finer.
    const radius = () => Number(size.value) / 100 / ZOOMS[zoom];

    const draw = () => {
      owner.draw(current ? [...strokes, current] : strokes);
      if (!showsCursor) return;
      const context = canvas.getContext("2d");
      context.lineWidth = 4 / ZOOMS[zoom];
      context.beginPath();
      const reach = radius() * Math.max(canvas.width, canvas.height);
      context.arc(cursor.x * canvas.width, cursor.y * canvas.height, reach, 0, 2 * Math.PI);
      for (const [colour, dash] of [["#000000", []], ["#ffffff", [6, 6]]]) {
        context.strokeStyle = colour;
        context.setLineDash(dash);
        context.stroke();
      }
      context.setLineDash([]);
    };

    const finish = () => {
      if (!current) return;
      strokes = [...strokes, current];
      current = null;
      draw();
      owner.changed();
    };

    const undo = () => {
      strokes = strokes.slice(0, -1);
      draw();
      owner.changed();
    };

    /** @param {number} step */
    const zoomBy = (step) => {
      const middle = {
        x: (scroller.scrollLeft + scroller.clientWidth / 2) / scroller.scrollWidth,
        y: (scroller.scrollTop + scroller.clientHeight / 2) / scroller.scrollHeight,
      };
      zoom = step ? Math.min(ZOOMS.length - 1, Math.max(0, zoom + step)) : 0;
      find("sheet").style.setProperty("width", `${fitted * ZOOMS[zoom]}px`);
      const towards = showsCursor ? cursor : middle;
      scroller.scrollTo(
        towards.x * scroller.scrollWidth - scroller.clientWidth / 2,
        towards.y * scroller.scrollHeight - scroller.clientHeight / 2,
      );
      find("zoom-level").textContent = `${Math.round(ZOOMS[zoom] * 100)} %`;
      draw();
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
      pointers.set(event.pointerId, event);
      showsCursor = false;
      // Two fingers move the picture.
      current = pointers.size > 1 ? null : { points: [place(event)], radius: radius(), mode: owner.mode() };
      draw();
    });
    canvas.addEventListener("pointermove", (event) => {
      const before = pointers.get(event.pointerId);
      if (!before) return;
      pointers.set(event.pointerId, event);
      if (pointers.size > 1) scroller.scrollBy(before.clientX - event.clientX, before.clientY - event.clientY);
      if (!current) return;
      current.points.push(place(event));
      draw();
    });
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, (event) => {
        pointers.delete(/** @type {PointerEvent} */ (event).pointerId);
        finish();
      });
    }

    const showCursor = () => {
      const box = canvas.getBoundingClientRect();
      const [left, top] = [cursor.x * box.width, cursor.y * box.height];
      if (left < scroller.scrollLeft || left > scroller.scrollLeft + scroller.clientWidth) {
        scroller.scrollLeft = left - scroller.clientWidth / 2;
      }
      if (top < scroller.scrollTop || top > scroller.scrollTop + scroller.clientHeight) {
        scroller.scrollTop = top - scroller.clientHeight / 2;
      }
    };

    canvas.addEventListener("keydown", (event) => {
      const step = (event.shiftKey ? 0.1 : 0.02) / ZOOMS[zoom];
      const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
      const move = moves[event.key];
      showsCursor = true;
      if (move) {
        cursor = {
          x: Math.min(1, Math.max(0, cursor.x + move[0])),
          y: Math.min(1, Math.max(0, cursor.y + move[1])),
        };
        if (current) current.points.push(cursor);
        showCursor();
      } else if (event.key === " ") {
        if (!current) current = { points: [cursor], radius: radius(), mode: owner.mode() };
      } else if (event.key === "+" || event.key === "-") {
        size.value = String(Number(size.value) + (event.key === "+" ? 1 : -1));
      } else if (event.key === "PageUp" || event.key === "PageDown") {
        zoomBy(event.key === "PageUp" ? 1 : -1);
      } else if (event.key === "z" && (event.ctrlKey || event.metaKey)) {
        undo();
      } else {
        return;
      }
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

    const clear = () => {
      strokes = [];
      draw();
      owner.changed();
    };
    find("undo").addEventListener("click", undo);
    find("clear").addEventListener("click", clear);
    find("zoom-in").addEventListener("click", () => zoomBy(1));
    find("zoom-out").addEventListener("click", () => zoomBy(-1));

    return {
      strokes: () => strokes,
      /** Begin with these strokes on a canvas of the picture's shape. @param {Stroke[]} kept */
      begin: (kept) => {
        strokes = kept;
        current = null;
        const shape = canvas.width / canvas.height;
        const room = /** @type {HTMLElement} */ (scroller.parentElement).clientWidth;
        fitted = Math.floor(Math.min(room, window.innerHeight * 0.6 * shape, canvas.width));
        zoomBy(0);
      },
    };
  };
})();
