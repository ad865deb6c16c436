// A row of buttons that chooses the rolling window of a page.

import { el, mark, put } from "/static/dom.js";
import { WINDOWS } from "/static/windows.js";

export class WindowChoice {
  constructor(window, changed) {
    this.window = window;
    this.buttons = WINDOWS.map((name) => {
      const button = Object.assign(el("button", "window"), { type: "button" });
      button.dataset.window = name;
      button.addEventListener("click", () => {
        this.window = name;
        this.mark();
        changed(name);
      });
      return button;
    });
    this.node = el("div", "window-choice", ...this.buttons);
    this.node.setAttribute("role", "group");
    this.mark();
  }

  mark() {
    for (const button of this.buttons) mark(button, "aria-pressed", button.dataset.window === this.window ? "true" : "false");
  }

  translate(words) {
    mark(this.node, "aria-label", words.windowTitle);
    this.buttons.forEach((button, i) => put(button, words.windowName[WINDOWS[i]]));
  }
}
