// Everything by keyboard: a key clicks what carries it, arrows walk rows.
"use strict";
(() => {
  const places = { o: "", t: "/traces", s: "/sessions", f: "/search" };
  let waiting = false; // whether G was pressed just now

  const typing = (target) => target.closest("input, textarea, select, [contenteditable]");

  const dialog = () => document.getElementById("keys");

  const walk = (selector, by) => {
    const rows = [...document.querySelectorAll(selector)];
    if (!rows.length) return false;
    const at = rows.findIndex((row) => row.matches(".picked, [aria-selected='true']"));
    const next = rows[Math.min(Math.max(at + by, 0), rows.length - 1)] || rows[0];
    for (const row of rows) { row.classList.toggle("picked", row === next); if (row.matches("tr")) row.setAttribute("aria-selected", row === next); }
    next.scrollIntoView({ block: "nearest" });
    return next;
  };

  const step = (by) => {
    const row = walk(".step", by);
    if (!row) return false;
    row.querySelector(".pick").click();
    row.querySelector(".pick").focus({ preventScroll: true });
    return true;
  };

  const fold = (open) => {
    const link = document.querySelector(".step.picked .fold");
    if (!link || (link.textContent.trim() === "▸") !== open) return false;
    link.click();
    return true;
  };

  const go = (letter) => {
    const project = location.pathname.match(/^\/p\/[^/]+/);
    if (project && letter in places) location.assign(project[0] + places[letter]);
  };

  const acts = {
    "/": () => { const field = document.querySelector("[data-filter]"); if (!field) return false; field.focus(); field.select(); return true; },
    "?": () => { dialog().open ? dialog().close() : dialog().showModal(); return true; },
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    ArrowLeft: () => fold(false),
    ArrowRight: () => fold(true),
    Enter: () => { const link = document.querySelector("tr[aria-selected='true'] a"); if (!link) return false; link.click(); return true; },
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") { if (typing(event.target)) event.target.blur(); for (const open of document.querySelectorAll("details.drop[open], details.project[open]")) open.open = false; return; }
    if (typing(event.target) || event.defaultPrevented) return;
    if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
    const letter = event.key.toLowerCase();
    if (waiting) { waiting = false; event.preventDefault(); return go(letter); }
    if (letter === "g") { waiting = true; setTimeout(() => { waiting = false; }, 1200); return; }
    const carrier = event.key.length === 1 && document.querySelector(`[data-key="${CSS.escape(letter)}"]`);
    if (carrier) { event.preventDefault(); carrier.click(); return; }
    if ((letter === "j" || letter === "k") && walk("tr[data-row]", letter === "j" ? 1 : -1)) { event.preventDefault(); return; }
    const act = acts[event.key];
    if (act && act()) event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-keys]")) { event.preventDefault(); acts["?"](); }
    const pick = event.target.closest(".pick");
    if (pick && !event.ctrlKey && !event.metaKey) {
      for (const row of document.querySelectorAll(".step.picked")) row.classList.remove("picked");
      pick.closest(".step").classList.add("picked");
    }
  });

  // A dialog that the server opened (?keys) has no backdrop until the script opens it as a modal.
  if (dialog()?.open) { dialog().close(); dialog().showModal(); }
})();
