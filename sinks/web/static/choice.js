// A row of buttons of which one is chosen; the one that chooses the rolling window of a page.

import { el, mark, put } from "/static/dom.js";
import { WINDOWS } from "/static/windows.js";

export class Choice {
  /** `values` of which `value` is chosen; `changed()` when it is another one. */
  constructor(values, value, changed) {
    Object.assign(this, { values, value });
    this.buttons = values.map((each) => {
      const button = Object.assign(el("button", "window"), { type: "button" });
      button.addEventListener("click", () => {
        this.value = each;
        this.mark();
        changed();
      });
      return button;
    });
    this.node = el("div", "window-choice", ...this.buttons);
    this.node.setAttribute("role", "group");
    this.mark();
  }

  mark() {
    this.buttons.forEach((button, i) => mark(button, "aria-pressed", this.values[i] === this.value ? "true" : "false"));
  }

  /** What is chosen here, and what stands on each button. */
  name(label, texts) {
    mark(this.node, "aria-label", label);
    this.buttons.forEach((button, i) => put(button, texts[i]));
  }
}

export class WindowChoice extends Choice {
  constructor(window, changed) {
    super(WINDOWS, window, changed);
  }

  get window() {
    return this.value;
  }

  translate(words) {
    this.name(words.windowTitle, WINDOWS.map((window) => words.windowName[window]));
  }
}
