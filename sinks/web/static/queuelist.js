// The queues of a hotline as a table: the way from the whole to its parts.

import { addressOf } from "/static/address.js";
import { el, mark, put } from "/static/dom.js";
import { count, NONE, percent, tableSpan } from "/static/format.js";
import { stateIcon } from "/static/icons.js";
import { tableRow, Table } from "/static/table.js";
import { nameOf } from "/static/words.js";

export class QueueList {
  constructor(open) {
    this.open = open;
    this.title = el("h3", "");
    this.table = new Table("queue-list", ["", "", "", "", "col-today"]);
    this.node = el("section", "queue-list-section", el("div", "section-head", this.title), this.table.node);
    this.rows = new Map();
  }

  update(board, lang, words, own) {
    put(this.title, own.queues);
    this.table.name(own.queues, [words.queue, words.waitingTotal, words.oldestTotal, words.level(board.head.threshold_s), own.today]);
    this.table.show(board.order.map((queue) => this.row(queue, board.tiles[queue], lang, words)));
  }

  row(queue, data, lang, words) {
    if (!this.rows.has(queue)) {
      const row = { icon: el("span", "tile-icon"), link: el("a", "row-link"), cells: [1, 2, 3, 4].map(() => el("td", "")), state: null };
      row.link.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        this.open(queue);
      });
      row.node = tableRow(el("span", "row-name", row.icon, row.link), row.cells);
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
    const texts = [down ? NONE : count(data.waiting, lang), down ? NONE : tableSpan(data.oldest_s, lang), level === NONE ? NONE : `${level}%`, count(data.today, lang)];
    texts.forEach((text, i) => put(row.cells[i], text));
    mark(row.icon, "title", words.states[data.state]);
    return row.node;
  }
}
