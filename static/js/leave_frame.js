// Takes the whole window, not only the frame, to the admin's page that the link names. App Bridge
// listens to window.open with the target _top; without it the browser does the same by itself.
(() => {
  "use strict";

  window.open(document.getElementById("leave-frame").href, "_top");
})();
