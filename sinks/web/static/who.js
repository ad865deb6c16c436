// Who looks: asked for once, and again when the stream is refused. Without logins it is nobody in particular.

import { LOGIN } from "/static/words_pages.js";

export class Who {
  /** `known(me)` when the answer is there. A session that is over leads to the login. */
  constructor(known) {
    this.known = known;
    this.me = null;
    this.ask();
  }

  async ask() {
    try {
      const response = await fetch("/api/v1/me");
      if (response.status === 401) location.reload(); // the login is what this address shows now
      if (!response.ok) return;
      this.me = await response.json();
      this.known(this.me);
    } catch {
      // away: the screen says so, and asks again when it comes back
    }
  }

  may(right) {
    return this.me === null || this.me.rights.includes(right);
  }

  /** What the key that logs out says; "" where nobody has logged in here. */
  leaves(lang) {
    return this.me?.mode === "accounts" ? LOGIN[lang].leave(this.me.name) : "";
  }

  async leave() {
    await fetch("/api/v1/session", { method: "DELETE", headers: { "Content-Type": "application/json", "X-Hotline-Action": "1" } });
    location.reload();
  }
}
