// Keys for those who like them, and the moving log of a run. Every page works without this file.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");

  const store = { off: "ladder-keys-off" };
  const areOff = () => { try { return localStorage.getItem(store.off) === "1"; } catch { return false; } };
  const turn = (off) => { try { off ? localStorage.setItem(store.off, "1") : localStorage.removeItem(store.off); } catch { /* no storage, no memory */ } };

  const rows = () => [...document.querySelectorAll("[data-row]")].filter((each) => each.offsetParent !== null);
  let at = -1;
  const move = (by) => {
    const found = rows();
    if (!found.length) return;
    const held = found.indexOf(document.activeElement);
    at = Math.max(0, Math.min(found.length - 1, (held >= 0 ? held : at) + by));
    found.forEach((each) => each.classList.remove("current"));
    found[at].classList.add("current");
    found[at].focus();
    found[at].scrollIntoView({ block: "nearest" });
  };

  const KEYS = [["j", "next row"], ["k", "previous row"], ["Enter", "open the row"], ["/", "search"], ["?", "these keys"], ["Esc", "close"]];
  let sheet = null;
  const openSheet = () => {
    if (!sheet) {
      sheet = document.createElement("dialog");
      sheet.setAttribute("aria-labelledby", "sheet-title");
      const title = document.createElement("h2");
      title.id = "sheet-title";
      title.textContent = "Keys";
      const list = document.createElement("dl");
      for (const [key, what] of KEYS) {
        const term = document.createElement("dt");
        const shown = document.createElement("kbd");
        shown.textContent = key;
        term.append(shown);
        const said = document.createElement("dd");
        said.textContent = what;
        list.append(term, said);
      }
      const label = document.createElement("label");
      const box = document.createElement("input");
      box.type = "checkbox";
      box.checked = !areOff();
      box.addEventListener("change", () => turn(!box.checked));
      label.append(box, " Single keys are on");
      const close = document.createElement("button");
      close.type = "button";
      close.textContent = "Close";
      close.addEventListener("click", () => sheet.close());
      const foot = document.createElement("p");
      foot.append(close);
      sheet.append(title, list, label, foot);
      document.body.append(sheet);
    }
    sheet.showModal();
  };

  const isTyping = (target) => target instanceof Element && target.closest("input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]") !== null;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || sheet?.open) return;
    // The sheet opens always, since it is where the keys are switched on again.
    if (event.key === "?") { event.preventDefault(); openSheet(); return; }
    if (areOff()) return;
    const search = document.querySelector("[data-search]");
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "/" && search) { event.preventDefault(); search.focus(); search.select(); }
  });
  document.querySelector(".keys")?.addEventListener("click", openSheet);

  const log = document.querySelector("[data-events]");
  if (log) {
    const state = document.querySelector("[data-live-state]");
    const seen = new Set([...log.children].map((each) => each.dataset.id));
    log.scrollTop = log.scrollHeight;
    const MOST = 2000;
    const source = new EventSource(log.dataset.events);
    const tally = document.querySelector("[data-tally]");
    const trials = document.querySelector("[data-trials]");
    const rowOf = (trial) => {
      const found = [...trials.children].find((each) => each.dataset.trial === `${trial}`);
      if (found) return found;
      const made = document.createElement("li");
      made.dataset.trial = trial;
      trials.append(made);
      return made;
    };
    const count = (told, kind) => {
      if (told.trial === null || !trials) return;
      if (kind === "trial") rowOf(told.trial).remove();
      else rowOf(told.trial).textContent = `trial ${told.trial}: ${told.far}`;
      if (tally && told.tally) tally.textContent = told.tally;
    };
    const add = (event) => {
      const told = JSON.parse(event.data);
      if (seen.has(told.id)) return;
      seen.add(told.id);
      count(told, event.type);
      const line = document.createElement("li");
      line.dataset.id = told.id;
      line.dataset.kind = event.type;
      const when = document.createElement("span");
      when.className = "when";
      when.textContent = told.when;
      const what = document.createElement("span");
      what.className = "what";
      what.textContent = told.text;
      line.append(when, what);
      if (told.word) {
        const word = document.createElement("span");
        word.className = `verdict ${told.state}`;
        word.textContent = `${told.mark} ${told.word}`;
        line.append(word);
      }
      const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
      log.append(line);
      while (log.children.length > MOST) {
        seen.delete(log.firstElementChild.dataset.id);
        log.firstElementChild.remove();
      }
      if (isAtEnd) log.scrollTop = log.scrollHeight;
      if (state) state.textContent = told.text;
    };
    for (const kind of ["step", "attempt", "check", "verdict", "trial", "sealed"]) source.addEventListener(kind, add);
    source.addEventListener("error", () => {
      // A browser comes back by itself, but not after a refusal.
      if (source.readyState === EventSource.CLOSED && state) state.textContent = "The log does not move any more; reload the page.";
    });
    source.addEventListener("done", (event) => {
      source.close();
      log.dataset.done = "yes";
      if (state) state.textContent = JSON.parse(event.data).text;
      document.querySelector("[data-after]")?.removeAttribute("hidden");
    });
    window.addEventListener("pagehide", () => source.close());
  }
})();
