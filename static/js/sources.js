// The chosen pictures: a list that shows each as it will be sent, in its order: photos of products,
// earlier images and files together. It can be put in order, shortened, filled by paste and by a
// phone's camera, and each picture is checked for free.
// Without this script the photos that are ticked and the file field are sent as they are.

(() => {
  "use strict";

  const ecomVance = window.ecomVance;

  /** @typedef {{value: string, src: string, name: string}} Photo */

  /** @param {HTMLElement} box */
  const setUp = (box) => {
    const form = box.closest("form");
    const input = /** @type {HTMLInputElement} */ (form.querySelector("input[name=image]"));
    const list = box.querySelector("[data-chosen-list]");
    const status = box.querySelector("[data-chosen-status]");
    const item = /** @type {HTMLTemplateElement} */ (box.querySelector("template"));
    const most = Number(box.dataset.most);
    /** @type {(File | Photo)[]} */
    let items = [];
    /** @type {WeakMap<File, string>} */
    const addresses = new WeakMap();
    /** @type {Map<string | File, Promise<{text: string, tone: string, sizes?: Record<string, string>}>>} */
    const checks = new Map();
    let queue = Promise.resolve();

    const files = () => /** @type {File[]} */ (items.filter((one) => one instanceof File));
    const photos = () => /** @type {Photo[]} */ (items.filter((one) => !(one instanceof File)));
    const nameOf = (/** @type {File} */ file) => `${file.name} ${file.size} ${file.lastModified}`;

    /** @param {File} file */
    const addressOf = (file) => {
      if (!addresses.has(file)) addresses.set(file, URL.createObjectURL(file));
      return addresses.get(file);
    };

    /** @param {string} text @param {Record<string, string | number>} [values] */
    const say = (text, values = {}) => {
      status.textContent = text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
    };

    /** @param {string | File} chosen */
    const ask = async (chosen) => {
      const body = new FormData();
      body.append(typeof chosen === "string" ? "chosen" : "image", chosen);
      const headers = { Accept: "application/json", ...ecomVance.csrfHeaders() };
      try {
        const response = await fetch(box.dataset.check, { method: "POST", body, headers });
        const told = await response.json();
        if (told.refused) return { text: told.refused, tone: "critical" };
        const advice = told.advice.join(" ");
        return { text: advice || box.dataset.good, tone: advice ? "warning" : "", sizes: told.sizes };
      } catch {
        return { text: box.dataset.unchecked, tone: "" };
      }
    };

    /** @param {string | File} chosen one after the other, so that the server is never asked for many */
    const check = (chosen) => {
      if (!checks.has(chosen)) {
        const answer = queue.then(() => ask(chosen));
        queue = answer.then(() => undefined);
        checks.set(chosen, answer);
      }
      return checks.get(chosen);
    };

    /** @param {File | Photo} one @param {number} index @param {number} place among the files */
    const shown = (one, index, place) => {
      const row = /** @type {HTMLElement} */ (item.content.firstElementChild.cloneNode(true));
      const picture = row.querySelector("img");
      const isFile = one instanceof File;
      const src = isFile ? addressOf(one) : one.src;
      if (src) picture.src = src;
      else picture.remove();
      // A browser that cannot show a HEIC still sends it.
      picture.addEventListener("error", () => picture.remove());
      const { name } = one;
      row.querySelector("[data-name]").textContent = name;
      row.dataset.index = String(index);
      const hidden = document.createElement("input");
      Object.assign(hidden, { type: "hidden", name: "chosen", value: isFile ? `upload ${place}` : one.value });
      row.append(hidden);
      const advice = /** @type {HTMLElement} */ (row.querySelector("[data-advice]"));
      advice.textContent = box.dataset.check ? box.dataset.checking : "";
      if (box.dataset.check) check(isFile ? one : one.value).then(({ text, tone }) => {
        advice.textContent = text;
        advice.dataset.tone = tone;
        if (tone) say(`${name}: ${text}`);
      });
      for (const button of row.querySelectorAll("button")) {
        const step = Number(button.dataset.move);
        const last = items.length - 1;
        if (step) button.disabled = step < 0 ? index === 0 : index === last;
        if (step && !last) button.hidden = true;
      }
      return row;
    };

    const only = () => {
      if (items.length !== 1) return undefined;
      const [one] = items;
      return one instanceof File ? one : one.value;
    };

    /** @param {Record<string, string>} notes what a resolution cannot give, beside its choice */
    const noteSizes = (notes) => {
      for (const choice of form.querySelectorAll("input[name=resolution]")) {
        const note = choice.closest("label").querySelector("[data-size-note]");
        if (!note) continue;
        note.textContent = notes[choice.value] || "";
        note.hidden = !note.textContent;
      }
    };

    const tick = () => {
      const values = new Set(photos().map((photo) => photo.value));
      for (const choice of form.querySelectorAll("[data-photo-choice]")) choice.checked = values.has(choice.value);
    };

    const render = () => {
      const sent = files();
      const rows = items.map((one, index) => shown(one, index, sent.indexOf(/** @type {File} */ (one))));
      list.replaceChildren(...rows);
      box.hidden = !rows.length;
      noteSizes({});
      const single = only();
      if (single !== undefined && box.dataset.check) check(single).then(({ sizes }) => {
        if (only() === single) noteSizes(sizes || {});
      });
      form.dispatchEvent(new CustomEvent("sources:changed"));
    };

    /** Puts the files into the field, from which they are sent, and shows what is chosen. */
    const put = () => {
      const transfer = new DataTransfer();
      for (const file of files()) transfer.items.add(file);
      input.files = transfer.files;
      input.dispatchEvent(new CustomEvent("files:set", { bubbles: true }));
      tick();
      render();
    };

    const refuse = () => {
      say(box.dataset.full);
      ecomVance.toast(box.dataset.full, { critical: true });
    };

    /** @param {Iterable<File>} added */
    const add = (added) => {
      const known = new Set(files().map(nameOf));
      const fresh = [...added].filter((file) => !known.has(nameOf(file)));
      if (most > 1) items = [...items, ...fresh];
      else if (fresh.length) items = fresh.slice(-1);
      if (items.length > most) {
        items = items.slice(0, most);
        refuse();
      }
      put();
    };

    /** @param {HTMLInputElement} choice @returns {Photo} */
    const photoOf = (choice) => {
      const label = choice.closest("label");
      const name = [...label.querySelectorAll(".choice__label, .caption")].map((part) => part.textContent.trim());
      return { value: choice.value, src: label.querySelector("img")?.src || "", name: name.join(", ") };
    };

    /** @param {HTMLInputElement} choice */
    const choose = (choice) => {
      if (choice.type === "radio") items = [photoOf(choice)];
      else if (!choice.checked) items = items.filter((one) => one instanceof File || one.value !== choice.value);
      else if (items.length < most) items = [...items, photoOf(choice)];
      else refuse();
      put();
    };

    form.addEventListener("change", (event) => {
      const target = /** @type {HTMLInputElement} */ (event.target);
      if (target === input) add([...input.files]);
      else if (target.matches("[data-photo-choice]")) choose(target);
    });

    list.addEventListener("click", (event) => {
      const button = /** @type {Element} */ (event.target).closest("button");
      if (!button) return;
      const index = Number(/** @type {HTMLElement} */ (button.closest("[data-index]")).dataset.index);
      const name = button.closest("li").querySelector("[data-name]").textContent;
      const [moved] = items.splice(index, 1);
      const step = Number(button.dataset.move);
      if (step) items.splice(index + step, 0, moved);
      put();
      if (step) say(box.dataset.moved, { name, place: index + step + 1 });
      else say(box.dataset.removed, { name });
      // The button that was pressed is gone: the same one of the row that stands there now.
      const row = list.children[Math.min(step ? index + step : index, list.children.length - 1)];
      const same = step ? row?.querySelector(`[data-move="${step}"]:not(:disabled)`) : row?.querySelector("[data-remove]");
      (same || row?.querySelector("button:not(:disabled)") || input).focus();
    });

    document.addEventListener("paste", (event) => {
      const pasted = [...(event.clipboardData?.files || [])].filter((file) => file.type.startsWith("image/"));
      if (!pasted.length) return;
      event.preventDefault();
      add(pasted);
    });

    const camera = form.querySelector("[data-camera]");
    if (camera && matchMedia("(pointer: coarse)").matches) {
      const taken = /** @type {HTMLInputElement} */ (camera.querySelector("[data-camera-file]"));
      camera.hidden = false;
      camera.querySelector("[data-camera-button]").addEventListener("click", () => taken.click());
      taken.addEventListener("change", (event) => {
        event.stopPropagation();
        add([...taken.files]);
        taken.value = "";
      });
    }

    // A search has put other products in place of those that were chosen.
    document.addEventListener("htmx:after:swap", tick);

    ecomVance.sources = {
      get: () => ({ items }),
      /** @param {{items?: (File | Photo)[]}} kept */
      set: (kept) => {
        items = (kept.items || []).slice(0, most);
        put();
      },
    };
    const ticked = [...form.querySelectorAll("[data-photo-choice]:checked")].map(photoOf);
    const order = (box.dataset.order || "").split("|");
    ticked.sort((one, other) => order.indexOf(one.value) - order.indexOf(other.value));
    items = [...ticked, ...input.files].slice(most > 1 ? 0 : -1);
    render();
  };

  document.querySelectorAll("[data-chosen]").forEach(setUp);
})();
