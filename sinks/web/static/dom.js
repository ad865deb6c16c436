// Elements without markup: text is only ever set as text, so no name or summary can become code.

const SVG = "http://www.w3.org/2000/svg";

/** An element with classes and children (nodes or strings). */
export function el(tag, classes = "", ...children) {
  const node = document.createElement(tag);
  if (classes) node.className = classes;
  node.append(...children);
  return node;
}

/** An SVG element with attributes and children. */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** A link to another site, in a tab of its own that knows nothing of this one. */
export function outside(classes) {
  return Object.assign(el("a", classes), { target: "_blank", rel: "noopener noreferrer" });
}

/** Set the text of a node if it differs: figures swap in place. */
export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Set or remove an attribute (null: remove). */
export function mark(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

/** A number with a small unit behind it. `set(number, unit)`; "–" is marked as no value. */
export function figure(classes) {
  const number = el("span", "number");
  const unit = el("span", "unit");
  const node = el("span", `figure ${classes}`, number, unit);
  node.set = (text, unitText = "") => {
    put(number, text);
    put(unit, text === "–" ? "" : unitText);
    mark(unit, "data-word", unitText.length > 1 || unitText === "通" ? "" : null);
    node.classList.toggle("null", text === "–");
  };
  return node;
}

/** Put parts into a node: strings stay plain, `{b: text}` is bold. */
export function phrase(node, parts) {
  const flat = parts.filter((part) => part !== null && part !== "");
  const key = JSON.stringify(flat);
  if (node.phrase === key) return;
  node.phrase = key;
  node.replaceChildren(...flat.map((part) => (typeof part === "string" ? part : el("b", "", part.b))));
}
