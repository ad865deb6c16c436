// What people say leaves as JSON with a header of ours; a foreign page cannot set it.

const LOST = 504;

/** {done, status, problem}: what was written, or what to say: `failed(why)`, or `noAnswer` where nobody knows if it was. */
export async function post(what, body, failed, noAnswer) {
  try {
    const response = await fetch(`/api/v1/${what}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Hotline-Action": "1" },
      body: JSON.stringify(body),
    });
    const told = await response.json();
    const { status } = response;
    return response.ok ? { done: told.done, status, problem: null } : { done: null, status, problem: status === LOST ? noAnswer : failed(told.error) };
  } catch {
    return { done: null, status: 0, problem: noAnswer };
  }
}

const KEPT = "hotline.author";

/** The name somebody signed with here before; "" if nobody did. */
export function keptName() {
  try {
    return localStorage.getItem(KEPT) ?? "";
  } catch {
    return ""; // storage is switched off: the name is asked for each time
  }
}

export function keepName(name) {
  try {
    localStorage.setItem(KEPT, name);
  } catch {
    // as above
  }
}
