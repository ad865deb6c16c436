// What the forms in dialogs share: what they are about, who signs, what went wrong, the two keys, and how they leave.

import { el, mark, put } from "/static/dom.js";
import { keepName, keptName, post } from "/static/post.js";

/** A field of a form: {input, label, node}, the label over the input. */
export function field(tag, attributes, ...options) {
  const input = Object.assign(el(tag, "", ...options), attributes);
  const label = el("span", "");
  return { input, label, node: el("label", "field", label, input) };
}

/** A form made of this one says `send()`. */
export class FormDialog {
  /** `told(text)` says to everybody what was done; `undo` offers to take it back. */
  constructor(dialog, told, undo) {
    Object.assign(this, { dialog, told, undo });
    this.signedAs = "";
    this.title = el("h2", "act-title");
    this.what = el("p", "sub");
    this.author = field("input", { name: "author", maxLength: 64, autocomplete: "name" });
    this.problem = el("p", "act-problem");
    this.problem.setAttribute("role", "alert");
    this.cancel = Object.assign(el("button", "key"), { type: "button" });
    this.submit = Object.assign(el("button", "key act-do"), { type: "submit" });
    this.cancel.addEventListener("click", () => dialog.close());
  }

  /** Put it together: `nodes` stand under the name of whoever signs. */
  build(...nodes) {
    this.form = el("form", "act-form", this.title, this.what, this.author.node, ...nodes, this.problem, el("p", "act-keys", this.cancel, this.submit));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.dialog.append(this.form);
  }

  /** Who has logged in signs with that name ("": nobody has, the name is asked for). */
  knows(name) {
    this.signedAs = name;
    this.author.node.hidden = name !== "";
  }

  /** Show it with its texts; the focus is on the name, or on `first` where that is known. */
  show({ title, what, author, cancel, submit }, first) {
    put(this.title, title);
    put(this.what, what);
    put(this.author.label, author);
    put(this.cancel, cancel);
    put(this.submit, submit);
    this.author.input.value = this.signedAs || keptName();
    mark(this.dialog, "aria-label", title);
    this.dialog.showModal();
    (this.author.input.value ? first : this.author.input).focus();
  }

  /** Send what is written, once at a time; the name of whoever signs is kept for the next time. See `post`. */
  async post(what, body, failed, noAnswer) {
    if (!this.signedAs) keepName(body.author);
    this.submit.disabled = true;
    const answer = await post(what, body, failed, noAnswer);
    this.submit.disabled = false;
    return answer;
  }

  /** It is done: say so, and offer to take it back by `take` (none: it cannot be). */
  done(text, words, take = null) {
    this.dialog.close();
    this.told(text);
    if (take) this.undo.offer(text, words, take);
  }
}
