// The form that acknowledges, silences or judges an alert, or ends a silence. A failure stays on the form, with what to do.

import { el, mark, put } from "/static/dom.js";
import { field, FormDialog } from "/static/formdialog.js";
import { post } from "/static/post.js";
import { ACT } from "/static/words_detail.js";

const MINUTES = [15, 60, 480];
const UNDO_MS = 10_000;
const VERDICTS = ["useful", "noise", "missed"];

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

/** An empty choice for each value: what they are called is said when the form opens. */
const choices = (values) => values.map((value) => Object.assign(el("option", ""), { value: String(value) }));

export class Act extends FormDialog {
  constructor(dialog, told, undo) {
    super(dialog, told, undo);
    this.author.input.required = true;
    this.text = field("input", { name: "text", maxLength: 500, autocomplete: "off" });
    this.length = field("select", { name: "minutes" }, ...choices(MINUTES));
    this.verdict = field("select", { name: "verdict" }, ...choices(VERDICTS));
    this.build(this.verdict.node, this.text.node, this.length.node);
  }

  /** Ask about an alert: `kind` is acknowledge, silence or feedback, `item` a line of the strip; or unsilence, and a silence. */
  open(kind, item, summary, lang) {
    if (!item || this.dialog.open) return;
    const words = ACT[lang];
    Object.assign(this, { words, kind, item });
    const { text, length, verdict } = this;
    put(text.label, words.text[kind] ?? "");
    put(length.label, words.how);
    put(verdict.label, words.worth);
    MINUTES.forEach((minutes, i) => put(length.input.options[i], words.minutes[minutes]));
    VERDICTS.forEach((value, i) => put(verdict.input.options[i], words.verdicts[value]));
    text.node.hidden = kind === "unsilence";
    length.node.hidden = kind !== "silence";
    verdict.node.hidden = kind !== "feedback";
    text.input.required = kind === "silence";
    text.input.value = "";
    verdict.input.value = item.verdict ?? VERDICTS[0];
    put(this.problem, "");
    const first = { feedback: verdict.input, unsilence: this.submit }[kind] ?? text.input;
    this.show({ title: words[kind], what: summary, author: words.name, cancel: words.cancel, submit: words.do[kind] ?? words[kind] }, first);
  }

  async send() {
    const { kind, words } = this;
    const author = this.author.input.value.trim();
    const text = this.text.input.value.trim();
    const more = {
      acknowledge: { note: text },
      silence: { reason: text, minutes: Number(this.length.input.value) },
      feedback: { note: text, verdict: this.verdict.input.value },
    };
    const body = kind === "unsilence" ? { silence: this.item.id, author } : { fingerprint: this.item.id, author, ...more[kind] };
    const { problem } = await this.post(`alerts/${kind}`, body, words.failed[kind], words.noAnswer);
    put(this.problem, problem ?? "");
    if (problem !== null) return;
    const take = async () => {
      const answer = await post("alerts/undo", { fingerprint: body.fingerprint, author, what: kind }, words.notUndone, words.noAnswer);
      return answer.problem ?? words.undone[kind];
    };
    this.done(words.done[kind](author), words, kind in words.undone ? take : null);
  }
}
