// The form that acknowledges, silences or judges an alert, or ends a silence. A failure stays on the form, with what to do.

import { el, mark, put } from "/static/dom.js";
import { keepName, keptName, post } from "/static/post.js";
import { ACT } from "/static/words_detail.js";

const MINUTES = [15, 60, 480];
const UNDO_MS = 10_000;
const VERDICTS = ["useful", "noise", "missed"];

function field(input, label) {
  return el("label", "field", label, input);
}

/** What was just done, for ten seconds, with the way back. */
export class Undo {
  constructor(node, told) {
    Object.assign(this, { node, told, timer: null });
    this.text = el("span", "undo-text");
    this.button = Object.assign(el("button", "key"), { type: "button" });
    this.button.addEventListener("click", () => this.send());
    node.append(this.text, this.button);
  }

  /** `take()` takes it back and says how that went. */
  offer(text, words, take) {
    this.take = take;
    put(this.text, text);
    put(this.button, words.undo);
    mark(this.node, "aria-label", words.undo);
    this.button.hidden = false;
    this.show();
  }

  show() {
    this.node.hidden = false;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.node.hidden = true), UNDO_MS);
  }

  async send() {
    this.button.hidden = true;
    const text = await this.take();
    put(this.text, text);
    this.told(text);
    this.show();
  }
}

export class Act {
  /** `told(text)` says to everybody what was done; `undo` offers to take it back. */
  constructor(dialog, told, undo) {
    Object.assign(this, { dialog, told, undo });
    this.name = "";
    this.title = el("h2", "act-title");
    this.what = el("p", "sub");
    this.author = Object.assign(el("input", ""), { name: "author", required: true, maxLength: 64, autocomplete: "name" });
    this.text = Object.assign(el("input", ""), { name: "text", maxLength: 500, autocomplete: "off" });
    this.length = Object.assign(el("select", ""), { name: "minutes" });
    this.length.append(...MINUTES.map((minutes) => Object.assign(el("option", ""), { value: String(minutes) })));
    this.verdict = Object.assign(el("select", ""), { name: "verdict" });
    this.verdict.append(...VERDICTS.map((value) => Object.assign(el("option", ""), { value })));
    this.labels = { author: el("span", ""), text: el("span", ""), length: el("span", ""), verdict: el("span", "") };
    this.lengthField = field(this.length, this.labels.length);
    this.verdictField = field(this.verdict, this.labels.verdict);
    this.problem = el("p", "act-problem");
    this.problem.setAttribute("role", "alert");
    this.cancel = Object.assign(el("button", "key"), { type: "button" });
    this.submit = Object.assign(el("button", "key act-do"), { type: "submit" });
    this.cancel.addEventListener("click", () => dialog.close());
    this.authorField = field(this.author, this.labels.author);
    this.textField = field(this.text, this.labels.text);
    this.form = el("form", "act-form", this.title, this.what, this.authorField, this.verdictField, this.textField, this.lengthField, this.problem, el("p", "act-keys", this.cancel, this.submit));
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

  /** Ask about an alert: `kind` is acknowledge, silence or feedback, `item` a line of the strip; or unsilence, and a silence. */
  open(kind, item, summary, lang) {
    if (!item || this.dialog.open) return;
    this.words = ACT[lang];
    this.kind = kind;
    this.item = item;
    const silence = kind === "silence";
    put(this.title, this.words[kind]);
    put(this.what, summary);
    put(this.labels.author, this.words.name);
    this.textField.hidden = kind === "unsilence";
    put(this.labels.text, this.words.text[kind] ?? "");
    put(this.labels.verdict, this.words.worth);
    put(this.labels.length, this.words.how);
    put(this.cancel, this.words.cancel);
    put(this.submit, this.words.do[kind] ?? this.words[kind]);
    put(this.problem, "");
    MINUTES.forEach((minutes, i) => put(this.length.options[i], this.words.minutes[minutes]));
    VERDICTS.forEach((value, i) => put(this.verdict.options[i], this.words.verdicts[value]));
    this.verdict.value = item.verdict ?? VERDICTS[0];
    this.verdictField.hidden = kind !== "feedback";
    this.lengthField.hidden = !silence;
    this.text.required = silence;
    this.text.value = "";
    this.author.value = this.name || keptName();
    this.dialog.setAttribute("aria-label", this.words[kind]);
    this.dialog.showModal();
    const first = { feedback: this.verdict, unsilence: this.submit }[kind] ?? this.text;
    (this.author.value ? first : this.author).focus();
  }

  async send() {
    const { kind, words } = this;
    const author = this.author.value.trim();
    const text = this.text.value.trim();
    const more = {
      acknowledge: { note: text },
      silence: { reason: text, minutes: Number(this.length.value) },
      feedback: { note: text, verdict: this.verdict.value },
    };
    const body = kind === "unsilence" ? { silence: this.item.id, author } : { fingerprint: this.item.id, author, ...more[kind] };
    if (!this.name) keepName(author);
    this.submit.disabled = true;
    const { problem } = await post(`alerts/${kind}`, body, words.failed[kind], words.noAnswer);
    this.submit.disabled = false;
    if (problem !== null) {
      put(this.problem, problem);
      return;
    }
    this.dialog.close();
    this.told(words.done[kind](author));
    if (!(kind in words.undone)) return;
    this.undo.offer(words.done[kind](author), words, async () => {
      const answer = await post("alerts/undo", { fingerprint: body.fingerprint, author, what: kind }, words.notUndone, words.noAnswer);
      return answer.problem ?? words.undone[kind];
    });
  }
}
