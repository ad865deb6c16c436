// The keyboard. Single letters can be switched off (WCAG 2.1.4): whoever speaks to the machine would press them unawares.

const KEPT = "hotline.keys";

export function keysOn() {
  try {
    return localStorage.getItem(KEPT) !== "off";
  } catch {
    return true; // storage is switched off: so is the choice
  }
}

export function switchKeys(on) {
  try {
    localStorage.setItem(KEPT, on ? "on" : "off");
  } catch {
    // as above
  }
}

/** Arrows go from tile to tile, to the nearest one in their direction. */
export function step(event) {
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
  const from = document.activeElement?.closest?.(".tile");
  if (!from || (!dx && !dy)) return;
  event.preventDefault();
  const centre = (node) => {
    const box = node.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  };
  const [x, y] = centre(from);
  const ahead = [...document.querySelectorAll(".tile:has(.tile-link)")]
    .map((node) => [node, ...centre(node)])
    .filter(([, left, top]) => (left - x) * dx + (top - y) * dy > 1)
    .map(([node, left, top]) => [node, Math.abs(left - x) * (dx ? 1 : 4) + Math.abs(top - y) * (dy ? 1 : 4)])
    .sort(([, near], [, far]) => near - far);
  ahead[0]?.[0].querySelector(".tile-link").focus();
}

/** Whether a key belongs to a field or an open dialog; one that has just closed keeps the focus until the next frame. */
function typedInto(node) {
  return node.closest?.("input, textarea, select, dialog") && !node.closest("dialog:not([open])");
}

/** `actions`: key -> what it does; `escape` and `arrow` hold even where letters are switched off. */
export function listen(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (typedInto(event.target)) return;
    actions.arrow(event);
    if (event.key === "Escape") {
      if (actions.escape()) event.preventDefault();
      return;
    }
    const action = event.key.length === 1 ? actions[event.key.toLowerCase()] : null;
    if (!action) return;
    if (event.key === " " && event.target.closest?.("button, a, [tabindex='0']")) return; // it presses or scrolls there
    if (!keysOn() && event.key !== "?") return;
    event.preventDefault(); // the letter is a command, not the first one of a field that opens
    action();
  });
}
