// A list that is drawn again and again: only what says something else than before is made anew, the rest is not touched.

/** Let these nodes be the children, in this order; one that stays where it is keeps its focus and costs nothing. */
function arrange(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, i) => {
    if (parent.children[i] !== node) parent.insertBefore(node, parent.children[i] ?? null);
  });
}

export class Kept {
  /** `node`: whose children they are. */
  constructor(node) {
    Object.assign(this, { node, known: new Map() });
  }

  /** `told`: [key, says, make] of each item; `make()` its node, all of which follows from `says`. */
  show(told) {
    const before = this.known;
    this.known = new Map();
    for (const [key, what, make] of told) {
      const says = JSON.stringify(what);
      const old = before.get(key);
      this.known.set(key, old?.says === says ? old : { says, node: make() });
    }
    arrange(this.node, [...this.known.values()].map(({ node }) => node));
  }
}
