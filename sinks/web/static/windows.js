// The rolling windows: which one is shown, and the whole hotline's figures in it.

import { el, figure, mark, phrase, put } from "/static/dom.js";
import { count, NONE, percent, rating, seconds, span } from "/static/format.js";

export const WINDOWS = ["5m", "15m", "30m", "60m", "today", "24h"];

/** The window that is shown: the one chosen (null: the one the promise is judged over, where it is one of them). */
export function shownWindow(chosen, head) {
  if (chosen) return chosen;
  const judged = `${head.level_window_min}m`;
  return WINDOWS.includes(judged) ? judged : null;
}

/** The service level of a tile or of the totals in the window shown. */
export function levelIn(data, name) {
  return name === null || !data.windows?.[name] ? data.service_level : data.windows[name].service_level_event;
}

const MEASURES = [
  ["offered", (w, lang) => [count(w.offered, lang)]],
  ["answered", (w, lang) => [count(w.answered, lang)]],
  ["within", (w, lang) => [count(w.answered_in_threshold, lang)]],
  ["abandoned", (w, lang) => [count(w.abandoned, lang)]],
  ["abandonRate", (w) => [percent(w.abandonment_rate), "%"]],
  ["asa", (w) => [span(seconds(w.asa))]],
  ["p90", (w) => [span(w.queue_time_p90)]],
  ["aht", (w) => [span(seconds(w.aht))]],
  ["occupancy", (w) => [percent(w.occupancy), "%"]],
  ["blocked", (w, lang) => [count(w.blocked, lang)]],
  ["callbacks", (w, lang) => [count(w.callback_taken, lang), w.callback_taken || w.callback_completed ? `/${count(w.callback_completed, lang)}` : ""]],
  ["rating", (w) => [rating(w.rating_mean)]],
  ["complete", (w) => [percent(w.completeness), "%"]],
];

export class WindowBar {
  constructor(node, choose) {
    this.buttons = WINDOWS.map((name) => {
      const button = el("button", "window");
      button.dataset.window = name;
      button.addEventListener("click", () => choose(name));
      return button;
    });
    this.group = el("div", "window-choice", ...this.buttons);
    this.group.setAttribute("role", "group");
    this.cells = MEASURES.map(([name]) => {
      const cell = { label: el("dt", "measure-label"), value: figure("measure-value") };
      cell.node = el("div", "measure", cell.label, el("dd", "", cell.value));
      cell.node.dataset.measure = name;
      return cell;
    });
    node.append(this.group, el("dl", "measures", ...this.cells.map((cell) => cell.node)));
  }

  update(board, name, lang, words) {
    mark(this.group, "aria-label", words.windowTitle);
    mark(this.group, "title", words.windowTitle);
    this.buttons.forEach((button, i) => {
      put(button, words.windowName[WINDOWS[i]]);
      mark(button, "aria-pressed", WINDOWS[i] === name ? "true" : "false");
    });
    const figures = board.totals.windows[name];
    MEASURES.forEach(([measure, text], i) => {
      const { label, value, node } = this.cells[i];
      phrase(label, [words.measures[measure](board.totals.threshold_s)]);
      mark(node, "title", words.measureTitles[measure]);
      value.set(...(figures ? text(figures, lang) : [NONE]));
    });
  }
}
