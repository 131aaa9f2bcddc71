// Long lists in windows: a chunk of rows is there while it is near the screen, and an empty box of the same height when it is not.
"use strict";
(() => {
  const ROW = 28; // px of a step in a tree
  const KEEP = 12; // chunks that may stay loaded beside those on screen

  const empty = (chunk, height) => {
    chunk.classList.add("blank");
    if (chunk.tagName !== "TBODY") { chunk.style.height = `${height}px`; chunk.replaceChildren(); return; }
    const cell = document.createElement("td");
    cell.colSpan = 99;
    cell.style.height = `${height}px`;
    const row = document.createElement("tr");
    row.append(cell);
    chunk.replaceChildren(row);
  };

  const fill = (chunk, text) => {
    if (chunk.tagName === "TBODY") {
      const page = new DOMParser().parseFromString(`<table>${text}</table>`, "text/html");
      chunk.replaceChildren(...page.querySelector("tbody").children);
    } else {
      chunk.innerHTML = text;
    }
    chunk.classList.remove("blank");
    window.htmx?.process(chunk);
    const picked = document.getElementById("detail")?.dataset.picked;
    for (const row of chunk.querySelectorAll(".step")) row.classList.toggle("picked", row.dataset.span === picked);
  };

  const load = async (chunk) => {
    if (!chunk.classList.contains("blank") || chunk.dataset.loading) return;
    chunk.dataset.loading = "1";
    try {
      const answer = await fetch(chunk.dataset.src, { headers: { "HX-Request": "true" } });
      if (answer.ok) fill(chunk, await answer.text());
    } finally {
      delete chunk.dataset.loading;
    }
  };

  const unload = (chunk) => {
    if (chunk.classList.contains("blank") || document.querySelectorAll(".chunk:not(.blank)").length <= KEEP) return;
    empty(chunk, chunk.offsetHeight);
  };

  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) entry.isIntersecting ? load(entry.target) : unload(entry.target);
  }, { rootMargin: "1600px 0px" });

  const watch = () => {
    for (const chunk of document.querySelectorAll(".chunk[data-src]:not([data-watched])")) {
      chunk.dataset.watched = "1";
      if (chunk.dataset.rows) chunk.style.height = `${Number(chunk.dataset.rows) * ROW}px`;
      if (chunk.classList.contains("blank")) chunk.replaceChildren();
      watcher.observe(chunk);
    }
  };

  watch();
  document.addEventListener("htmx:afterSettle", watch);
})();
