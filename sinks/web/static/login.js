// Logging in with a local account; the board follows.

import { LOGIN } from "/static/words_pages.js";

const byId = (id) => document.getElementById(id);
const words = LOGIN[document.documentElement.lang.startsWith("zh") ? "zh" : "en"];

byId("label-name").textContent = words.name;
byId("label-password").textContent = words.password;
byId("enter").textContent = words.enter;
byId("login").elements.name.focus();

byId("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { name, password } = byId("login").elements;
  byId("enter").disabled = true;
  let problem = "";
  try {
    const response = await fetch("/api/v1/session", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Hotline-Action": "1" },
      body: JSON.stringify({ name: name.value.trim(), password: password.value }),
    });
    if (response.ok) location.reload();
    else if (response.status === 429) problem = words.wait(response.headers.get("Retry-After"));
    else problem = response.status === 401 ? words.wrong : (await response.json()).error;
  } catch {
    problem = words.noAnswer;
  }
  byId("enter").disabled = false;
  byId("problem").textContent = problem;
  if (problem) password.select();
});
