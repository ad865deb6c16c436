// Agents by state: the whole hotline, and queue by queue. Figures are those of the board's stream.

import { addressOf } from "/static/address.js";
import { Bar, crew, onBreak, PARTS } from "/static/agents.js";
import { el, mark, put } from "/static/dom.js";
import { count, NONE, percent } from "/static/format.js";
import { tableRow, Table } from "/static/table.js";
import { nameOf } from "/static/words.js";
import { PAGES } from "/static/words_pages.js";

export class CrewPage {
  constructor(go) {
    this.go = go;
    this.title = Object.assign(el("h2", "page-title"), { tabIndex: -1 });
    this.sub = el("span", "sub");
    this.bar = new Bar("crew-huge");
    this.big = PARTS.map(() => ({ number: el("b", ""), word: el("span", "label") }));
    this.breaks = el("p", "sub crew-breaks");
    this.table = new Table("figures crew-table", ["queue", "duty", ...PARTS, "occupancy", "bar"].map((name) => `col-${name}`));
    this.node = el(
      "div",
      "crew-page",
      el("section", "panel", el("div", "section-head", this.title, this.sub), this.bar.node, el("div", "crew-big", ...this.big.map(({ number, word }) => el("p", "crew-one", number, word))), this.breaks),
      el("section", "panel", this.table.node),
    );
    this.rows = new Map();
  }

  open() {}

  close() {}

  update(board, lang, words) {
    const own = PAGES[lang];
    const { totals } = board;
    const down = board.head.sources.down_since !== null;
    const numbers = crew(totals.agents && !down ? totals.agents : {});
    const known = totals.agents !== null && !down;
    const sum = PARTS.reduce((total, part) => total + numbers[part], 0);
    put(this.title, `${words.onDuty} ${known ? count(sum, lang) : NONE}`);
    put(this.sub, known ? own.agentsSub : own.noAgents);
    this.bar.draw(numbers);
    PARTS.forEach((part, i) => {
      put(this.big[i].number, known ? count(numbers[part], lang) : NONE);
      put(this.big[i].word, words.crew[part]);
    });
    const reasons = onBreak(totals, lang, words);
    put(this.breaks, reasons ? own.breaks(reasons) : "");
    this.table.name(own.agents, [words.queue, words.onDuty, ...PARTS.map((part) => words.crew[part]), own.occupancy, own.split]);
    this.table.show(board.order.map((queue) => this.row(queue, board.tiles[queue], down, lang, words)));
  }

  row(queue, data, down, lang, words) {
    if (!this.rows.has(queue)) {
      const row = { link: el("a", "row-link"), cells: ["duty", ...PARTS, "occupancy"].map(() => el("td", "")), bar: new Bar("crew-large") };
      row.link.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        this.go({ queue });
      });
      row.node = tableRow(row.link, [...row.cells, el("td", "col-bar", row.bar.node)]);
      this.rows.set(queue, row);
    }
    const row = this.rows.get(queue);
    put(row.link, nameOf(data.name, queue, lang));
    mark(row.link, "href", addressOf({ queue }).href);
    const known = data.agents !== null && !down;
    const numbers = crew(known ? data.agents : {});
    const busy = data.windows?.["15m"]?.occupancy;
    const texts = [PARTS.reduce((total, part) => total + numbers[part], 0), ...PARTS.map((part) => numbers[part])].map((number) => (known ? count(number, lang) : NONE));
    texts.push(busy === null || busy === undefined ? NONE : `${percent(busy)}%`);
    texts.forEach((text, i) => put(row.cells[i], text));
    row.cells[1].classList.toggle("missed", known && numbers.free === 0 && data.waiting > 0);
    row.bar.draw(numbers);
    return row.node;
  }
}
