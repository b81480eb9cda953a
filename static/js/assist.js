// The assistant: the answer is shown while it is said (server-sent events over fetch), can be stopped,
// and at its end the conversation comes from the server, with links and drafts.

(() => {
  "use strict";

  const ecomVance = window.ecomVance;
  const form = /** @type {HTMLFormElement | null} */ (document.getElementById("assist-form"));
  if (!form) return;

  const message = /** @type {HTMLTextAreaElement} */ (form.elements.namedItem("message"));
  const conversation = /** @type {HTMLInputElement} */ (form.elements.namedItem("conversation"));
  const stop = /** @type {HTMLButtonElement} */ (document.getElementById("assist-stop"));
  const live = document.getElementById("assist-live");
  const question = live.querySelector("[data-live-question]");
  const answer = live.querySelector("[data-live-answer]");
  const errors = document.getElementById("assist-errors");
  const status = document.getElementById("assist-status");

  /**
   * The events of a stream, as they come.
   * @param {ReadableStream<Uint8Array>} body
   */
  async function* eventsOf(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const messages = (rest + value).split("\n\n");
      rest = messages.pop();
      for (const one of messages) {
        const [, name] = /^event: (.*)$/m.exec(one) || [];
        const [, data] = /^data: (.*)$/m.exec(one) || [];
        if (name && data) yield { name, data: JSON.parse(data) };
      }
    }
  }

  /** @param {string} text */
  const complain = (text) => {
    errors.textContent = text;
    if (text) errors.scrollIntoView({ block: "nearest" });
  };

  /** The address of a conversation: the page's own where there is none. */
  const addressOf = (id) => (id ? `${form.dataset.page}/${id}` : form.dataset.page);

  /** What the server has kept takes the place of what was shown meanwhile. */
  const settle = async () => {
    if (!conversation.value) {
      live.hidden = true;
      return;
    }
    const address = new URL(addressOf(conversation.value), location.href);
    address.search = location.search;
    const response = await fetch(address, { headers: { Accept: "text/html", "X-Page-Parts": "1" } });
    if (!response.ok) return;
    history.replaceState(history.state, "", address);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const id of ["assist-talk", "assist-aside"]) {
      const fresh = document.importNode(page.getElementById(id), true);
      document.getElementById(id).replaceWith(fresh);
      window.htmx.process(fresh);
    }
    live.hidden = true;
  };

  /** @param {Response} response */
  const refuse = async (response) => {
    live.hidden = true;
    const told = (response.headers.get("Content-Type") || "").includes("json") ? await response.json() : {};
    complain(told.message || form.dataset.broken);
  };

  /** @param {AsyncGenerator<{name: string, data: any}>} events */
  const follow = async (events) => {
    for await (const { name, data } of events) {
      if (name === "delta") answer.textContent += data.text;
      if (name === "done") conversation.value = data.conversation;
      if (name === "error") complain(data.message);
      if (name === "done") return true;
      if (name === "error") return false;
    }
    complain(form.dataset.broken);
    return false;
  };

  /** @param {string} text */
  const ask = async (text) => {
    const abort = new AbortController();
    const body = new FormData(form);
    complain("");
    document.getElementById("assist-starters")?.remove();
    question.textContent = text;
    answer.textContent = "";
    answer.setAttribute("aria-busy", "true");
    live.hidden = false;
    stop.hidden = false;
    stop.onclick = () => {
      stop.hidden = true;
      abort.abort();
    };
    try {
      const headers = { Accept: "text/event-stream", ...ecomVance.csrfHeaders() };
      const response = await fetch(form.action, { method: "POST", body, headers, signal: abort.signal });
      if (!response.ok) return await refuse(response);
      message.value = "";
      conversation.value = response.headers.get("X-Conversation") || conversation.value;
      const isReady = await follow(eventsOf(response.body));
      status.textContent = isReady ? form.dataset.ready : "";
    } catch {
      if (abort.signal.aborted) {
        status.textContent = form.dataset.stopped;
        // The server keeps what was said as soon as it notices that nobody listens.
        if (conversation.value) await new Promise((done) => setTimeout(done, 600));
      } else {
        complain(form.dataset.broken);
      }
    } finally {
      stop.hidden = true;
      answer.removeAttribute("aria-busy");
    }
    await settle();
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = message.value.trim();
    if (!text || !ecomVance.beginSubmit(form, event.submitter)) return;
    try {
      await ask(text);
    } finally {
      ecomVance.endSubmit(form);
      message.focus();
    }
  });

  message.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });

  document.addEventListener("click", (event) => {
    const starter = event.target instanceof Element ? event.target.closest("[data-starter]") : null;
    if (!starter) return;
    message.value = starter.textContent.trim();
    form.requestSubmit();
  });
})();
