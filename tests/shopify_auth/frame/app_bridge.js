// As much of App Bridge as a page in the frame needs: tokens, signed fetches, the bounce page.
// `signSessionToken` is the test's.
(() => {
  const parameters = new URLSearchParams(location.search);
  const plainFetch = window.fetch.bind(window);
  window.shopify = { idToken: () => window.signSessionToken(), toast: { show: () => "" } };
  window.fetch = async (input, init) => {
    const send = async () => {
      const request = new Request(input, init);
      request.headers.set("Authorization", `Bearer ${await window.signSessionToken()}`);
      return plainFetch(request);
    };
    const response = await send();
    const retry = response.headers.get("X-Shopify-Retry-Invalid-Session-Request") === "1";
    return response.status === 401 && retry ? send() : response;
  };
  const wanted = parameters.get("shopify-reload");
  if (!wanted) return;
  window.signSessionToken().then((token) => {
    const url = new URL(wanted);
    url.searchParams.set("id_token", token);
    location.replace(url);
  });
})();
