// The map of the districts: calls per 10,000 residents, shaded; few calls are hatched, for their rate is chance.

import { el, mark, put, svg } from "/static/dom.js";
import { count, NONE, percent } from "/static/format.js";
import { apiAddress, Poll } from "/static/poll.js";
import { WindowChoice } from "/static/choice.js";
import { csvLink, tableRow, Table } from "/static/table.js";
import { nameOf, unreached } from "/static/words.js";
import { PAGES } from "/static/words_pages.js";

const EVERY_MS = 5_000;
const STEPS = 5;
const rate = (value) => (value === null ? NONE : value.toFixed(2));

/** Edges of equal steps from the lowest rate to the highest, as round as they can be. */
function edgesOf(rates) {
  if (!rates.length) return [];
  const [low, high] = [Math.min(...rates), Math.max(...rates)];
  const rough = Math.max(high - low, high * 0.05) / (STEPS - 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((times) => times * power).find((size) => size >= rough);
  const first = Math.floor(low / step) * step;
  return Array.from({ length: STEPS + 1 }, (_, i) => Number((first + i * step).toPrecision(6)));
}

export class DistrictPage {
  constructor() {
    this.title = Object.assign(el("h2", "page-title"), { tabIndex: -1 });
    this.sub = el("span", "sub");
    this.choice = new WindowChoice("60m", () => this.ask());
    this.svg = svg("svg", { class: "map", role: "img" });
    this.legend = el("p", "map-legend");
    this.problem = el("p", "chart-problem");
    this.tableTitle = el("h3", "");
    this.csv = csvLink();
    this.table = new Table("figures areas", ["", "", "", "col-share", "", "col-abandon"]);
    this.node = el(
      "div",
      "two-panels",
      el("section", "panel map-panel", el("div", "section-head", this.title, this.sub, this.choice.node), this.svg, this.problem, this.legend),
      el("section", "panel", el("div", "section-head", this.tableTitle, this.csv), this.table.node),
    );
    this.poll = new Poll(EVERY_MS, (answer, problem) => this.take(answer, problem));
    this.map = null;
    this.asked = null;
  }

  open() {}

  close() {
    this.poll.stop();
  }

  async outlines() {
    this.asked ??= fetch("/api/v1/map").then((response) => response.json());
    try {
      const map = await this.asked;
      if (map.districts) this.map = map;
      else this.mapProblem = map.error;
    } catch {
      this.asked = null;
      this.mapProblem = unreached();
    }
    this.render();
  }

  ask() {
    if (this.board) this.poll.at(apiAddress("breakdown", { hotline: this.board.head.hotline, by: "district_3", window: this.choice.window }));
  }

  take(answer, problem) {
    if (answer) this.answer = answer;
    this.asking = problem;
    this.render();
  }

  update(board, lang, words) {
    const first = !this.board;
    const same = this.lang === lang;
    Object.assign(this, { board, lang, words, own: PAGES[lang] });
    if (first) this.outlines();
    this.choice.translate(words);
    this.ask();
    if (!same) this.render();
  }

  render() {
    const { own, words, answer } = this;
    if (!own) return;
    put(this.title, own.districts);
    put(this.sub, own.perResidents);
    put(this.problem, this.asking ?? (this.map ? "" : (this.mapProblem ?? "")));
    put(this.tableTitle, words.windowLast[this.choice.window]);
    this.csv.tell(own.csvOf(own.districts), apiAddress("breakdown", { by: "district_3", window: this.choice.window, format: "csv" }));
    this.table.name(own.districts, [own.district, own.calls, own.per, own.share, own.answerRate, own.abandonRate]);
    if (!answer) return;
    const sum = answer.rows.reduce((total, row) => total + row.offered, 0);
    const rows = [...answer.rows].sort((a, b) => (b.per_10000 ?? -1) - (a.per_10000 ?? -1));
    this.table.show(rows.map((district) => this.row(district, sum)));
    this.draw(answer);
  }

  row(district, sum) {
    const { lang, own } = this;
    const part = (value) => (value === null ? NONE : `${percent(value)}%`);
    const per = rate(district.per_10000);
    const line = tableRow(this.named(district), [count(district.offered, lang), district.few ? own.few(per) : per, part(sum ? district.offered / sum : null), part(district.answer_rate_offered), part(district.abandonment_rate)]);
    line.classList.toggle("few", district.few);
    line.dataset.district = district.value;
    return line;
  }

  named(row) {
    return row.value === "" ? this.own.unknown : row.value === "(other)" ? this.own.other : nameOf(row.name, row.value, this.lang);
  }

  draw(answer) {
    const { map, own } = this;
    if (!map) return;
    const found = new Map(answer.rows.map((row) => [row.value, row]));
    const edges = edgesOf(answer.rows.filter((row) => !row.few && row.per_10000 !== null).map((row) => row.per_10000));
    const shapes = [];
    const names = [];
    for (const district of map.districts) {
      const row = found.get(district.code);
      const few = !row || row.few;
      const level = few || !edges.length ? 0 : Math.max(1, edges.findIndex((edge) => row.per_10000 <= edge * 1.0001));
      const shape = svg("path", { d: district.path, class: `area area-${few ? "few" : level || STEPS}` });
      const name = nameOf(district.name, district.code, this.lang);
      shape.append(svg("title", {}, `${name}: ${own.areaTitle(row?.offered ?? 0, rate(row?.per_10000 ?? 0))}`));
      shapes.push(shape);
      if (few) shapes.push(svg("path", { d: district.path, class: "area-hatch" }));
      const dark = !few && level >= 4;
      names.push(
        svg("text", { x: district.x, y: district.y - 6, class: `area-name${dark ? " on-dark" : ""}` }, name),
        svg("text", { x: district.x, y: district.y + 30, class: `area-rate${dark ? " on-dark" : ""}` }, few ? own.fewShort : rate(row.per_10000)),
      );
    }
    mark(this.svg, "viewBox", `-6 -6 ${map.width + 12} ${map.height + 12}`);
    mark(this.svg, "aria-label", own.mapLabel);
    this.svg.replaceChildren(...shapes, ...names);
    const keys = [el("span", "map-key", el("i", "swatch area-few"), own.fewKey(answer.few_below))];
    edges.slice(1).forEach((edge, i) => keys.push(el("span", "map-key", el("i", `swatch area-${i + 1}`), `${edges[i]}–${edge}`)));
    this.legend.replaceChildren(...keys);
  }
}
