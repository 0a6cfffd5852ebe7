/** Waiting for what must come, with a limit. */

import assert from 'node:assert/strict'

const LIMIT_MS = 20_000
const POLL_MS = 25

/** Waits for a condition; fails with `what` when it does not come within the limit. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limitMs: number = LIMIT_MS,
): Promise<void> {
  const limit = performance.now() + limitMs
  while (!(await holds())) {
    assert.ok(performance.now() < limit, `waited ${limitMs} ms in vain for: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

/** Watches that something does not happen for a while: the one wait here that has no condition to wait for. */
export async function never(what: string, happens: () => boolean | Promise<boolean>, forMs: number): Promise<void> {
  const limit = performance.now() + forMs
  while (performance.now() < limit) {
    assert.ok(!(await happens()), `happened, but must not: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}
