/** Waits for a condition, with a limit: the only way in which end-to-end tests let time pass. */

const LOOK_EVERY_MS = 10

export async function until(what: string, isSo: () => boolean | Promise<boolean>, limitMs = 20_000): Promise<void> {
  const limit = performance.now() + limitMs
  while (!(await isSo())) {
    if (performance.now() > limit) throw new Error(`not within ${limitMs} ms: ${what}`)
    await pause(LOOK_EVERY_MS)
  }
}

/** For a stretch of time that is itself what is tested, such as two seconds of sound. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
