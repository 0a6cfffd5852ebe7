/** Who is using the page: the key it was opened with, and requests made with it. */

const KEPT_AS = 'quietline-token'

/** Moves the key from the address bar, where it could be copied or bookmarked, into this tab's own storage. */
export function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get('token')
  if (given) {
    sessionStorage.setItem(KEPT_AS, given)
    history.replaceState(null, '', location.pathname + location.search)
  }
  return sessionStorage.getItem(KEPT_AS)
}

/** @param {string} token */
export function keepToken(token) {
  sessionStorage.setItem(KEPT_AS, token)
}

export function forgetToken() {
  sessionStorage.removeItem(KEPT_AS)
}

/**
 * @param {string} token
 * @param {string} path below `/v1.0`
 * @returns {Promise<any>} the answer's JSON; rejects with an Error that has `status` for anything but 2xx
 */
export async function ask(token, path) {
  const answer = await fetch(`/v1.0${path}`, { headers: { authorization: `Bearer ${token}` } })
  if (!answer.ok) throw Object.assign(new Error(`${path}: ${answer.status}`), { status: answer.status })
  return await answer.json()
}

/** @returns {string} `ws://` or `wss://` of this server, with the key: a browser can send it in no other place */
export function socketUrl(/** @type {string} */ path, /** @type {string} */ token) {
  const url = new URL(path, location.href)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  url.searchParams.set('token', token)
  return url.href
}
