// What the pages of alerts and of announced events share: a list that is asked for again and again while it is shown.

import { el, put } from "/static/dom.js";
import { apiAddress, Poll } from "/static/poll.js";
import { csvLink } from "/static/table.js";
import { PAGES } from "/static/words_pages.js";

/** A page made of this one says `render()`, and what is newest by `newest(board)`; `asked()` where not all is. */
export class ListPage {
  /** `what`: the table of the API; `every` so many ms. */
  constructor(what, every) {
    this.what = what;
    this.title = Object.assign(el("h2", "page-title"), { tabIndex: -1 });
    this.problem = el("span", "chart-problem");
    this.csv = csvLink();
    this.answer = null;
    this.asking = null;
    this.poll = new Poll(every, (answer, problem) => {
      if (answer) this.answer = answer;
      this.asking = problem;
      this.render();
    });
  }

  /** What is asked for: the parameters that its file has too, and which part of that is shown. */
  asked() {
    return {};
  }

  part() {
    return {};
  }

  /** Ask for what is to be shown now; at once if that is something else. */
  look() {
    this.poll.at(apiAddress(this.what, { ...this.asked(), ...this.part() }));
  }

  open() {}

  close() {
    this.poll.stop();
  }

  update(board, lang, words) {
    const newest = this.newest(board);
    const changed = this.lang !== lang || this.seen !== newest;
    Object.assign(this, { board, lang, words, seen: newest });
    if (changed) this.poll.stop(); // somebody has done something: do not wait for the next round
    this.look();
    if (changed) this.render();
  }

  /** What the page is called, what went wrong, and where its table is. */
  head(title) {
    put(this.title, title);
    put(this.problem, this.asking ?? "");
    this.csv.tell(PAGES[this.lang].csvOf(title), apiAddress(this.what, { ...this.asked(), format: "csv" }));
  }

  /** Draw anew and give the focus back to the same key (`data-deed`), if one of this page has it. */
  redraw(draw) {
    const focus = this.node.contains(document.activeElement) ? document.activeElement.dataset.deed : null;
    draw();
    if (focus) this.node.querySelector(`[data-deed="${CSS.escape(focus)}"]`)?.focus();
  }

  /** A key that does `what` to an item; aloud it says to which one. */
  key(what, text, item, title, press) {
    const button = Object.assign(el("button", "key", text), { type: "button" });
    button.dataset.deed = `${what} ${item.id}`;
    button.setAttribute("aria-label", `${text}: ${title}`);
    button.addEventListener("click", press);
    return button;
  }
}
