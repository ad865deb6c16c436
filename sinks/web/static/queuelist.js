// The queues of a hotline as a table: the way from the whole to its parts.

import { addressOf } from "/static/address.js";
import { el, mark, put } from "/static/dom.js";
import { count, NONE, percent, span } from "/static/format.js";
import { stateIcon } from "/static/icons.js";
import { nameOf } from "/static/words.js";

export class QueueList {
  constructor(open) {
    this.open = open;
    this.title = el("h3", "");
    this.heads = ["queue", "waiting", "oldest", "level", "today"].map(() => Object.assign(el("th", ""), { scope: "col" }));
    this.body = el("tbody", "");
    this.scroll = el("div", "scroll", el("table", "queue-list", el("thead", "", el("tr", "", ...this.heads)), this.body));
    this.scroll.tabIndex = 0;
    this.scroll.setAttribute("role", "region");
    this.node = el("section", "queue-list-section", el("div", "section-head", this.title), this.scroll);
    this.rows = new Map();
  }

  update(board, lang, words, own) {
    put(this.title, own.queues);
    mark(this.scroll, "aria-label", own.queues);
    [words.queue, words.waitingTotal, words.oldestTotal, words.level(board.head.threshold_s), own.today].forEach((text, i) => put(this.heads[i], text));
    const nodes = board.order.map((queue) => this.row(queue, board.tiles[queue], lang, words));
    if (nodes.some((node, i) => this.body.children[i] !== node) || this.body.children.length !== nodes.length) this.body.replaceChildren(...nodes);
  }

  row(queue, data, lang, words) {
    if (!this.rows.has(queue)) {
      const row = { icon: el("span", "tile-icon"), link: el("a", "row-link"), cells: [1, 2, 3, 4].map(() => el("td", "")), state: null };
      row.link.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        this.open(queue);
      });
      row.node = el("tr", "", Object.assign(el("th", "", el("span", "row-name", row.icon, row.link)), { scope: "row" }), ...row.cells);
      this.rows.set(queue, row);
    }
    const row = this.rows.get(queue);
    if (row.state !== data.state) row.icon.replaceChildren(stateIcon(data.state));
    row.state = data.state;
    mark(row.node, "data-state", data.state);
    mark(row.link, "href", addressOf({ queue }).href);
    put(row.link, nameOf(data.name, queue, lang));
    const down = data.state === "feed_down";
    const level = percent(down ? null : data.service_level);
    const texts = [down ? NONE : count(data.waiting, lang), down ? NONE : span(data.oldest_s), level === NONE ? NONE : `${level}%`, count(data.today, lang)];
    texts.forEach((text, i) => put(row.cells[i], text));
    mark(row.icon, "title", words.states[data.state]);
    return row.node;
  }
}
