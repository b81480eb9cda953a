// Stands in for Shopify's App Bridge inside the frame of the development store.
// It asks the admin around it for everything: session tokens, navigation, toasts, pickers.
// Messages go only to the admin's origin, and only the admin's are heard.
(() => {
  "use strict";

  const adminOrigin = new URL(document.currentScript.src).origin;
  const meta = document.querySelector('meta[name="shopify-api-key"]');
  const parameters = new URLSearchParams(location.search);
  const framed = window.top !== window.self;
  const documentParameters = [
    "embedded", "hmac", "host", "id_token", "locale", "session", "shop", "timestamp",
  ];

  // --- Talking to the admin ----------------------------------------------------------------
  const waiting = new Map();
  const listeners = new Map();
  let lastMessage = 0;

  function tell(type, body = {}) {
    if (framed) window.parent.postMessage({ devstore: 1, type, ...body }, adminOrigin);
  }

  function ask(type, body = {}) {
    if (!framed) return Promise.reject(new Error("App Bridge works only inside the admin."));
    const id = ++lastMessage;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      tell(type, { id, ...body });
    });
  }

  window.addEventListener("message", (event) => {
    if (event.origin !== adminOrigin || event.source !== window.parent) return;
    const message = event.data || {};
    if (message.type === "reply" && waiting.has(message.id)) {
      const { resolve, reject } = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.error) reject(new Error(message.error));
      else resolve(message.value);
    } else if (listeners.has(message.type)) {
      listeners.get(message.type)(message);
    }
  });

  const idToken = () => ask("idToken");

  // --- fetch -------------------------------------------------------------------------------
  const plainFetch = window.fetch.bind(window);

  async function signedFetch(request) {
    const signed = new Request(request.clone());
    if (!signed.headers.has("Authorization")) {
      signed.headers.set("Authorization", `Bearer ${await idToken()}`);
    }
    return plainFetch(signed);
  }

  async function bridgedFetch(input, init) {
    const request = new Request(input, init);
    if (new URL(request.url).origin !== location.origin) return plainFetch(input, init);
    let response = await signedFetch(request);
    const retry = response.headers.get("X-Shopify-Retry-Invalid-Session-Request");
    if (response.status === 401 && retry === "1") response = await signedFetch(request);
    const target = response.headers.get("X-Shopify-API-Request-Failure-Reauthorize-Url");
    const reauthorize = response.headers.get("X-Shopify-API-Request-Failure-Reauthorize");
    if (reauthorize === "1" && target) redirect(target);
    return response;
  }

  function redirect(target) {
    tell("redirect", { url: new URL(target, location.href).href });
  }

  // --- Navigation and title ----------------------------------------------------------------
  function ownPath(address) {
    const url = new URL(address, location.href);
    if (url.origin !== location.origin) return null;
    documentParameters.forEach((name) => url.searchParams.delete(name));
    return url.pathname + url.search + url.hash;
  }

  function tellPath() {
    tell("navigated", { path: ownPath(location.href) });
  }

  function tellTitle() {
    const heading =
      document.querySelector("s-page[heading]")?.getAttribute("heading") ||
      document.querySelector("ui-title-bar[title]")?.getAttribute("title");
    tell("title", { title: heading || document.title });
  }

  class AppNav extends HTMLElement {
    connectedCallback() {
      this.style.display = "none";
      this.observer = new MutationObserver(() => this.tellItems());
      this.observer.observe(this, { attributes: true, childList: true, subtree: true });
      this.tellItems();
    }

    disconnectedCallback() {
      this.observer.disconnect();
    }

    tellItems() {
      const items = [...this.querySelectorAll("[href]")].map((link) => ({
        label: link.textContent.trim(),
        path: ownPath(link.getAttribute("href")),
        home: link.getAttribute("rel") === "home",
      }));
      tell("nav", { items: items.filter((item) => item.path && !item.home) });
    }
  }

  // --- Save bar ----------------------------------------------------------------------------
  // Either of a form (data-save-bar) or of a ui-save-bar element, whose buttons the app listens to.
  let dirtyForm = null;
  let shownBar = null;

  class SaveBar extends HTMLElement {
    connectedCallback() {
      this.style.display = "none";
      this.observer = new MutationObserver(() => shownBar === this && this.tell());
      this.observer.observe(this, { attributes: true, childList: true, subtree: true });
    }

    disconnectedCallback() {
      this.observer.disconnect();
      if (shownBar === this) hideSaveBar();
    }

    tell() {
      const isLoading = this.querySelector("[variant=primary]")?.hasAttribute("loading");
      tell("saveBar", { visible: true, loading: Boolean(isLoading) });
    }

    press(isSave) {
      const named = isSave ? "button[variant=primary]" : "button:not([variant=primary])";
      this.querySelector(named)?.click();
    }
  }

  function toggleSaveBar(id, isVisible) {
    const element = document.getElementById(id);
    if (!(element instanceof SaveBar)) throw new Error(`There is no ui-save-bar "${id}".`);
    if (!isVisible) {
      if (shownBar === element) hideSaveBar();
      return;
    }
    shownBar = element;
    element.tell();
  }

  function showSaveBar(form) {
    dirtyForm = form;
    tell("saveBar", { visible: true });
  }

  function hideSaveBar() {
    dirtyForm = shownBar = null;
    tell("saveBar", { visible: false });
  }

  function watchSaveBarForms() {
    const formOf = (event) => event.target.closest?.("form[data-save-bar]");
    for (const name of ["input", "change"]) {
      document.addEventListener(name, (event) => {
        const form = formOf(event) || event.target.form?.closest("form[data-save-bar]");
        if (form) showSaveBar(form);
      });
    }
    for (const name of ["submit", "reset"]) {
      document.addEventListener(name, (event) => {
        if (formOf(event)) hideSaveBar();
      });
    }
    listeners.set("saveBarSave", () => (shownBar ? shownBar.press(true) : dirtyForm?.requestSubmit()));
    listeners.set("saveBarDiscard", () => (shownBar ? shownBar.press(false) : dirtyForm?.reset()));
  }

  // --- window.shopify ----------------------------------------------------------------------
  let toasts = 0;

  function overlay(id, open) {
    const element = document.getElementById(id);
    const method = open
      ? element?.showOverlay || element?.showModal
      : element?.hideOverlay || element?.close;
    return Promise.resolve(method?.call(element));
  }

  window.shopify = {
    config: {
      apiKey: meta ? meta.content : "",
      shop: parameters.get("shop") || "",
      host: parameters.get("host") || "",
      locale: parameters.get("locale") || "en-US",
    },
    environment: { embedded: framed, mobile: false, pos: false },
    idToken,
    user: () => ask("user"),
    loading: (on) => tell("loading", { on: Boolean(on) }),
    toast: {
      show(message, options = {}) {
        const id = String(++toasts);
        const { duration = 5000, isError = false } = options;
        tell("toast", { toast: id, message: String(message), duration, isError });
        return id;
      },
      hide: (id) => tell("toastHidden", { toast: id }),
    },
    resourcePicker: (options) => ask("resourcePicker", { options: JSON.parse(JSON.stringify(options)) }),
    modal: {
      show: (id) => overlay(id, true),
      hide: (id) => overlay(id, false),
      toggle: (id) => overlay(id, !document.getElementById(id)?.open),
    },
    saveBar: {
      show: async (id) => toggleSaveBar(id, true),
      hide: async (id) => toggleSaveBar(id, false),
      toggle: async (id) => toggleSaveBar(id, shownBar?.id !== id),
      leaveConfirmation: () => ask("leaveConfirmation"),
    },
  };

  // --- Start -------------------------------------------------------------------------------
  // The bounce page: load the wanted page again, this time with a fresh session token.
  async function reload(wanted) {
    const url = new URL(wanted, location.href);
    if (url.origin !== location.origin) return;
    url.searchParams.set("id_token", await idToken());
    location.replace(url);
  }

  function watchHistory() {
    for (const name of ["pushState", "replaceState"]) {
      const original = history[name].bind(history);
      history[name] = (...rest) => {
        original(...rest);
        tellPath();
      };
    }
    window.addEventListener("popstate", tellPath);
  }

  function start() {
    window.fetch = bridgedFetch;
    const openWindow = window.open.bind(window);
    window.open = (url, target, ...rest) => {
      if (target !== "_top" && target !== "_parent") return openWindow(url, target, ...rest);
      redirect(url);
      return null;
    };
    customElements.define("s-app-nav", AppNav);
    customElements.define("ui-save-bar", SaveBar);
    watchHistory();
    watchSaveBarForms();
    ask("hello").then((config) => Object.assign(window.shopify.config, config));
    document.addEventListener("DOMContentLoaded", () => {
      tellPath();
      tellTitle();
      const observer = new MutationObserver(tellTitle);
      const watched = { attributeFilter: ["heading", "title"], childList: true, subtree: true };
      observer.observe(document.documentElement, watched);
    });
  }

  if (!framed) return;
  const wanted = parameters.get("shopify-reload");
  if (wanted) reload(wanted);
  else start();
})();
