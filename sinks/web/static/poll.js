// Figures that the stream does not carry: asked for while their page is shown, again and again.

import { unreached } from "/static/words.js";

export class Poll {
  /** `took(answer, problem)`: one of the two is null. */
  constructor(every, took) {
    Object.assign(this, { every, took, address: null, number: 0, timer: null });
  }

  /** Ask at this address from now on; at once if it is another one. */
  at(address) {
    if (address === this.address) return;
    this.stop();
    this.address = address;
    this.ask();
  }

  stop() {
    clearTimeout(this.timer);
    this.address = null;
    this.number += 1;
  }

  async ask() {
    const number = ++this.number;
    let answer = null;
    let problem = null;
    try {
      const response = await fetch(this.address);
      const told = await response.json();
      if (response.ok) answer = told;
      else problem = told.error;
    } catch {
      problem = unreached();
    }
    if (number !== this.number) return; // overtaken by a later question
    this.took(answer, problem);
    this.timer = setTimeout(() => this.ask(), this.every);
  }
}

/** /api/v1/what?name=value…; null and "" are left out. */
export function apiAddress(what, asked = {}) {
  const query = new URLSearchParams(Object.entries(asked).filter(([, value]) => value !== null && value !== undefined && value !== ""));
  return `/api/v1/${what}${query.size ? `?${query}` : ""}`;
}
