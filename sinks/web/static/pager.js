// From one page of a long list to the next.

import { el, put } from "/static/dom.js";

export class Pager {
  /** `size`: rows of a page; `ask(offset)`: another page is wanted. */
  constructor(size, ask) {
    this.offset = 0;
    const step = (by) => () => {
      this.offset = Math.max(0, this.offset + by);
      ask(this.offset);
    };
    [this.previous, this.next] = [-size, size].map((by) => {
      const button = Object.assign(el("button", "key"), { type: "button" });
      button.addEventListener("click", step(by));
      return button;
    });
    this.where = el("span", "where");
    this.node = el("nav", "pager", this.previous, this.where, this.next);
  }

  /** So many of `total` rows are shown, after `offset` others. `words`: previous, next and page(from, to, total). */
  update(offset, shown, total, words) {
    this.offset = offset;
    put(this.previous, words.previous);
    put(this.next, words.next);
    put(this.where, shown ? words.page(offset + 1, offset + shown, total) : "");
    this.previous.disabled = offset === 0;
    this.next.disabled = offset + shown >= total;
  }
}
