// The form that acknowledges or silences an alert. A failure stays on the form, with what to do.

import { el, put } from "/static/dom.js";
import { ACT } from "/static/words_detail.js";

const KEPT = "hotline.author";
const MINUTES = [15, 60, 480];

function kept() {
  try {
    return localStorage.getItem(KEPT) ?? "";
  } catch {
    return ""; // storage is switched off: the name is asked for each time
  }
}

function keep(name) {
  try {
    localStorage.setItem(KEPT, name);
  } catch {
    // as above
  }
}

function field(input, label) {
  return el("label", "field", label, input);
}

export class Act {
  /** `told(text)` says to everybody what was done. */
  constructor(dialog, told) {
    this.dialog = dialog;
    this.told = told;
    this.name = "";
    this.title = el("h2", "act-title");
    this.what = el("p", "sub");
    this.author = Object.assign(el("input", ""), { name: "author", required: true, maxLength: 64, autocomplete: "name" });
    this.text = Object.assign(el("input", ""), { name: "text", maxLength: 500, autocomplete: "off" });
    this.length = Object.assign(el("select", ""), { name: "minutes" });
    this.length.append(...MINUTES.map((minutes) => Object.assign(el("option", ""), { value: String(minutes) })));
    this.labels = { author: el("span", ""), text: el("span", ""), length: el("span", "") };
    this.lengthField = field(this.length, this.labels.length);
    this.problem = el("p", "act-problem");
    this.problem.setAttribute("role", "alert");
    this.cancel = Object.assign(el("button", "key"), { type: "button" });
    this.submit = Object.assign(el("button", "key act-do"), { type: "submit" });
    this.cancel.addEventListener("click", () => dialog.close());
    this.authorField = field(this.author, this.labels.author);
    this.form = el("form", "act-form", this.title, this.what, this.authorField, field(this.text, this.labels.text), this.lengthField, this.problem, el("p", "act-keys", this.cancel, this.submit));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    dialog.append(this.form);
  }

  /** Who has logged in signs with that name ("": nobody has, the name is asked for). */
  knows(name) {
    this.name = name;
    this.authorField.hidden = name !== "";
  }

  /** Ask about an alert: `kind` is acknowledge or silence, `item` a line of the strip. */
  open(kind, item, summary, lang) {
    if (!item || this.dialog.open) return;
    this.words = ACT[lang];
    this.kind = kind;
    this.item = item;
    const silence = kind === "silence";
    put(this.title, this.words[kind]);
    put(this.what, summary);
    put(this.labels.author, this.words.name);
    put(this.labels.text, silence ? this.words.reason : this.words.note);
    put(this.labels.length, this.words.how);
    put(this.cancel, this.words.cancel);
    put(this.submit, this.words[kind]);
    put(this.problem, "");
    MINUTES.forEach((minutes, i) => put(this.length.options[i], this.words.minutes[minutes]));
    this.lengthField.hidden = !silence;
    this.text.required = silence;
    this.text.value = "";
    this.author.value = this.name || kept();
    this.dialog.setAttribute("aria-label", this.words[kind]);
    this.dialog.showModal();
    (this.author.value ? this.text : this.author).focus();
  }

  async send() {
    const { kind, words } = this;
    const author = this.author.value.trim();
    const text = this.text.value.trim();
    const body = { fingerprint: this.item.id, author };
    Object.assign(body, kind === "silence" ? { reason: text, minutes: Number(this.length.value) } : { note: text });
    if (!this.name) keep(author);
    this.submit.disabled = true;
    let problem = null;
    try {
      const response = await fetch(`/api/v1/alerts/${kind}`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-Hotline-Action": "1" },
        body: JSON.stringify(body),
      });
      if (!response.ok) problem = (await response.json()).error;
    } catch {
      problem = words.noAnswer;
    }
    this.submit.disabled = false;
    if (problem !== null) {
      put(this.problem, words.failed[kind](problem));
      return;
    }
    this.dialog.close();
    this.told(words.done[kind](author));
  }
}
