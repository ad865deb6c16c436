// Two small dialogs: what the keys do, and the way to a queue by its name.

import { el, mark, put } from "/static/dom.js";
import { keysOn, switchKeys } from "/static/keys.js";
import { nameOf } from "/static/words.js";
import { PAGES } from "/static/words_pages.js";

const MOST = 8;

export class Help {
  constructor(dialog) {
    this.dialog = dialog;
    this.title = el("h2", "act-title");
    this.list = el("dl", "key-list");
    this.check = Object.assign(el("input", ""), { type: "checkbox" });
    this.word = el("span", "");
    this.close = Object.assign(el("button", "key"), { type: "button" });
    this.close.addEventListener("click", () => dialog.close());
    this.check.addEventListener("change", () => {
      switchKeys(this.check.checked);
      this.say();
    });
    dialog.append(this.title, this.list, el("p", "act-keys", el("label", "key-switch", this.check, this.word), this.close));
  }

  open(lang) {
    if (this.dialog.open) return;
    this.own = PAGES[lang];
    put(this.title, this.own.help);
    put(this.close, this.own.close);
    this.list.replaceChildren(...this.own.keys.map(([key, text]) => el("div", "", el("dt", "", el("kbd", "", key)), el("dd", "", text))));
    this.check.checked = keysOn();
    this.say();
    mark(this.dialog, "aria-label", this.own.help);
    this.dialog.showModal();
  }

  say() {
    put(this.word, this.check.checked ? this.own.keysOn : this.own.keysOff);
  }
}

export class Find {
  constructor(dialog, go) {
    Object.assign(this, { dialog, go });
    this.label = el("span", "act-title");
    this.input = Object.assign(el("input", ""), { name: "find", autocomplete: "off" });
    this.list = el("ul", "find-list");
    this.none = el("p", "sub");
    const form = el("form", "act-form", el("label", "field", this.label, this.input), this.list, this.none);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.list.querySelector("button")?.click();
    });
    this.input.addEventListener("input", () => this.render());
    dialog.append(form);
  }

  open(board, lang) {
    if (this.dialog.open || !board?.head) return;
    Object.assign(this, { board, lang, own: PAGES[lang] });
    put(this.label, this.own.find);
    mark(this.dialog, "aria-label", this.own.find);
    this.input.value = "";
    this.render();
    this.dialog.showModal();
    this.input.focus();
  }

  render() {
    const wanted = this.input.value.trim().toLowerCase();
    const names = ({ name }, queue) => [queue, ...Object.values(name ?? {})];
    const found = this.board.order.filter((queue) => names(this.board.tiles[queue], queue).some((text) => text.toLowerCase().includes(wanted)));
    put(this.none, found.length ? "" : this.own.nothing);
    this.list.replaceChildren(
      ...found.slice(0, MOST).map((queue) => {
        const button = Object.assign(el("button", "key", nameOf(this.board.tiles[queue].name, queue, this.lang)), { type: "button" });
        button.addEventListener("click", () => {
          this.dialog.close();
          this.go(queue);
        });
        return el("li", "", button);
      }),
    );
  }
}
