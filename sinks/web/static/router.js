// Which page is shown: the board, or one of the others in its place. The address decides; on the wall a clock does.

import { addressOf, entryOf, goTo, here, PAGES, placeOf } from "/static/address.js";
import { el, mark, put, svg } from "/static/dom.js";

const TABS = {
  board: "M4 4h8v10H4zM16 4h8v5h-8zM16 13h8v11h-8zM4 18h8v6H4z",
  alerts: "M14 3.5 26 24.5H2ZM14 11v6M14 20.6v.2",
  agents: "M14 14a5 5 0 1 0 0-10 5 5 0 0 0 0 10zM4.5 25c0-5 4-7.5 9.500-7.500S23.500 20 23.500 25",
  calls: "M4 7h20M4 14h20M4 21h12",
};

/** The entries of the navigation; on a phone four of them are tabs at the bottom. */
export class Navigation {
  constructor(go) {
    this.links = Object.fromEntries(
      PAGES.map((page) => {
        const link = el("a", "nav-link");
        link.dataset.page = page;
        link.icon = svg("svg", { viewBox: "0 0 28 28", class: "nav-icon", "aria-hidden": "true" }, ...(TABS[page] ? [svg("path", { d: TABS[page], class: "nav-shape" })] : []));
        link.word = el("span", "");
        link.number = el("b", "nav-number");
        link.append(link.icon, link.word, link.number);
        link.addEventListener("click", (event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          go(placeOf(page));
        });
        return [page, link];
      }),
    );
    this.node = el("nav", "nav", ...Object.values(this.links));
  }

  update(entry, firing, map, words) {
    mark(this.node, "aria-label", words.regions.nav);
    for (const [page, link] of Object.entries(this.links)) {
      put(link.word, words.pages[page]);
      mark(link, "aria-current", page === entry ? "page" : null);
      mark(link, "href", addressOf(placeOf(page)).href);
      link.hidden = page === "districts" && !map;
    }
    put(this.links.alerts.number, firing ? String(firing) : "");
    this.links.alerts.number.hidden = !firing;
  }
}

export class Router {
  /** `views`: page -> {node, open(place), close(), update(board, lang, words)}; `changed()` after every move. */
  constructor(node, views, changed) {
    Object.assign(this, { node, views, changed, held: null, place: null, shown: null, context: null });
    addEventListener("popstate", () => this.sync());
  }

  go(place, replace = false) {
    goTo(place, replace);
    this.sync();
  }

  /** Show a page without saying so in the address (null: what the address says). */
  hold(page) {
    if (this.held === page) return;
    this.held = page;
    this.sync();
  }

  get entry() {
    return entryOf(this.place ?? here());
  }

  sync() {
    if (!this.context) return;
    const before = this.place;
    this.place = this.held ? { ...here(), page: this.held, queue: null } : here();
    const view = this.views[this.place.page] ?? null;
    document.body.dataset.page = this.place.page;
    this.node.hidden = view === null;
    if (this.shown !== view) {
      this.shown?.close();
      this.node.replaceChildren(...(view ? [view.node] : []));
    }
    const fresh = this.shown !== view;
    this.shown = view;
    view?.open(this.place);
    view?.update(...this.context);
    this.changed(); // the board is there again: what is hidden takes no focus
    if (view && fresh && before && !this.held) view.node.querySelector("h2")?.focus();
    if (!view && before?.page === "queue") document.querySelector(`.tile[data-queue="${CSS.escape(before.queue)}"] .tile-link`)?.focus();
  }

  /** Esc: from a call to its list, from a page to the board. */
  back() {
    const place = this.place;
    if (!place || place.page === "board") return false;
    if (place.call) this.go({ ...place, call: null }, true);
    else if (place.within) this.go({ page: place.page });
    else this.go({ page: "board" });
    return true;
  }

  update(board, lang, words) {
    const first = this.context === null;
    this.context = [board, lang, words];
    if (first) this.sync();
    else this.shown?.update(board, lang, words);
  }
}
