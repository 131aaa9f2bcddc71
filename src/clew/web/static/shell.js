// The reader's time zone, menus that close, copying.
"use strict";
(() => {
  const root = document.documentElement;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && root.dataset.zone !== zone) {
    document.cookie = `clew_zone=${zone}; path=/; max-age=31536000; samesite=lax`;
    // The first page of all is drawn in UTC; draw it again once, unless cookies are refused.
    if (!root.dataset.zone && document.cookie.includes("clew_zone=") && zone !== "UTC") location.reload();
  }

  document.addEventListener("click", (event) => {
    for (const open of document.querySelectorAll("details.project[open], details.drop[open]")) {
      if (!open.contains(event.target)) open.open = false;
    }
  });

  const say = (button, text) => {
    const before = button.dataset.before || (button.dataset.before = button.innerHTML);
    button.textContent = text;
    setTimeout(() => { button.innerHTML = before; }, 1200);
  };

  const copy = async (button, text) => {
    try {
      await navigator.clipboard.writeText(text);
      say(button, "Copied");
    } catch {
      say(button, "Could not copy");
    }
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy-from], [data-copy-curl], [data-copy]");
    if (!button) return;
    event.preventDefault();
    if (button.dataset.copy !== undefined) return copy(button, button.dataset.copy);
    const address = new URL(button.dataset.copyFrom || button.dataset.copyCurl, location.href).href;
    if (button.dataset.copyCurl) return copy(button, `curl -s '${address.replaceAll("'", "%27")}'`);
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    if (!answer.ok) return say(button, "Not found");
    const text = await answer.text();
    try { copy(button, JSON.stringify(JSON.parse(text), null, 2)); } catch { copy(button, text); }
  });
})();
