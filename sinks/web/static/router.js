// Which page is shown: the board, or one of the others in its place. The address decides; on the wall a clock does.

import { addressOf, entryOf, goTo, here, PAGES, placeOf } from "/static/address.js";
import { el, mark, put, svg } from "/static/dom.js";

const SHAPES = {
  board: "M4 4h8v10H4zM16 4h8v5h-8zM16 13h8v11h-8zM4 18h8v6H4z",
  alerts: "M14 3.5 26 24.5H2ZM14 11v6M14 20.6v.2",
  agents: "M14 14a5 5 0 1 0 0-10 5 5 0 0 0 0 10zM4.5 25c0-5 4-7.5 9.500-7.500S23.500 20 23.500 25",
  calls: "M4 7h20M4 14h20M4 21h12",
  queues: "M4 5h20v4H4zM4 12h14v4H4zM4 19h8v4H4z",
  districts: "M14 25.5c5.500-6 8-9.500 8-13a8 8 0 1 0-16 0c0 3.500 2.500 7 8 13zM14 15a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5z",
  categories: "M4 4h9.500L24.500 15 15 24.500 4 13.500zM9.500 9.500v.2",
  events: "M4 6.500h20v17H4zM4 12h20M9.500 3.500v5M18.500 3.500v5",
  more: "M5.500 14v.2M14 14v.2M22.500 14v.2",
};
const TABS = ["board", "alerts", "agents", "calls"];

/** A page's name with its sign and a number. */
function signed(node, page) {
  node.dataset.page = page;
  node.word = el("span", "");
  node.number = el("b", "nav-number");
  node.append(svg("svg", { viewBox: "0 0 28 28", class: "nav-icon", "aria-hidden": "true" }, svg("path", { d: SHAPES[page], class: "nav-shape" })), node.word, node.number);
  return node;
}

/** The entries of the navigation; on a phone four of them are tabs at the bottom, and a fifth opens the others. */
export class Navigation {
  constructor(go) {
    this.links = Object.fromEntries(
      PAGES.map((page) => {
        const link = signed(el("a", TABS.includes(page) ? "nav-link" : "nav-link nav-other"), page);
        link.addEventListener("click", (event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          this.unfold(false);
          go(placeOf(page));
        });
        return [page, link];
      }),
    );
    this.more = Object.assign(signed(el("button", "nav-link nav-more"), "more"), { type: "button" });
    this.more.addEventListener("click", () => this.unfold(this.more.getAttribute("aria-expanded") !== "true"));
    this.node = el("nav", "nav", ...Object.values(this.links), this.more);
    this.unfold(false);
  }

  /** Show the other pages above the tabs, or put them away. */
  unfold(open) {
    mark(this.more, "aria-expanded", String(open));
  }

  update(entry, firing, map, words) {
    mark(this.node, "aria-label", words.regions.nav);
    for (const [page, link] of Object.entries(this.links)) {
      put(link.word, words.pages[page]);
      mark(link, "aria-current", page === entry ? "page" : null);
      mark(link, "href", addressOf(placeOf(page)).href);
      link.hidden = page === "districts" && !map;
    }
    put(this.more.word, words.morePages);
    mark(this.more, "data-here", TABS.includes(entry) ? null : "yes");
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
