// Links inside Shopify's admin. A link loads a document, which carries no Authorization header, so it
// takes a fresh session token along in its address; otherwise the page would have to be loaded twice,
// by way of the bounce page, which is what still happens where this script has no part (Back, reload).

(() => {
  "use strict";

  const PLACE = ["shop", "host", "embedded", "locale"];

  // The token has done its work with this load: it stays in no history and in no Referer.
  const arrived = new URL(location.href);
  if (arrived.searchParams.has("id_token")) {
    arrived.searchParams.delete("id_token");
    history.replaceState(history.state, "", arrived);
  }

  /**
   * The address that a click leads to in this window, or null where the browser should do it alone.
   * @param {MouseEvent} event
   */
  const target = (event) => {
    const plain = !event.defaultPrevented && event.button === 0;
    if (!plain || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return null;
    const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
    if (!(link instanceof HTMLAnchorElement) || link.hasAttribute("download")) return null;
    if (link.target && link.target !== "_self") return null;
    const url = new URL(link.href);
    const sameDocument = url.pathname === location.pathname && url.search === location.search;
    return url.origin !== location.origin || (sameDocument && url.hash) ? null : url;
  };

  document.addEventListener("click", async (event) => {
    const url = target(event);
    if (!url) return;
    event.preventDefault();
    try {
      if (window.ecomVance?.hasUnsaved?.()) await window.shopify.saveBar.leaveConfirmation();
    } catch {
      return; // The merchant stays.
    }
    const here = new URLSearchParams(location.search);
    for (const name of PLACE) {
      if (here.has(name) && !url.searchParams.has(name)) url.searchParams.set(name, here.get(name));
    }
    try {
      url.searchParams.set("id_token", await window.shopify.idToken());
    } catch {
      // Without a token the page is bounced and comes back with one.
    }
    location.assign(url);
  });
})();
