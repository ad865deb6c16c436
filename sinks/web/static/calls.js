// The calls behind a number, page by page. Callers are pseudonyms; texts are only ever set as text.

import { el, mark, put } from "/static/dom.js";
import { NONE, percent, seconds, span, tableSpan } from "/static/format.js";
import { Pager } from "/static/pager.js";
import { csvLink, Table } from "/static/table.js";
import { outcomeOf, waits } from "/static/timeline.js";
import { nameOf, unreached } from "/static/words.js";

const PAGE = 20;
const COLUMNS = ["caller", "queued", "queue", "outcome", "wait", "talk", "category", "district", "agent", "counts"];
const time = (iso) => (iso ? iso.slice(11, 19) : NONE);
const length = (ms, lang) => (ms === null ? NONE : tableSpan(seconds(ms / 1000), lang));

/** A ratio as a percentage or, where it is of times, as a span. */
function shown({ value, under }, metric) {
  if (value === null) return NONE;
  if (under === null) return String(value);
  if (["asa", "asa_waited", "att", "acw", "aht"].includes(metric)) return span(Math.round(value));
  return metric === "rating_mean" ? value.toFixed(1) : `${percent(value)}%`;
}

export class CallList {
  /** `ask(offset)`: another page is wanted; `open(call)`: one of the calls is. */
  constructor(ask, open) {
    this.ask = ask;
    this.open = open;
    this.title = el("h3", "");
    this.status = el("span", "sub calls-sum");
    this.status.setAttribute("role", "status");
    this.csv = csvLink();
    this.address = null;
    this.table = new Table("calls", COLUMNS.map((name) => `col-${name}`));
    this.retry = el("button", "key");
    this.retry.addEventListener("click", () => this.ask(this.offset));
    this.pager = new Pager(PAGE, ask);
    this.pager.node.append(this.retry);
    this.chips = el("p", "chips");
    this.node = el("section", "detail-calls", el("div", "section-head", this.title, this.csv), this.chips, this.status, this.table.node, this.pager.node);
    this.clear();
  }

  clear() {
    this.node.hidden = true;
    this.answer = null;
    this.problem = null;
    this.offset = 0;
    this.asked = 0;
  }

  /** `tiles`: of the board, which know what queues are called. */
  translate(heading, whole, call, tiles, lang, words) {
    const same = heading === this.heading && whole === this.whole && call === this.call && lang === this.lang;
    Object.assign(this, { heading, whole, call, tiles, lang, words });
    if (!this.node.hidden && !same) this.render();
  }

  /** Fetch a page; an answer that was overtaken by a later question is dropped. */
  async load(address, offset) {
    const number = ++this.asked;
    this.node.hidden = false;
    this.offset = offset;
    this.address = address({ format: "csv" });
    this.problem = null;
    if (offset === 0) this.answer = null;
    this.render();
    try {
      const response = await fetch(address({ limit: PAGE, offset }));
      const answer = await response.json();
      if (number !== this.asked) return;
      if (response.ok) this.answer = answer;
      else this.problem = answer.error;
    } catch {
      if (number !== this.asked) return;
      this.problem = unreached();
    }
    this.render();
  }

  render() {
    const { words, answer, problem } = this;
    put(this.title, this.heading);
    this.csv.tell(words.csvOf(this.heading), this.address);
    this.table.name(this.heading || words.calls(0), COLUMNS.map((name) => words.columns[name]));
    put(this.retry, words.again);
    this.retry.hidden = problem === null;
    this.table.node.hidden = !answer?.rows.length;
    const ratio = answer !== null && answer.sum_of_visits.under !== null;
    mark(this.table.table, "data-ratio", ratio ? "yes" : "no");
    mark(this.table.table, "data-now", answer !== null && answer.from === null ? "yes" : "no");
    mark(this.table.table, "data-whole", this.whole ? "yes" : "no");
    put(this.status, problem !== null ? words.failed(problem) : answer ? this.said(answer) : words.loading);
    this.table.show((answer?.rows ?? []).map((row) => this.row(row, answer)));
    this.pager.update(answer?.offset ?? 0, answer?.rows.length ?? 0, answer?.visits ?? 0, words);
    this.pager.node.hidden = !answer?.visits && problem === null;
  }

  said(answer) {
    const { words } = this;
    if (!answer.visits) return words.none;
    const visits = shown(answer.sum_of_visits, answer.metric);
    const cells = answer.cells ? shown(answer.cells, answer.metric) : null;
    const sum = cells === null ? words.noCells : cells === visits ? words.agree(visits) : words.differ(visits, cells);
    return `${words.calls(answer.visits)} · ${sum} · ${words.pseudonyms}`;
  }

  row(row, answer) {
    const { words } = this;
    const waited = row.wait_ms ?? (waits(row) ? Math.max(0, Date.parse(answer.data_as_of) - Date.parse(row.queued_at)) : null);
    const texts = {
      queued: time(row.queued_at ?? row.arrived_at),
      caller: row.caller ? row.caller.slice(-8) : NONE,
      queue: row.queue ? nameOf(this.tiles[row.queue]?.name, row.queue, this.lang) : NONE,
      outcome: outcomeOf(row, words),
      wait: length(waited, this.lang),
      talk: length(row.talk_ms, this.lang),
      category: row.category ? nameOf(answer.names[row.category], row.category, this.lang) : NONE,
      district: row.district ? nameOf(answer.names[row.district], row.district, this.lang) : NONE,
      agent: row.agent || NONE,
      counts: row.adds ? "✓" : NONE,
    };
    const cells = COLUMNS.map((name) => el("td", `col-${name}`, name === "caller" ? "" : texts[name]));
    const caller = el("button", "number-link", texts.caller);
    caller.type = "button";
    caller.title = row.caller;
    caller.setAttribute("aria-label", words.openCall(texts.caller, texts.queued));
    caller.addEventListener("click", () => this.open(row.call));
    cells[COLUMNS.indexOf("queued")].title = row.queued_at ?? "";
    cells[COLUMNS.indexOf("caller")].append(caller);
    cells[COLUMNS.length - 1].setAttribute("aria-label", row.adds ? words.counted : words.notCounted);
    const line = el("tr", "", ...cells);
    line.dataset.visit = row.visit;
    mark(line, "aria-current", row.call === this.call ? "true" : null);
    return line;
  }
}
