/** Checks that follow each other on one call. */

import type { TestContext } from 'node:test'

export type Step = (name: string, check: () => void | Promise<void>) => Promise<void>

/** @returns runs a check under its own name; after one that failed the later ones fail at once and say so */
export function stepsOf(t: TestContext): Step {
  let broken = ''
  return (name, check) =>
    t.test(name, async () => {
      if (broken !== '') throw new Error(`not looked at: '${broken}' failed on the same call`)
      try {
        await check()
      } catch (cause) {
        broken = name
        throw cause
      }
    })
}
