// The live stream: one EventSource per browser and account, however many tabs are open, because a
// browser allows six connections to an origin over HTTP/1.1. The tab in front holds a Web Lock and
// the stream; it passes every message on through a BroadcastChannel. When no stream has been alive
// for ten seconds, a visible tab asks for the balance itself. The server says the balance on a quiet
// stream every 15 seconds: one that is open and silent for longer leads nowhere.

(() => {
  "use strict";

  const ecomVance = window.ecomVance;
  const { account, liveTicketUrl, balanceUrl } = document.body.dataset;
  if (!account || !liveTicketUrl) return;

  const NAME = `ecomvance-live-${account}`;
  const QUIET_MILLISECONDS = 10_000;
  const PULSE_MILLISECONDS = 4_000;
  const SILENT_MILLISECONDS = 40_000; // Two of the server's messages in a row are missing.
  const LONGEST_WAIT = 30_000;
  // What was said just before the last message may have been lost with its stream.
  const ON_ITS_WAY_MILLISECONDS = 2_000;

  // Unset where the browser refuses it: an admin's frame whose storage is blocked.
  /** @type {LockManager | undefined} */ let locks = navigator.locks;
  const channel = "BroadcastChannel" in window ? new BroadcastChannel(NAME) : null;
  /** @type {EventSource | null} */ let source = null;
  /** @type {(() => void) | null} */ let release = null;
  /** @type {AbortController | null} */ let waiting = null;
  let attempt = 0;
  let retryTimer = 0;
  let lastAlive = Date.now(); // of any tab's stream
  let lastHeard = 0; // from this tab's own stream
  let nextPoll = 0;
  let signedOut = false;

  /**
   * Until when this page has heard everything, by the browser's clock: first, when it was asked for. It stays there until a
   * stream of its own has told what was said before this script ran.
   */
  let heardAll = performance.getEntriesByType("navigation")[0]?.requestStart || 0;
  let isUpToDate = false;

  /** @type {Set<string>} runs whose end was said already */
  const announced = new Set();

  /** Says once, for those who do not see it, that a run has ended. @param {{id: string, state: string}} run */
  const announceRun = ({ id, state }) => {
    const announcer = document.getElementById("run-announcer");
    const text = announcer?.dataset[state];
    if (!text || announced.has(id)) return;
    announced.add(id);
    announcer.textContent = text;
  };

  /** @param {{kind: string, data?: object}} message */
  const receive = ({ kind, data }) => {
    lastAlive = Date.now();
    if (kind !== "pulse" && isUpToDate) heardAll = Math.max(heardAll, performance.now() - ON_ITS_WAY_MILLISECONDS);
    if (kind === "balance") ecomVance.applyBalance(data);
    if (kind === "generation") {
      document.body.dispatchEvent(new CustomEvent(`generation:${data.id}`, { detail: data }));
      document.body.dispatchEvent(new CustomEvent("generation", { detail: data }));
      ecomVance.stale(["runs"]);
      announceRun(data);
    }
    if (["plan", "cases", "approvals"].includes(kind)) ecomVance.stale([kind]);
    if (kind === "again") ecomVance.stale();
  };

  /** @param {{kind: string, data?: object}} message */
  const share = (message) => {
    receive(message);
    channel?.postMessage(message);
  };
  if (channel) channel.onmessage = (event) => receive(event.data);

  /** Ends everything once the server says that nobody is signed in any more. */
  const refused = () => {
    signedOut = true;
    stop();
    ecomVance.showError("signedOut");
  };

  const refresh = async () => {
    nextPoll = Date.now() + 15_000 + Math.random() * 15_000;
    if (!balanceUrl || signedOut) return;
    try {
      const response = await fetch(balanceUrl, { headers: { Accept: "application/json" } });
      if (response.status === 401) refused();
      else if (response.ok) {
        ecomVance.applyBalance(await response.json());
        ecomVance.stale(); // Without a stream nobody says what else has changed.
      }
    } catch {
      // Offline: the next round asks again.
    }
  };

  const stop = () => {
    clearTimeout(retryTimer);
    source?.close();
    source = null;
  };

  const retry = () => {
    stop();
    const wait = Math.min(LONGEST_WAIT, 1000 * 2 ** attempt++);
    retryTimer = setTimeout(open, wait * (0.75 + Math.random() / 2));
  };

  // A ticket lives for a minute and EventSource would reconnect with the old one for ever, so each
  // connection starts with a fresh ticket.
  const open = async () => {
    stop();
    if (signedOut) return;
    try {
      const headers = { Accept: "application/json", ...ecomVance.csrfHeaders() };
      const response = await fetch(liveTicketUrl, { method: "POST", headers });
      if (response.status === 401) return refused();
      if (!response.ok) return retry();
      const { ticket, now } = await response.json();
      if (locks && !release) return; // Another tab came to the front meanwhile.
      // What was said before this stream, since the page was made or the last one ended, is asked for.
      const since = Math.floor(now - (performance.now() - heardAll));
      source = new EventSource(`/events?ticket=${encodeURIComponent(ticket)}&since=${since}`);
    } catch {
      return retry();
    }
    source.onopen = () => {
      attempt = 0;
      lastHeard = Date.now();
      share({ kind: "pulse" }); // The server's first message is the balance of this moment.
    };
    source.onerror = retry;
    for (const kind of ["balance", "generation", "plan", "cases", "approvals", "again"]) {
      source.addEventListener(kind, (event) => {
        lastHeard = Date.now();
        isUpToDate = true;
        document.body.dataset.live = "open"; // For whoever looks on: from here on nothing is missed.
        share({ kind, data: JSON.parse(event.data) });
      });
    }
  };

  const lead = () =>
    new Promise((resolve) => {
      release = () => resolve(undefined);
      open();
    });

  /** @param {boolean} inFront take the stream over, rather than wait for it */
  const claim = (inFront) => {
    if (!locks) {
      open();
      return;
    }
    waiting?.abort();
    const queued = (waiting = inFront ? null : new AbortController());
    locks.request(NAME, queued ? { signal: queued.signal } : { steal: true }, lead).catch((error) => {
      if (queued?.signal.aborted) return;
      release = null;
      stop();
      if (error.name !== "AbortError") locks = undefined; // Only a theft ends in AbortError.
      claim(false);
    });
  };

  const leave = () => {
    stop();
    release?.();
    release = null;
  };

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      if (!locks) leave();
    } else if (!release) {
      claim(true);
      refresh();
    }
  });
  window.addEventListener("pagehide", leave);
  window.addEventListener("pageshow", (event) => event.persisted && claim(true));
  window.addEventListener("online", () => (release || !locks) && open());

  setInterval(() => {
    if (source?.readyState === EventSource.OPEN) {
      if (Date.now() - lastHeard < SILENT_MILLISECONDS) share({ kind: "pulse" });
      else retry();
    }
    const quiet = Date.now() - lastAlive > QUIET_MILLISECONDS;
    if (quiet && !document.hidden && Date.now() >= nextPoll) refresh();
  }, PULSE_MILLISECONDS);

  claim(!document.hidden);
})();
