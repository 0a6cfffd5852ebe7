/** A few lines instead of a framework. */

/**
 * @param {string} id
 * @returns {any} the element; throws when the page has none of that id
 */
export function byId(id) {
  const found = document.getElementById(id)
  if (!found) throw new Error(`the page has no #${id}`)
  return found
}

/**
 * @param {string} tag
 * @param {Record<string, unknown>} properties set as properties of the element
 * @param {...(Node | string)} children
 */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties)
  made.append(...children)
  return made
}
