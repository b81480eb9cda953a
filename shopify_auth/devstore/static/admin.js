// The admin around the app's frame: answers App Bridge and draws what the app asks for.
(() => {
  "use strict";

  document.querySelector("[data-menu]")?.addEventListener("click", (event) => {
    const open = document.body.classList.toggle("menu-open");
    event.currentTarget.setAttribute("aria-expanded", String(open));
  });

  const frame = document.querySelector("#app-frame");
  if (!frame) return;
  const { appOrigin, adminPath, appPath, shop, host, staff } = frame.dataset;
  const part = (name) => document.querySelector(`[data-${name}]`);

  function tell(message) {
    frame.contentWindow.postMessage(message, appOrigin);
  }

  async function post(path) {
    const response = await fetch(adminPath + path, { method: "POST" });
    if (!response.ok) throw new Error(`The admin answered ${response.status}.`);
    return response.json();
  }

  // --- Navigation --------------------------------------------------------------------------
  let navItems = [];
  let currentPath = "/";
  let unsaved = false;

  function adminAddress(path) {
    return appPath + (path === "/" ? "" : path);
  }

  function pathOf(address) {
    const url = new URL(address, location.href);
    return (url.pathname.slice(appPath.length) || "/") + url.search;
  }

  async function openInFrame(path) {
    const { url } = await post(`/frame_url?${new URLSearchParams({ path })}`);
    frame.contentWindow.location.replace(url);
  }

  async function go(path) {
    if (!(await mayLeave())) return;
    history.pushState(null, "", adminAddress(path));
    await openInFrame(path);
  }

  function showNav() {
    const list = part("app-nav");
    const links = navItems.map((item) => {
      const link = document.createElement("a");
      link.href = adminAddress(item.path);
      link.textContent = item.label;
      if (item === currentItem()) link.setAttribute("aria-current", "page");
      link.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
        event.preventDefault();
        document.body.classList.remove("menu-open");
        go(item.path);
      });
      const entry = document.createElement("li");
      entry.append(link);
      return entry;
    });
    list.replaceChildren(...links);
  }

  function currentItem() {
    const plain = currentPath.split(/[?#]/)[0];
    const fits = navItems.filter(({ path }) => plain === path || plain.startsWith(`${path.replace(/\/$/, "")}/`));
    return fits.sort((one, other) => other.path.length - one.path.length)[0];
  }

  part("app-home").addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    document.body.classList.remove("menu-open");
    go("/");
  });
  window.addEventListener("popstate", () => openInFrame(pathOf(location.href)));

  // --- Toasts, loading bar, save bar -------------------------------------------------------
  function showToast({ toast, message, duration, isError }) {
    const element = document.createElement("div");
    element.className = isError ? "toast toast-error" : "toast";
    element.dataset.toast = toast;
    element.textContent = message;
    part("toasts").append(element);
    setTimeout(() => element.remove(), duration);
  }

  function showSaveBar(visible, loading = false) {
    unsaved = visible;
    part("save-bar").hidden = !visible;
    part("save").disabled = part("discard").disabled = loading;
  }

  function mayLeave() {
    if (!unsaved) return Promise.resolve(true);
    const dialog = part("leave-dialog");
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => {
        const leave = dialog.returnValue === "leave";
        if (leave) showSaveBar(false);
        resolve(leave);
      }, { once: true });
    });
  }

  part("save").addEventListener("click", () => tell({ type: "saveBarSave" }));
  part("discard").addEventListener("click", () => tell({ type: "saveBarDiscard" }));

  // --- Resource picker ---------------------------------------------------------------------
  function choice(product, options) {
    const label = document.createElement("label");
    label.className = "choice";
    const box = document.createElement("input");
    box.type = options.multiple ? "checkbox" : "radio";
    box.name = "product";
    box.value = product.id;
    box.checked = (options.selectionIds || []).some(({ id }) => id === product.id);
    const picture = document.createElement("img");
    picture.alt = "";
    picture.width = picture.height = 40;
    if (product.images.length) picture.src = product.images[0].originalSrc;
    const title = document.createElement("span");
    title.textContent = product.title;
    label.append(box, picture, title);
    return label;
  }

  async function pickProducts(options = {}) {
    const { products } = await (await fetch(`${adminPath}/products.json`)).json();
    const dialog = part("picker");
    const list = part("picker-list");
    const search = part("picker-search");
    const most = typeof options.multiple === "number" ? options.multiple : Infinity;
    list.replaceChildren(...products.map((product) => choice(product, options)));
    const chosenIds = () => [...list.querySelectorAll("input:checked")].map(({ value }) => value);
    const filter = () => {
      const words = search.value.toLowerCase();
      for (const label of list.children) {
        label.hidden = !label.textContent.toLowerCase().includes(words);
      }
    };
    search.value = options.query || "";
    search.oninput = filter;
    list.onchange = (event) => {
      if (chosenIds().length > most) event.target.checked = false;
      part("picker-count").textContent = `${chosenIds().length} selected`;
    };
    filter();
    part("picker-count").textContent = `${chosenIds().length} selected`;
    dialog.returnValue = "";
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => {
        const ids = chosenIds();
        const picked = products.filter(({ id }) => ids.includes(id));
        resolve(dialog.returnValue === "choose" && picked.length ? picked : undefined);
      }, { once: true });
    });
  }

  // --- What App Bridge may ask -------------------------------------------------------------
  const answers = {
    hello: () => ({ shop, host }),
    idToken: async () => (await post("/session_token")).id_token,
    user: () => ({ id: staff, accountAccess: "Administrator" }),
    resourcePicker: ({ options }) => pickProducts(options),
    leaveConfirmation: async () => {
      if (!(await mayLeave())) throw new Error("The merchant stays.");
    },
  };
  const orders = {
    nav({ items }) {
      navItems = items;
      showNav();
    },
    navigated({ path }) {
      if (!path) return;
      currentPath = path;
      history.replaceState(null, "", adminAddress(path));
      showSaveBar(false);
      showNav();
    },
    title({ title }) {
      part("title").textContent = title;
      document.title = title;
    },
    toast: showToast,
    toastHidden({ toast }) {
      document.querySelectorAll(".toast").forEach((one) => {
        if (one.dataset.toast === toast) one.remove();
      });
    },
    loading({ on }) {
      part("loading").hidden = !on;
    },
    saveBar: ({ visible, loading }) => showSaveBar(visible, loading),
    redirect({ url }) {
      if (/^https?:$/.test(new URL(url).protocol)) location.assign(url);
    },
  };

  window.addEventListener("message", async (event) => {
    if (event.origin !== appOrigin || event.source !== frame.contentWindow) return;
    const message = event.data || {};
    if (Object.hasOwn(orders, message.type)) orders[message.type](message);
    if (!Object.hasOwn(answers, message.type)) return;
    try {
      tell({ type: "reply", id: message.id, value: await answers[message.type](message) });
    } catch (error) {
      tell({ type: "reply", id: message.id, error: error.message });
    }
  });

  // The frame is loaded by script, after this page can hear what App Bridge says first.
  frame.src = frame.dataset.src;
})();
