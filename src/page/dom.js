// Elements of the page. Whatever comes from the server becomes text, never HTML.

export const byId = (id) => document.getElementById(id);

/** `attributes` are set as they are; a class is `class`. `children` are nodes or texts. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.map(asNode));
  return made;
}

function asNode(child) {
  return child instanceof Node ? child : String(child);
}

const classOf = (isNumber) => (isNumber ? { class: 'number' } : {});

/**
 * Fills `place` with a table. A heading is a text, or { text, isNumber }. A cell is a text, a node,
 * or a list of them; the first one of a row is its heading.
 */
export function showTable(place, caption, headings, rows) {
  const known = headings.map((heading) =>
    typeof heading === 'string' ? { text: heading, isNumber: false } : heading,
  );
  const head = known.map(({ text, isNumber }) =>
    element('th', { scope: 'col', ...classOf(isNumber) }, text),
  );
  const body = rows.map((cells) => {
    const made = cells.map((cell, column) => {
      const attributes = classOf(known[column].isNumber);
      const children = Array.isArray(cell) ? cell : [cell];
      if (column === 0) return element('th', { scope: 'row', ...attributes }, ...children);
      return element('td', attributes, ...children);
    });
    return element('tr', {}, ...made);
  });
  place.replaceChildren(
    element(
      'table',
      {},
      element('caption', { class: 'unseen' }, caption),
      element('thead', {}, element('tr', {}, ...head)),
      element('tbody', {}, ...body),
    ),
  );
}

/** Sets the text if it is another one: a screen reader would read it again. */
export function setText(place, text) {
  if (place.textContent !== text) place.textContent = text;
}
