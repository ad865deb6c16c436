// What people call about: categories of the first level, and of the second below the one chosen (or over all of them).

import { addressOf } from "/static/address.js";
import { Spark } from "/static/charts.js";
import { WindowChoice } from "/static/choice.js";
import { el, mark, put } from "/static/dom.js";
import { count, NONE, percent, seconds, tableSpan } from "/static/format.js";
import { stateIcon } from "/static/icons.js";
import { apiAddress, Poll } from "/static/poll.js";
import { csvLink, Table } from "/static/table.js";
import { nameOf } from "/static/words.js";
import { PAGES } from "/static/words_pages.js";

const EVERY_MS = 5_000;
const MOST = 14;
const SPARK_MS = 300_000;
const HEADS = ["category", "offered", "share", "level", "rate", "abandon", "asa", "trend"];

class KindTable {
  constructor(open) {
    this.open = open;
    this.title = el("h3", "");
    this.csv = csvLink();
    this.address = null;
    this.table = new Table("figures kinds", HEADS.map((name) => `col-${name}`));
    this.more = el("p", "sub");
    this.node = el("section", "panel", el("div", "section-head", this.title, this.csv), this.table.node, this.more);
  }

  /** `answer` null: nothing is known yet; the heads stand all the same. `x`: the threshold (s). */
  draw(answer, x, title, chosen, lang, words, own) {
    put(this.title, title);
    this.csv.tell(own.csvOf(title), this.address);
    this.table.name(title, [own.category, own.calls, own.share, words.level(x), own.answerRate, own.abandonRate, own.asa, own.trend]);
    if (!answer) return;
    const sum = answer.rows.reduce((total, row) => total + row.offered, 0);
    const top = Math.max(1, ...answer.rows.map((row) => row.offered));
    const shown = answer.rows.slice(0, MOST);
    this.table.show(shown.map((row) => this.row(row, { sum, top, chosen, end: answer.data_as_of }, lang, words, own)));
    put(this.more, answer.rows.length > MOST ? own.more(answer.rows.length - MOST) : answer.rows.length ? "" : own.noneYet);
  }

  row(row, { sum, top, chosen, end }, lang, words, own) {
    const part = (value) => (value === null ? NONE : `${percent(value)}%`);
    const name = row.value === "" ? own.unknown : row.value === "(other)" ? own.other : nameOf(row.name, row.value, lang);
    const label = this.open && row.value && row.value !== "(other)" ? this.link(row.value, name) : el("span", "", name);
    const icon = el("span", "tile-icon", ...(row.alarmed ? [stateIcon("watch")] : []));
    if (row.alarmed) label.append(el("span", "unseen", ` ${words.states.watch}`));
    const bar = el("i", "share-bar");
    bar.style.width = `${((row.offered / top) * 100).toFixed(1)}%`;
    const spark = new Spark();
    const none = row.spark.map(() => null);
    spark.draw({ offered: row.spark, lower: none, upper: none, start: end - row.spark.length * SPARK_MS, step_s: SPARK_MS / 1000 }, words.sparkLabel(name, row.spark.at(-1)));
    const cells = [el("td", "col-offered", el("span", "share", bar), el("b", "", count(row.offered, lang)))];
    for (const text of [part(sum ? row.offered / sum : null), part(row.service_level_offered), part(row.answer_rate_offered), part(row.abandonment_rate), tableSpan(seconds(row.asa), lang)]) cells.push(el("td", "", text));
    const line = el("tr", row.few ? "few" : "", Object.assign(el("th", "", el("span", "row-name", icon, label)), { scope: "row" }), ...cells, el("td", "col-trend", spark.node));
    line.dataset.kind = row.value;
    mark(line, "aria-current", row.value === chosen ? "true" : null);
    return line;
  }

  link(value, name) {
    const link = el("a", "row-link", name);
    link.href = addressOf({ page: "categories", within: value }).href;
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.open(value);
    });
    return link;
  }
}

export class CategoryPage {
  constructor(go) {
    this.title = Object.assign(el("h2", "page-title"), { tabIndex: -1 });
    this.sub = el("span", "sub");
    this.problem = el("span", "chart-problem");
    this.choice = new WindowChoice("60m", () => this.ask());
    this.first = new KindTable((value) => go({ page: "categories", within: value }));
    this.second = new KindTable(null);
    this.polls = [this.first, this.second].map((table, i) => new Poll(EVERY_MS, (answer, problem) => this.take(i, answer, problem)));
    this.answers = [null, null];
    this.node = el("div", "kind-page", el("div", "section-head", this.title, this.sub, this.problem, this.choice.node), el("div", "two-panels", this.first.node, this.second.node));
  }

  open(place) {
    this.within = place.within ?? null;
    this.ask();
  }

  close() {
    this.polls.forEach((poll) => poll.stop());
  }

  ask() {
    if (!this.board) return;
    const common = { hotline: this.board.head.hotline, window: this.choice.window };
    const [first, second] = [{ ...common, by: "category_1" }, { ...common, by: "category_2", within: this.within }];
    this.polls[0].at(apiAddress("breakdown", first));
    this.polls[1].at(apiAddress("breakdown", second));
    this.first.address = apiAddress("breakdown", { ...first, format: "csv" });
    this.second.address = apiAddress("breakdown", { ...second, format: "csv" });
  }

  take(i, answer, problem) {
    if (answer) this.answers[i] = answer;
    this.asking = problem;
    this.render();
  }

  update(board, lang, words) {
    const same = this.lang === lang;
    Object.assign(this, { board, lang, words, own: PAGES[lang] });
    this.choice.translate(words);
    this.ask();
    if (!same) this.render();
  }

  render() {
    const { own, words, lang } = this;
    if (!own) return;
    put(this.title, own.categories);
    put(this.sub, own.categoriesSub(words.windowLast[this.choice.window]));
    put(this.problem, this.asking ?? "");
    const [first, second] = this.answers;
    const threshold = (answer) => answer?.threshold_s ?? this.board.head.threshold_s;
    this.first.draw(first, threshold(first), own.level1, this.within, lang, words, own);
    const row = this.within && first?.rows.find((found) => found.value === this.within);
    const chosen = this.within ? own.below(nameOf(row?.name, this.within, lang)) : own.level2;
    this.second.draw(second, threshold(second), chosen, null, lang, words, own);
  }
}
