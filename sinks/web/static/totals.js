// The row of the whole hotline: what is so now, the promise, and the day against its forecast.

import { DayLine } from "/static/charts.js";
import { el, figure, phrase, put } from "/static/dom.js";
import { count, NONE, percent, span, target, versusText } from "/static/format.js";
import { nameOf } from "/static/words.js";

const DAYS = 14; // below so many learned days the forecast is provisional
const CELLS = ["waiting", "oldest", "level", "answer", "calls", "service", "abandon"];

export class Totals {
  constructor(node) {
    this.day = new DayLine();
    this.cells = {};
    for (const name of CELLS) {
      const cell = { label: el("span", "label"), value: figure("total"), sub: el("span", "sub") };
      cell.node = el("div", `total-cell total-${name}`, el("div", "total-text", cell.label, cell.value, cell.sub));
      this.cells[name] = cell;
      node.append(cell.node);
    }
    this.cells.calls.node.append(this.day.node);
  }

  update(board, lang, words) {
    const { totals, tiles, head } = board;
    const x = totals.threshold_s;
    this.set("waiting", words.waitingTotal, count(totals.waiting, lang), "", totals.waiting === null ? [] : words.past(count(totals.over, lang), x));
    const oldest = totals.oldest_queue;
    this.set("oldest", words.oldestTotal, span(totals.oldest_s), "", oldest === null ? [] : [nameOf(tiles[oldest]?.name, oldest, lang)]);
    this.set("level", words.levelTotal(x), percent(totals.service_level), "%", words.levelSub(target(totals.target), head.level_window_min));
    this.set("answer", words.answerRate, percent(totals.answer_rate), "%", [words.answerSub]);
    const compared = versusText(totals.today_versus);
    this.set("calls", words.callsToday, count(totals.calls_today, lang), "", compared ? words.versusTotal(compared) : []);
    this.set("service", words.inService, count(totals.in_service, lang), "", [words.inServiceSub]);
    this.set("abandon", words.abandonRate, percent(totals.abandonment_rate), "%", [words.abandonSub]);
    const days = head.days_learned === null || head.days_learned >= DAYS ? null : Math.floor(head.days_learned);
    const note = days === null ? { short: "", long: null } : { short: words.young(days, DAYS), long: words.youngLong(days, DAYS) };
    this.day.draw(board.day, head.data_as_of, words.dayLabel(totals.calls_today ?? words.noValue), note);
  }

  set(name, label, value, unit, sub) {
    const cell = this.cells[name];
    put(cell.label, label);
    const wan = value.endsWith("万"); // the unit of large Chinese numbers is small, like a percent sign
    cell.value.set(wan ? value.slice(0, -1) : value, wan ? "万" : unit);
    phrase(cell.sub, value === NONE && name !== "level" ? [NONE] : sub);
  }
}
