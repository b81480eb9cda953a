// The page of a new batch: what is chosen stays chosen when another search comes, and the price of the
// choice is asked of the server with every change. The server checks and prices everything again.

(() => {
  "use strict";

  const form = /** @type {HTMLFormElement | null} */ (document.querySelector("[data-batch-form]"));
  if (!form) return;
  const kept = form.querySelector("[data-batch-kept]");
  const holder = form.querySelector("[data-quote-holder]");
  const { quoteUrl, pickedUrl, previewUrl, most } = form.dataset;
  let asked = 0;
  let timer = 0;

  const chosenCount = () =>
    form.querySelectorAll("[data-batch-item]:checked").length + form.querySelector("input[type=file]").files.length;

  /** @param {string} address @returns {Promise<DocumentFragment | null>} */
  const fragmentOf = async (address) => {
    const response = await fetch(address, { headers: { Accept: "text/html", "HX-Request": "true" } });
    if (!response.ok) return null;
    const template = document.createElement("template");
    template.innerHTML = await response.text();
    return template.content;
  };

  const quote = async () => {
    const turn = (asked += 1);
    const query = new URLSearchParams({ count: String(chosenCount()) });
    const size = form.querySelector("input[name=resolution]:checked");
    if (size) query.set("resolution", size.value);
    if (form.querySelector("input[name=three_first]").checked) query.set("three_first", "on");
    try {
      const fresh = await fragmentOf(`${quoteUrl}?${query}`);
      if (!fresh || turn !== asked) return;
      holder.replaceChildren(fresh);
      window.htmx?.process(holder);
    } catch {
      // Offline: the next change asks again, and the server refuses another price than was shown.
    }
  };

  const quoteSoon = () => {
    listChosen();
    clearTimeout(timer);
    timer = setTimeout(quote, 120);
  };

  /** Chosen cards stand above the list, where no search takes them away. */
  const keepChosen = () => {
    for (const item of document.querySelectorAll("#products [data-batch-item]:checked")) {
      kept.append(item.closest("[data-batch-card]"));
    }
  };

  const dropKnown = () => {
    for (const card of document.querySelectorAll("#products [data-batch-card]")) {
      if (kept.querySelector(`[data-batch-card="${CSS.escape(card.dataset.batchCard)}"]`)) card.remove();
    }
  };

  // A preview takes one picture of the choice: a product's photo, or an upload.
  const previewRow = form.querySelector("[data-preview-row]");
  const previewOf = form.querySelector("[data-preview-of]");

  const listChosen = () => {
    const before = previewOf.value;
    const items = [...form.querySelectorAll("[data-batch-item]:checked")].map((item) => {
      const label = item.closest("[data-batch-card]").querySelector(".choice__label").textContent.trim();
      return new Option(label, item.value);
    });
    const files = [...form.querySelector("input[type=file]").files].map(
      (file, number) => new Option(file.name, `file ${number}`),
    );
    previewOf.replaceChildren(...items, ...files);
    if ([...previewOf.options].some((option) => option.value === before)) previewOf.value = before;
    previewRow.hidden = !previewOf.options.length;
  };

  const askPreview = async () => {
    const wanted = new FormData();
    const [kind, number] = previewOf.value.split(" ");
    if (kind === "file") wanted.append("image", form.querySelector("input[type=file]").files[Number(number)]);
    else wanted.append("item", previewOf.value);
    for (const [name, value] of new FormData(form)) {
      if (/^(option-|photo )/.test(name) || ["key", "resolution"].includes(name)) wanted.append(name, value);
    }
    const place = document.getElementById("batch-preview");
    const response = await fetch(previewUrl, {
      method: "POST",
      body: wanted,
      headers: { "HX-Request": "true", ...window.ecomVance.csrfHeaders() },
    });
    if (response.ok || response.status === 422) {
      place.innerHTML = await response.text();
      window.htmx?.process(place);
    }
  };

  form.querySelector("[data-preview-button]").addEventListener("click", askPreview);

  form.addEventListener("change", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (target.matches("[data-batch-photo]")) {
      const source = target.selectedOptions[0]?.dataset.src;
      const picture = target.closest("[data-batch-card]").querySelector("img");
      if (source && picture) picture.src = source;
    }
    quoteSoon();
  });
  document.addEventListener("submit", (event) => {
    if (event.target instanceof Element && event.target.matches("[data-batch-search]")) keepChosen();
  }, true);
  // Too many are told so before fifty pictures go over a slow line.
  document.addEventListener("submit", (event) => {
    const count = chosenCount();
    if (event.target !== form || count <= Number(most)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const told = form.querySelector("[data-too-many]").innerHTML.replace("0000", String(count));
    const errors = document.getElementById("run-errors");
    errors.innerHTML = told;
    errors.focus();
  }, true);
  document.addEventListener("htmx:after:swap", dropKnown);
  document.body.addEventListener("balance:changed", quoteSoon);

  if (chosenCount()) quoteSoon();

  // Inside Shopify's admin its own picker chooses, 50 at most.
  const picker = form.querySelector("[data-product-picker]");
  const openPicker = window.shopify?.resourcePicker;
  if (!openPicker) return;
  picker.hidden = false;
  picker.addEventListener("click", async () => {
    const room = Number(most) - chosenCount();
    const selection = await window.shopify.resourcePicker({
      type: "product",
      action: "select",
      multiple: Math.max(1, room),
      filter: { variants: false },
    });
    if (!selection?.length) return;
    const query = new URLSearchParams(selection.map((product) => ["id", product.id]));
    const cards = await fragmentOf(`${pickedUrl}?${query}`);
    if (!cards) return;
    keepChosen();
    for (const card of [...cards.querySelectorAll("[data-batch-card]")]) {
      const known = kept.querySelector(`[data-batch-card="${CSS.escape(card.dataset.batchCard)}"]`);
      if (known) known.querySelector("[data-batch-item]").checked = true;
      else kept.append(card);
    }
    dropKnown();
    quoteSoon();
  });
})();
