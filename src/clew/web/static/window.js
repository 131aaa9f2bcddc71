// A long tree in windows: a chunk of rows is there while it is near the screen, and an empty box of the same height when it is not.
"use strict";
(() => {
  const ROW = 28;
  const KEEP = 12; // chunks that may stay loaded beside those on screen

  const load = async (chunk) => {
    if (!chunk.classList.contains("blank") || chunk.dataset.loading) return;
    chunk.dataset.loading = "1";
    try {
      const answer = await fetch(chunk.dataset.src, { headers: { "HX-Request": "true" } });
      if (!answer.ok) return;
      chunk.innerHTML = await answer.text();
      chunk.classList.remove("blank");
      window.htmx?.process(chunk);
      const picked = document.getElementById("detail")?.dataset.picked;
      for (const row of chunk.querySelectorAll(".step")) row.classList.toggle("picked", row.dataset.span === picked);
    } finally {
      delete chunk.dataset.loading;
    }
  };

  const unload = (chunk) => {
    if (chunk.classList.contains("blank") || document.querySelectorAll(".chunk:not(.blank)").length <= KEEP) return;
    chunk.replaceChildren();
    chunk.classList.add("blank");
  };

  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) entry.isIntersecting ? load(entry.target) : unload(entry.target);
  }, { rootMargin: "1600px 0px" });

  const watch = (within) => {
    for (const chunk of within.querySelectorAll(".chunk[data-src]")) {
      chunk.style.height = `${Number(chunk.dataset.rows) * ROW}px`;
      if (chunk.classList.contains("blank")) chunk.replaceChildren();
      watcher.observe(chunk);
    }
  };

  watch(document);
  document.addEventListener("htmx:afterSettle", (event) => { if (event.target.id === "tree") watch(document); });
})();
