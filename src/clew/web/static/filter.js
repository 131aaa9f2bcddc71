// The filter: coloured as it is typed, completed from the server's own grammar.
"use strict";
(() => {
  const TOKENS = /("(?:[^"\\]|\\.)*"?)|(>=|<=|!=|!~|=|<|>|~|\(|\)|,)|([^\s"=<>~!(),]+)|(\s+|.)/g;
  const WORDS = new Set(["and", "or", "not", "in", "exists", "missing", "is", "having", "count"]);

  const paint = (box, input) => {
    const layer = box.querySelector(".paint");
    const parts = [];
    let value = false, list = false; // whether a value comes next; whether we are inside the brackets of "in"
    for (const [text, quoted, sign, word] of input.value.matchAll(TOKENS)) {
      const span = document.createElement("span");
      span.textContent = text;
      const lower = word?.toLowerCase();
      if (sign === "(") list = value;
      else if (sign === ")") list = value = false;
      else if (sign && sign !== ",") value = true;
      else if (word && WORDS.has(lower)) value = lower === "in";
      else if (quoted || word) {
        span.className = quoted || value || list ? "v" : "f";
        if (!list) value = false;
      }
      parts.push(span);
    }
    layer.replaceChildren(...parts);
    layer.scrollLeft = input.scrollLeft;
    box.classList.add("painted");
  };

  const setUp = (box) => {
    const input = box.querySelector("input");
    const menu = box.parentElement.querySelector(".menu");
    let chosen = -1, asked = 0, timer = 0;
    let shown = ""; // the text and place that the proposals on screen belong to
    const here = () => `${input.selectionStart} ${input.value}`;

    const close = () => { menu.hidden = true; chosen = -1; };
    const mark = (by) => {
      const items = [...menu.children];
      if (!items.length) return;
      chosen = (chosen + by + items.length) % items.length;
      items.forEach((item, index) => item.setAttribute("aria-selected", index === chosen));
      items[chosen].scrollIntoView({ block: "nearest" });
    };
    const take = (proposal) => {
      const text = proposal.text + (proposal.kind === "field" || proposal.kind === "operator" || proposal.kind === "connective" ? " " : "");
      input.setRangeText(text, proposal.start, proposal.end, "end");
      paint(box, input);
      ask();
    };
    const show = (proposals) => {
      chosen = -1;
      menu.replaceChildren(...proposals.slice(0, 12).map((proposal) => {
        const item = document.createElement("button");
        item.type = "button";
        item.tabIndex = -1;
        item.setAttribute("role", "option");
        const code = document.createElement("code");
        code.textContent = proposal.text;
        const help = document.createElement("small");
        help.textContent = proposal.help;
        item.append(code, help);
        item.addEventListener("mousedown", (event) => { event.preventDefault(); take(proposal); });
        item.proposal = proposal;
        return item;
      }));
      menu.hidden = !proposals.length;
    };
    const ask = async () => {
      clearTimeout(timer);
      const mine = ++asked, place = here();
      const address = new URL(box.dataset.complete, location.href);
      address.searchParams.set("q", input.value);
      address.searchParams.set("at", input.selectionStart);
      const answer = await fetch(address);
      if (mine !== asked || !answer.ok) return;
      const proposals = await answer.json();
      if (mine !== asked || document.activeElement !== input) return;
      shown = place;
      show(proposals);
    };

    input.addEventListener("input", () => { paint(box, input); clearTimeout(timer); timer = setTimeout(ask, 60); });
    input.addEventListener("scroll", () => { box.querySelector(".paint").scrollLeft = input.scrollLeft; });
    input.addEventListener("focus", ask);
    input.addEventListener("blur", close);
    const complete = async () => {
      if (shown !== here()) await ask(); // typed faster than the proposals came
      if (menu.hidden || shown !== here()) return;
      if (chosen < 0) mark(1);
      take(menu.children[chosen].proposal);
    };
    input.addEventListener("keydown", (event) => {
      if (menu.hidden) { if (event.key === "ArrowDown") ask(); return; }
      if (event.key === "ArrowDown") { event.preventDefault(); mark(1); }
      else if (event.key === "ArrowUp") { event.preventDefault(); mark(-1); }
      else if (event.key === "Escape") { event.stopPropagation(); close(); }
      else if (event.key === "Tab" && !event.shiftKey) { event.preventDefault(); complete(); }
      else if (event.key === "Enter" && chosen >= 0) { event.preventDefault(); take(menu.children[chosen].proposal); }
    });
    paint(box, input);
  };

  for (const box of document.querySelectorAll("[data-complete]")) setUp(box);
})();
