// Passkeys: a form that says so asks the server for its question, has the browser
// answer it, and is sent with the answer. Without this script the form stays hidden.
(() => {
  "use strict";
  if (!window.PublicKeyCredential) return;
  const bytes = (s) => Uint8Array.from(atob(s.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (b) => btoa(String.fromCharCode(...new Uint8Array(b))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const listed = (list) => (list || []).map((c) => ({ ...c, id: bytes(c.id) }));

  async function create(o) {
    const k = { ...o, challenge: bytes(o.challenge), user: { ...o.user, id: bytes(o.user.id) }, excludeCredentials: listed(o.excludeCredentials) };
    const c = await navigator.credentials.create({ publicKey: k });
    const transports = c.response.getTransports ? c.response.getTransports() : [];
    return answer(c, { attestationObject: text(c.response.attestationObject), transports });
  }
  async function get(o) {
    const c = await navigator.credentials.get({ publicKey: { ...o, challenge: bytes(o.challenge), allowCredentials: listed(o.allowCredentials) } });
    const r = c.response;
    return answer(c, { authenticatorData: text(r.authenticatorData), signature: text(r.signature), userHandle: r.userHandle ? text(r.userHandle) : null });
  }
  function answer(c, more) {
    return JSON.stringify({ id: c.id, rawId: text(c.rawId), type: c.type, clientExtensionResults: c.getClientExtensionResults(), response: { clientDataJSON: text(c.response.clientDataJSON), ...more } });
  }

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const signIn = form.dataset.passkey === "sign-in";
    const say = form.querySelector("[role=alert]");
    form.hidden = false;
    form.addEventListener("submit", async (e) => {
      if (form.elements.passkey.value) return;
      e.preventDefault();
      say.hidden = true;
      try {
        const asked = await fetch(signIn ? "/oidc/passkey" : "/account/passkeys/begin", { method: "POST" });
        if (asked.redirected || asked.status === 403) throw new Error("You signed in too long ago for this. Sign in again first.");
        if (!asked.ok) throw new Error(await asked.text());
        const question = (await asked.json()).publicKey;
        form.elements.passkey.value = await (signIn ? get(question) : create(question));
        form.requestSubmit();
      } catch (err) {
        form.elements.passkey.value = "";
        const known = { NotAllowedError: "Nothing was done: it was cancelled, or took too long. Try again.", InvalidStateError: "This device has a passkey for this account already.", SecurityError: "Passkeys do not work at this address." };
        say.textContent = known[err.name] || err.message;
        say.hidden = false;
      }
    });
  }
})();
