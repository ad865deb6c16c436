// Tables of figures: each scrolls by itself, with the keyboard too, and can be taken away as a file.

import { el, mark, put } from "/static/dom.js";

export class Table {
  /** `classes` of the table; `columns`: the class of each head and of what stands under it, null where it heads nothing. */
  constructor(classes, columns) {
    this.columns = columns;
    this.heads = columns.map((name) => (name === null ? el("td", "") : Object.assign(el("th", name), { scope: "col" })));
    this.body = el("tbody", "");
    this.table = el("table", classes, el("thead", "", el("tr", "", ...this.heads)), this.body);
    this.node = el("div", "scroll", this.table);
    this.node.tabIndex = 0;
    this.node.setAttribute("role", "region");
  }

  /** What it is called aloud, and what stands over each column. */
  name(label, texts) {
    mark(this.node, "aria-label", label);
    texts.forEach((text, i) => put(this.heads[i], text));
  }

  /** The same row, each of whose cells knows what stands over it: on a phone it stands before it. */
  label(row) {
    [...row.children].forEach((cell, i) => (cell.dataset.head = this.heads[i].textContent));
    return row;
  }

  /** Let these be the rows; nothing is touched where they are already. */
  show(rows) {
    const { children } = this.body;
    if (rows.length === children.length && rows.every((row, i) => row === children[i])) return;
    for (const row of rows) this.columns.forEach((name, i) => name && row.children[i]?.classList.add(name));
    this.body.replaceChildren(...rows);
  }
}

/** A row: its head, then a cell for each text or node. */
export function tableRow(head, cells) {
  return el("tr", "", Object.assign(el("th", "", head), { scope: "row" }), ...cells.map((cell) => (typeof cell === "string" ? el("td", "", cell) : cell)));
}

/** The link that takes a table away. `tell(label, address)`: what it is called aloud, whence it comes. */
export function csvLink() {
  const node = Object.assign(el("a", "key csv"), { download: "" });
  node.tell = (label, address) => {
    put(node, "CSV");
    mark(node, "aria-label", label);
    mark(node, "href", address);
  };
  return node;
}
